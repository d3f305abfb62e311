#include "sstable/table_reader.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/try.h"
#include "sstable/range_block.h"
#include "sstable/table_parts.h"

/* --- opening --- */

static byron_status copy_facts(const struct table_facts *facts,
                               struct table_facts *out)
{
    byron_status status;

    *out = *facts;
    memset(&out->smallest, 0, sizeof out->smallest);
    memset(&out->largest, 0, sizeof out->largest);
    TRY(buf_add(&out->smallest, facts->smallest.data, facts->smallest.size));
    TRY(buf_add(&out->largest, facts->largest.data, facts->largest.size));
out:
    return status;
}

static byron_status flaw_or_newer(const struct table_source *source,
                                  uint64_t offset, const char *flaw,
                                  bool is_newer)
{
    if (is_newer)
        return file_pool_newer(source->pool, source->number, flaw);
    return table_source_corrupt(source, offset, flaw);
}

static byron_status check_header(const struct table_source *source)
{
    byron_status status;
    uint8_t bytes[TABLE_HEADER_SIZE];
    struct table_header header;
    bool is_newer;
    const char *flaw;

    TRY(file_pool_read(source->pool, source->number, 0, bytes, sizeof bytes));
    flaw = table_header_decode(bytes, &header, &is_newer);
    if (!flaw && header.uid != source->uid)
        flaw = "another table is under this name: its uid differs";
    if (!flaw && header.number != source->number)
        flaw = "another table is under this name: its number differs";
    if (flaw)
        status = flaw_or_newer(source, 0, flaw, is_newer);
out:
    return status;
}

static byron_status read_footer(const struct table_source *source,
                                uint64_t size, struct table_footer *out)
{
    byron_status status;
    uint8_t bytes[TABLE_FOOTER_SIZE];
    bool is_newer;
    const char *flaw;
    uint64_t real_size;

    TRY(file_pool_size(source->pool, source->number, &real_size));
    if (real_size != size || size < TABLE_HEADER_SIZE + TABLE_FOOTER_SIZE)
        return table_source_corrupt(source, real_size,
                                    "the table file has the wrong size");
    TRY(file_pool_read(source->pool, source->number, source->blocks_end, bytes,
                       sizeof bytes));
    flaw = table_footer_decode(bytes, out, &is_newer);
    if (!flaw && (out->uid != source->uid || out->file_size != size))
        flaw = "the footer belongs to another table";
    if (flaw)
        status = flaw_or_newer(source, source->blocks_end, flaw, is_newer);
out:
    return status;
}

static bool properties_match(const struct table_properties *properties,
                             const struct table_facts *facts)
{
    return properties->entries == facts->entries &&
           properties->tombstones == facts->tombstones &&
           properties->timed == facts->timed &&
           properties->earliest_ms == facts->earliest_ms &&
           properties->latest_ms == facts->latest_ms &&
           properties->ranges == facts->ranges &&
           properties->is_open == facts->is_open &&
           properties->raw_bytes == facts->raw_bytes &&
           properties->min_sequence == facts->min_sequence &&
           properties->max_sequence == facts->max_sequence &&
           slice_equal(properties->smallest, buf_slice(&facts->smallest)) &&
           slice_equal(properties->largest, buf_slice(&facts->largest));
}

/* What tells which keys there are: a filter, or a hash index. */
static byron_status open_keys(struct table_reader *reader,
                              const struct table_footer *footer,
                              const struct table_properties *properties)
{
    byron_status status;
    bool has_hash = (footer->extras & TABLE_HAS_HASH_INDEX) != 0;
    const char *flaw = table_filter_flaw(&footer->filter, properties);

    if (flaw)
        return table_source_corrupt(&reader->source, footer->filter.offset,
                                    flaw);
    if (has_hash)
        flaw = table_hash_flaw(&footer->hash_index, properties);
    if (flaw)
        return table_source_corrupt(&reader->source, footer->hash_index.offset,
                                    flaw);
    TRY(table_filter_open(&reader->filter, &footer->filter, properties));
    if (has_hash)
        TRY(table_hash_open(&reader->hash, &reader->source, &footer->hash_index,
                            properties));
out:
    return status;
}

