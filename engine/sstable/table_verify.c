#include "base/hash.h"
#include "base/patience.h"
#include "base/try.h"
#include "entry/timed.h"
#include "sstable/read_ahead.h"
#include "sstable/table_parts.h"

/* So much is read at once, or between two questions whether to go on. */
#define CHUNK_SIZE ((size_t)256 * 1024)

/*
 * One walk over the file in its own order: what a writer would have put there,
 * checked piece by piece. Blocks are sound in themselves once loaded; here
 * their seams are looked at.
 */
struct walk {
    struct table_reader *reader;
    const struct byron_patience *patience;
    uint64_t asked; /* At which offset. */
    struct index_cursor cursor;
    struct read_ahead ahead;
    struct buf room;       /* A data block, unpacked. */
    struct buf value_disk; /* A large value. */
    struct buf value_room;
    struct buf key;       /* Of the current entry. */
    struct buf last_key;  /* Of the last entry of the block. */
    struct buf separator; /* Of the block, once its first entry is seen. */
    uint64_t separator_sequence;
    struct buf upper_separator; /* Of the index block. */
    uint64_t offset;            /* Where the next block must begin. */
    uint64_t blocks;
    uint64_t values;
    uint64_t keys;
    bool goes_on; /* The block begins with the last key of the one before. */
    struct table_facts seen;
    struct hash_stream *hash; /* Of the file's bytes up to hashed. */
    uint64_t hashed;
};

static byron_status corrupt(const struct walk *walk, uint64_t offset,
                            const char *flaw)
{
    return table_source_corrupt(&walk->reader->source, offset, flaw);
}

/* --- one entry --- */

static byron_status check_value(struct walk *walk, const struct block *block,
                                uint32_t at, struct slice *out)
{
    byron_status status;
    struct block_handle handle;
    struct slice value = block_value(block, at);

    *out = value;
    if (!block_is_large(block, at))
        return BYRON_OK;
    block_handle_decode(value.data, &handle);
    if (handle.offset != walk->offset)
        return corrupt(walk, walk->offset, "a large value is out of place");
    TRY(table_source_read(&walk->reader->source, &handle, BLOCK_VALUE,
                          &walk->value_disk, &walk->value_room, &value));
    walk->offset += handle.disk_size;
    walk->values++;
    *out = value;
    if (block_kind(block, at) == ENTRY_TIMED && value.size < TIMED_HEAD)
        return corrupt(walk, handle.offset,
                       "a value that expires is too short");
out:
    return status;
}

static void count_entry(struct table_facts *seen, enum entry_kind kind,
                        uint64_t sequence, size_t bytes, struct slice value)
{
    seen->entries++;
    seen->tombstones += kind == ENTRY_DELETE;
    if (kind == ENTRY_TIMED)
        table_facts_count_timed(seen, value);
    seen->raw_bytes += bytes;
    if (sequence < seen->min_sequence)
        seen->min_sequence = sequence;
    if (sequence > seen->max_sequence)
        seen->max_sequence = sequence;
}

/* Where a table begins: at its first key, or with its first range. */
static struct slice smaller(const struct range_list *ranges, struct slice key)
{
    if (ranges->count > 0 && slice_compare(ranges->pieces[0].lower, key) < 0)
        return ranges->pieces[0].lower;
    return key;
}

static struct slice larger(const struct range_list *ranges, struct slice key)
{
    struct slice upper;
    if (ranges->count == 0)
        return key;
    upper = ranges->pieces[ranges->count - 1].upper;
    return slice_compare(upper, key) > 0 ? upper : key;
}

static void count_ranges(struct table_facts *seen,
                         const struct range_list *ranges)
{
    for (size_t i = 0; i < ranges->sequence_count; i++) {
        uint64_t sequence = ranges->sequences[i];
        if (sequence < seen->min_sequence)
            seen->min_sequence = sequence;
        if (sequence > seen->max_sequence)
            seen->max_sequence = sequence;
    }
}

