#include "sstable/table_writer.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/file_name.h"
#include "base/hash.h"
#include "base/try.h"
#include "sstable/block_output.h"
#include "sstable/block_writer.h"
#include "sstable/bloom.h"
#include "sstable/hash_writer.h"
#include "sstable/index_writer.h"
#include "sstable/range_block.h"

#define BLOCK_SIZE_MIN 64u
#define BOUNDS_CHUNK   ((size_t)4 << 10)
#define BLOCK_SIZE_MAX (16u << 20)

struct table_writer {
    struct byron_os *os; /* Borrowed, as dir. */
    struct os_dir *dir;
    struct os_file *file;
    char name[OS_NAME_MAX];
    struct table_options options;
    struct block_output output;
    struct block_writer block;
    struct index_writer index;
    struct table_facts facts;
    struct buf hashes; /* u64 per distinct key, for filter or hash index. */
    struct hash_writer hash_index;
    struct buf body;      /* Of the data block just finished. */
    struct buf separator; /* For building. */

    /* The newest finished data block. Its index entry waits for the first key
     * behind it. */
    bool has_unlisted;
    struct index_value unlisted;
    struct buf unlisted_key; /* Its last key and sequence. */
    uint64_t unlisted_sequence;

    struct range_list ranges;
    struct buf range_bytes; /* Their block. */
    struct arena *bounds;   /* Theirs; NULL: no ranges. */

    uint64_t block_ordinal; /* Entries before the block being filled. */
    uint64_t block_count;
    uint64_t value_count;
    uint64_t tombstones_in_row;
    uint64_t tombstone_run;
};

static void writer_free(struct table_writer *writer)
{
    writer->os->file_close(writer->file);
    block_output_deinit(&writer->output);
    block_writer_deinit(&writer->block);
    index_writer_deinit(&writer->index);
    table_facts_deinit(&writer->facts);
    buf_deinit(&writer->hashes);
    hash_writer_deinit(&writer->hash_index);
    buf_deinit(&writer->body);
    buf_deinit(&writer->separator);
    buf_deinit(&writer->unlisted_key);
    range_list_deinit(&writer->ranges);
    buf_deinit(&writer->range_bytes);
    arena_free(writer->bounds);
    alloc_free(writer);
}

static byron_status write_header(struct table_writer *writer, uint64_t number)
{
    uint8_t bytes[TABLE_HEADER_SIZE];
    struct table_header header = {writer->facts.uid, number};

    table_header_encode(&header, bytes);
    return block_output_add(&writer->output, slice_of(bytes, sizeof bytes));
}

byron_status table_writer_new(struct byron_os *os, struct os_dir *dir,
                              uint64_t number,
                              const struct table_options *options,
                              struct table_writer **out)
{
    byron_status status;
    struct table_writer *writer = alloc_zeroed(1, sizeof *writer);
    struct os_file *file;

    if (!writer)
        return error_no_memory();
    writer->os = os;
    writer->dir = dir;
    writer->options = *options;
    if (writer->options.block_size < BLOCK_SIZE_MIN)
        writer->options.block_size = BLOCK_SIZE_MIN;
    if (writer->options.block_size > BLOCK_SIZE_MAX)
        writer->options.block_size = BLOCK_SIZE_MAX;
    writer->facts.min_sequence = UINT64_MAX;
    file_name_format(FILE_TABLE, number, writer->name);
    TRY(os->random(os, &writer->facts.uid, sizeof writer->facts.uid));
    TRY(os->file_create(dir, writer->name, &file));
    writer->file = file;
    TRY(block_output_init(&writer->output, os, file, writer->facts.uid));
    writer->output.is_awaited = options->is_awaited;
    TRY(write_header(writer, number));
    *out = writer;
    writer = NULL;
out:
    table_writer_abandon(writer);
    return status;
}

/* --- adding --- */

/* Lists the newest finished block in the index. next is the first key behind
 * it, NULL at the end of the table. */
static byron_status list_block(struct table_writer *writer,
                               const struct slice *next)
{
    byron_status status = BYRON_OK;
    struct slice last = buf_slice(&writer->unlisted_key);

    if (!writer->has_unlisted)
        return BYRON_OK;
    if (next && !slice_equal(last, *next)) {
        TRY(index_separator(last, *next, &writer->separator));
        TRY(index_writer_add(&writer->index, buf_slice(&writer->separator), 0,
                             &writer->unlisted));
    } else {
        /* Versions of one key go on in the next block: the sequence tells
         * them apart. */
        TRY(index_writer_add(&writer->index, last,
                             next ? writer->unlisted_sequence : 0,
                             &writer->unlisted));
    }
    writer->has_unlisted = false;
out:
    return status;
}

