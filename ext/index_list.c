#include "index_list.h"

#include <stdlib.h>
#include <string.h>

#include "index_catalog.h"
#include "index_definition.h"
#include "numbering.h"
#include "status.h"

/* A list that was replaced. */
struct retired {
    struct retired *next;
    struct index *indexes; /* Owned, but not what is in it: */
    int index_count;       /* The next list has the same indexes, */
    struct index removed;  /* but for this one. All zero: none is missing. */
    int *checks;           /* Owned. */
    int check_count;
};

const struct index *index_list_find(const struct table *table, const char *name)
{
    for (int i = 0; i < table->index_count; i++)
        if (sqlite3_stricmp(table->indexes[i].name, name) == 0)
            return &table->indexes[i];
    return NULL;
}

void index_list_free(struct table *table)
{
    for (int i = 0; i < table->index_count; i++)
        index_deinit(&table->indexes[i]);
    free(table->indexes);
    free(table->checks);
    while (table->retired) {
        struct retired *retired = table->retired;

        table->retired = retired->next;
        index_deinit(&retired->removed);
        free(retired->indexes);
        free(retired->checks);
        free(retired);
    }
    table->indexes = NULL;
    table->index_count = 0;
    table->checks = NULL;
    table->check_count = 0;
}

/* --- The order of checks ------------------------------------------------- */

/* A rowid keeps its place: what is replaced for it is so at the end anyway. */
static bool is_replacing(const struct table *table, int check)
{
    if (check < 0)
        return table->declaration->shape >= KEY_SINGLE &&
               table->declaration->key_conflict == CONFLICT_REPLACE;
    return table->indexes[check].conflict == CONFLICT_REPLACE;
}

static void add_uniques(struct table *table, bool is_before_key)
{
    for (int i = table->index_count - 1; i >= 0; i--)
        if (table->indexes[i].is_unique &&
            table->indexes[i].is_before_key == is_before_key)
            table->checks[table->check_count++] = i;
}

/* Those declared ON CONFLICT REPLACE to the end; else as they are. */
static void move_replacing(struct table *table, int *room)
{
    int kept = 0;
    int moved = 0;

    for (int i = 0; i < table->check_count; i++) {
        int check = table->checks[i];

        if (is_replacing(table, check))
            room[moved++] = check;
        else
            table->checks[kept++] = check;
    }
    for (int i = 0; i < moved; i++)
        table->checks[kept + i] = room[i];
}

static int order_checks(struct table *table)
{
    size_t count = (size_t)table->index_count + 1;
    bool has_rowid = table->declaration->shape < KEY_SINGLE;

    table->check_count = 0;
    table->checks = malloc(2 * count * sizeof *table->checks);
    if (!table->checks)
        return SQLITE_NOMEM;
    if (has_rowid)
        table->checks[table->check_count++] = -1;
    add_uniques(table, false);
    if (!has_rowid)
        table->checks[table->check_count++] = -1;
    add_uniques(table, true);
    move_replacing(table, table->checks + count);
    return SQLITE_OK;
}

/* --- Changing the list --------------------------------------------------- */

static void restore(struct table *table, const struct retired *retired)
{
    table->indexes = retired->indexes;
    table->index_count = retired->index_count;
    table->checks = retired->checks;
    table->check_count = retired->check_count;
    table->retired = retired->next;
}

/* Puts a list of count indexes in place of the one there is. */
static int replace_list(struct table *table, struct index *indexes, int count)
{
    struct retired *retired = calloc(1, sizeof *retired);

    if (!retired)
        return SQLITE_NOMEM;
    retired->next = table->retired;
    retired->indexes = table->indexes;
    retired->index_count = table->index_count;
    retired->checks = table->checks;
    retired->check_count = table->check_count;
    table->indexes = indexes;
    table->index_count = count;
    if (order_checks(table) != SQLITE_OK) {
        restore(table, retired);
        free(retired);
        return SQLITE_NOMEM;
    }
    table->retired = retired;
    return SQLITE_OK;
}

void index_list_undo(struct table *table)
{
    struct retired *retired = table->retired;
    int count = table->index_count;

    /* What was added is the last. */
    if (count > retired->index_count)
        index_deinit(&table->indexes[count - 1]);
    free(table->indexes);
    free(table->checks);
    restore(table, retired);
    free(retired);
}

int index_list_add(struct table *table, struct index *index)
{
    size_t count = (size_t)table->index_count;
    struct index *indexes = malloc((count + 1) * sizeof *indexes);
    int rc = SQLITE_NOMEM;

    if (indexes) {
        if (count > 0)
            memcpy(indexes, table->indexes, count * sizeof *indexes);
        indexes[count] = *index;
        rc = replace_list(table, indexes, table->index_count + 1);
    }
    if (rc == SQLITE_OK)
        return SQLITE_OK;
    free(indexes);
    index_deinit(index);
    return rc;
}

