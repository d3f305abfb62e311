/*
 * fuzz_table: any bytes as a table file. Whatever they are, the reader gives
 * entries in order or an error.
 *
 * Checksums of header and footer are put right here; build the engine with
 * FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION so that those of blocks pass too.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "base/integer.h"
#include "base/error.h"
#include "sstable/sstable_format.h"
#include "sstable/table_reader.h"

#define STEPS_MAX 2000

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* --- one file in memory, as an operating system ------------------------- */

struct os_dir {
    int unused;
};
struct os_file {
    int unused;
};
static struct os_dir the_dir;
static struct os_file the_file;
static struct buf content;

static const char *dir_path(struct os_dir *dir)
{
    (void)dir;
    return "fuzz";
}

static byron_status file_open(struct os_dir *dir, const char *name,
                              struct os_file **out)
{
    (void)dir;
    (void)name;
    *out = &the_file;
    return BYRON_OK;
}

static void file_close(struct os_file *file)
{
    (void)file;
}

static byron_status file_read(struct os_file *file, uint64_t offset,
                              void *bytes, size_t size)
{
    (void)file;
    if (offset > content.size || size > content.size - offset)
        return error_corrupt("fuzz", offset, "read past the end");
    memcpy(bytes, content.data + offset, size);
    return BYRON_OK;
}

static byron_status file_size(struct os_file *file, uint64_t *out)
{
    (void)file;
    *out = content.size;
    return BYRON_OK;
}

static void file_prefetch(struct os_file *file, uint64_t offset, size_t size)
{
    (void)file;
    (void)offset;
    (void)size;
}

static struct byron_os fuzz_os = {
    .dir_path = dir_path,
    .file_open = file_open,
    .file_close = file_close,
    .file_read = file_read,
    .file_size = file_size,
    .file_prefetch = file_prefetch,
};

/* --- the manifest that would know such a file --------------------------- */

/* Checksums of header and footer, and the size, as they should be. */
static void put_right(uint8_t *bytes, size_t size)
{
    uint8_t *footer = bytes + size - TABLE_FOOTER_SIZE;
    uint64_t uid = load_u64(footer + 80);

    store_u64(footer + 72, size);
    store_u64(footer + 112, hash_bytes(slice_of(footer, 112),
                                       uid ^ (size - TABLE_FOOTER_SIZE)));
    store_u64(bytes + 16, uid);
    store_u64(bytes + 24, 1);
    store_u64(bytes + 56, hash_bytes(slice_of(bytes, 56), uid));
}

/* Facts that agree with the file's own properties. */
static bool make_facts(struct table_facts *facts)
{
    struct table_footer footer;
    struct table_properties properties;
    bool is_newer;
    const uint8_t *end = content.data + content.size;

    if (table_footer_decode(end - TABLE_FOOTER_SIZE, &footer, &is_newer) ||
        footer.properties.size < BLOCK_TRAILER_SIZE ||
        !table_properties_decode(
            slice_of(content.data + footer.properties.offset,
                     footer.properties.size - BLOCK_TRAILER_SIZE),
            &footer, &properties))
        return false;
    facts->uid = footer.uid;
    facts->size = content.size;
    facts->entries = properties.entries;
    facts->tombstones = properties.tombstones;
    facts->timed = properties.timed;
    facts->earliest_ms = properties.earliest_ms;
    facts->latest_ms = properties.latest_ms;
    facts->ranges = properties.ranges;
    facts->is_open = properties.is_open;
    facts->raw_bytes = properties.raw_bytes;
    facts->min_sequence = properties.min_sequence;
    facts->max_sequence = properties.max_sequence;
    return buf_add(&facts->smallest, properties.smallest.data,
                   properties.smallest.size) == BYRON_OK &&
           buf_add(&facts->largest, properties.largest.data,
                   properties.largest.size) == BYRON_OK;
}

/* --- what a reader does -------------------------------------------------- */

static void get(struct table_reader *reader, struct slice key,
                uint64_t sequence)
{
    struct table_found found = {0};

    table_reader_prefetch(reader, table_key_hash(key), TABLE_AHEAD_FIRST);
    table_reader_prefetch(reader, table_key_hash(key), TABLE_AHEAD_WHERE);
    table_reader_prefetch(reader, table_key_hash(key), TABLE_AHEAD_ENTRY);
    if (table_reader_get(reader, key, table_key_hash(key), sequence, &found) ==
        BYRON_OK)
        pin_release(&found.value);
}

static void walk(struct table_reader *reader, unsigned flags)
{
    struct iter *iter;
    struct slice value;
    int steps = 0;

    if (table_reader_iter_new(reader, flags, &iter) != BYRON_OK)
        return;
    if (iter_first(iter) == BYRON_OK) {
        while (iter->valid && steps++ < STEPS_MAX) {
            if (!flags)
                get(reader, iter->key, iter->sequence);
            if (iter_value(iter, &value) != BYRON_OK ||
                iter_next(iter) != BYRON_OK)
                break;
        }
        if (iter_last(iter) == BYRON_OK)
            while (iter->valid && steps++ < 2 * STEPS_MAX)
                if (iter_prev(iter) != BYRON_OK)
                    break;
    }
    iter_free(iter);
}

static void seek(struct table_reader *reader, struct slice key)
{
    struct iter *iter;
    uint64_t entries, size;

    get(reader, key, UINT64_MAX);
    (void)!table_reader_estimate(reader, key, slice_of(NULL, 0), &entries,
                                 &size);
    if (table_reader_iter_new(reader, 0, &iter) != BYRON_OK)
        return;
    if (iter_seek(iter, key, 5) == BYRON_OK &&
        iter_seek_before(iter, key) == BYRON_OK && iter->valid)
        (void)!iter_next(iter);
    iter_free(iter);
}

static void read_all(const struct table_facts *facts)
{
    struct file_pool *pool = NULL;
    struct block_cache *cache = NULL;
    struct table_reader *reader;

    require(file_pool_new(&fuzz_os, &the_dir, 2, &pool) == BYRON_OK);
    require(block_cache_new(1 << 20, &cache) == BYRON_OK);
    if (table_reader_open(pool, cache, 1, facts, &reader) == BYRON_OK) {
        walk(reader, 0);
        walk(reader, TABLE_ITER_BULK);
        seek(reader, buf_slice(&facts->smallest));
        seek(reader, slice_of("m", 1));
        seek(reader, buf_slice(&facts->largest));
        (void)!table_reader_verify(reader, NULL);
        table_reader_unref(reader);
    }
    block_cache_free(cache);
    file_pool_free(pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct table_facts facts = {0};

    if (size < TABLE_HEADER_SIZE + TABLE_FOOTER_SIZE)
        return 0;
    buf_clear(&content);
    require(buf_add(&content, bytes, size) == BYRON_OK);
    put_right(content.data, content.size);
    if (make_facts(&facts))
        read_all(&facts);
    table_facts_deinit(&facts);
    buf_deinit(&content);
    return 0;
}