static byron_status finish_block(struct table_writer *writer)
{
    byron_status status;
    struct slice last = block_writer_last_key(&writer->block);

    assert(!writer->has_unlisted);
    buf_clear(&writer->unlisted_key);
    TRY(buf_add(&writer->unlisted_key, last.data, last.size));
    writer->unlisted_sequence = block_writer_last_sequence(&writer->block);
    writer->unlisted.ordinal = writer->block_ordinal;
    buf_clear(&writer->body);
    TRY(block_writer_finish(&writer->block, &writer->body));
    TRY(block_output_seal(&writer->output, BLOCK_DATA, writer->options.codec,
                          buf_slice(&writer->body), &writer->unlisted.block));
    if (writer->options.hash_index)
        TRY(hash_writer_add_block(&writer->hash_index,
                                  &writer->unlisted.block));
    writer->has_unlisted = true;
    writer->block_ordinal = writer->facts.entries;
    writer->block_count++;
out:
    return status;
}

/* A value of more than half a block goes into one of its own. */
static bool is_large(const struct table_writer *writer,
                     const struct entry *entry)
{
    return entry->value.size > writer->options.block_size / 2 &&
           entry->value.size > BLOCK_HANDLE_SIZE;
}

static byron_status add_large(struct table_writer *writer,
                              const struct entry *entry)
{
    byron_status status;
    struct block_handle handle;
    uint8_t bytes[BLOCK_HANDLE_SIZE];
    struct entry stub = *entry;

    TRY(block_output_seal(&writer->output, BLOCK_VALUE, writer->options.codec,
                          entry->value, &handle));
    block_handle_encode(&handle, bytes);
    stub.value = slice_of(bytes, sizeof bytes);
    TRY(block_writer_add(&writer->block, &stub, true));
    writer->value_count++;
out:
    return status;
}

/* Whether the entry before this one is a newer version of its key. */
static bool is_older_version(const struct table_writer *writer,
                             struct slice key)
{
    struct slice last;

    if (writer->facts.entries == 0)
        return false;
    last = writer->block.count ? block_writer_last_key(&writer->block)
                               : buf_slice(&writer->unlisted_key);
    return slice_equal(last, key);
}

/* Notes the newest version of a key for filter and hash index. Two keys of one
 * hash are two in the hash index, or one would not be found. */
static byron_status add_hash(struct table_writer *writer, struct slice key)
{
    byron_status status = BYRON_OK;
    uint64_t hash;

    if (writer->options.bloom_bits == 0 && !writer->options.hash_index)
        return BYRON_OK;
    hash = hash_bytes(key, 0);
    TRY(buf_reserve(&writer->hashes, sizeof hash));
    memcpy(writer->hashes.data + writer->hashes.size, &hash, sizeof hash);
    writer->hashes.size += sizeof hash;
    if (writer->options.hash_index)
        TRY(hash_writer_add_key(&writer->hash_index, writer->block_count,
                                writer->block.count));
out:
    return status;
}

static void count_entry(struct table_writer *writer, const struct entry *entry)
{
    struct table_facts *facts = &writer->facts;

    facts->entries++;
    facts->raw_bytes += entry->key.size + entry->value.size;
    if (entry->sequence < facts->min_sequence)
        facts->min_sequence = entry->sequence;
    if (entry->sequence > facts->max_sequence)
        facts->max_sequence = entry->sequence;
    if (entry->kind == ENTRY_TIMED)
        table_facts_count_timed(facts, entry->value);
    if (entry->kind != ENTRY_DELETE) {
        writer->tombstones_in_row = 0;
        return;
    }
    facts->tombstones++;
    if (++writer->tombstones_in_row > writer->tombstone_run)
        writer->tombstone_run = writer->tombstones_in_row;
}

byron_status table_writer_add(struct table_writer *writer,
                              const struct entry *entry)
{
    byron_status status;
    bool large = is_large(writer, entry);
    size_t value_size = large ? BLOCK_HANDLE_SIZE : entry->value.size;

    assert(entry->key.size <= BYRON_MAX_KEY);
    assert(entry->value.size <= BYRON_MAX_VALUE);
    if (writer->block.count &&
        block_writer_size_with(&writer->block, entry->key, value_size) >
            writer->options.block_size)
        TRY(finish_block(writer));
    if (writer->has_unlisted)
        TRY(list_block(writer, &entry->key));
    if (writer->facts.entries == 0)
        TRY(buf_add(&writer->facts.smallest, entry->key.data, entry->key.size));
    if (is_older_version(writer, entry->key))
        writer->facts.superseded++;
    else
        TRY(add_hash(writer, entry->key));
    if (large)
        TRY(add_large(writer, entry));
    else
        TRY(block_writer_add(&writer->block, entry, false));
    count_entry(writer, entry);
out:
    return status;
}

