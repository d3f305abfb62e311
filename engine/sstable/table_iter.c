#include "sstable/table_iter.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/try.h"
#include "sstable/lend.h"
#include "sstable/read_ahead.h"
#include "sstable/table_parts.h"

/* Values between two data blocks are read along with the second, up to this. */
#define STRETCH_MAX ((uint64_t)4 * 1024 * 1024)
/* Hints to the system start after so many blocks in file order. */
#define SEQUENTIAL_MIN 2u
#define PREFETCH_MIN   ((size_t)16 * 1024)
#define PREFETCH_MAX   ((size_t)512 * 1024)
/* After so many blocks that were not in the cache, in a row and in file order,
 * the next ones are read many at once. */
#define MISSED_MIN 2u
#define AHEAD_MIN  ((uint64_t)16 * 1024)
#define AHEAD_MAX  ((uint64_t)64 * 1024)
/* A larger block is not held at rest. */
#define RESTING_MAX ((size_t)16 * 1024)

/*
 * The key of the entry is put together in `key`: the block's prefix is written
 * once per block, head and suffix once per entry.
 */
struct table_iter {
    struct iter base;
    struct table_reader *reader; /* Counted, unless it is lent. */
    bool is_bulk;
    bool is_lent;
    bool has_block;
    uint32_t at; /* In block. */
    struct block block;
    struct block_handle where; /* Of block. */
    struct index_cursor cursor;
    struct buf key;
    struct buf lent;                /* The keys that were lent last. */
    struct cached_block *pin;       /* Not bulk: of block; NULL: mapped. */
    struct cached_block *value_pin; /* Not bulk: of a large value, likewise. */
    struct buf room;                /* Bulk: block, unpacked. */
    struct read_ahead ahead;
    struct buf value_disk; /* Bulk: a large value. */
    struct buf value_room;
    unsigned sequential; /* Blocks entered in file order, in a row, */
    unsigned descending; /* or against it. */
    unsigned missed;     /* Of these, not in the cache, in a row. */
    uint64_t prefetched; /* Up to this file offset. */
    size_t prefetch_size;
    bool has_failed;
    struct byron_error failure;
};

static struct table_iter *table_iter_of(struct iter *iter)
{
    return (struct table_iter *)(void *)iter;
}

/* --- the block under the cursor --- */

/* Asks the system for the blocks to come, once a walk is seen to be one: for
 * the next stretch while half of the last one is still ahead, so that the disk
 * works while that half is read. */
static void hint(struct table_iter *iter, const struct block_handle *where)
{
    const struct table_source *source = &iter->reader->source;
    size_t size = iter->prefetch_size;
    uint64_t from = where->offset;

    if (iter->sequential < SEQUENTIAL_MIN ||
        iter->prefetched > from + size / 2 ||
        iter->prefetched >= source->blocks_end)
        return;
    if (from < iter->prefetched)
        from = iter->prefetched;
    file_pool_prefetch(source->pool, source->number, from, size);
    iter->prefetched = from + size;
    if (size < PREFETCH_MAX)
        iter->prefetch_size = size * 2;
}

/* The block out of a window of many, where the walk is a long one: else empty,
 * as it is where something behind the block cannot be read. */
static struct slice from_window(struct table_iter *iter,
                                const struct block_handle *where)
{
    /* A window would have to have the large values between two blocks, too. */
    bool is_next = iter->sequential > 0 &&
                   where->offset == iter->where.offset + iter->where.disk_size;
    bool is_prev = iter->descending > 0 &&
                   where->offset + where->disk_size == iter->where.offset;
    byron_status status = BYRON_OK;
    struct slice disk = {0};

    if (!is_next && !is_prev)
        iter->missed = 0;
    if (++iter->missed <= MISSED_MIN)
        return disk;
    if (is_prev)
        status = read_ahead_get_back(&iter->ahead, where->offset,
                                     where->disk_size, &disk);
    else
        status = read_ahead_get(&iter->ahead, where->offset, where->disk_size,
                                &disk);
    return status == BYRON_OK ? disk : slice_of(NULL, 0);
}

/* Into the cache, alone or from a window of many. */
static byron_status load_missing(struct table_iter *iter,
                                 const struct block_handle *where)
{
    byron_status status;
    const struct table_source *source = &iter->reader->source;
    struct slice disk;

    TRY(table_source_check_handle(source, where));
    disk = from_window(iter, where);
    TRY(table_source_take(source, where, BLOCK_DATA, disk, &iter->pin));
out:
    return status;
}

static byron_status load_cached(struct table_iter *iter,
                                const struct block_handle *where,
                                struct slice *body)
{
    byron_status status = BYRON_OK;
    const struct table_source *source = &iter->reader->source;

