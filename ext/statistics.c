#include "statistics.h"

#include <stdlib.h>
#include <string.h>

#include "key_codec.h"
#include "path.h"
#include "try.h"
#include "view.h"

#define UNKNOWN_ROWS 1e6
#define SAMPLE_COUNT 8
#define SAMPLE_STEPS 32   /* As many rows of one group are counted exactly. */
#define FEW_ROWS     64.0 /* So small that any guess will do. */
#define STALE_FACTOR 2.0  /* Samples are drawn anew after such growth. */
#define SPREAD_SIZE  6    /* Bytes in which samples are spread evenly. */
#define MOST_COLUMNS 8    /* Of a key, that samples tell about. */

/* Of one path. alike[n]: rows that share the first n columns of the key, on
 * the average; alike[0]: all. */
struct sampled_path {
    double alike[MOST_COLUMNS + 1];
    int column_count; /* 0: not sampled. */
};

struct statistics {
    int path_count;
    struct sampled_path paths[];
};

double statistics_unknown(void)
{
    return UNKNOWN_ROWS;
}

void statistics_free(struct statistics *statistics)
{
    free(statistics);
}

/* A failure is not said now, but by xFilter, should the statement ever run. */
static bool is_open(struct table *table, int rc)
{
    if (rc == SQLITE_OK)
        return true;
    sqlite3_free(table->base.zErrMsg);
    table->base.zErrMsg = NULL;
    return false;
}

/*
 * In a transaction that has not read yet, planning must not be the first to:
 * the statement may be a write that has to wait for its lock, and then what it
 * sees would be from before.
 */
static bool would_begin(const struct table *table)
{
    const struct transaction *transaction = table->transaction;
    sqlite3 *db = transaction->connection->db;

    return !transaction->txn && !sqlite3_get_autocommit(db) &&
           sqlite3_txn_state(db, transaction->schema) == SQLITE_TXN_NONE;
}

/* A view for planning. */
static bool open_view(struct table *table, struct view *view)
{
    return !would_begin(table) && is_open(table, transaction_view(table, view));
}

double statistics_rows(struct table *table, const struct key_ranges *ranges)
{
    double rows = 0;

    if (!is_open(table, view_ready(table)))
        return UNKNOWN_ROWS;
    for (int i = 0; i < ranges->count; i++) {
        struct byron_range range = {key_ranges_lower(ranges, i),
                                    key_ranges_upper(ranges, i)};
        uint64_t found = 1;
        uint64_t bytes;

        if (!ranges->segments[i].is_point &&
            byron_estimate(table->transaction->store->db, &range, &found,
                           &bytes) != BYRON_OK)
            found = (uint64_t)UNKNOWN_ROWS;
        rows += (double)found;
    }
    return rows;
}

/* --- Samples ------------------------------------------------------------- */

struct sampler {
    const struct path *path;
    struct view view;
    byron_cursor *cursor; /* Over all of the path's keys. */
    struct sampled_path *out;
    struct bytes first; /* Keys. */
    struct bytes last;
    struct bytes target;
};

static byron_status set_bytes(struct bytes *out, struct byron_bytes bytes)
{
    out->size = 0;
    return bytes_add(out, bytes.data, bytes.size);
}

static bool begins_with(struct byron_bytes key, struct byron_bytes prefix)
{
    return key.size >= prefix.size &&
           memcmp(key.data, prefix.data, prefix.size) == 0;
}

/* How many rows from the cursor on begin with prefix. */
static byron_status count_alike(struct sampler *sampler,
                                struct byron_bytes prefix, double *out)
{
    struct bytes upper = {0};
    struct byron_range range = {.lower = prefix};
    uint64_t rows = 0;
    uint64_t bytes;
    byron_status status = byron_cursor_seek(sampler->cursor, prefix);

    while (status == BYRON_OK && rows < SAMPLE_STEPS &&
           byron_cursor_valid(sampler->cursor) &&
           begins_with(byron_cursor_key(sampler->cursor), prefix)) {
        rows++;
        status = byron_cursor_next(sampler->cursor);
    }
    TRY(status);
    if (rows == SAMPLE_STEPS) {
        TRY(bytes_add(&upper, prefix.data, prefix.size));
        bytes_raise(&upper, 0);
        if (upper.size > 0) /* Else every key begins so: open. */
            range.upper = bytes_view(&upper);
        TRY(byron_estimate(sampler->view.db, &range, &rows, &bytes));
        rows = rows < SAMPLE_STEPS ? SAMPLE_STEPS : rows;
    }
    *out += (double)rows;
out:
    bytes_deinit(&upper);
    return status;
}

/* Adds what the rows around one key tell. */
static byron_status add_sample(struct sampler *sampler, struct byron_bytes key)
{
    const struct declaration *entry = sampler->path->entry;
    struct bytes copy = {0};
    struct byron_bytes rest;
    byron_status status;

    TRY(set_bytes(&copy, key));
    rest =
        (struct byron_bytes){copy.data + KEY_ID_SIZE, copy.size - KEY_ID_SIZE};
    for (int i = 0; i < sampler->out->column_count; i++) {
        struct byron_bytes prefix = {copy.data, 0};

        TRY(key_codec_skip(&rest, key_style_of(entry, i)));
        prefix.size = copy.size - rest.size;
        TRY(count_alike(sampler, prefix, &sampler->out->alike[i + 1]));
    }
out:
    bytes_deinit(&copy);
    return status;
}

static uint64_t read_spread(struct byron_bytes key, size_t offset)
{
    uint64_t number = 0;

    for (size_t i = offset; i < offset + SPREAD_SIZE; i++)
        number =
            number << 8 | (i < key.size ? ((const uint8_t *)key.data)[i] : 0U);
    return number;
}