/* --- range deletes --- */

static byron_status copy_bound(struct table_writer *writer, struct slice *bound)
{
    uint8_t *copy = arena_take(writer->bounds, bound->size + 1);

    if (!copy)
        return error_no_memory();
    if (bound->size > 0)
        memcpy(copy, bound->data, bound->size);
    bound->data = copy;
    return BYRON_OK;
}

byron_status table_writer_add_range(struct table_writer *writer,
                                    const struct range_piece *piece)
{
    struct table_facts *facts = &writer->facts;
    struct range_piece copy = *piece;
    byron_status status = BYRON_OK;

    if (!writer->bounds)
        TRY(arena_new(BOUNDS_CHUNK, &writer->bounds));
    TRY(copy_bound(writer, &copy.lower));
    TRY(copy_bound(writer, &copy.upper));
    TRY(range_list_add(&writer->ranges, &copy));
    if (piece->sequences[0] > facts->max_sequence)
        facts->max_sequence = piece->sequences[0];
    if (piece->sequences[piece->count - 1] < facts->min_sequence)
        facts->min_sequence = piece->sequences[piece->count - 1];
out:
    return status;
}

/* The table begins and ends where its ranges do, if they reach further. */
static byron_status widen_to_ranges(struct table_writer *writer)
{
    struct table_facts *facts = &writer->facts;
    struct slice lower, upper;
    byron_status status = BYRON_OK;

    if (writer->ranges.count == 0)
        return BYRON_OK;
    range_list_seal(&writer->ranges);
    facts->ranges = writer->ranges.count;
    lower = writer->ranges.pieces[0].lower;
    upper = writer->ranges.pieces[writer->ranges.count - 1].upper;
    if (slice_compare(lower, buf_slice(&facts->smallest)) < 0) {
        buf_clear(&facts->smallest);
        TRY(buf_add(&facts->smallest, lower.data, lower.size));
    }
    if (slice_compare(upper, buf_slice(&facts->largest)) > 0) {
        buf_clear(&facts->largest);
        TRY(buf_add(&facts->largest, upper.data, upper.size));
        facts->is_open = true;
    }
out:
    return status;
}

static byron_status write_ranges(struct table_writer *writer,
                                 struct table_section *out)
{
    struct block_handle handle;
    byron_status status = BYRON_OK;

    if (writer->ranges.count == 0)
        return BYRON_OK;
    TRY(range_block_encode(&writer->ranges, &writer->range_bytes));
    TRY(block_output_seal(&writer->output, BLOCK_RANGES, CODEC_NONE,
                          buf_slice(&writer->range_bytes), &handle));
    out->offset = handle.offset;
    out->size = handle.disk_size;
out:
    return status;
}

uint64_t table_writer_size(const struct table_writer *writer)
{
    uint64_t keys = writer->hashes.size / sizeof(uint64_t);
    uint64_t filter = writer->options.hash_index
                          ? hash_writer_size(&writer->hash_index)
                          : keys * writer->options.bloom_bits / 8;

    return writer->output.offset + block_writer_size(&writer->block) +
           index_writer_size(&writer->index) + filter + TABLE_FOOTER_SIZE;
}

/* --- finishing --- */

/* Which keys there are, and where; zero: no such thing in this table. */
struct key_shapes {
    struct bloom_shape filter;
    struct hash_shape hash_index;
};

/* Writes the filter in chunks of lines, so that a small cache can hold what is
 * asked often. */
static byron_status write_filter(struct table_writer *writer,
                                 struct bloom_shape *shape,
                                 struct table_section *out)
{
    byron_status status = BYRON_OK;
    struct buf lines = {0};
    struct block_handle handle;

    bloom_choose(writer->hashes.size / sizeof(uint64_t),
                 writer->options.bloom_bits, shape);
    out->offset = writer->output.offset;
    out->size = 0;
    if (shape->lines == 0)
        return BYRON_OK;
    TRY(bloom_add(shape, &writer->hashes, &lines));
    for (size_t at = 0; at < lines.size; at += FILTER_CHUNK_SIZE) {
        size_t size = lines.size - at;
        if (size > FILTER_CHUNK_SIZE)
            size = FILTER_CHUNK_SIZE;
        TRY(block_output_seal(&writer->output, BLOCK_FILTER, CODEC_NONE,
                              slice_of(lines.data + at, size), &handle));
        out->size += handle.disk_size;
    }
out:
    buf_deinit(&lines);
    return status;
}

