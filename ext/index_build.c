#include "index_build.h"

#include <stdlib.h>
#include <string.h>

#include "conflict.h"
#include "entries.h"
#include "index_catalog.h"
#include "index_definition.h"
#include "index_list.h"
#include "interrupt.h"
#include "numbering.h"
#include "statement.h"
#include "status.h"
#include "transaction.h"
#include "try.h"
#include "view.h"

/* --- Entries for the rows there are -------------------------------------- */

/* One building. */
struct build {
    struct table *table;
    byron_txn *txn;
    const struct index *index;
    struct interrupt interrupt;
    struct entries entries;
    struct row row;
    struct field *fields; /* Of a row, then the slots of an entry. */
};

static int add_entry(struct build *build, byron_cursor *cursor)
{
    struct byron_bytes value;
    byron_status status;

    TRY(row_set_key(&build->row, byron_cursor_key(cursor)));
    TRY(byron_cursor_value(cursor, &value));
    TRY(row_set_value(&build->row, value));
    TRY(entries_read(build->table, &build->row, build->fields));
    build->entries.expires_ms = byron_cursor_expiry(cursor);
    return entries_add(&build->entries, build->index, build->fields);
out:
    if (status == BYRON_CORRUPT)
        return table_fail(build->table, SQLITE_CORRUPT_VTAB,
                          "byron: a row of %s is damaged", build->table->name);
    return status_fail(build->table, status);
}

/* Visits the keys that bear id, as they are now. */
static int walk(struct build *build, uint32_t id,
                int (*visit)(struct build *build, byron_cursor *cursor))
{
    struct byron_range range;
    byron_cursor *cursor = NULL;
    uint8_t bytes[8];
    byron_status status;
    int rc = SQLITE_OK;

    store_table_range(id, bytes, &range);
    TRY(byron_cursor_open(NULL, build->txn, &range, &cursor));
    TRY(byron_cursor_first(cursor));
    while (byron_cursor_valid(cursor)) {
        rc = interrupt_check(&build->interrupt);
        if (rc == SQLITE_OK)
            rc = visit(build, cursor);
        if (rc != SQLITE_OK)
            break;
        TRY(byron_cursor_next(cursor));
    }
out:
    byron_cursor_close(cursor);
    return rc != SQLITE_OK ? rc : status_fail(build->table, status);
}

/* The entries are in order now, so rows that are alike stand side by side. */
static int check_alike(struct build *build, byron_cursor *cursor)
{
    struct bytes *last = &build->entries.old_key;
    struct byron_bytes key = byron_cursor_key(cursor);
    size_t size = 0;
    byron_status status;

    TRY(index_measure(build->index, key, &size));
    if (size > 0 && last->size == size &&
        memcmp(last->data, key.data, size) == 0)
        return conflict_index(build->table, build->index);
    last->size = 0;
    TRY(bytes_add(last, key.data, size));
out:
    return status_fail(build->table, status);
}

static int build_entries(struct build *build)
{
    struct table *table = build->table;
    size_t count = entries_field_count(table);
    int rc;

    build->fields = malloc(2 * count * sizeof *build->fields);
    if (!build->fields)
        return SQLITE_NOMEM;
    build->entries.table = table;
    build->entries.txn = build->txn;
    build->entries.slots = build->fields + count;
    rc = status_fail(table, row_init(&build->row, table->declaration));
    if (rc == SQLITE_OK)
        rc = walk(build, table->id, add_entry);
    build->entries.old_key.size = 0;
    if (rc == SQLITE_OK && build->index->is_unique)
        rc = walk(build, build->index->id, check_alike);
    entries_deinit(&build->entries);
    row_deinit(&build->row);
    interrupt_deinit(&build->interrupt);
    free(build->fields);
    return rc;
}

/* --- The host ------------------------------------------------------------ */

static int fail_host(struct table *table, int rc)
{
    if (rc == SQLITE_OK || rc == SQLITE_NOMEM)
        return rc;
    return table_fail(table, rc, "byron: %s", sqlite3_errmsg(table->db));
}

/*
 * A change of the schema that leaves nothing behind: whoever has prepared
 * statements or the table's indexes in memory looks anew. SQLite does so
 * itself when it rolls the change back.
 */
static int change_schema(struct table *table)
{
    int rc =
        statement_execute(table->db, table->schema,
                          "CREATE VIEW \"%w\".byron_schema_change AS SELECT 1");

    if (rc == SQLITE_OK)
        rc = statement_execute(table->db, table->schema,
                               "DROP VIEW \"%w\".byron_schema_change");
    return fail_host(table, rc);
}

static int mark_format(struct table *table)
{
    struct table_row row;
    int rc = catalog_table(table->db, table->schema, table->name, &row);

    if (rc == SQLITE_OK && row.store != 0 &&
        row.format < CATALOG_FORMAT_INDEXES) {
        row.format = CATALOG_FORMAT_INDEXES;
        rc = catalog_add_table(table->db, table->schema, table->name, &row);
    }
    return rc;
}