/* That the hash index leads to the newest version of a key. */
static byron_status check_hash(struct walk *walk, struct slice key, uint32_t at)
{
    byron_status status;
    const struct table_hash *hash = &walk->reader->hash;
    bool leads_to;

    TRY(table_hash_leads_to(hash, table_key_hash(key), walk->blocks, at,
                            &leads_to));
    if (!leads_to)
        status = corrupt(walk, hash->lines_at,
                         "the hash index does not lead to a key of the table");
out:
    return status;
}

static byron_status check_filter(struct walk *walk, struct slice key)
{
    byron_status status;
    const struct table_reader *reader = walk->reader;
    bool may_have;

    TRY(table_filter_probe(&reader->filter, &reader->source,
                           table_key_hash(key), &may_have));
    if (!may_have)
        status = corrupt(walk, reader->filter.offset,
                         "the filter lacks a key of the table");
out:
    return status;
}

/* Of the newest version of a key, which is entry at of its block. */
static byron_status check_key(struct walk *walk, struct slice key, uint32_t at,
                              uint64_t offset)
{
    byron_status status;
    const struct table_reader *reader = walk->reader;

    walk->keys++;
    if (reader->hash.shape.lines > 0)
        TRY(check_hash(walk, key, at));
    else
        TRY(check_filter(walk, key));
    if (walk->seen.entries == 0 &&
        !slice_equal(smaller(&reader->ranges, key),
                     buf_slice(&reader->facts.smallest)))
        status = corrupt(walk, offset, "the smallest key is another");
out:
    return status;
}

static byron_status check_entry(struct walk *walk, const struct block *block,
                                uint32_t at, uint64_t offset)
{
    byron_status status;
    uint64_t sequence = block_sequence(block, at);
    struct slice key;
    struct slice value;
    bool is_older;

    walk->key.size = block_key_after_prefix(block, at, walk->key.data);
    key = buf_slice(&walk->key);
    is_older =
        at == 0 ? walk->goes_on : block_find(block, key, at - 1, at) < at;
    if (!is_older)
        TRY(check_key(walk, key, at, offset));
    TRY(check_value(walk, block, at, &value));
    count_entry(&walk->seen, block_kind(block, at), sequence,
                key.size + value.size, value);
out:
    return status;
}

/* --- one block --- */

/* The key of an index entry, into out. */
static byron_status copy_separator(const struct block *block, uint32_t at,
                                   struct buf *out)
{
    byron_status status;

    buf_clear(out);
    TRY(buf_reserve(out, block_key_room(block)));
    memcpy(out->data, block->prefix, block->prefix_size);
    out->size = block_key_after_prefix(block, at, out->data);
out:
    return status;
}

/* Makes the separator of this block the current one. The upper level must
 * have the last one of each index block too. */
static byron_status take_separator(struct walk *walk)
{
    byron_status status;
    const struct index_cursor *cursor = &walk->cursor;
    const struct block *top = &cursor->index->top;

    TRY(copy_separator(&cursor->leaf, cursor->at, &walk->separator));
    walk->separator_sequence = block_sequence(&cursor->leaf, cursor->at);
    if (cursor->index->levels == 1 || cursor->at + 1 < cursor->leaf.count)
        return BYRON_OK;
    TRY(copy_separator(top, cursor->top_at, &walk->upper_separator));
    if (entry_compare(buf_slice(&walk->separator), walk->separator_sequence,
                      buf_slice(&walk->upper_separator),
                      block_sequence(top, cursor->top_at)) != 0)
        return corrupt(walk, cursor->leaf_offset,
                       "the levels of the index disagree");
out:
    return status;
}

/* The separator before must come before the first entry, and this one not
 * before the last. */