int index_list_remove(struct table *table, const struct index *index)
{
    size_t place = (size_t)(index - table->indexes);
    size_t count = (size_t)table->index_count;
    struct index *indexes = malloc(count * sizeof *indexes);
    struct index removed = *index;
    int rc = SQLITE_NOMEM;

    if (indexes) {
        memcpy(indexes, table->indexes, place * sizeof *indexes);
        memcpy(indexes + place, index + 1,
               (count - place - 1) * sizeof *indexes);
        rc = replace_list(table, indexes, table->index_count - 1);
    }
    if (rc == SQLITE_OK)
        table->retired->removed = removed;
    else
        free(indexes);
    return rc;
}

/* --- Create and connect -------------------------------------------------- */

static int add_row(struct table *table, const struct store_row *store,
                   const struct index *index,
                   const struct index_definition *definition)
{
    struct index_row row = {.name = index->name,
                            .store = store->number,
                            .id = index->id,
                            .is_declared = true};
    int rc = SQLITE_NOMEM;

    row.definition = index_definition_text(definition, table->declaration);
    if (row.definition)
        rc = index_catalog_add(table->db, table->schema, table->name, &row);
    free(row.definition);
    return rc;
}

static int create_one(struct table *table, struct store_row *store, int number)
{
    const struct index_definition *definition =
        &table->declaration->indexes[number];
    struct index *index = &table->indexes[number];
    byron_status status = index_init(index, table->declaration, definition);
    int rc;

    if (status != BYRON_OK)
        return status_fail(table, status);
    table->index_count++;
    index->is_declared = true;
    index->is_before_key = definition->is_before_key;
    rc = numbering_take(table, store, &index->id);
    return rc == SQLITE_OK ? add_row(table, store, index, definition) : rc;
}

static int take_room(struct table *table, int count)
{
    table->indexes = calloc((size_t)count, sizeof *table->indexes);
    return table->indexes ? SQLITE_OK : SQLITE_NOMEM;
}

int index_list_create(struct table *table, struct store_row *row)
{
    int count = table->declaration->index_count;
    int rc;

    if (count == 0)
        return SQLITE_OK;
    rc = take_room(table, count);
    if (rc == SQLITE_OK)
        rc = index_catalog_create(table->db, table->schema);
    /* Rows of a table that is not there would be in the way. */
    if (rc == SQLITE_OK)
        rc = index_catalog_remove(table->db, table->schema, table->name, NULL);
    for (int i = 0; i < count && rc == SQLITE_OK; i++)
        rc = create_one(table, row, i);
    return rc == SQLITE_OK ? order_checks(table) : rc;
}

static bool is_before_key(const struct table *table, const struct index *index)
{
    const struct declaration *declaration = table->declaration;

    for (int i = 0; i < declaration->index_count; i++)
        if (index->is_declared &&
            sqlite3_stricmp(declaration->indexes[i].name, index->name) == 0)
            return declaration->indexes[i].is_before_key;
    return false;
}

static bool is_taken(const struct table *table, uint32_t id)
{
    for (int i = 0; i < table->index_count; i++)
        if (table->indexes[i].id == id)
            return true;
    return id == 0 || id == table->id;
}

/* Anybody may write to the host's tables: nothing of a row is trusted. */
static int load_one(struct table *table, const struct index_row *row)
{
    struct index_definition definition;
    struct index *index = &table->indexes[table->index_count];
    char *words = NULL;
    byron_status status = index_definition_parse(
        row->definition, table->declaration, &definition, &words);
    bool is_sound = status == BYRON_OK && definition.name &&
                    sqlite3_stricmp(definition.name, row->name) == 0 &&
                    !index_list_find(table, row->name) &&
                    !is_taken(table, row->id);

    free(words);
    if (is_sound) {
        status = index_init(index, table->declaration, &definition);
        index_definition_deinit(&definition);
    } else if (status == BYRON_OK) {
        index_definition_deinit(&definition);
    }
    if (status == BYRON_NO_MEMORY)
        return SQLITE_NOMEM;
    if (!is_sound)
        return table_fail(table, SQLITE_CORRUPT_VTAB,
                          "byron: the row of index %s in byron_index is "
                          "damaged",
                          row->name);
    index->id = row->id;
    index->is_declared = row->is_declared;
    index->is_before_key = is_before_key(table, index);
    table->index_count++;
    return SQLITE_OK;
}

int index_list_load(struct table *table)
{
    struct index_row *rows;
    int count;
    int rc = index_catalog_read(table->db, table->schema, table->name, &rows,
                                &count);

    if (rc != SQLITE_OK || count == 0)
        return rc;
    rc = take_room(table, count);
    for (int i = 0; i < count && rc == SQLITE_OK; i++)
        rc = load_one(table, &rows[i]);
    index_catalog_free(rows, count);
    return rc == SQLITE_OK ? order_checks(table) : rc;
}
