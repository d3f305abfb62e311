/*
 * file_name: number and kind <-> name inside the store's directory.
 *
 * One counter numbers manifests, WALs and SSTables; no number is used twice.
 */
#ifndef BYRON_BASE_FILE_NAME_H
#define BYRON_BASE_FILE_NAME_H

#include "base/os.h"

enum file_kind { FILE_MANIFEST = 'M', FILE_WAL = 'W', FILE_TABLE = 'S' };

/* "S-000000000000002a" */
void file_name_format(enum file_kind kind, uint64_t number,
                      char out[OS_NAME_MAX]);
/* False for any other name (HEAD, LOCK, a stranger's file). */
bool file_name_parse(const char *name, enum file_kind *kind, uint64_t *number);

#endif
