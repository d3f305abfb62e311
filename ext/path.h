/*
 * path: a way to the rows of a table: by its primary key, or by an index.
 *
 * Either is a stretch of the store's keys that is made of columns in order.
 * Columns are named by SQLite's numbers, the rowid is -1.
 */
#ifndef BYRON_EXT_PATH_H
#define BYRON_EXT_PATH_H

#include "index.h"

struct path {
    const struct table *table;
    const struct index *index;       /* NULL: the primary key. */
    const struct declaration *entry; /* Whose key its keys are. */
    uint32_t id;                     /* Its keys begin with. */
    int number;                      /* 0: the primary key; then indexes. */
    int key_count;                   /* A rowid counts as one. */
};

int path_count(const struct table *table);
struct path path_of(const struct table *table, int number);

/* The key is the rowid, in eight bytes. */
bool path_is_rowid(const struct path *path);
/* Whether SQLite's column is this column of the key. */
bool path_is_column(const struct path *path, int key_index, int column);
/* A later column of an index's key may repeat one of the first. */
bool path_is_repeated(const struct path *path, int key_index);
enum affinity path_affinity(const struct path *path, int key_index);
const char *path_collation(const struct path *path, int key_index);
/* Whether ORDER BY, DISTINCT and such compare the column as the key does. */
bool path_sorts_as_column(const struct path *path, int key_index);
bool path_is_descending(const struct path *path, int key_index);
const char *path_column_name(const struct path *path, int key_index);
/* Whether the walk itself has all columns of a colUsed mask. */
bool path_covers(const struct path *path, uint64_t used);
/* Whether the table's keys themselves tell all columns of the mask, but for
 * what they may have lost. Requires: no index. */
bool path_needs_no_value(const struct path *path, uint64_t used);

#endif
