#include "count.h"

#include "index.h"
#include "reply.h"
#include "sweep.h"

#define RUN_MOST 100000 /* Rows between two looks for an interrupt. */

static uint64_t count_bytes(const struct table *table, uint32_t id)
{
    struct byron_range range;
    uint8_t bytes[8];
    uint64_t rows;
    uint64_t size;

    store_table_range(id, bytes, &range);
    if (byron_estimate(table->transaction->store->db, &range, &rows, &size) !=
        BYRON_OK)
        return UINT64_MAX;
    return size;
}

/* The table or an index: each has an entry for each row. */
static uint32_t find_smallest(const struct table *table)
{
    uint32_t id = table->id;
    uint64_t least = table->index_count > 0 ? count_bytes(table, id) : 0;

    for (int i = 0; i < table->index_count; i++) {
        uint64_t bytes = count_bytes(table, table->indexes[i].id);

        if (bytes >= least)
            continue;
        least = bytes;
        id = table->indexes[i].id;
    }
    return id;
}

/* Exact, at the state that the statement sees; no value is read. */
static int count_exactly(struct table *table, sqlite3_int64 *out)
{
    struct sweep sweep;
    bool is_there = true;
    int rc = sweep_open(&sweep, table, find_smallest(table));

    *out = -1;
    while (rc == SQLITE_OK && is_there) {
        rc = sweep_next(&sweep, &is_there);
        ++*out;
        if (rc == SQLITE_OK && is_there)
            *out += (sqlite3_int64)byron_cursor_skip(sweep.entries, RUN_MOST);
    }
    sweep_close(&sweep);
    return rc;
}

static void count_all(sqlite3_context *context, int count,
                      sqlite3_value **arguments)
{
    struct lookup lookup;
    sqlite3_int64 rows;
    int rc;

    (void)count;
    if (!reply_open_table(context, arguments[0], &lookup))
        return;
    rc = count_exactly(lookup.table, &rows);
    if (rc == SQLITE_OK)
        sqlite3_result_int64(context, rows);
    else
        reply_table_failure(context, lookup.table, rc);
    lookup_close(&lookup);
}

static void count_about(sqlite3_context *context, int count,
                        sqlite3_value **arguments)
{
    const char *way = (const char *)sqlite3_value_text(arguments[1]);
    struct lookup lookup;
    struct byron_range range;
    uint8_t bytes[8];
    uint64_t rows;
    uint64_t size;
    byron_status status;

    if (sqlite3_stricmp(way ? way : "", "exact") == 0) {
        count_all(context, count, arguments);
        return;
    }
    if (sqlite3_stricmp(way ? way : "", "approx") != 0) {
        reply_failure(context, SQLITE_ERROR,
                      sqlite3_mprintf("byron: byron_count counts 'exact' or "
                                      "'approx', not '%s'",
                                      way ? way : "NULL"));
        return;
    }
    if (!reply_open(context, arguments[0], &lookup))
        return;
    store_table_range(lookup.id, bytes, &range);
    status = byron_estimate(lookup.db, &range, &rows, &size);
    if (status == BYRON_OK)
        sqlite3_result_int64(context, (sqlite3_int64)rows);
    else
        reply_status(context, status);
    lookup_close(&lookup);
}

int count_register(struct connection *connection)
{
    static const struct function functions[] = {
        {"byron_count", 1, 0, count_all},
        {"byron_count", 2, 0, count_about},
    };

    return reply_register(connection, functions,
                          sizeof functions / sizeof *functions);
}
