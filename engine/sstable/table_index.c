#include "sstable/table_index.h"

#include "base/try.h"
#include "sstable/file_pool.h"

/* How many leaves a walk asks the system for at once, and at most how much. */
#define LEAVES_AHEAD   32u
#define PREFETCH_LIMIT ((uint64_t)1024 * 1024)

byron_status table_index_open(struct table_index *index,
                              const struct table_source *source,
                              const struct table_section *top, uint32_t levels)
{
    byron_status status;
    struct block_handle handle = {top->offset, top->size, 0};

    index->source = source;
    index->levels = levels;
    TRY(table_source_load(source, &handle, BLOCK_INDEX, &index->pin));
    block_view(cached_block_bytes(index->pin), &index->top);
    if (levels > 1)
        TRY(kept_blocks_init(&index->leaves, index->top.count));
out:
    return status;
}

void table_index_close(struct table_index *index)
{
    kept_blocks_deinit(&index->leaves, index->source);
    cached_block_unpin(index->pin);
    index->pin = NULL;
}

static byron_status levels_disagree(const struct table_index *index,
                                    uint64_t offset)
{
    return table_source_corrupt(index->source, offset,
                                "an index block ends before its separator");
}

byron_status table_index_find(const struct table_index *index, struct slice key,
                              uint64_t sequence, struct index_value *out,
                              bool *found)
{
    byron_status status = BYRON_OK;
    struct cached_block *pin = NULL;
    struct slice body;
    struct block leaf;
    bool has_key;
    uint32_t at = block_seek(&index->top, key, sequence, &has_key);

    *found = at < index->top.count;
    if (!*found)
        return BYRON_OK;
    index_value_decode(block_value(&index->top, at).data, out);
    if (index->levels == 1)
        return BYRON_OK;
    TRY(kept_blocks_load(&index->leaves, at, index->source, &out->block,
                         BLOCK_INDEX, &body, &pin));
    block_prefetch(body);
    block_view(body, &leaf);
    at = block_seek(&leaf, key, sequence, &has_key);
    if (at == leaf.count)
        TRY(levels_disagree(index, out->block.offset));
    index_value_decode(block_value(&leaf, at).data, out);
out:
    cached_block_unpin(pin);
    return status;
}

/* --- cursor --- */

void index_cursor_init(struct index_cursor *cursor,
                       const struct table_index *index, bool is_bulk)
{
    memset(cursor, 0, sizeof *cursor);
    cursor->index = index;
    cursor->is_bulk = is_bulk;
}

void index_cursor_switch(struct index_cursor *cursor,
                         const struct table_index *index)
{
    cached_block_unpin(cursor->pin);
    cursor->pin = NULL;
    cursor->index = index;
    cursor->valid = false;
    cursor->has_leaf = false;
    cursor->asked = 0;
}

void index_cursor_deinit(struct index_cursor *cursor)
{
    cached_block_unpin(cursor->pin);
    buf_deinit(&cursor->disk);
    buf_deinit(&cursor->room);
}

/* Makes the leaf under top_at the current one. */
static byron_status enter_leaf(struct index_cursor *cursor)
{
    byron_status status = BYRON_OK;
    const struct table_index *index = cursor->index;
    struct index_value value;
    struct slice body;

    if (index->levels == 1) {
        cursor->leaf = index->top;
        return BYRON_OK;
    }
    index_value_decode(block_value(&index->top, cursor->top_at).data, &value);
    if (cursor->has_leaf && cursor->leaf_offset == value.block.offset)
        return BYRON_OK;
    cursor->has_leaf = false;
    if (cursor->is_bulk) {
        TRY(table_source_read(index->source, &value.block, BLOCK_INDEX,
                              &cursor->disk, &cursor->room, &body));
    } else {
        cached_block_unpin(cursor->pin);
        cursor->pin = NULL;
        TRY(kept_blocks_load(&index->leaves, cursor->top_at, index->source,
                             &value.block, BLOCK_INDEX, &body, &cursor->pin));
    }
    block_view(body, &cursor->leaf);
    cursor->has_leaf = true;
    cursor->leaf_offset = value.block.offset;
out:
    return status;
}

