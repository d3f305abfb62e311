/*
 * LevelDB through leveldb/c.h.
 */
#include "bench/peer.h"

#if __has_include(<leveldb/c.h>)
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <leveldb/c.h>

#define TUNING                                                                 \
    "block cache 3/4 of the memory; write buffers of 1/8, of which it has at " \
    "most two; bloom filters; 4 KB blocks; files of 8 MB; all files kept "     \
    "open; compression is snappy"

struct store {
    leveldb_t *db;
    leveldb_readoptions_t *reading;
    leveldb_writeoptions_t *writing;
    leveldb_writebatch_t *batch;
    const leveldb_snapshot_t *held;
    char *value;
    leveldb_iterator_t *iterator;
    leveldb_cache_t *cache; /* Of the handle that opened it. */
    uint64_t left;
    bool is_backward, has_begun, is_synced;
};

static void check(char *words, const char *what)
{
    if (words)
        peer_die("leveldb", what, words);
}

static const char *version(void)
{
    static char words[16];

    snprintf(words, sizeof words, "%d.%d", leveldb_major_version(),
             leveldb_minor_version());
    return words;
}

static struct store *new_handle(leveldb_t *db, bool is_synced)
{
    struct store *store = peer_allocate(sizeof *store);

    store->db = db;
    store->is_synced = is_synced;
    store->reading = leveldb_readoptions_create();
    store->writing = leveldb_writeoptions_create();
    leveldb_writeoptions_set_sync(store->writing, is_synced);
    store->batch = leveldb_writebatch_create();
    return store;
}

static struct store *open_store(const struct peer_settings *settings)
{
    leveldb_options_t *options = leveldb_options_create();
    char *words = NULL;
    leveldb_cache_t *cache =
        leveldb_cache_create_lru((size_t)(settings->memory / 4 * 3));
    struct store *store;
    leveldb_t *db;

    leveldb_options_set_create_if_missing(options, 1);
    leveldb_options_set_write_buffer_size(options,
                                          (size_t)(settings->memory / 8));
    leveldb_options_set_cache(options, cache);
    leveldb_options_set_filter_policy(
        options, leveldb_filterpolicy_create_bloom((int)settings->bloom_bits));
    leveldb_options_set_block_size(options, 4096);
    leveldb_options_set_max_file_size(options, (size_t)8 << 20);
    leveldb_options_set_max_open_files(options, 10000);
    leveldb_options_set_compression(options, settings->is_compressed
                                                 ? leveldb_snappy_compression
                                                 : leveldb_no_compression);
    db = leveldb_open(options, settings->path, &words);
    check(words, "open");
    leveldb_options_destroy(options);
    store = new_handle(db, settings->is_synced);
    store->cache = cache;
    return store;
}

static struct store *attach(struct store *store)
{
    return new_handle(store->db, store->is_synced);
}

static void detach(struct store *store)
{
    leveldb_free(store->value);
    leveldb_readoptions_destroy(store->reading);
    leveldb_writeoptions_destroy(store->writing);
    leveldb_writebatch_destroy(store->batch);
    free(store);
}

static void begin(struct store *store, uint64_t count)
{
    (void)count;
    leveldb_writebatch_clear(store->batch);
}

static void add(struct store *store, enum write_kind kind, struct bytes key,
                struct bytes value)
{
    if (kind == WRITE_DELETE)
        leveldb_writebatch_delete(store->batch, key.data, key.size);
    else
        leveldb_writebatch_put(store->batch, key.data, key.size, value.data,
                               value.size);
}

static void commit(struct store *store)
{
    char *words = NULL;

    leveldb_write(store->db, store->writing, store->batch, &words);
    check(words, "write");
}

static void hold(struct store *store, bool is_held)
{
    if (store->held)
        leveldb_release_snapshot(store->db, store->held);
    store->held = is_held ? leveldb_create_snapshot(store->db) : NULL;
    leveldb_readoptions_set_snapshot(store->reading, store->held);
}

static bool get(struct store *store, struct bytes key, struct bytes *value)
{
    char *words = NULL;

    leveldb_free(store->value);
    store->value = leveldb_get(store->db, store->reading, key.data, key.size,
                               &value->size, &words);
    check(words, "get");
    value->data = store->value;
    return store->value != NULL;
}

static void scan(struct store *store, const struct bytes *from,
                 bool is_backward, uint64_t limit)
{
    store->iterator = leveldb_create_iterator(store->db, store->reading);
    store->left = limit;
    store->is_backward = is_backward;
    store->has_begun = false;
    if (from)
        leveldb_iter_seek(store->iterator, from->data, from->size);
    else if (is_backward)
        leveldb_iter_seek_to_last(store->iterator);
    else
        leveldb_iter_seek_to_first(store->iterator);
}

static bool next(struct store *store, struct bytes *key, struct bytes *value)
{
    char *words = NULL;

    if (store->left-- == 0)
        return false;
    if (store->has_begun && store->is_backward)
        leveldb_iter_prev(store->iterator);
    else if (store->has_begun)
        leveldb_iter_next(store->iterator);
    store->has_begun = true;
    if (!leveldb_iter_valid(store->iterator)) {
        leveldb_iter_get_error(store->iterator, &words);
        check(words, "iterator");
        return false;
    }
    key->data = leveldb_iter_key(store->iterator, &key->size);
    value->data = leveldb_iter_value(store->iterator, &value->size);
    return true;
}

static void scan_end(struct store *store)
{
    leveldb_iter_destroy(store->iterator);
}

/* It does not tell whether it is at work. */
static void settle(struct store *store)
{
    (void)store;
    peer_wait_until_quiet();
}

static void close_store(struct store *store)
{
    leveldb_t *db = store->db;
    leveldb_cache_t *cache = store->cache;

    detach(store);
    leveldb_close(db);
    leveldb_cache_destroy(cache);
}

static const struct peer peer = {
    .name = "leveldb",
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
const struct peer *const peer_leveldb = &peer;
#else
const struct peer *const peer_leveldb = NULL;
#endif