    iter->pin = table_source_find(source, where->offset, BLOCK_DATA);
    if (iter->pin) {
        iter->missed = 0;
    } else {
        hint(iter, where);
        TRY(load_missing(iter, where));
    }
    if (iter->sequential)
        table_source_expect(source, where->offset + where->disk_size,
                            BLOCK_DATA);
    *body = cached_block_bytes(iter->pin);
out:
    return status;
}

/* Where it is mapped, or out of the cache. */
static byron_status load_lent(struct table_iter *iter,
                              const struct block_handle *where,
                              struct slice *body)
{
    byron_status status;
    const struct table_source *source = &iter->reader->source;

    cached_block_unpin(iter->pin);
    iter->pin = NULL;
    if (source->map && where->disk_size > where->raw_size)
        hint(iter, where); /* Not packed: it will be read in place. */
    TRY(table_source_map(source, where, BLOCK_DATA, body));
    if (!body->data)
        TRY(load_cached(iter, where, body));
    block_prefetch(*body);
out:
    return status;
}

static byron_status load_bulk(struct table_iter *iter,
                              const struct block_handle *where,
                              struct slice *body)
{
    byron_status status;
    const struct table_source *source = &iter->reader->source;
    uint64_t end = iter->where.offset + iter->where.disk_size;
    uint64_t gap = 0;
    struct slice disk;

    TRY(table_source_check_handle(source, where));
    /* Large values lie between this block and the one before. */
    if (iter->sequential && where->offset > end &&
        where->offset - end <= STRETCH_MAX)
        gap = where->offset - end;
    TRY(read_ahead_get(&iter->ahead, where->offset - gap,
                       (size_t)gap + where->disk_size, &disk));
    disk = slice_of(disk.data + gap, where->disk_size);
    TRY(table_source_unpack(source, where, BLOCK_DATA, disk, &iter->room,
                            body));
out:
    return status;
}

/* Makes the data block under the cursor the current one. */
static byron_status enter_block(struct table_iter *iter)
{
    byron_status status;
    struct index_value value;
    struct slice body;

    index_cursor_value(&iter->cursor, &value);
    if (iter->has_block && iter->where.offset == value.block.offset)
        return BYRON_OK;
    iter->has_block = false;
    if (iter->is_bulk)
        TRY(load_bulk(iter, &value.block, &body));
    else
        TRY(load_lent(iter, &value.block, &body));
    TRY(table_source_view(&iter->reader->source, value.block.offset, body,
                          &iter->block));
    iter->where = value.block;
    buf_clear(&iter->key);
    TRY(buf_reserve(&iter->key,
                    block_key_room(&iter->block) + LEND_PREFIX_ROOM));
    if (iter->block.prefix_size)
        memcpy(iter->key.data, iter->block.prefix, iter->block.prefix_size);
    iter->base.key.data = iter->key.data;
    iter->has_block = true;
out:
    return status;
}

static void show_entry(struct table_iter *iter)
{
    const struct block *block = &iter->block;

    iter->base.key.size =
        block_key_after_prefix(block, iter->at, iter->key.data);
    iter->base.kind = block_kind(block, iter->at);
    iter->base.sequence = block_sequence(block, iter->at);
    iter->base.valid = true;
}

/* --- moving --- */

static void let_value_go(struct table_iter *iter)
{
    if (iter->value_pin) {
        cached_block_unpin(iter->value_pin);
        iter->value_pin = NULL;
    }
}

/* Keeps the error of a failed move for the moves after it. */
static byron_status settle(struct table_iter *iter, byron_status status)
{
    if (status == BYRON_OK || iter->has_failed)
        return status;
    iter->base.valid = false;
    iter->has_block = false;
    iter->has_failed = true;
    iter->failure = *error_last();
    iter->failure.code = status;
    return status;
}

/* Whether the iterator may move to a place of its own. */
static byron_status begin_jump(struct table_iter *iter)
{
    if (iter->has_failed)
        return error_restore(&iter->failure);
    let_value_go(iter);
    iter->base.valid = false;
    iter->sequential = 0;
    iter->descending = 0;
    iter->prefetched = 0;
    iter->prefetch_size = PREFETCH_MIN;
    if (!iter->is_bulk)
        iter->ahead.size = AHEAD_MIN;
    return BYRON_OK;
}

/* To the first or last entry of the cursor's block, or the end of data. */
static byron_status show_edge(struct table_iter *iter, bool at_end)
{
    byron_status status = BYRON_OK;

    if (!iter->cursor.valid)
        return BYRON_OK;
    TRY(enter_block(iter));
    iter->at = at_end ? iter->block.count - 1 : 0;
    show_entry(iter);
out:
    return status;
}