static byron_status open_properties(struct table_reader *reader,
                                    const struct table_footer *footer)
{
    byron_status status;
    struct buf disk = {0}, room = {0};
    struct slice body;
    struct table_properties properties;
    struct block_handle handle = {footer->properties.offset,
                                  footer->properties.size, 0};

    TRY(table_source_read(&reader->source, &handle, BLOCK_PROPERTIES, &disk,
                          &room, &body));
    if (!table_properties_decode(body, footer, &properties) ||
        !properties_match(&properties, &reader->facts))
        TRY(table_source_corrupt(
            &reader->source, handle.offset,
            "the table's properties are not those of the manifest"));
    TRY(open_keys(reader, footer, &properties));
    reader->block_count = properties.block_count;
    reader->value_count = properties.value_count;
out:
    buf_deinit(&disk);
    buf_deinit(&room);
    return status;
}

/* Whether the pieces lie between the table's ends, and the counts are right. */
static bool ranges_match(const struct range_list *ranges,
                         const struct table_facts *facts)
{
    const struct range_piece *last = &ranges->pieces[ranges->count - 1];
    int order = slice_compare(last->upper, buf_slice(&facts->largest));

    if (ranges->count != facts->ranges || order > 0 ||
        (facts->is_open && order != 0) ||
        slice_compare(ranges->pieces[0].lower, buf_slice(&facts->smallest)) < 0)
        return false;
    for (size_t i = 0; i < ranges->sequence_count; i++)
        if (ranges->sequences[i] < facts->min_sequence ||
            ranges->sequences[i] > facts->max_sequence)
            return false;
    return true;
}

static byron_status open_ranges(struct table_reader *reader,
                                const struct table_footer *footer)
{
    byron_status status;
    struct buf room = {0};
    struct slice body;
    struct block_handle handle = {footer->ranges.offset, footer->ranges.size,
                                  0};
    const char *flaw;

    if (!(footer->features & TABLE_HAS_RANGES))
        return reader->facts.ranges == 0
                   ? BYRON_OK
                   : table_source_corrupt(&reader->source, handle.offset,
                                          "the range deletes are missing");
    TRY(table_source_read(&reader->source, &handle, BLOCK_RANGES,
                          &reader->range_bytes, &room, &body));
    if (room.size > 0) { /* It was packed. */
        buf_deinit(&reader->range_bytes);
        reader->range_bytes = room;
        room = (struct buf){0};
    }
    TRY(range_block_decode(body, &reader->ranges, &flaw));
    if (!flaw && !ranges_match(&reader->ranges, &reader->facts))
        flaw = "the range deletes are not those of the manifest";
    if (flaw)
        TRY(table_source_corrupt(&reader->source, handle.offset, flaw));
out:
    buf_deinit(&room);
    return status;
}

static void reader_free(struct table_reader *reader)
{
    if (!reader)
        return;
    table_index_close(&reader->index);
    table_filter_close(&reader->filter, &reader->source);
    table_hash_close(&reader->hash);
    table_map_close(reader->source.map);
    file_pool_forget(reader->source.pool, reader->source.number);
    block_cache_forget(reader->source.cache, reader->source.number);
    table_facts_deinit(&reader->facts);
    range_list_deinit(&reader->ranges);
    buf_deinit(&reader->range_bytes);
    alloc_free(reader);
}

byron_status table_reader_open(struct file_pool *pool,
                               struct block_cache *cache, uint64_t number,
                               const struct table_facts *facts,
                               struct table_reader **out)
{
    byron_status status;
    struct table_footer footer;
    struct table_reader *reader = alloc_zeroed(1, sizeof *reader);

    if (!reader)
        return error_no_memory();
    atomic_init(&reader->refs, 1);
    reader->source.pool = pool;
    reader->source.cache = cache;
    reader->source.number = number;
    reader->source.uid = facts->uid;
    reader->source.blocks_end = facts->size - TABLE_FOOTER_SIZE;
    TRY(copy_facts(facts, &reader->facts));
    TRY(read_footer(&reader->source, facts->size, &footer));
    TRY(check_header(&reader->source));
    TRY(table_map_open(pool, number, facts->size, &reader->source.map));
    reader->data_end = footer.data_end;
    TRY(open_properties(reader, &footer));
    TRY(open_ranges(reader, &footer));
    TRY(table_index_open(&reader->index, &reader->source, &footer.index,
                         footer.index_levels));
    *out = reader;
    reader = NULL;
out:
    reader_free(reader);
    return status;
}

