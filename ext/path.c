#include "path.h"

#include <string.h>

#define LAST_BIT 63 /* Of a mask: stands for all columns from there on. */

int path_count(const struct table *table)
{
    return 1 + table->index_count;
}

struct path path_of(const struct table *table, int number)
{
    struct path path = {.table = table,
                        .entry = table->declaration,
                        .id = table->id,
                        .number = number};

    if (number > 0) {
        path.index = &table->indexes[number - 1];
        path.entry = path.index->entry;
        path.id = path.index->id;
    }
    path.key_count = path_is_rowid(&path) ? 1 : path.entry->key_count;
    return path;
}

bool path_is_rowid(const struct path *path)
{
    return path->entry->shape < KEY_SINGLE;
}

static const struct key_column *key_of(const struct path *path, int key_index)
{
    return &path->entry->key[key_index];
}

/* The number that the entry has for SQLite's column; -1: none. */
static int own_number(const struct path *path, int column)
{
    const struct declaration *table = path->table->declaration;

    if (column >= table->column_count)
        return -1;
    if (column >= 0)
        return column;
    if (path->index)
        return path->index->rowid_column;
    return table->shape == KEY_ROWID_ALIAS ? table->key[0].column : -1;
}

bool path_is_column(const struct path *path, int key_index, int column)
{
    if (path->entry->shape == KEY_ROWID_IMPLICIT)
        return column < 0;
    return key_of(path, key_index)->column == own_number(path, column);
}

bool path_is_repeated(const struct path *path, int key_index)
{
    for (int i = 0; i < key_index; i++)
        if (key_of(path, i)->column == key_of(path, key_index)->column &&
            key_of(path, i)->collation == key_of(path, key_index)->collation)
            return true;
    return false;
}

enum affinity path_affinity(const struct path *path, int key_index)
{
    if (path_is_rowid(path))
        return AFFINITY_INTEGER;
    return path->entry->columns[key_of(path, key_index)->column].affinity;
}

const char *path_collation(const struct path *path, int key_index)
{
    static const char *const names[] = {
        [COLLATION_BINARY] = "BINARY",
        [COLLATION_NOCASE] = "NOCASE",
        [COLLATION_RTRIM] = "RTRIM",
    };

    return names[key_of(path, key_index)->collation];
}

bool path_sorts_as_column(const struct path *path, int key_index)
{
    const struct key_column *key;

    if (path_is_rowid(path))
        return true;
    key = key_of(path, key_index);
    return key->collation == path->entry->columns[key->column].collation;
}

bool path_is_descending(const struct path *path, int key_index)
{
    return !path_is_rowid(path) && key_of(path, key_index)->is_descending;
}

const char *path_column_name(const struct path *path, int key_index)
{
    int column;

    if (path->entry->shape == KEY_ROWID_IMPLICIT)
        return "rowid";
    column = key_of(path, key_index)->column;
    if (column >= path->table->declaration->column_count)
        return "rowid";
    return path->entry->columns[column].name;
}

bool path_covers(const struct path *path, uint64_t used)
{
    int count = path->table->declaration->column_count;

    if (!path->index)
        return true;
    for (int i = 0; i < count; i++) {
        int bit = i < LAST_BIT ? i : LAST_BIT;

        if ((used >> bit & 1) && !index_holds(path->index, i))
            return false;
    }
    return true;
}

bool path_needs_no_value(const struct path *path, uint64_t used)
{
    const struct declaration *table = path->table->declaration;

    for (int i = 0; i < table->column_count; i++) {
        int bit = i < LAST_BIT ? i : LAST_BIT;

        if ((used >> bit & 1) && table->columns[i].key_index < 0)
            return false;
    }
    return true;
}