/* All but the index's row, without which none of it has an effect. */
static int prepare_host(struct table *table, const struct store_row *store)
{
    int rc = index_catalog_create(table->db, table->schema);

    if (rc == SQLITE_OK)
        rc = catalog_set_store(table->db, table->schema, store);
    if (rc == SQLITE_OK)
        rc = mark_format(table);
    if (rc != SQLITE_OK)
        return fail_host(table, rc);
    return change_schema(table);
}

static int add_row(struct table *table, const struct store_row *store,
                   const struct index_definition *definition, uint32_t id)
{
    struct index_row row = {
        .name = definition->name, .store = store->number, .id = id};
    int rc = SQLITE_NOMEM;

    row.definition = index_definition_text(definition, table->declaration);
    if (row.definition)
        rc = index_catalog_add(table->db, table->schema, table->name, &row);
    free(row.definition);
    return fail_host(table, rc);
}

/* --- Adding -------------------------------------------------------------- */

static int name_index(struct table *table, struct index_definition *definition)
{
    for (int number = 1; !definition->name; number++) {
        char *name =
            index_definition_name(definition, table->declaration, number);

        if (!name)
            return SQLITE_NOMEM;
        if (index_list_find(table, name))
            free(name);
        else
            definition->name = name;
    }
    if (index_list_find(table, definition->name))
        return table_fail(table, SQLITE_ERROR, "index %s already exists",
                          definition->name);
    return SQLITE_OK;
}

static int parse(struct table *table, const char *text,
                 struct index_definition *out)
{
    char *words = NULL;
    byron_status status =
        index_definition_parse(text, table->declaration, out, &words);
    int rc = SQLITE_OK;

    if (status == BYRON_NO_MEMORY)
        rc = SQLITE_NOMEM;
    else if (status != BYRON_OK)
        rc = table_fail(table, SQLITE_ERROR, "%s", words);
    free(words);
    return rc == SQLITE_OK ? name_index(table, out) : rc;
}

static int read_store(struct table *table, struct store_row *out)
{
    int rc = catalog_store(table->db, table->schema, table->transaction->number,
                           out);

    if (rc == SQLITE_OK && out->number == 0)
        return table_fail(table, SQLITE_CORRUPT_VTAB,
                          "byron: the store of %s is not in byron_store",
                          table->name);
    return fail_host(table, rc);
}

/* Takes index. */
static int enter(struct table *table, const struct store_row *store,
                 const struct index_definition *definition, struct index *index)
{
    uint32_t id = index->id;
    int rc = prepare_host(table, store);

    if (rc != SQLITE_OK) {
        index_deinit(index);
        return rc;
    }
    rc = index_list_add(table, index);
    if (rc != SQLITE_OK)
        return rc;
    rc = add_row(table, store, definition, id);
    if (rc != SQLITE_OK)
        index_list_undo(table);
    return rc;
}

static int add_defined(struct table *table, byron_txn *txn,
                       const struct index_definition *definition)
{
    struct build build = {
        .table = table, .txn = txn, .interrupt.db = table->db};
    struct store_row store;
    struct index index;
    int rc = read_store(table, &store);

    if (rc != SQLITE_OK)
        return rc;
    rc = status_fail(table, index_init(&index, table->declaration, definition));
    if (rc != SQLITE_OK)
        goto out;
    rc = numbering_take(table, &store, &index.id);
    build.index = &index;
    if (rc == SQLITE_OK)
        rc = build_entries(&build);
    if (rc == SQLITE_OK)
        rc = enter(table, &store, definition, &index);
    else
        index_deinit(&index);
out:
    catalog_store_deinit(&store);
    return rc;
}

int index_add(struct table *table, const char *definition)
{
    struct index_definition parsed = {0};
    byron_txn *txn;
    uint64_t mark;
    int rc = parse(table, definition, &parsed);

    if (rc == SQLITE_OK)
        rc = transaction_write(table, &txn);
    if (rc != SQLITE_OK) {
        index_definition_deinit(&parsed);
        return rc;
    }
    mark = byron_txn_mark(txn);
    rc = add_defined(table, txn, &parsed);
    /* A statement of ours that runs out of memory makes SQLite roll back the
     * whole transaction, at once. */
    if (rc != SQLITE_OK && table->transaction->txn == txn)
        byron_txn_rollback_to(txn, mark);
    index_definition_deinit(&parsed);
    return rc;
}

/* --- Dropping ------------------------------------------------------------ */

int index_drop(struct table *table, const char *name)
{
    const struct index *index = index_list_find(table, name);
    uint32_t id;
    int rc;

    if (!index)
        return table_fail(table, SQLITE_ERROR, "no such index: %s", name);
    if (index->is_declared && index->is_unique)
        return table_fail(table, SQLITE_ERROR,
                          "index associated with UNIQUE or PRIMARY KEY "
                          "constraint cannot be dropped");
    id = index->id;
    rc = view_ready(table);
    if (rc == SQLITE_OK)
        rc = connection_note_schema(table->transaction, id);
    if (rc == SQLITE_OK)
        rc = change_schema(table);
    if (rc == SQLITE_OK)
        rc = index_list_remove(table, index);
    if (rc != SQLITE_OK)
        return rc;
    rc = fail_host(table, index_catalog_remove(table->db, table->schema,
                                               table->name, name));
    if (rc != SQLITE_OK)
        index_list_undo(table);
    return rc;
}