/* Asks the system for leaves to come, while half of those asked for last are
 * still ahead. Requires: top_at has just gone forth by one. */
static void ask_ahead(struct index_cursor *cursor)
{
    const struct block *top = &cursor->index->top;
    const struct table_source *source = cursor->index->source;
    uint32_t from =
        cursor->asked > cursor->top_at ? cursor->asked : cursor->top_at;
    uint32_t to = cursor->top_at + LEAVES_AHEAD;
    struct index_value first, last;
    uint64_t end;

    if (to > top->count)
        to = top->count;
    if (from >= to || from - cursor->top_at > LEAVES_AHEAD / 2)
        return;
    cursor->asked = to;
    index_value_decode(block_value(top, from).data, &first);
    index_value_decode(block_value(top, to - 1).data, &last);
    end = last.block.offset + last.block.disk_size;
    /* Numbers of the file, not checked: a hint beyond it does nothing. */
    if (end > first.block.offset && end - first.block.offset <= PREFETCH_LIMIT)
        file_pool_prefetch(source->pool, source->number, first.block.offset,
                           (size_t)(end - first.block.offset));
}

byron_status index_cursor_seek(struct index_cursor *cursor, struct slice key,
                               uint64_t sequence)
{
    byron_status status;
    const struct table_index *index = cursor->index;
    bool has_key;

    cursor->valid = false;
    cursor->asked = 0;
    cursor->top_at = block_seek(&index->top, key, sequence, &has_key);
    if (cursor->top_at == index->top.count)
        return BYRON_OK;
    TRY(enter_leaf(cursor));
    cursor->at = index->levels == 1
                     ? cursor->top_at
                     : block_seek(&cursor->leaf, key, sequence, &has_key);
    if (cursor->at == cursor->leaf.count)
        TRY(levels_disagree(index, cursor->leaf_offset));
    cursor->valid = true;
out:
    return status;
}

/* To the first or last block of the leaf under top_at. */
static byron_status enter_edge(struct index_cursor *cursor, uint32_t top_at,
                               bool at_end)
{
    byron_status status;

    cursor->valid = false;
    cursor->top_at = top_at;
    TRY(enter_leaf(cursor));
    cursor->at = at_end ? cursor->leaf.count - 1 : 0;
    cursor->valid = true;
out:
    return status;
}

byron_status index_cursor_first(struct index_cursor *cursor)
{
    cursor->asked = 0;
    return enter_edge(cursor, 0, false);
}

byron_status index_cursor_last(struct index_cursor *cursor)
{
    return enter_edge(cursor, cursor->index->top.count - 1, true);
}

byron_status index_cursor_next(struct index_cursor *cursor)
{
    if (cursor->at + 1 < cursor->leaf.count) {
        cursor->at++;
        return BYRON_OK;
    }
    if (cursor->index->levels == 1 ||
        cursor->top_at + 1 == cursor->index->top.count) {
        cursor->valid = false;
        return BYRON_OK;
    }
    cursor->top_at++;
    ask_ahead(cursor);
    return enter_edge(cursor, cursor->top_at, false);
}

byron_status index_cursor_prev(struct index_cursor *cursor)
{
    if (cursor->at > 0) {
        cursor->at--;
        return BYRON_OK;
    }
    if (cursor->index->levels == 1 || cursor->top_at == 0) {
        cursor->valid = false;
        return BYRON_OK;
    }
    cursor->asked = 0;
    return enter_edge(cursor, cursor->top_at - 1, true);
}

void index_cursor_value(const struct index_cursor *cursor,
                        struct index_value *out)
{
    index_value_decode(block_value(&cursor->leaf, cursor->at).data, out);
}
