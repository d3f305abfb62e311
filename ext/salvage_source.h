/*
 * salvage_source: a byron table whose store may be beyond opening, as the
 * ordinary tables of the host database know it: nothing is connected for it.
 */
#ifndef BYRON_EXT_SALVAGE_SOURCE_H
#define BYRON_EXT_SALVAGE_SOURCE_H

#include "catalog.h"
#include "commit_point.h"
#include "index_catalog.h"

struct salvage_source {
    char *schema; /* Owned, as all of it. */
    char *name;
    char *directory;      /* Of the store. */
    uint8_t store_id[16]; /* Zeros: the row has none. */
    uint32_t id;          /* The table's. */
    /* What stood in the parentheses of CREATE VIRTUAL TABLE. */
    char **arguments;
    int argument_count;
    struct declaration *declaration;
    struct index_row *indexes;
    int index_count;
    struct byron_commit_point point;
    struct carried carried;
};

/* name: 't' or 'schema.t'. On failure SQLite's code and *message. */
int salvage_source_open(sqlite3 *db, const char *name,
                        struct salvage_source *out, char **message);
void salvage_source_close(struct salvage_source *source);
/* Whether the argument is the option of that name. */
bool salvage_source_is_option(const char *argument, const char *option);
/* 'schema.t' or 't', which is main's, in two parts (malloc'd). False: no
 * memory. */
bool salvage_source_split(sqlite3 *db, const char *name, char **schema,
                          char **table);

#endif