struct table_reader *table_reader_ref(struct table_reader *reader)
{
    atomic_fetch_add_explicit(&reader->refs, 1, memory_order_relaxed);
    return reader;
}

void table_reader_unref(struct table_reader *reader)
{
    if (reader &&
        atomic_fetch_sub_explicit(&reader->refs, 1, memory_order_acq_rel) == 1)
        reader_free(reader);
}

/* --- one key --- */

bool table_reader_has_hash_index(const struct table_reader *reader)
{
    return reader->hash.shape.lines > 0;
}

void table_reader_prefetch(const struct table_reader *reader, uint64_t key_hash,
                           enum table_ahead ahead)
{
    if (!table_reader_has_hash_index(reader)) {
        if (ahead == TABLE_AHEAD_FIRST)
            table_filter_prefetch(&reader->filter, key_hash);
    } else if (ahead == TABLE_AHEAD_FIRST) {
        table_hash_prefetch(&reader->hash, key_hash);
    } else if (ahead == TABLE_AHEAD_WHERE) {
        table_hash_prefetch_hint(&reader->hash, key_hash);
    } else {
        table_hash_prefetch_entry(&reader->hash, key_hash);
    }
}

static void unpin_block(void *owner)
{
    cached_block_unpin(owner);
}

/* Takes pin, NULL where the bytes are mapped. */
static void pin_value(const struct table_reader *reader,
                      struct cached_block *pin, struct slice bytes,
                      struct pin *out)
{
    if (!pin) {
        table_map_pin(reader->source.map, bytes, out);
        return;
    }
    out->bytes = bytes;
    out->release = unpin_block;
    out->owner = pin;
}

/* Takes pin, the data block: its pin goes to the value or is let go. */
static byron_status lend_entry(struct table_reader *reader,
                               struct cached_block *pin,
                               const struct block *block, uint32_t at,
                               struct table_found *out)
{
    byron_status status;
    struct slice value = block_value(block, at);
    struct block_handle handle;
    struct cached_block *value_pin;

    out->kind = block_kind(block, at);
    out->sequence = block_sequence(block, at);
    if (!block_is_large(block, at)) {
        pin_value(reader, pin, value, &out->value);
        return BYRON_OK;
    }
    if (out->skips_large && out->kind != ENTRY_TIMED) {
        out->value = (struct pin){0};
        cached_block_unpin(pin);
        return BYRON_OK;
    }
    block_handle_decode(value.data, &handle);
    TRY(table_source_lend(&reader->source, &handle, BLOCK_VALUE, &value,
                          &value_pin));
    pin_value(reader, value_pin, value, &out->value);
out:
    cached_block_unpin(pin);
    return status;
}

/* Looks for key by the index, where the filter cannot exclude it. */
static byron_status search(struct table_reader *reader, struct slice key,
                           uint64_t sequence, struct table_found *out)
{
    byron_status status;
    const struct table_source *source = &reader->source;
    struct index_value where;
    struct cached_block *pin = NULL;
    struct slice body;
    struct block block;
    uint32_t at;
    bool found;

    TRY(table_index_find(&reader->index, key, sequence, &where, &found));
    if (!found)
        return BYRON_NOT_FOUND;
    TRY(table_source_lend(source, &where.block, BLOCK_DATA, &body, &pin));
    block_prefetch(body);
    TRY(table_source_view(source, where.block.offset, body, &block));
    at = block_seek(&block, key, sequence, &found);
    if (!found) {
        cached_block_unpin(pin);
        return BYRON_NOT_FOUND;
    }
    return lend_entry(reader, pin, &block, at, out);
out:
    cached_block_unpin(pin);
    return status;
}

static byron_status filtered_search(struct table_reader *reader,
                                    struct slice key, uint64_t key_hash,
                                    uint64_t sequence, struct table_found *out)
{
    byron_status status;
    bool may_have;

    TRY(table_filter_probe(&reader->filter, &reader->source, key_hash,
                           &may_have));
    status = may_have ? search(reader, key, sequence, out) : BYRON_NOT_FOUND;
out:
    return status;
}

