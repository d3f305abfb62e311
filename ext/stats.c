#include "stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lookup.h"

#define MAX_FIGURES 96
#define MAX_NAME    32

struct figure {
    char name[MAX_NAME];
    bool is_real;
    sqlite3_int64 integer;
    double real;
};

struct stats_table {
    sqlite3_vtab base; /* First: SQLite casts. */
    struct connection *connection;
};

struct stats_cursor {
    sqlite3_vtab_cursor base; /* First: SQLite casts. */
    struct figure figures[MAX_FIGURES];
    int count;
    int index;
};

/* --- figures ---------------------------------------------------------------
 */

static struct figure *add(struct stats_cursor *cursor, const char *name)
{
    struct figure *figure = &cursor->figures[cursor->count];

    if (cursor->count < MAX_FIGURES - 1)
        cursor->count++;
    memset(figure, 0, sizeof *figure);
    snprintf(figure->name, sizeof figure->name, "%s", name);
    return figure;
}

static void add_count(struct stats_cursor *cursor, const char *name,
                      uint64_t value)
{
    add(cursor, name)->integer = (sqlite3_int64)value;
}

/* Nothing where the divisor is zero: there is no such ratio yet. */
static void add_ratio(struct stats_cursor *cursor, const char *name,
                      uint64_t dividend, uint64_t divisor)
{
    struct figure *figure;

    if (divisor == 0)
        return;
    figure = add(cursor, name);
    figure->is_real = true;
    figure->real = (double)dividend / (double)divisor;
}

static void add_level(struct stats_cursor *cursor, int number,
                      const struct byron_level_stats *level)
{
    const struct {
        const char *name;
        uint64_t value;
    } figures[] = {
        {"runs", level->runs},
        {"files", level->files},
        {"bytes", level->bytes},
        {"entries", level->entries},
        {"tombstones", level->tombstones},
    };

    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        char name[MAX_NAME];
        snprintf(name, sizeof name, "level_%d_%s", number, figures[i].name);
        add_count(cursor, name, figures[i].value);
    }
}

static void add_levels(struct stats_cursor *cursor,
                       const struct byron_stats *stats)
{
    uint64_t levels = 0;
    uint64_t files = 0;
    uint64_t bytes = 0;
    uint64_t last = 0;

    for (int i = 0; i < BYRON_LEVELS; i++) {
        levels += stats->level[i].files > 0;
        files += stats->level[i].files;
        bytes += stats->level[i].bytes;
        if (stats->level[i].bytes > 0)
            last = stats->level[i].bytes;
    }
    add_count(cursor, "levels", levels);
    add_count(cursor, "files", files);
    add_count(cursor, "bytes", bytes);
    for (int i = 0; i < BYRON_LEVELS; i++)
        if (stats->level[i].files > 0)
            add_level(cursor, i, &stats->level[i]);
    /* What the last level holds is live; all above it may be superseded. */
    add_ratio(cursor, "space_amplification", bytes, last);
    add_ratio(cursor, "write_amplification",
              stats->wal_bytes_written + stats->flush_bytes +
                  stats->compact_bytes,
              stats->user_bytes);
}

static void add_figures(struct stats_cursor *cursor,
                        const struct byron_stats *stats)
{
    add_levels(cursor, stats);
    add_count(cursor, "disk_bytes", stats->disk_bytes);
    add_count(cursor, "memory", stats->memory);
    add_count(cursor, "memtable_bytes", stats->memtable_bytes);
    add_count(cursor, "memtable_entries", stats->memtable_entries);
    add_count(cursor, "frozen_bytes", stats->frozen_bytes);
    add_count(cursor, "frozen_count", stats->frozen_count);
    add_count(cursor, "wal_files", stats->wal_files);
    add_count(cursor, "wal_bytes", stats->wal_bytes);
    add_count(cursor, "cache_capacity", stats->cache_capacity);
    add_count(cursor, "cache_bytes", stats->cache_bytes);
    add_count(cursor, "cache_hits", stats->cache_hits);
    add_count(cursor, "cache_misses", stats->cache_misses);
    add_ratio(cursor, "cache_hit_ratio", stats->cache_hits,
              stats->cache_hits + stats->cache_misses);
    add_count(cursor, "user_bytes", stats->user_bytes);
    add_count(cursor, "wal_bytes_written", stats->wal_bytes_written);
    add_count(cursor, "flush_bytes", stats->flush_bytes);
    add_count(cursor, "compact_bytes", stats->compact_bytes);
    add_count(cursor, "flushes", stats->flushes);
    add_count(cursor, "compactions", stats->compactions);
    add_count(cursor, "compaction_debt", stats->debt_bytes);
    add_count(cursor, "delayed_writes", stats->delayed_writes);
    add_count(cursor, "delay_us", stats->delay_us);
    add_count(cursor, "delay_max_us", stats->delay_max_us);
    add_count(cursor, "snapshots", stats->snapshots);
    add_count(cursor, "sequence", stats->sequence);
    add_count(cursor, "commits", stats->commits);
    add_count(cursor, "syncs", stats->syncs);
    add_count(cursor, "background_errors", stats->background_errors);
}