/* A key between the first and the last: as far along as part of parts. */
static byron_status set_target(struct sampler *sampler, unsigned part)
{
    struct byron_bytes first = bytes_view(&sampler->first);
    struct byron_bytes last = bytes_view(&sampler->last);
    size_t shared = 0;
    uint64_t from;
    uint64_t to;
    byron_status status;

    while (shared < first.size && shared < last.size &&
           sampler->first.data[shared] == sampler->last.data[shared])
        shared++;
    from = read_spread(first, shared);
    to = read_spread(last, shared);
    from += (to - from) / SAMPLE_COUNT * part;
    status =
        set_bytes(&sampler->target, (struct byron_bytes){first.data, shared});
    for (int i = SPREAD_SIZE - 1; i >= 0 && status == BYRON_OK; i--)
        status = bytes_add_u8(&sampler->target, (uint8_t)(from >> (8 * i)));
    return status;
}

static byron_status draw_samples(struct sampler *sampler)
{
    byron_cursor *cursor = sampler->cursor;
    byron_status status;
    int drawn = 0;

    TRY(byron_cursor_last(cursor));
    if (!byron_cursor_valid(cursor))
        return BYRON_NOT_FOUND;
    TRY(set_bytes(&sampler->last, byron_cursor_key(cursor)));
    TRY(byron_cursor_first(cursor));
    TRY(set_bytes(&sampler->first, byron_cursor_key(cursor)));
    for (unsigned part = 0; part < SAMPLE_COUNT; part++) {
        TRY(set_target(sampler, part));
        TRY(byron_cursor_seek(cursor, bytes_view(&sampler->target)));
        if (!byron_cursor_valid(cursor))
            break;
        TRY(add_sample(sampler, byron_cursor_key(cursor)));
        drawn++;
    }
    if (drawn == 0)
        return BYRON_NOT_FOUND;
    for (int i = 1; i <= sampler->out->column_count; i++)
        sampler->out->alike[i] /= drawn;
out:
    return status;
}

static bool sample(struct table *table, const struct path *path,
                   const struct byron_range *range, struct sampled_path *out)
{
    struct sampler sampler = {.path = path, .out = out};
    byron_status status;

    out->column_count =
        path->key_count < MOST_COLUMNS ? path->key_count : MOST_COLUMNS;
    if (!open_view(table, &sampler.view))
        return false;
    status = byron_cursor_open(sampler.view.snapshot, sampler.view.txn, range,
                               &sampler.cursor);
    if (status == BYRON_OK) {
        status = draw_samples(&sampler);
        byron_cursor_close(sampler.cursor);
    }
    view_close(&sampler.view);
    bytes_deinit(&sampler.first);
    bytes_deinit(&sampler.last);
    bytes_deinit(&sampler.target);
    return status == BYRON_OK;
}

/* --- Shares -------------------------------------------------------------- */

static struct sampled_path *find_sampled(struct table *table, int path)
{
    int count = path_count(table);
    struct statistics *statistics = table->statistics;

    if (!statistics || statistics->path_count != count) {
        statistics = calloc(1, sizeof *statistics +
                                   (size_t)count * sizeof *statistics->paths);
        if (!statistics)
            return NULL;
        statistics->path_count = count;
        statistics_free(table->statistics);
        table->statistics = statistics;
    }
    return &statistics->paths[path];
}

static double count_all(struct table *table, const struct path *path,
                        struct key_ranges *ranges)
{
    static const struct plan everything;

    if (key_ranges_add(ranges, path->entry, path->id, &everything, NULL) !=
        BYRON_OK)
        return UNKNOWN_ROWS;
    return statistics_rows(table, ranges);
}

/* Samples that still fit the table's size; NULL if there are none. */
static const struct sampled_path *take_samples(struct table *table, int number)
{
    struct path path = path_of(table, number);
    struct sampled_path *sampled = find_sampled(table, number);
    struct key_ranges ranges = {0};
    double all = count_all(table, &path, &ranges);
    bool is_good = false;

    if (sampled && ranges.count > 0 && all >= FEW_ROWS) {
        struct byron_range range = {key_ranges_lower(&ranges, 0),
                                    key_ranges_upper(&ranges, 0)};

        is_good = sampled->column_count > 0 &&
                  all < sampled->alike[0] * STALE_FACTOR &&
                  all * STALE_FACTOR > sampled->alike[0];
        if (!is_good) {
            memset(sampled, 0, sizeof *sampled);
            is_good = sample(table, &path, &range, sampled);
            sampled->alike[0] = all;
            if (!is_good)
                sampled->column_count = 0;
        }
    }
    key_ranges_deinit(&ranges);
    return is_good ? sampled : NULL;
}

/* Each key column takes an equal share, in bits. */
static double guess_share(const struct path *path, int known, int wanted,
                          double rows)
{
    int share = 0;

    for (int bits = 0; (double)(UINT64_C(1) << bits) < rows; bits++)
        share = bits * (wanted - known) / (path->key_count - known);
    return rows / (double)(UINT64_C(1) << share);
}

double statistics_share(struct table *table, int number, int known, int wanted,
                        double rows)
{
    struct path path = path_of(table, number);
    const struct sampled_path *sampled = NULL;

    if (rows >= FEW_ROWS && !path_is_rowid(&path))
        sampled = take_samples(table, number);
    if (!sampled || wanted > sampled->column_count || sampled->alike[known] < 1)
        return guess_share(&path, known, wanted, rows);
    return rows * sampled->alike[wanted] / sampled->alike[known];
}
