/*
 * storage_parts: what the record and the calls of storage share.
 */
#ifndef BYRON_TESTS_TORTURE_STORAGE_PARTS_H
#define BYRON_TESTS_TORTURE_STORAGE_PARTS_H

#include "torture/storage.h"

#define STORAGE_FILES_MAX 1024
/* A kind of call that fails where there are no links: storage_refuse_links. */
#define STORAGE_FAULT_LINK (1u << 31)

struct open_file {
    char *path; /* NULL: not watched. */
    unsigned number;
    bool is_directory;
    uint64_t at; /* Of write(). */
};

/* What follows needs the lock. Unlocking leaves errno as it is. */
void storage_lock(void);
void storage_unlock(void);

/* Is it watched? Then its path, out: PATH_MAX bytes. */
bool storage_resolve(int dir, const char *path, char *out);
/* NULL: not watched. The next one: a file that has just been opened. */
struct open_file *storage_file(int fd);
void storage_opened(int fd, const char *path, bool is_new, bool is_directory);

int storage_forget(int fd); /* Is not watched, or no longer. The same fd. */

void storage_add(enum storage_kind kind, const char *path);
void storage_add_for(enum storage_kind kind, const struct open_file *file,
                     uint64_t offset);
void storage_add_write(const struct open_file *file, uint64_t offset,
                       const void *data, size_t size);
/* to: the new name; NULL with STORAGE_REMOVE and STORAGE_REMOVE_DIR. */
void storage_add_name(enum storage_kind kind, const char *path, const char *to);

/* Does this call fail? Then errno says how. */
bool storage_strikes(unsigned kind, const char *path);
/* A piece of what was asked for, by chance; 0: interrupted. */
size_t storage_disturbed(size_t size);

#endif