static byron_status enter_next(struct table_iter *iter)
{
    byron_status status;

    iter->base.valid = false;
    iter->sequential++;
    iter->descending = 0;
    TRY(index_cursor_next(&iter->cursor));
    TRY(show_edge(iter, false));
out:
    return settle(iter, status);
}

static byron_status enter_prev(struct table_iter *iter)
{
    byron_status status;

    iter->base.valid = false;
    iter->sequential = 0;
    iter->descending++;
    TRY(index_cursor_prev(&iter->cursor));
    TRY(show_edge(iter, true));
out:
    return settle(iter, status);
}

static byron_status table_iter_seek(struct iter *base, struct slice key,
                                    uint64_t sequence)
{
    byron_status status;
    struct table_iter *iter = table_iter_of(base);
    bool has_key;

    TRY(begin_jump(iter));
    TRY(index_cursor_seek(&iter->cursor, key, sequence));
    if (!iter->cursor.valid)
        return BYRON_OK;
    TRY(enter_block(iter));
    iter->at = block_seek(&iter->block, key, sequence, &has_key);
    if (iter->at == iter->block.count)
        return enter_next(iter); /* Between this block and its separator. */
    show_entry(iter);
out:
    return settle(iter, status);
}

static byron_status table_iter_last(struct iter *base)
{
    byron_status status;
    struct table_iter *iter = table_iter_of(base);

    TRY(begin_jump(iter));
    TRY(index_cursor_last(&iter->cursor));
    TRY(show_edge(iter, true));
out:
    return settle(iter, status);
}

static byron_status table_iter_seek_before(struct iter *base, struct slice key)
{
    byron_status status;
    struct table_iter *iter = table_iter_of(base);
    bool has_key;

    TRY(begin_jump(iter));
    TRY(index_cursor_seek(&iter->cursor, key, SEQUENCE_MAX));
    if (!iter->cursor.valid)
        return table_iter_last(base);
    TRY(enter_block(iter));
    iter->at = block_seek(&iter->block, key, SEQUENCE_MAX, &has_key);
    if (iter->at == 0)
        return enter_prev(iter);
    iter->at--;
    show_entry(iter);
out:
    return settle(iter, status);
}

static byron_status table_iter_first(struct iter *base)
{
    byron_status status;
    struct table_iter *iter = table_iter_of(base);

    TRY(begin_jump(iter));
    TRY(index_cursor_first(&iter->cursor));
    TRY(show_edge(iter, false));
out:
    return settle(iter, status);
}

static byron_status table_iter_next(struct iter *base)
{
    struct table_iter *iter = table_iter_of(base);

    if (iter->has_failed)
        return error_restore(&iter->failure);
    assert(base->valid);
    let_value_go(iter);
    if (iter->at + 1 == iter->block.count)
        return enter_next(iter);
    iter->at++;
    show_entry(iter);
    return BYRON_OK;
}

/* No further than to the end of the block. */
static uint64_t table_iter_skip(struct iter *base,
                                const struct skip_limits *limits)
{
    struct table_iter *iter = table_iter_of(base);
    const struct block *block = &iter->block;
    uint32_t from = iter->at;
    uint32_t to;
    bool has_key;

    if (iter->has_failed || iter->reader->facts.max_sequence > limits->sequence)
        return 0;
    to = block->count - 1;
    if (to - from > limits->most)
        to = from + (uint32_t)limits->most;
    if (limits->key.data) {
        uint32_t end = block_seek(block, limits->key, SEQUENCE_MAX, &has_key);

        if (to >= end)
            to = end > 0 ? end - 1 : 0;
    }
    if (to > from)
        to = lend_plain(block, from, to);
    if (to > from && limits->pairs)
        to = lend_entries(block, iter->key.data, from, to, limits, &iter->lent);
    if (to <= from)
        return 0;
    let_value_go(iter);
    iter->at = to;
    show_entry(iter);
    return to - from;
}

static byron_status table_iter_prev(struct iter *base)
{
    struct table_iter *iter = table_iter_of(base);

    if (iter->has_failed)
        return error_restore(&iter->failure);
    assert(base->valid);
    let_value_go(iter);
    if (iter->at == 0)
        return enter_prev(iter);
    iter->at--;
    show_entry(iter);
    return BYRON_OK;
}

/* --- the value --- */

static byron_status read_value_bulk(struct table_iter *iter,
                                    const struct block_handle *handle,
                                    struct slice *out)
{
    byron_status status;
    const struct table_source *source = &iter->reader->source;
    struct slice disk;

