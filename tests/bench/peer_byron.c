/*
 * byron through byron.h. A batch is one byron_write; a batch too large for
 * that is a transaction, which spills.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/peer.h"
#include "byron.h"

#define MOST_OPS 100000 /* In one byron_write. */

struct store {
    byron_db *db;
    uint64_t value_bytes;
    bool is_synced;
    byron_txn *txn; /* Of a large batch. */
    struct byron_op *ops;
    uint8_t *room; /* The bytes that ops borrow. */
    size_t count, capacity, used, room_bytes;
    struct byron_value value;
    byron_snapshot *snapshot, *held;
    byron_cursor *cursor;
    uint64_t left; /* Rows that the scan may still yield. */
    bool is_backward, has_begun;
};

static void check(byron_status status, const char *what)
{
    struct byron_error error;

    if (status == BYRON_OK)
        return;
    byron_last_error(&error);
    peer_die("byron", what, error.words);
}

static const char *version(void)
{
    return BYRON_VERSION;
}

static enum byron_hash_index hash_index_of(const char *word)
{
    if (!word)
        return BYRON_HASH_INDEX_DEFAULT;
    if (strcmp(word, "on") == 0)
        return BYRON_HASH_INDEX_ON;
    return strcmp(word, "off") == 0 ? BYRON_HASH_INDEX_OFF
                                    : BYRON_HASH_INDEX_AUTO;
}

static struct store *open_store(const struct peer_settings *settings)
{
    struct store *store = peer_allocate(sizeof *store);
    struct byron_options options = {
        .memory = settings->memory,
        .bloom_bits = settings->bloom_bits,
        .compression = settings->is_compressed ? BYRON_COMPRESSION_LZ4
                                               : BYRON_COMPRESSION_NONE,
        .hash_index = hash_index_of(settings->hash_index),
        .map_files = settings->is_mapped,
        .create = true,
    };

    store->value_bytes = settings->value_bytes;
    store->is_synced = settings->is_synced;
    check(byron_open(settings->path, &options, &store->db), "open");
    return store;
}

static struct store *attach(struct store *store)
{
    struct store *other = peer_allocate(sizeof *other);

    other->db = store->db;
    other->value_bytes = store->value_bytes;
    other->is_synced = store->is_synced;
    return other;
}

static void detach(struct store *store)
{
    byron_value_release(&store->value);
    free(store->ops);
    free(store->room);
    free(store);
}

static void make_room(struct store *store, uint64_t count)
{
    size_t bytes = (size_t)count * (size_t)(store->value_bytes + 64);

    if (count > store->capacity) {
        free(store->ops);
        store->ops = peer_allocate((size_t)count * sizeof *store->ops);
        store->capacity = (size_t)count;
    }
    if (bytes > store->room_bytes) {
        free(store->room);
        store->room = peer_allocate(bytes);
        store->room_bytes = bytes;
    }
    store->count = store->used = 0;
}

static void begin(struct store *store, uint64_t count)
{
    if (count > MOST_OPS)
        check(byron_begin(store->db, 10000, &store->txn), "begin");
    else
        make_room(store, count);
}

static struct byron_bytes kept(struct store *store, struct bytes bytes)
{
    uint8_t *copy = store->room + store->used;

    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    store->used += bytes.size;
    return (struct byron_bytes){copy, bytes.size};
}

static void add(struct store *store, enum write_kind kind, struct bytes key,
                struct bytes value)
{
    struct byron_bytes their_key = {key.data, key.size};
    struct byron_bytes their_value = {value.data, value.size};
    struct byron_op *op;

    if (store->txn && kind == WRITE_DELETE) {
        check(byron_txn_delete(store->txn, their_key), "delete");
    } else if (store->txn) {
        check(byron_txn_put(store->txn, their_key, their_value), "put");
    } else {
        op = &store->ops[store->count++];
        op->kind = kind == WRITE_DELETE ? BYRON_OP_DELETE : BYRON_OP_PUT;
        op->key = kept(store, key);
        op->value = kept(store, value);
        op->expires_ms = 0;
    }
}

static void commit(struct store *store)
{
    if (store->txn) {
        check(byron_txn_commit(store->txn, store->is_synced), "commit");
        store->txn = NULL;
    } else {
        check(
            byron_write(store->db, store->ops, store->count, store->is_synced),
            "write");
    }
}

static void hold(struct store *store, bool is_held)
{
    byron_value_release(&store->value);
    byron_snapshot_close(store->held);
    store->held = NULL;
    if (is_held)
        check(byron_snapshot_open(store->db, &store->held), "snapshot");
}

static bool get(struct store *store, struct bytes key, struct bytes *value)
{
    byron_status status;

    byron_value_release(&store->value);
    status = byron_get(store->db, store->held,
                       (struct byron_bytes){key.data, key.size}, &store->value);
    if (status == BYRON_NOT_FOUND)
        return false;
    check(status, "get");
    *value = (struct bytes){store->value.data, store->value.size};
    return true;
}

static void scan(struct store *store, const struct bytes *from,
                 bool is_backward, uint64_t limit)
{
    struct byron_range all = {{NULL, 0}, {NULL, 0}};
    struct byron_bytes key = {NULL, 0};

    check(byron_snapshot_open(store->db, &store->snapshot), "snapshot");
    check(byron_cursor_open(store->snapshot, NULL, &all, &store->cursor),
          "cursor");
    store->left = limit;
    store->is_backward = is_backward;
    store->has_begun = false;
    if (from) {
        key = (struct byron_bytes){from->data, from->size};
        check(byron_cursor_seek(store->cursor, key), "seek");
    } else if (is_backward) {
        check(byron_cursor_last(store->cursor), "last");
    } else {
        check(byron_cursor_first(store->cursor), "first");
    }
}

static bool next(struct store *store, struct bytes *key, struct bytes *value)
{
    struct byron_bytes their_key, their_value;

    if (store->left-- == 0)
        return false;
    if (store->has_begun) {
        check(store->is_backward ? byron_cursor_prev(store->cursor)
                                 : byron_cursor_next(store->cursor),
              "step");
    }
    store->has_begun = true;
    if (!byron_cursor_valid(store->cursor))
        return false;
    their_key = byron_cursor_key(store->cursor);
    check(byron_cursor_value(store->cursor, &their_value), "value");
    *key = (struct bytes){their_key.data, their_key.size};
    *value = (struct bytes){their_value.data, their_value.size};
    return true;
}

static void scan_end(struct store *store)
{
    byron_cursor_close(store->cursor);
    byron_snapshot_close(store->snapshot);
    store->cursor = NULL;
    store->snapshot = NULL;
}

static void settle(struct store *store)
{
    check(byron_flush(store->db), "flush");
    check(byron_settle(store->db), "settle");
}

static void close_store(struct store *store)
{
    byron_value_release(&store->value);
    check(byron_close(store->db), "close");
    store->db = NULL;
    detach(store);
}

static const struct peer peer = {
    .name = "byron",
    .tuning = "memory is the whole budget; all else as it is by default",
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
const struct peer *const peer_byron = &peer;
