/*
 * file_copy: the database file of a backup. SQLite fills it under the name
 * `<path>-incomplete`; it gets its own name when all else is there, so that a
 * backup which was broken off never passes for one.
 *
 * All functions answer SQLite's code, and on failure a sentence
 * (sqlite3_mprintf'd).
 */
#ifndef BYRON_EXT_FILE_COPY_H
#define BYRON_EXT_FILE_COPY_H

#include <sys/types.h>

#include "vtab.h"

struct file_copy {
    char *path;    /* Absolute; sqlite3_free'd. */
    char *partial; /* Of the file until it is finished. */
    sqlite3 *db;   /* A connection to partial; may be NULL. */
    mode_t mode;   /* Of the database that is copied. */
    bool is_made;  /* partial is there, and ours. */
};

/* Refuses what is there already, and makes the file under its first name.
 * Deinit afterwards, even on failure. */
int file_copy_init(struct file_copy *copy, const char *path, char **message);
/*
 * All pages of db's schema, in one state if a read transaction is open on it.
 * go_on is called often, with bytes done and bytes in all; what it answers
 * other than SQLITE_OK ends the copy. *bytes: of the file.
 */
int file_copy_fill(struct file_copy *copy, sqlite3 *db, const char *schema,
                   int (*go_on)(void *context, uint64_t done, uint64_t all),
                   void *context, uint64_t *bytes, char **message);
/* The row of a store gets the name and place of the store's copy. */
int file_copy_set_store(struct file_copy *copy, sqlite3_int64 number,
                        const uint8_t id[16], const char *path, char **message);
/* On the disk and under its own name. */
int file_copy_finish(struct file_copy *copy, char **message);
/* Removes what was not finished. A zeroed one is fine. */
void file_copy_deinit(struct file_copy *copy);

#endif
