/*
 * option: one name=value option, alone; those of a declaration are parsed
 * through parser.h. Pure.
 */
#ifndef BYRON_EXT_OPTION_H
#define BYRON_EXT_OPTION_H

#include "declaration.h"

/* The words for one that is not known, a format that takes its name. */
#define OPTION_UNKNOWN                                                         \
    "byron: unrecognized option: \"%s\"; there are memory, memtable, cache, "  \
    "compression, block_size, bloom_bits, hash_index, file_size, fanout, "     \
    "threads, mmap, path, commit, conflict and ttl"

/*
 * Parses "name = value" of a setting that can change after CREATE. *setting is
 * its index, as in settings.h. On failure *message is a sentence (malloc'd,
 * the caller's to free).
 */
BYRON_MUST_CHECK byron_status option_parse_change(const char *text,
                                                  struct byron_options *out,
                                                  int *setting, char **message);

#endif
