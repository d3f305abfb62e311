#include "bench/lane.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/meter.h"
#include "bench/rows.h"

#define SCAN_PIECE 1000   /* Rows that are one op of a scan. */
#define SORT_PIECE 500000 /* Rows that are sorted at a time, more or less. */
#define LOAD_BATCH 10000

void lane_wrong(const struct lane *lane, const char *what, uint64_t row)
{
    char words[128];

    snprintf(words, sizeof words, "%s (row %llu)", what,
             (unsigned long long)row);
    peer_die(lane->peer->name, "wrong answer", words);
}

void lane_init(struct lane *lane, const struct peer *peer,
               const struct peer_settings *settings, enum key_order order,
               uint64_t capacity)
{
    memset(lane, 0, sizeof *lane);
    lane->peer = peer;
    lane->settings = *settings;
    lane->order = order;
    lane->value_bytes = (size_t)settings->value_bytes;
    lane->capacity = capacity;
    lane->versions = peer_allocate((size_t)capacity);
    memset(lane->versions, ROW_DELETED, (size_t)capacity);
    lane->expected = peer_allocate(lane->value_bytes);
    lane->random = 20261122;
    lane->deadline = UINT64_MAX;
    lane->store = peer->open(settings);
}

bool lane_is_late(const struct lane *lane, struct outcome *out)
{
    if (ticks_now() >= lane->deadline)
        out->is_cut = true;
    return out->is_cut;
}

uint64_t lane_random(struct lane *lane)
{
    return mix(lane->random++);
}

uint64_t lane_live_row(struct lane *lane)
{
    uint64_t row = lane_random(lane) % lane->rows;

    while (lane->versions[row] == ROW_DELETED)
        row = row + 1 < lane->rows ? row + 1 : 0;
    return row;
}

static void took(struct outcome *out, uint64_t ticks)
{
    out->ops++;
    out->ticks += ticks;
    waits_add(&out->waits, (uint64_t)((double)ticks * ns_per_tick));
}

void lane_get(struct lane *lane, uint64_t row, struct outcome *out)
{
    uint8_t key[ROW_KEY_BYTES];
    uint8_t version = row < lane->rows ? lane->versions[row] : ROW_DELETED;
    struct bytes value = {NULL, 0};
    uint64_t start, end;
    bool is_right;

    key_of(lane->order, row, key);
    if (version != ROW_DELETED)
        value_of(key, version, lane->value_bytes, lane->expected);
    start = ticks_now();
    if (!lane->peer->get(lane->store, (struct bytes){key, sizeof key}, &value))
        is_right = version == ROW_DELETED;
    else
        is_right = version != ROW_DELETED && value.size == lane->value_bytes &&
                   memcmp(value.data, lane->expected, value.size) == 0;
    end = ticks_now();
    if (!is_right && !lane->peer->keeps_nothing)
        lane_wrong(lane, "a get", row);
    took(out, end - start);
}

/* Notes that a row is written; the value that it gets, or NULL. */
static const uint8_t *expect(struct lane *lane, struct lane_write write,
                             const uint8_t key[ROW_KEY_BYTES])
{
    uint8_t *version = &lane->versions[write.row];
    uint64_t word;

    if (*version != ROW_DELETED) {
        value_of(key, *version, 16, lane->expected);
        memcpy(&word, lane->expected, sizeof word);
        lane->sum -= word;
        lane->live--;
    }
    if (write.kind == WRITE_DELETE) {
        *version = ROW_DELETED;
        return NULL;
    }
    *version = (uint8_t)(*version == ROW_DELETED ? 0 : (*version + 1) % 200);
    value_of(key, *version, lane->value_bytes, lane->expected);
    memcpy(&word, lane->expected, sizeof word);
    lane->sum += word;
    lane->live++;
    return lane->expected;
}

void lane_write(struct lane *lane, uint64_t count,
                struct lane_write (*choose)(struct lane *lane),
                struct outcome *out)
{
    const struct peer *peer = lane->peer;
    uint64_t begin = ticks_now(), start, end;
    uint8_t key[ROW_KEY_BYTES];

    peer->begin(lane->store, count);
    begin = ticks_now() - begin;
    for (uint64_t i = 0; i < count; i++) {
        struct lane_write write = choose(lane);
        struct bytes value = {NULL, 0};

        key_of(lane->order, write.row, key);
        value.data = expect(lane, write, key);
        value.size = value.data ? lane->value_bytes : 0;
        start = ticks_now();
        peer->write(lane->store, write.kind, (struct bytes){key, sizeof key},
                    value);
        if (i == count - 1)
            peer->commit(lane->store);
        end = ticks_now();
        took(out, end - start + (i == 0 ? begin : 0));
        out->row_bytes += sizeof key + value.size;
    }
}

/* Rows in order, with values of their own; answers the first words' sum. */
static uint64_t scan_piece(struct lane *lane, uint64_t most, int direction,
                           uint8_t last[ROW_KEY_BYTES], uint64_t *rows)
{
    struct bytes key, value;
    uint64_t sum = 0, word;
    bool is_right = true;

    while (most > 0 && lane->peer->next(lane->store, &key, &value)) {
        is_right = is_right && key.size == ROW_KEY_BYTES &&
                   value.size == lane->value_bytes &&
                   memcmp(key.data, last, ROW_KEY_BYTES) * direction > 0 &&
                   value_begins_right(key.data, value.data, value.size);
        if (!is_right && !lane->peer->keeps_nothing)
            lane_wrong(lane, "a row of a scan", *rows);
        memcpy(last, key.data, ROW_KEY_BYTES);
        memcpy(&word, value.data, sizeof word);
        sum += word;
        ++*rows;
        most--;
    }
    return sum;
}