static byron_status check_separators(struct walk *walk,
                                     const struct block *block, uint64_t offset)
{
    byron_status status;
    struct buf *key = &walk->key;
    uint32_t last = block->count - 1;

    key->size = block_key_after_prefix(block, 0, key->data);
    walk->goes_on = walk->blocks > 0 &&
                    slice_equal(buf_slice(key), buf_slice(&walk->last_key));
    if (walk->blocks &&
        entry_compare(buf_slice(&walk->separator), walk->separator_sequence,
                      buf_slice(key), block_sequence(block, 0)) >= 0)
        return corrupt(walk, offset, "a block begins before its separator");
    TRY(take_separator(walk));
    key->size = block_key_after_prefix(block, last, key->data);
    if (entry_compare(buf_slice(key), block_sequence(block, last),
                      buf_slice(&walk->separator),
                      walk->separator_sequence) > 0)
        return corrupt(walk, offset, "a block ends behind its separator");
    buf_clear(&walk->last_key);
    TRY(buf_add(&walk->last_key, key->data, key->size));
out:
    return status;
}

/* Hashes the file from where the hash stands to end. */
static byron_status hash_to(struct walk *walk, uint64_t end)
{
    byron_status status = BYRON_OK;
    const struct table_source *source = &walk->reader->source;
    struct buf *chunk = &walk->value_disk;

    while (walk->hashed < end) {
        uint64_t left = end - walk->hashed;
        size_t size = left < CHUNK_SIZE ? (size_t)left : CHUNK_SIZE;
        buf_clear(chunk);
        TRY(buf_reserve(chunk, size));
        TRY(file_pool_read(source->pool, source->number, walk->hashed,
                           chunk->data, size));
        hash_stream_add(walk->hash, slice_of(chunk->data, size));
        walk->hashed += size;
    }
out:
    return status;
}

/* Hashes what the window has beyond, so that it is read but once. */
static byron_status hash_window(struct walk *walk)
{
    byron_status status = BYRON_OK;
    const struct read_ahead *ahead = &walk->ahead;
    uint64_t end = ahead->offset + ahead->window.size;
    struct slice bytes;

    if (walk->hashed < ahead->offset)
        TRY(hash_to(walk, ahead->offset));
    if (walk->hashed < end &&
        read_ahead_has(ahead, walk->hashed, (size_t)(end - walk->hashed),
                       &bytes)) {
        hash_stream_add(walk->hash, bytes);
        walk->hashed = end;
    }
out:
    return status;
}

/* That the hash index finds the next block where the index does. */
static byron_status check_handle(struct walk *walk,
                                 const struct block_handle *handle)
{
    byron_status status = BYRON_OK;
    const struct table_hash *hash = &walk->reader->hash;
    struct block_handle other = *handle;

    if (walk->blocks >= walk->reader->block_count)
        return corrupt(walk, handle->offset, "there are more blocks than said");
    if (hash->shape.lines > 0)
        TRY(table_hash_handle(hash, walk->blocks, &other));
    if (other.offset != handle->offset ||
        other.disk_size != handle->disk_size ||
        other.raw_size != handle->raw_size)
        status = corrupt(walk, hash->handles_at,
                         "the hash index has another handle of a block");
out:
    return status;
}

static byron_status check_block(struct walk *walk)
{
    byron_status status;
    const struct table_source *source = &walk->reader->source;
    struct index_value value;
    struct slice disk, body;
    struct block block;

    index_cursor_value(&walk->cursor, &value);
    TRY(table_source_check_handle(source, &value.block));
    TRY(check_handle(walk, &value.block));
    TRY(read_ahead_get(&walk->ahead, value.block.offset, value.block.disk_size,
                       &disk));
    TRY(hash_window(walk));
    TRY(table_source_unpack(source, &value.block, BLOCK_DATA, disk, &walk->room,
                            &body));
    block_view(body, &block);
    buf_clear(&walk->key);
    TRY(buf_reserve(&walk->key, block_key_room(&block)));
    if (block.prefix_size)
        memcpy(walk->key.data, block.prefix, block.prefix_size);
    TRY(check_separators(walk, &block, value.block.offset));
    if (value.ordinal != walk->seen.entries)
        TRY(corrupt(walk, value.block.offset, "an ordinal is wrong"));
    for (uint32_t i = 0; i < block.count; i++)
        TRY(check_entry(walk, &block, i, value.block.offset));
    if (value.block.offset != walk->offset)
        TRY(corrupt(walk, walk->offset, "a block is out of place"));
    walk->offset += value.block.disk_size;
    walk->blocks++;
out:
    return status;
}