/* --- what SQLite calls -------------------------------------------------------
 */

enum { COLUMN_NAME, COLUMN_VALUE, COLUMN_TABLE };

static int connect(sqlite3 *db, void *connection, int count,
                   const char *const *arguments, sqlite3_vtab **out,
                   char **message)
{
    struct stats_table *table;
    int rc = sqlite3_declare_vtab(
        db, "CREATE TABLE x(name TEXT, value, \"table\" TEXT HIDDEN)");

    (void)count;
    (void)arguments;
    (void)message;
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    if (rc != SQLITE_OK)
        return rc;
    table = calloc(1, sizeof *table);
    if (!table)
        return SQLITE_NOMEM;
    table->connection = connection;
    *out = &table->base;
    return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *base)
{
    free(base);
    return SQLITE_OK;
}

/* The table's name must be given: there is no plan without. */
static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    bool is_given = false;

    for (int i = 0; i < info->nConstraint; i++) {
        if (info->aConstraint[i].iColumn != COLUMN_TABLE ||
            info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
            continue;
        if (!info->aConstraint[i].usable)
            return SQLITE_CONSTRAINT;
        if (is_given)
            continue;
        info->aConstraintUsage[i].argvIndex = 1;
        info->aConstraintUsage[i].omit = 1;
        is_given = true;
    }
    info->estimatedCost = 100;
    info->estimatedRows = 40;
    if (is_given)
        return SQLITE_OK;
    sqlite3_free(base->zErrMsg);
    base->zErrMsg = sqlite3_mprintf("byron: byron_stats needs a table's name: "
                                    "SELECT * FROM byron_stats('t')");
    return SQLITE_ERROR;
}

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    struct stats_cursor *cursor = calloc(1, sizeof *cursor);

    (void)base;
    if (!cursor)
        return SQLITE_NOMEM;
    *out = &cursor->base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    free(base);
    return SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int plan, const char *text,
                  int count, sqlite3_value **arguments)
{
    struct stats_cursor *cursor = (struct stats_cursor *)base;
    struct stats_table *table = (struct stats_table *)base->pVtab;
    const char *name = (const char *)sqlite3_value_text(arguments[0]);
    struct byron_stats stats;
    struct lookup lookup;
    char *message = NULL;
    int rc;

    (void)plan;
    (void)text;
    (void)count;
    cursor->count = 0;
    cursor->index = 0;
    rc = lookup_open(table->connection, name ? name : "", &lookup, &message);
    if (rc != SQLITE_OK) {
        sqlite3_free(base->pVtab->zErrMsg);
        base->pVtab->zErrMsg = message;
        return rc;
    }
    byron_stats(lookup.db, &stats);
    lookup_close(&lookup);
    add_figures(cursor, &stats);
    return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *base)
{
    ((struct stats_cursor *)base)->index++;
    return SQLITE_OK;
}

static int is_at_end(sqlite3_vtab_cursor *base)
{
    struct stats_cursor *cursor = (struct stats_cursor *)base;
    return cursor->index >= cursor->count;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context,
                  int number)
{
    struct stats_cursor *cursor = (struct stats_cursor *)base;
    const struct figure *figure = &cursor->figures[cursor->index];

    if (number == COLUMN_NAME)
        sqlite3_result_text(context, figure->name, -1, SQLITE_TRANSIENT);
    else if (number == COLUMN_VALUE && figure->is_real)
        sqlite3_result_double(context, figure->real);
    else if (number == COLUMN_VALUE)
        sqlite3_result_int64(context, figure->integer);
    return SQLITE_OK;
}

static int rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    *out = ((struct stats_cursor *)base)->index;
    return SQLITE_OK;
}

/* No xCreate: it is there without CREATE VIRTUAL TABLE. */
static const sqlite3_module module = {
    .iVersion = 0,
    .xConnect = connect,
    .xBestIndex = best_index,
    .xDisconnect = disconnect,
    .xDestroy = disconnect,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next,
    .xEof = is_at_end,
    .xColumn = column,
    .xRowid = rowid,
};

int stats_register(struct connection *connection)
{
    return sqlite3_create_module_v2(connection->db, "byron_stats", &module,
                                    connection, NULL);
}