void lane_scan_all(struct lane *lane, bool is_backward, struct outcome *out)
{
    uint8_t last[ROW_KEY_BYTES];
    uint64_t rows = 0, sum = 0, before, start, end;
    bool is_over;

    memset(last, is_backward ? 0xFF : 0, sizeof last);
    start = ticks_now();
    lane->peer->scan(lane->store, NULL, is_backward, UINT64_MAX);
    do {
        before = rows;
        sum += scan_piece(lane, SCAN_PIECE, is_backward ? -1 : 1, last, &rows);
        is_over = rows - before < SCAN_PIECE || lane_is_late(lane, out);
        if (is_over)
            lane->peer->scan_end(lane->store);
        end = ticks_now();
        out->ticks += end - start;
        waits_add(&out->waits, (uint64_t)((double)(end - start) * ns_per_tick));
        start = end;
    } while (!is_over);
    out->ops += rows;
    if (!out->is_cut && (rows != lane->live || sum != lane->sum) &&
        !lane->peer->keeps_nothing)
        lane_wrong(lane, "a scan's count or sum", rows);
}

void lane_seek(struct lane *lane, uint64_t row, uint64_t count,
               struct outcome *out)
{
    uint8_t key[ROW_KEY_BYTES], last[ROW_KEY_BYTES];
    struct bytes from = {key, sizeof key};
    uint64_t rows = 0, start, end;

    key_of(lane->order, row, key);
    memcpy(last, key, sizeof last);
    /* The first row may be the key itself. */
    for (size_t i = sizeof last; i > 0 && last[i - 1]-- == 0;)
        i--;
    start = ticks_now();
    lane->peer->scan(lane->store, &from, false, count);
    scan_piece(lane, count, 1, last, &rows);
    lane->peer->scan_end(lane->store);
    end = ticks_now();
    took(out, end - start);
}

void lane_verify(struct lane *lane, struct outcome *out)
{
    struct bytes key, value;
    uint64_t rows = 0, sum = 0, word = 0;

    if (lane->peer->keeps_nothing)
        return;
    lane->peer->scan(lane->store, NULL, false, UINT64_MAX);
    while (!(rows % SCAN_PIECE == 0 && lane_is_late(lane, out)) &&
           lane->peer->next(lane->store, &key, &value)) {
        rows++;
        if (key.size != ROW_KEY_BYTES || value.size != lane->value_bytes)
            lane_wrong(lane, "a size, looked for after all", rows);
        /* Which version it should be, the sum tells. */
        memcpy(&word, value.data, sizeof word);
        value_of(key.data, (uint8_t)word, value.size, lane->expected);
        if (memcmp(value.data, lane->expected, value.size) != 0)
            lane_wrong(lane, "a row, looked for after all", rows);
        sum += word;
    }
    lane->peer->scan_end(lane->store);
    out->ops = rows;
    if (!out->is_cut && (rows != lane->live || sum != lane->sum))
        lane_wrong(lane, "the rows, counted after all", rows);
}

/* --- A load in order -------------------------------------------------------
 */

struct sorted_row {
    uint8_t key[ROW_KEY_BYTES];
    uint64_t row;
};

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, ROW_KEY_BYTES);
}

static struct lane_write choose_queued(struct lane *lane)
{
    return (struct lane_write){WRITE_INSERT, lane->queue++->row};
}

/* Which of so many pieces, in the order of keys, a key belongs to. */
static uint64_t piece_of(const uint8_t *key, uint64_t pieces)
{
    return ((uint64_t)key[0] << 8 | key[1]) * pieces >> 16;
}

/* The rows of one piece; room grows as it must. Answers their number. */
static uint64_t collect(const struct lane *lane, uint64_t rows, uint64_t piece,
                        uint64_t pieces, struct sorted_row **room,
                        uint64_t *capacity)
{
    struct sorted_row next;
    uint64_t count = 0;

    for (uint64_t row = 0; row < rows; row++) {
        key_of(lane->order, row, next.key);
        next.row = row;
        if (piece_of(next.key, pieces) != piece)
            continue;
        if (count == *capacity) {
            *capacity = *capacity * 2 + LOAD_BATCH;
            *room = realloc(*room, *capacity * sizeof **room);
            if (!*room)
                peer_die("bench", "allocate", "out of memory");
        }
        (*room)[count++] = next;
    }
    qsort(*room, count, sizeof **room, compare_keys);
    return count;
}

/* Piece by piece: all keys at once would not fit under a squeeze. */
void lane_reload(struct lane *lane, uint64_t rows)
{
    uint64_t pieces = rows / SORT_PIECE + 1, capacity = 0;
    struct sorted_row *room = NULL;
    static struct outcome ignored;

    lane->peer->close(lane->store);
    empty_folder(lane->settings.path);
    memset(lane->versions, ROW_DELETED, (size_t)lane->capacity);
    lane->live = lane->sum = 0;
    lane->rows = rows;
    lane->store = lane->peer->open(&lane->settings);
    for (uint64_t piece = 0; piece < pieces; piece++) {
        uint64_t count = collect(lane, rows, piece, pieces, &room, &capacity);

        lane->queue = room;
        for (uint64_t n; count > 0; count -= n) {
            n = count < LOAD_BATCH ? count : LOAD_BATCH;
            lane_write(lane, n, choose_queued, &ignored);
        }
    }
    lane->queue = NULL;
    free(room);
    malloc_trim(0);
}
