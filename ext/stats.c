#include "stats.h"

#include <stdio.h>
#include <string.h>

#include "listing.h"
#include "lookup.h"

#define MAX_FIGURES 96
#define MAX_NAME    32

struct figure {
    char name[MAX_NAME];
    bool is_real;
    sqlite3_int64 integer;
    double real;
};

struct stats {
    struct figure figures[MAX_FIGURES];
    int count;
    int index; /* Of the row; 0: before the first. */
};

/* --- figures ---------------------------------------------------------------
 */

static struct figure *add(struct stats *list, const char *name)
{
    struct figure *figure = &list->figures[list->count];

    if (list->count < MAX_FIGURES - 1)
        list->count++;
    memset(figure, 0, sizeof *figure);
    snprintf(figure->name, sizeof figure->name, "%s", name);
    return figure;
}

static void add_count(struct stats *list, const char *name, uint64_t value)
{
    add(list, name)->integer = (sqlite3_int64)value;
}

/* Nothing where the divisor is zero: there is no such ratio yet. */
static void add_ratio(struct stats *list, const char *name, uint64_t dividend,
                      uint64_t divisor)
{
    struct figure *figure;

    if (divisor == 0)
        return;
    figure = add(list, name);
    figure->is_real = true;
    figure->real = (double)dividend / (double)divisor;
}

static void add_level(struct stats *list, int number,
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
        add_count(list, name, figures[i].value);
    }
}

static void add_levels(struct stats *list, const struct byron_stats *stats)
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
    add_count(list, "levels", levels);
    add_count(list, "files", files);
    add_count(list, "bytes", bytes);
    for (int i = 0; i < BYRON_LEVELS; i++)
        if (stats->level[i].files > 0)
            add_level(list, i, &stats->level[i]);
    /* What the last level holds is live; all above it may be superseded. */
    add_ratio(list, "space_amplification", bytes, last);
    add_ratio(list, "write_amplification",
              stats->wal_bytes_written + stats->flush_bytes +
                  stats->compact_bytes,
              stats->user_bytes);
}

static void add_figures(struct stats *list, const struct byron_stats *stats)
{
    add_levels(list, stats);
    add_count(list, "disk_bytes", stats->disk_bytes);
    add_count(list, "memory", stats->memory);
    add_count(list, "memtable_bytes", stats->memtable_bytes);
    add_count(list, "memtable_entries", stats->memtable_entries);
    add_count(list, "frozen_bytes", stats->frozen_bytes);
    add_count(list, "frozen_count", stats->frozen_count);
    add_count(list, "wal_files", stats->wal_files);
    add_count(list, "wal_bytes", stats->wal_bytes);
    add_count(list, "cache_capacity", stats->cache_capacity);
    add_count(list, "cache_bytes", stats->cache_bytes);
    add_count(list, "cache_hits", stats->cache_hits);
    add_count(list, "cache_misses", stats->cache_misses);
    add_ratio(list, "cache_hit_ratio", stats->cache_hits,
              stats->cache_hits + stats->cache_misses);
    add_count(list, "mapped_bytes", stats->mapped_bytes);
    add_count(list, "user_bytes", stats->user_bytes);
    add_count(list, "wal_bytes_written", stats->wal_bytes_written);
    add_count(list, "flush_bytes", stats->flush_bytes);
    add_count(list, "compact_bytes", stats->compact_bytes);
    add_count(list, "flushes", stats->flushes);
    add_count(list, "compactions", stats->compactions);
    add_count(list, "compaction_debt", stats->debt_bytes);
    add_count(list, "delayed_writes", stats->delayed_writes);
    add_count(list, "delay_us", stats->delay_us);
    add_count(list, "delay_max_us", stats->delay_max_us);
    add_count(list, "snapshots", stats->snapshots);
    add_count(list, "sequence", stats->sequence);
    add_count(list, "commits", stats->commits);
    add_count(list, "syncs", stats->syncs);
    add_count(list, "background_errors", stats->background_errors);
}

/* --- The listing ----------------------------------------------------------
 */

static int start(void *state, struct connection *connection,
                 const char *const *arguments, char **message)
{
    struct byron_stats stats;
    struct lookup lookup;
    int rc = lookup_open(connection, arguments[0], &lookup, message);

    if (rc != SQLITE_OK)
        return rc;
    byron_stats(lookup.db, &stats);
    lookup_close(&lookup);
    add_figures(state, &stats);
    return SQLITE_OK;
}

static int next(void *state, bool *is_there, char **message)
{
    struct stats *stats = state;

    (void)message;
    *is_there = ++stats->index <= stats->count;
    return SQLITE_OK;
}

static void column(void *state, sqlite3_context *context, int number)
{
    const struct stats *stats = state;
    const struct figure *figure = &stats->figures[stats->index - 1];

    if (number == 0)
        sqlite3_result_text(context, figure->name, -1, SQLITE_TRANSIENT);
    else if (figure->is_real)
        sqlite3_result_double(context, figure->real);
    else
        sqlite3_result_int64(context, figure->integer);
}

static void end(void *state)
{
    (void)state;
}

int stats_register(struct connection *connection)
{
    static const struct listing listing = {
        .name = "byron_stats",
        .schema = "CREATE TABLE x(name TEXT, value, \"table\" TEXT HIDDEN)",
        .argument = 2,
        .needs = "byron: byron_stats needs a table's name: SELECT * FROM "
                 "byron_stats('t')",
        .rows = 40,
        .size = sizeof(struct stats),
        .start = start,
        .next = next,
        .column = column,
        .end = end,
    };

    return listing_register(connection, &listing);
}
