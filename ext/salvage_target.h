/*
 * salvage_target: the table that salvaged rows go into, row by row, by INSERT
 * as anybody's: so its constraints hold and its indexes are built.
 */
#ifndef BYRON_EXT_SALVAGE_TARGET_H
#define BYRON_EXT_SALVAGE_TARGET_H

#include "byron_inspect.h"
#include "row.h"
#include "salvage_source.h"

struct salvage_target {
    sqlite3 *db;
    const struct salvage_source *source; /* Borrowed. */
    char *schema;                        /* Owned. */
    char *name;                          /* Owned. */
    const char *rowid;                   /* A name for it, or NULL. */
    sqlite3_stmt *insert;
    struct row row;
    struct field *fields; /* Owned: of a row, and its rowid. */
};

/* name: 't', of main, or 'schema.t'. Made as source was declared, where there
 * is none. On failure SQLite's code and *message. */
int salvage_target_open(sqlite3 *db, const char *name,
                        const struct salvage_source *source,
                        struct salvage_target *out, char **message);
void salvage_target_close(struct salvage_target *target);
/* SQLITE_OK, or why the row cannot be there; the words are *refusal. Any other
 * failure than of the row is in *is_fatal. */
int salvage_target_add(struct salvage_target *target,
                       const struct byron_salvaged_row *row, char **refusal,
                       bool *is_fatal);

#endif
