/*
 * RocksDB through rocksdb/c.h.
 */
#include "bench/peer.h"

#if __has_include(<rocksdb/c.h>)
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rocksdb/c.h>

#define TUNING                                                                 \
    "block cache 3/4 of the memory, index and filter blocks in it; write "     \
    "buffers two of 1/8; full bloom filters; 4 KB blocks, format 5; dynamic "  \
    "level sizes; two background jobs; files of 32 MB; sync of tables every "  \
    "1 MB; pinned gets; all files kept open"

struct store {
    rocksdb_t *db;
    rocksdb_readoptions_t *reading;
    rocksdb_writeoptions_t *writing;
    rocksdb_writebatch_t *batch;
    const rocksdb_snapshot_t *held;
    rocksdb_pinnableslice_t *value;
    rocksdb_iterator_t *iterator;
    uint64_t left;
    bool is_backward, has_begun, is_synced;
};

static void check(char *words, const char *what)
{
    if (words)
        peer_die("rocksdb", what, words);
}

static const char *version(void)
{
#ifdef BENCH_ROCKSDB_VERSION
    return BENCH_ROCKSDB_VERSION;
#else
    return "";
#endif
}

static rocksdb_block_based_table_options_t *
table_options(const struct peer_settings *settings)
{
    rocksdb_block_based_table_options_t *table =
        rocksdb_block_based_options_create();
    rocksdb_cache_t *cache =
        rocksdb_cache_create_lru((size_t)(settings->memory / 4 * 3));

    rocksdb_block_based_options_set_block_cache(table, cache);
    rocksdb_cache_destroy(cache); /* It lives on while it is in use. */
    rocksdb_block_based_options_set_filter_policy(
        table, rocksdb_filterpolicy_create_bloom_full(settings->bloom_bits));
    rocksdb_block_based_options_set_block_size(table, 4096);
    rocksdb_block_based_options_set_format_version(table, 5);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(
        table, 1);
    return table;
}

static rocksdb_options_t *db_options(const struct peer_settings *settings)
{
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_block_based_table_options_t *table = table_options(settings);

    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table);
    rocksdb_options_set_compression(options, settings->is_compressed
                                                 ? rocksdb_lz4_compression
                                                 : rocksdb_no_compression);
    rocksdb_options_set_write_buffer_size(options,
                                          (size_t)(settings->memory / 8));
    rocksdb_options_set_max_write_buffer_number(options, 2);
    rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1);
    rocksdb_options_set_max_bytes_for_level_base(options, settings->memory / 2);
    rocksdb_options_set_target_file_size_base(options, (uint64_t)32 << 20);
    rocksdb_options_set_max_background_jobs(options, 2);
    rocksdb_options_set_bytes_per_sync(options, (uint64_t)1 << 20);
    rocksdb_options_set_max_open_files(options, -1);
    rocksdb_options_set_info_log_level(options, 4);
    return options;
}

static struct store *new_handle(rocksdb_t *db, bool is_synced)
{
    struct store *store = peer_allocate(sizeof *store);

    store->db = db;
    store->is_synced = is_synced;
    store->reading = rocksdb_readoptions_create();
    store->writing = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(store->writing, is_synced);
    store->batch = rocksdb_writebatch_create();
    return store;
}

static struct store *open_store(const struct peer_settings *settings)
{
    char *words = NULL;
    rocksdb_options_t *options = db_options(settings);
    rocksdb_t *db = rocksdb_open(options, settings->path, &words);

    check(words, "open");
    rocksdb_options_destroy(options);
    return new_handle(db, settings->is_synced);
}

static struct store *attach(struct store *store)
{
    return new_handle(store->db, store->is_synced);
}

static void detach(struct store *store)
{
    if (store->value)
        rocksdb_pinnableslice_destroy(store->value);
    rocksdb_readoptions_destroy(store->reading);
    rocksdb_writeoptions_destroy(store->writing);
    rocksdb_writebatch_destroy(store->batch);
    free(store);
}

static void begin(struct store *store, uint64_t count)
{
    (void)count;
    rocksdb_writebatch_clear(store->batch);
}