static byron_status hashed_search(struct table_reader *reader, struct slice key,
                                  uint64_t key_hash, uint64_t sequence,
                                  struct table_found *out)
{
    struct entry_place place;
    bool is_unsure;
    byron_status status = table_hash_find(&reader->hash, key, key_hash,
                                          sequence, &place, &is_unsure);

    if (is_unsure)
        return search(reader, key, sequence, out);
    if (status == BYRON_OK)
        status = lend_entry(reader, place.pin, &place.block, place.at, out);
    return status;
}

const struct range_list *table_reader_ranges(const struct table_reader *reader)
{
    return &reader->ranges;
}

/* The newest delete of key at or below sequence, or 0. */
static uint64_t find_deleted(const struct table_reader *reader,
                             struct slice key, uint64_t sequence)
{
    const struct range_piece *piece = range_list_find(&reader->ranges, key);
    return piece ? range_piece_newest(piece, sequence) : 0;
}

/* Of the delete that covers a key and the answer for its entry the newer. */
static byron_status choose_newer(uint64_t deleted, byron_status status,
                                 struct table_found *out)
{
    if ((status != BYRON_OK && status != BYRON_NOT_FOUND) ||
        (status == BYRON_OK && out->sequence >= deleted))
        return status;
    if (status == BYRON_OK)
        pin_release(&out->value);
    *out = (struct table_found){.kind = ENTRY_DELETE, .sequence = deleted};
    return BYRON_OK;
}

byron_status table_reader_get(struct table_reader *reader, struct slice key,
                              uint64_t key_hash, uint64_t sequence,
                              struct table_found *out)
{
    byron_status status;
    uint64_t deleted = 0;

    if (reader->ranges.count > 0)
        deleted = find_deleted(reader, key, sequence);
    if (table_reader_has_hash_index(reader))
        status = hashed_search(reader, key, key_hash, sequence, out);
    else
        status = filtered_search(reader, key, key_hash, sequence, out);
    return deleted > 0 ? choose_newer(deleted, status, out) : status;
}

/* --- estimate --- */

/* Where a bound falls: its data block, or the end of the data. */
static byron_status locate(struct table_reader *reader, struct slice bound,
                           struct index_value *out)
{
    byron_status status;
    bool found;

    TRY(table_index_find(&reader->index, bound, SEQUENCE_MAX, out, &found));
    if (!found) {
        memset(out, 0, sizeof *out);
        out->ordinal = reader->facts.entries;
        out->block.offset = reader->data_end;
    }
out:
    return status;
}

byron_status table_reader_estimate(struct table_reader *reader,
                                   struct slice lower, struct slice upper,
                                   uint64_t *entries, uint64_t *bytes)
{
    byron_status status = BYRON_OK;
    const struct table_facts *facts = &reader->facts;
    struct index_value from = {.block.offset = TABLE_HEADER_SIZE};
    struct index_value to = {.block.offset = reader->data_end,
                             .ordinal = facts->entries};
    uint64_t blocks = reader->block_count ? reader->block_count : 1;

    *entries = 0;
    *bytes = 0;
    if ((lower.data && upper.data && slice_compare(lower, upper) >= 0) ||
        (lower.data && slice_compare(lower, buf_slice(&facts->largest)) > 0) ||
        (upper.data && slice_compare(upper, buf_slice(&facts->smallest)) <= 0))
        return BYRON_OK;
    if (lower.data && slice_compare(lower, buf_slice(&facts->smallest)) > 0)
        TRY(locate(reader, lower, &from));
    if (upper.data && slice_compare(upper, buf_slice(&facts->largest)) <= 0)
        TRY(locate(reader, upper, &to));
    if (to.ordinal > from.ordinal && to.block.offset > from.block.offset) {
        *entries = to.ordinal - from.ordinal;
        *bytes = to.block.offset - from.block.offset;
    } else {
        /* Both in one block: half of an average one. */
        *entries = (facts->entries / blocks + 1) / 2;
        *bytes = (reader->data_end / blocks + 1) / 2;
    }
out:
    return status;
}