/* --- the whole --- */

static byron_status check_totals(const struct walk *walk)
{
    const struct table_reader *reader = walk->reader;
    const struct table_facts *facts = &reader->facts;
    const struct table_facts *seen = &walk->seen;

    if (seen->entries != facts->entries ||
        seen->tombstones != facts->tombstones || seen->timed != facts->timed ||
        seen->earliest_ms != facts->earliest_ms ||
        seen->latest_ms != facts->latest_ms ||
        seen->raw_bytes != facts->raw_bytes ||
        seen->min_sequence != facts->min_sequence ||
        seen->max_sequence != facts->max_sequence ||
        walk->blocks != reader->block_count ||
        walk->values != reader->value_count)
        return corrupt(walk, BYRON_NO_OFFSET,
                       "the table does not hold what it counts");
    if (walk->offset != reader->data_end)
        return corrupt(walk, walk->offset, "there are bytes of no block");
    if (!slice_equal(larger(&reader->ranges, buf_slice(&walk->last_key)),
                     buf_slice(&facts->largest)))
        return corrupt(walk, BYRON_NO_OFFSET, "the largest key is another");
    return BYRON_OK;
}

/* Each key has a slot of its own, and there is no other. */
static byron_status check_slots(const struct walk *walk)
{
    byron_status status = BYRON_OK;
    const struct table_hash *hash = &walk->reader->hash;
    uint64_t slots;

    if (hash->shape.lines == 0)
        return BYRON_OK;
    TRY(table_hash_count(hash, &slots));
    if (slots != walk->keys || slots != hash->keys)
        status =
            corrupt(walk, hash->lines_at, "the hash index has slots of no key");
out:
    return status;
}

static byron_status check_blocks(struct walk *walk)
{
    byron_status status;

    TRY(index_cursor_first(&walk->cursor));
    while (walk->cursor.valid) {
        if (walk->offset - walk->asked >= CHUNK_SIZE) {
            walk->asked = walk->offset;
            TRY(patience_ask(walk->patience));
        }
        TRY(check_block(walk));
        TRY(index_cursor_next(&walk->cursor));
    }
    count_ranges(&walk->seen, &walk->reader->ranges);
    TRY(check_totals(walk));
    TRY(check_slots(walk));
out:
    return status;
}

static byron_status check_file_hash(struct walk *walk)
{
    byron_status status;

    TRY(hash_to(walk, walk->reader->facts.size));
    if (hash_stream_value(walk->hash) != walk->reader->facts.file_hash)
        status = corrupt(walk, BYRON_NO_OFFSET,
                         "the hash of the whole file is wrong");
out:
    return status;
}

byron_status table_reader_verify(struct table_reader *reader,
                                 const struct byron_patience *patience)
{
    byron_status status;
    struct walk walk = {
        .reader = reader, .patience = patience, .offset = TABLE_HEADER_SIZE};

    walk.seen.min_sequence = UINT64_MAX;
    index_cursor_init(&walk.cursor, &reader->index, true);
    read_ahead_init(&walk.ahead, &reader->source, reader->data_end,
                    READ_AHEAD_JOB, READ_AHEAD_JOB);
    TRY(hash_stream_new(reader->source.uid, &walk.hash));
    TRY(check_blocks(&walk));
    TRY(check_file_hash(&walk));
out:
    index_cursor_deinit(&walk.cursor);
    read_ahead_deinit(&walk.ahead);
    buf_deinit(&walk.room);
    buf_deinit(&walk.value_disk);
    buf_deinit(&walk.value_room);
    buf_deinit(&walk.key);
    buf_deinit(&walk.last_key);
    buf_deinit(&walk.separator);
    buf_deinit(&walk.upper_separator);
    hash_stream_free(walk.hash);
    return status;
}