    TRY(table_source_check_handle(source, handle));
    /* The window must stay: the block may lie in it. */
    if (read_ahead_has(&iter->ahead, handle->offset, handle->disk_size, &disk))
        status = table_source_unpack(source, handle, BLOCK_VALUE, disk,
                                     &iter->value_room, out);
    else
        status = table_source_read(source, handle, BLOCK_VALUE,
                                   &iter->value_disk, &iter->value_room, out);
out:
    return status;
}

static byron_status table_iter_value(struct iter *base, struct slice *out)
{
    byron_status status = BYRON_OK;
    struct table_iter *iter = table_iter_of(base);
    struct block_handle handle;

    if (iter->has_failed)
        return error_restore(&iter->failure);
    assert(base->valid);
    *out = block_value(&iter->block, iter->at);
    if (!block_is_large(&iter->block, iter->at))
        return BYRON_OK;
    block_handle_decode(out->data, &handle);
    if (iter->is_bulk) {
        TRY(read_value_bulk(iter, &handle, out));
        return BYRON_OK;
    }
    if (iter->value_pin)
        *out = cached_block_bytes(iter->value_pin);
    else
        TRY(table_source_lend(&iter->reader->source, &handle, BLOCK_VALUE, out,
                              &iter->value_pin));
out:
    return settle(iter, status);
}

static void table_iter_free(struct iter *base)
{
    struct table_iter *iter = table_iter_of(base);

    let_value_go(iter);
    cached_block_unpin(iter->pin);
    index_cursor_deinit(&iter->cursor);
    read_ahead_deinit(&iter->ahead);
    buf_deinit(&iter->key);
    buf_deinit(&iter->lent);
    buf_deinit(&iter->room);
    buf_deinit(&iter->value_disk);
    buf_deinit(&iter->value_room);
    if (!iter->is_lent)
        table_reader_unref(iter->reader);
    alloc_free(iter);
}

static const struct iter_ops table_iter_ops = {
    .seek = table_iter_seek,
    .seek_before = table_iter_seek_before,
    .first = table_iter_first,
    .last = table_iter_last,
    .next = table_iter_next,
    .prev = table_iter_prev,
    .value = table_iter_value,
    .free = table_iter_free,
    .skip = table_iter_skip,
};

/* Nothing of the reader's file has been read ahead. */
static void begin_ahead(struct table_iter *iter)
{
    const struct table_reader *reader = iter->reader;

    read_ahead_init(&iter->ahead, &reader->source, reader->data_end,
                    iter->is_bulk ? READ_AHEAD_JOB : AHEAD_MIN,
                    iter->is_bulk ? READ_AHEAD_JOB : AHEAD_MAX);
}

byron_status table_reader_iter_new(struct table_reader *reader, unsigned flags,
                                   struct iter **out)
{
    struct table_iter *iter = alloc_zeroed(1, sizeof *iter);

    if (!iter)
        return error_no_memory();
    iter->base.ops = &table_iter_ops;
    iter->is_bulk = (flags & TABLE_ITER_BULK) != 0;
    iter->is_lent = (flags & TABLE_ITER_LENT) != 0;
    iter->reader = iter->is_lent ? reader : table_reader_ref(reader);
    index_cursor_init(&iter->cursor, &reader->index, iter->is_bulk);
    begin_ahead(iter);
    *out = &iter->base;
    return BYRON_OK;
}

static void let_block_go(struct table_iter *iter)
{
    cached_block_unpin(iter->pin);
    iter->pin = NULL;
    iter->has_block = false;
}

void table_iter_switch(struct iter *base, struct table_reader *reader)
{
    struct table_iter *iter = table_iter_of(base);

    assert(!iter->is_bulk);
    let_value_go(iter);
    let_block_go(iter);
    index_cursor_switch(&iter->cursor, &reader->index);
    if (!iter->is_lent) {
        table_reader_ref(reader);
        table_reader_unref(iter->reader);
    }
    iter->reader = reader;
    read_ahead_deinit(&iter->ahead);
    begin_ahead(iter);
    iter->missed = 0;
    iter->has_failed = false;
    base->valid = false;
}

uint64_t table_iter_ordinal(const struct iter *base)
{
    const struct table_iter *iter = (const struct table_iter *)base;
    struct index_value value;

    assert(base->valid);
    index_cursor_value(&iter->cursor, &value);
    return value.ordinal + iter->at;
}

void table_iter_rest(struct iter *base)
{
    struct table_iter *iter = table_iter_of(base);

    assert(!iter->is_bulk);
    let_value_go(iter);
    if (iter->pin && cached_block_bytes(iter->pin).size > RESTING_MAX)
        let_block_go(iter);
    read_ahead_deinit(&iter->ahead);
    begin_ahead(iter);
    base->valid = false;
}
