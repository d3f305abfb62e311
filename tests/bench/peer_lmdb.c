/*
 * LMDB through lmdb.h.
 */
#include "bench/peer.h"

#if __has_include(<lmdb.h>)
#include <stdlib.h>
#include <string.h>

#include <lmdb.h>

#define MAP_BYTES ((size_t)1 << 38)
#define TUNING                                                                 \
    "no cache of its own: its map is the page cache, which no budget bounds; " \
    "MDB_NOSYNC where commits need not be durable; MDB_NORDAHEAD, MDB_NOTLS; " \
    "read transactions and cursors renewed, not made anew; no compression"

struct store {
    MDB_env *env;
    MDB_dbi dbi;
    MDB_txn *writing;
    MDB_txn *reading;
    MDB_cursor *cursor;
    uint64_t left;
    bool is_backward, has_begun, is_reading, is_held;
    const struct bytes *from;
};

static void check(int code, const char *what)
{
    if (code != 0)
        peer_die("lmdb", what, mdb_strerror(code));
}

static const char *version(void)
{
    static char words[16];
    int major, minor, patch;
    char *end = words;

    mdb_version(&major, &minor, &patch);
    *end++ = (char)('0' + major);
    *end++ = '.';
    *end++ = (char)('0' + minor);
    *end++ = '.';
    *end++ = (char)('0' + patch / 10 % 10);
    *end++ = (char)('0' + patch % 10);
    return words;
}

static struct store *new_handle(MDB_env *env, MDB_dbi dbi)
{
    struct store *store = peer_allocate(sizeof *store);

    store->env = env;
    store->dbi = dbi;
    check(mdb_txn_begin(env, NULL, MDB_RDONLY, &store->reading), "begin");
    check(mdb_cursor_open(store->reading, dbi, &store->cursor), "cursor");
    mdb_txn_reset(store->reading);
    return store;
}

static struct store *open_store(const struct peer_settings *settings)
{
    unsigned flags = MDB_NORDAHEAD | MDB_NOTLS;
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;

    check(mdb_env_create(&env), "create");
    check(mdb_env_set_mapsize(env, MAP_BYTES), "map size");
    if (!settings->is_synced)
        flags |= MDB_NOSYNC;
    check(mdb_env_open(env, settings->path, flags, 0644), "open");
    check(mdb_txn_begin(env, NULL, 0, &txn), "begin");
    check(mdb_dbi_open(txn, NULL, 0, &dbi), "database");
    check(mdb_txn_commit(txn), "commit");
    return new_handle(env, dbi);
}

static struct store *attach(struct store *store)
{
    return new_handle(store->env, store->dbi);
}

static void detach(struct store *store)
{
    mdb_cursor_close(store->cursor);
    mdb_txn_abort(store->reading);
    free(store);
}

static void begin(struct store *store, uint64_t count)
{
    (void)count;
    /* A reader that stays would keep pages from being used again. */
    if (store->is_reading)
        mdb_txn_reset(store->reading);
    store->is_reading = false;
    check(mdb_txn_begin(store->env, NULL, 0, &store->writing), "begin");
}

static void add(struct store *store, enum write_kind kind, struct bytes key,
                struct bytes value)
{
    MDB_val their_key = {key.size, (void *)(uintptr_t)key.data};
    MDB_val their_value = {value.size, (void *)(uintptr_t)value.data};
    int code;

    if (kind == WRITE_DELETE) {
        code = mdb_del(store->writing, store->dbi, &their_key, NULL);
        check(code == MDB_NOTFOUND ? 0 : code, "delete");
    } else {
        check(mdb_put(store->writing, store->dbi, &their_key, &their_value, 0),
              "put");
    }
}

static void commit(struct store *store)
{
    check(mdb_txn_commit(store->writing), "commit");
}

/* What the last read lent ends here, not before. */
static void renew(struct store *store)
{
    if (store->is_held)
        return;
    if (store->is_reading)
        mdb_txn_reset(store->reading);
    check(mdb_txn_renew(store->reading), "renew");
    store->is_reading = true;
}

static void hold(struct store *store, bool is_held)
{
    store->is_held = false;
    renew(store);
    store->is_held = is_held;
}

static bool get(struct store *store, struct bytes key, struct bytes *value)
{
    MDB_val their_key = {key.size, (void *)(uintptr_t)key.data}, found;
    int code;

    renew(store);
    code = mdb_get(store->reading, store->dbi, &their_key, &found);
    if (code == MDB_NOTFOUND)
        return false;
    check(code, "get");
    *value = (struct bytes){found.mv_data, found.mv_size};
    return true;
}

static void scan(struct store *store, const struct bytes *from,
                 bool is_backward, uint64_t limit)
{
    renew(store);
    check(mdb_cursor_renew(store->reading, store->cursor), "cursor");
    store->left = limit;
    store->is_backward = is_backward;
    store->has_begun = false;
    store->from = from;
}

static MDB_cursor_op step_of(const struct store *store)
{
    if (store->has_begun)
        return store->is_backward ? MDB_PREV : MDB_NEXT;
    if (store->from)
        return MDB_SET_RANGE;
    return store->is_backward ? MDB_LAST : MDB_FIRST;
}

static bool next(struct store *store, struct bytes *key, struct bytes *value)
{
    MDB_cursor_op step = step_of(store);
    MDB_val their_key = {0, NULL}, their_value;
    int code;

    if (store->left-- == 0)
        return false;
    if (step == MDB_SET_RANGE)
        their_key =
            (MDB_val){store->from->size, (void *)(uintptr_t)store->from->data};
    store->has_begun = true;
    code = mdb_cursor_get(store->cursor, &their_key, &their_value, step);
    if (code == MDB_NOTFOUND)
        return false;
    check(code, "step");
    *key = (struct bytes){their_key.mv_data, their_key.mv_size};
    *value = (struct bytes){their_value.mv_data, their_value.mv_size};
    return true;
}

static void scan_end(struct store *store)
{
    mdb_txn_reset(store->reading);
    store->is_reading = false;
}

static void settle(struct store *store)
{
    (void)store; /* Nothing is left for later. */
}

static void close_store(struct store *store)
{
    MDB_env *env = store->env;

    detach(store);
    mdb_env_close(env);
}

static const struct peer peer = {
    .name = "lmdb",
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
const struct peer *const peer_lmdb = &peer;
#else
const struct peer *const peer_lmdb = NULL;
#endif