/* A hash index tells all that a filter would. */
static byron_status write_keys(struct table_writer *writer,
                               struct table_footer *footer,
                               struct key_shapes *out)
{
    byron_status status = BYRON_OK;

    memset(out, 0, sizeof *out);
    if (writer->options.hash_index)
        TRY(hash_writer_finish(&writer->hash_index, &writer->hashes,
                               &writer->output, &footer->hash_index,
                               &out->hash_index));
    if (out->hash_index.lines > 0)
        footer->extras |= TABLE_HAS_HASH_INDEX;
    else
        TRY(write_filter(writer, &out->filter, &footer->filter));
out:
    return status;
}

static byron_status write_properties(struct table_writer *writer,
                                     const struct key_shapes *shapes,
                                     struct table_section *out)
{
    byron_status status;
    struct block_handle handle;
    struct table_properties properties = {
        .entries = writer->facts.entries,
        .tombstones = writer->facts.tombstones,
        .timed = writer->facts.timed,
        .earliest_ms = writer->facts.earliest_ms,
        .latest_ms = writer->facts.latest_ms,
        .ranges = writer->facts.ranges,
        .is_open = writer->facts.is_open,
        .raw_bytes = writer->facts.raw_bytes,
        .min_sequence = writer->facts.min_sequence,
        .max_sequence = writer->facts.max_sequence,
        .block_count = writer->block_count,
        .value_count = writer->value_count,
        .tombstone_run = writer->tombstone_run,
        .filter_lines = shapes->filter.lines,
        .filter_probes = shapes->filter.probes,
        .hash_keys = writer->hashes.size / sizeof(uint64_t),
        .hash_shape = shapes->hash_index,
        .smallest = buf_slice(&writer->facts.smallest),
        .largest = buf_slice(&writer->facts.largest),
    };

    buf_clear(&writer->body);
    TRY(table_properties_encode(&properties, &writer->body));
    TRY(block_output_seal(&writer->output, BLOCK_PROPERTIES, CODEC_NONE,
                          buf_slice(&writer->body), &handle));
    out->offset = handle.offset;
    out->size = handle.disk_size;
out:
    return status;
}

/* All that follows the data blocks. */
static byron_status write_tail(struct table_writer *writer)
{
    byron_status status;
    struct key_shapes shapes;
    struct block_handle top;
    uint8_t bytes[TABLE_FOOTER_SIZE];
    struct table_footer footer = {.uid = writer->facts.uid,
                                  .data_end = writer->output.offset};

    if (writer->facts.timed > 0)
        footer.features |= TABLE_HAS_TIMED;
    if (writer->facts.ranges > 0)
        footer.features |= TABLE_HAS_RANGES;

    TRY(write_keys(writer, &footer, &shapes));
    TRY(index_writer_finish(&writer->index, &writer->output,
                            writer->options.codec, &top, &footer.index_levels));
    footer.index.offset = top.offset;
    footer.index.size = top.disk_size;
    TRY(write_ranges(writer, &footer.ranges));
    TRY(write_properties(writer, &shapes, &footer.properties));
    footer.file_size = writer->output.offset + TABLE_FOOTER_SIZE;
    table_footer_encode(&footer, bytes);
    TRY(block_output_add(&writer->output, slice_of(bytes, sizeof bytes)));
    TRY(block_output_flush(&writer->output));
out:
    return status;
}

byron_status table_writer_finish(struct table_writer *writer,
                                 struct table_facts *out)
{
    byron_status status;
    struct slice last;

    assert(writer->block.count);
    last = block_writer_last_key(&writer->block);
    buf_clear(&writer->facts.largest);
    TRY(buf_add(&writer->facts.largest, last.data, last.size));
    TRY(widen_to_ranges(writer));
    TRY(finish_block(writer));
    TRY(list_block(writer, NULL));
    TRY(write_tail(writer));
    if (!writer->options.is_passing)
        TRY(writer->os->file_sync(writer->file));
    writer->facts.size = writer->output.offset;
    writer->facts.file_hash = block_output_hash(&writer->output);
    *out = writer->facts;
    memset(&writer->facts, 0, sizeof writer->facts);
    writer_free(writer);
out:
    return status;
}

void table_writer_abandon(struct table_writer *writer)
{
    if (!writer)
        return;
    /* The remover may fail: then the file stays as one no version names, and
     * goes at the next open. */
    if (writer->file) {
        struct byron_error first = *error_last();
        writer->os->file_close(writer->file);
        writer->file = NULL;
        (void)!writer->os->file_remove(writer->dir, writer->name);
        (void)error_restore(&first);
    }
    writer_free(writer);
}