static void add(struct store *store, enum write_kind kind, struct bytes key,
                struct bytes value)
{
    if (kind == WRITE_DELETE)
        rocksdb_writebatch_delete(store->batch, key.data, key.size);
    else
        rocksdb_writebatch_put(store->batch, key.data, key.size, value.data,
                               value.size);
}

static void commit(struct store *store)
{
    char *words = NULL;

    rocksdb_write(store->db, store->writing, store->batch, &words);
    check(words, "write");
}

static void hold(struct store *store, bool is_held)
{
    if (store->held)
        rocksdb_release_snapshot(store->db, store->held);
    store->held = is_held ? rocksdb_create_snapshot(store->db) : NULL;
    rocksdb_readoptions_set_snapshot(store->reading, store->held);
}

static bool get(struct store *store, struct bytes key, struct bytes *value)
{
    char *words = NULL;

    if (store->value)
        rocksdb_pinnableslice_destroy(store->value);
    store->value = rocksdb_get_pinned(store->db, store->reading, key.data,
                                      key.size, &words);
    check(words, "get");
    if (!store->value)
        return false;
    value->data = rocksdb_pinnableslice_value(store->value, &value->size);
    return true;
}

static void scan(struct store *store, const struct bytes *from,
                 bool is_backward, uint64_t limit)
{
    store->iterator = rocksdb_create_iterator(store->db, store->reading);
    store->left = limit;
    store->is_backward = is_backward;
    store->has_begun = false;
    if (from)
        rocksdb_iter_seek(store->iterator, from->data, from->size);
    else if (is_backward)
        rocksdb_iter_seek_to_last(store->iterator);
    else
        rocksdb_iter_seek_to_first(store->iterator);
}

static bool next(struct store *store, struct bytes *key, struct bytes *value)
{
    char *words = NULL;

    if (store->left-- == 0)
        return false;
    if (store->has_begun && store->is_backward)
        rocksdb_iter_prev(store->iterator);
    else if (store->has_begun)
        rocksdb_iter_next(store->iterator);
    store->has_begun = true;
    if (!rocksdb_iter_valid(store->iterator)) {
        rocksdb_iter_get_error(store->iterator, &words);
        check(words, "iterator");
        return false;
    }
    key->data = rocksdb_iter_key(store->iterator, &key->size);
    value->data = rocksdb_iter_value(store->iterator, &value->size);
    return true;
}

static void scan_end(struct store *store)
{
    rocksdb_iter_destroy(store->iterator);
}

static bool is_busy(struct store *store)
{
    static const char *const names[] = {
        "rocksdb.mem-table-flush-pending", "rocksdb.num-running-flushes",
        "rocksdb.compaction-pending", "rocksdb.num-running-compactions"};
    uint64_t number;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (rocksdb_property_int(store->db, names[i], &number) == 0 &&
            number > 0)
            return true;
    }
    return false;
}

static void settle(struct store *store)
{
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    char *words = NULL;

    rocksdb_flushoptions_set_wait(options, 1);
    rocksdb_flush(store->db, options, &words);
    check(words, "flush");
    rocksdb_flushoptions_destroy(options);
    /* Between two jobs none may be seen: look more than once. */
    for (int quiet = 0; quiet < 5;) {
        quiet = is_busy(store) ? 0 : quiet + 1;
        usleep(2000);
    }
}

static void close_store(struct store *store)
{
    rocksdb_t *db = store->db;

    detach(store);
    rocksdb_close(db);
}

static const struct peer peer = {
    .name = "rocksdb",
    .tuning = TUNING,
    .version = version,
    .open = open_store,
    .attach = attach,
    .detach = detach,
    .begin = begin,
    .write = add,
    .commit = commit,
    .hold = hold,
    .get = get,
    .scan = scan,
    .next = next,
    .scan_end = scan_end,
    .settle = settle,
    .close = close_store,
};
const struct peer *const peer_rocksdb = &peer;
#else
const struct peer *const peer_rocksdb = NULL;
#endif
