/*
 * byron: an ordered key-value store in a directory, on a log-structured
 * merge tree. Plain C11; no SQLite in it. This header is C99 and C++11.
 *
 * Keys and values are bytes; keys order as memcmp does, a prefix first. One
 * writer at a time, any number of readers, none of which waits for another.
 * All functions are thread-safe unless they take a handle that one thread owns
 * (byron_txn, byron_cursor).
 *
 * Ownership has three words. A function borrows what it uses only during the
 * call, takes what is its own from then on, and lends what stays readable
 * until the moment that is named.
 */
#ifndef BYRON_H
#define BYRON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BYRON_VERSION "0.1.0"

#ifdef __GNUC__
#define BYRON_MUST_CHECK __attribute__((warn_unused_result))
#else
#define BYRON_MUST_CHECK
#endif

/* Code, number and words. Numbers are never reused. */
#define BYRON_STATUS_LIST(X)                                                   \
    X(OK, 0, "ok")                                                             \
    X(NOT_FOUND, 1, "not found")                                               \
    X(NO_MEMORY, 2, "out of memory")                                           \
    X(IO, 3, "input/output error")                                             \
    X(CORRUPT, 4, "corrupt file")                                              \
    X(BUSY, 5, "busy")                                                         \
    X(BUSY_SNAPSHOT, 6, "snapshot is no longer held")                          \
    X(READ_ONLY, 7, "read-only store")                                         \
    X(FULL, 8, "no space left")                                                \
    X(TOO_BIG, 9, "too big")                                                   \
    X(MISUSE, 10, "misuse")                                                    \
    X(MISSING, 11, "store is missing")                                         \
    X(FOREIGN, 12, "store belongs to another database")                        \
    X(NEWER_FORMAT, 13, "format is newer than this library")                   \
    X(INTERRUPTED, 14, "interrupted")

typedef enum byron_status {
#define BYRON_STATUS_ENUM(name, number, words) BYRON_##name = number,
    BYRON_STATUS_LIST(BYRON_STATUS_ENUM)
#undef BYRON_STATUS_ENUM
} byron_status;

/* The words of a status; never NULL. */
const char *byron_status_words(byron_status status);

#define BYRON_NO_OFFSET UINT64_MAX

/* What went wrong, where. Empty path: no file was involved. */
struct byron_error {
    byron_status code;
    int system_errno; /* 0 if the system did not say. */
    uint64_t offset;  /* In the file, bytes; BYRON_NO_OFFSET if unknown. */
    char path[512];   /* Of the file or directory. */
    char words[512];  /* A sentence for a person; names path and offset. */
};

/* Copies the last error that a call on this thread returned. */
void byron_last_error(struct byron_error *out);

/* Borrowed bytes. Size 0 may come with a NULL pointer. */
struct byron_bytes {
    const void *data;
    size_t size;
};

#define BYRON_MAX_KEY   ((size_t)1 << 20) /* Bytes. */
#define BYRON_MAX_VALUE ((size_t)1 << 30) /* Bytes. */

typedef struct byron_db byron_db;
typedef struct byron_txn byron_txn; /* Owned by one thread. */
typedef struct byron_snapshot byron_snapshot;
typedef struct byron_cursor byron_cursor; /* Owned by one thread. */

enum byron_compression {
    BYRON_COMPRESSION_DEFAULT = 0, /* lz4 where built in, else none. */
    BYRON_COMPRESSION_NONE = 1,
    BYRON_COMPRESSION_LZ4 = 2,
    BYRON_COMPRESSION_ZSTD = 3,
};

/* Whether tables get a hash index, which takes a get from its key straight to
 * the entry, for some 5 bytes of memory a key, in place of a filter. */
enum byron_hash_index {
    BYRON_HASH_INDEX_DEFAULT = 0, /* auto */
    BYRON_HASH_INDEX_OFF = 1,
    BYRON_HASH_INDEX_ON = 2,
    BYRON_HASH_INDEX_AUTO = 3, /* While all take up to an eighth of memory. */
};

/*
 * Where a store stands in the history of a host that commits for it. Every
 * prepared commit has an id, never reused. The host keeps this whole struct
 * inside its own atomic commit, and hands it back at open.
 */
#define BYRON_RECENT_COMMITS 7
struct byron_commit_point {
    uint64_t recent[BYRON_RECENT_COMMITS]; /* Newest first; 0 = none. */
    uint64_t synced; /* Newest commit whose log bytes were synced; 0 = none. */
};

struct byron_os; /* engine/base/os.h: storage calls, replaceable in tests. */

/*
 * All zero means: derive it. Sizes are bytes. Values out of range are
 * answered with BYRON_MISUSE and a sentence.
 */
struct byron_options {
    uint64_t memory;     /* One budget for all below; default 64 MB. */
    uint64_t memtable;   /* Default memory/8; no more than memory counts. */
    uint64_t cache;      /* Default: what the others leave of memory. */
    uint64_t file_size;  /* Target of one SSTable; default 32 MB. */
    uint32_t block_size; /* Raw bytes of a data block; default 4096. */
    uint32_t bloom_bits; /* Per key at the last level; default 10. */
    uint32_t fanout;     /* Size ratio of levels; default 8. */
    enum byron_compression compression;
    enum byron_hash_index hash_index;
    bool map_files;      /* Blocks that are not packed are read out of mapped
                          * files: see docs/sql.md, "mmap". */
    bool inline_work;    /* No thread: writers flush and compact (threads=0). */
    bool no_bloom;       /* bloom_bits = 0 asked for. */
    bool create;         /* Create the store if the directory has none. */
    bool must_not_exist; /* With create: refuse a directory with a store. */
    bool read_only;      /* Never write; the directory may be unwritable. */
    bool remove_at_close; /* A private store: its files go with the handle. */

    /*
     * The host's commit point. NULL: the store commits for itself, and at
     * open every complete self-committed batch counts.
     */
    const struct byron_commit_point *commit_point;
    /* What the host's row carries besides: see byron_txn_prepare_in. */
    struct byron_bytes carried;
    /*
     * Called from the engine before anything makes commits permanent that the
     * host might still lose; the host syncs its own files. May be NULL.
     * BYRON_IO is a failed sync: nothing is made permanent until reopened.
     */
    byron_status (*barrier)(void *context);
    void *barrier_context;

    /* A file, as the host's own, whose permissions and owner the store's files
     * get; it must stay valid while the store is open. NULL: the umask decides.
     */
    const char *like;
    uint32_t retain_ms;  /* How long superseded commits stay readable; 1000. */
    struct byron_os *os; /* NULL: the operating system. */
    /* Expected identity of the store; NULL: any. Mismatch: BYRON_FOREIGN. */
    const uint8_t *expected_id; /* 16 bytes. */
};

/* Opens the store in directory path. Recovery writes nothing. */
BYRON_MUST_CHECK byron_status byron_open(const char *path,
                                         const struct byron_options *options,
                                         byron_db **out);
/* Ends all work and frees db. Requires: no open txn, snapshot or cursor. */
BYRON_MUST_CHECK byron_status byron_close(byron_db *db);
/*
 * Changes memory, memtable, cache, file_size, block_size, bloom_bits, fanout,
 * compression, hash_index, map_files and inline_work to what options say,
 * derived as by byron_open; nothing else is looked at. It counts from now on:
 * files that exist stay as they are, and mapped or not, until compaction
 * rewrites them, a memtable until it is next full.
 */
BYRON_MUST_CHECK byron_status
byron_set_options(byron_db *db, const struct byron_options *options);
/* The 16 bytes that name this store. */
void byron_store_id(const byron_db *db, uint8_t out[16]);
/* The newest published commit. */
void byron_commit_point(byron_db *db, struct byron_commit_point *out);

/* --- Snapshots ------------------------------------------------------- */

/* The newest published state. */
BYRON_MUST_CHECK byron_status byron_snapshot_open(byron_db *db,
                                                  byron_snapshot **out);
/*
 * The state right after commit id (0: the empty store before any commit).
 * Waits up to timeout_ms for a commit that is prepared and not yet published.
 * BYRON_BUSY_SNAPSHOT if that state is no longer held, or not known.
 */
BYRON_MUST_CHECK byron_status byron_snapshot_at(byron_db *db, uint64_t id,
                                                uint32_t timeout_ms,
                                                byron_snapshot **out);
void byron_snapshot_close(byron_snapshot *snapshot); /* NULL is fine. */

/* --- Reading ----------------------------------------------------------- */

/* A value that stays in place, with no copy, until it is released. */
struct byron_value {
    const void *data;
    size_t size;
    uint64_t expires_ms;      /* Unix time; 0: never. */
    void *pin;                /* Private. */
    void (*unpin)(void *pin); /* Private. */
};
void byron_value_release(struct byron_value *value); /* Zeroes it. */

/* BYRON_NOT_FOUND where the key is absent. snapshot NULL: newest. out NULL:
 * only that; a large value is not read. */
BYRON_MUST_CHECK byron_status byron_get(byron_db *db, byron_snapshot *snapshot,
                                        struct byron_bytes key,
                                        struct byron_value *out);
/*
 * Many keys at once; values[i] has data NULL and size 0 where keys[i] is
 * absent (an empty value has data not NULL). On error nothing is held.
 * is_there[i] tells the same, unless it is NULL. values may be NULL instead:
 * then no large value is read.
 */
BYRON_MUST_CHECK byron_status byron_multi_get(
    byron_db *db, byron_snapshot *snapshot, size_t count,
    const struct byron_bytes *keys, struct byron_value *values, bool *is_there);

/* lower <= key < upper; a bound with data NULL is open. Borrowed as named. */
struct byron_range {
    struct byron_bytes lower;
    struct byron_bytes upper;
};

/*
 * A cursor over snapshot, and over the writes so far of txn if that is not
 * NULL (then snapshot may be NULL: the transaction's own). Copies range.
 * snapshot and txn must outlive it. Starts invalid: seek first.
 *
 * A call that fails ends it: it is not valid any more, and whatever is asked of
 * it answers the same error until it is closed.
 */
BYRON_MUST_CHECK byron_status byron_cursor_open(byron_snapshot *snapshot,
                                                byron_txn *txn,
                                                const struct byron_range *range,
                                                byron_cursor **out);
void byron_cursor_close(byron_cursor *cursor); /* NULL is fine. */
BYRON_MUST_CHECK byron_status byron_cursor_first(byron_cursor *cursor);
BYRON_MUST_CHECK byron_status byron_cursor_last(byron_cursor *cursor);
/* To the first key >= key. */
BYRON_MUST_CHECK byron_status byron_cursor_seek(byron_cursor *cursor,
                                                struct byron_bytes key);
/* To the last key <= key. */
BYRON_MUST_CHECK byron_status byron_cursor_seek_back(byron_cursor *cursor,
                                                     struct byron_bytes key);
/* Requires: valid. */
BYRON_MUST_CHECK byron_status byron_cursor_next(byron_cursor *cursor);
BYRON_MUST_CHECK byron_status byron_cursor_prev(byron_cursor *cursor);
/*
 * Forward by at most so many entries, as far as none of them has to be looked
 * at; 0: there it takes a byron_cursor_next. Cheap: for counting. Requires:
 * valid, and it stays so.
 */
uint64_t byron_cursor_skip(byron_cursor *cursor, uint64_t most);

struct byron_pair {
    struct byron_bytes key;
    struct byron_bytes value;
};

/*
 * The same, and lends the keys and values of the entries it comes to, the last
 * of which is the one it stands on then, until the cursor moves. Cheap where
 * many lie side by side. pairs has room for most.
 */
size_t byron_cursor_next_many(byron_cursor *cursor, size_t most,
                              struct byron_pair *pairs);
bool byron_cursor_valid(const byron_cursor *cursor);
/* Lends the key until the cursor moves. Requires: valid. */
struct byron_bytes byron_cursor_key(const byron_cursor *cursor);
/* Lends the value until the cursor moves; reads it if it is large. */
BYRON_MUST_CHECK byron_status byron_cursor_value(byron_cursor *cursor,
                                                 struct byron_bytes *out);

/* When the entry expires, unix ms; 0: never. Requires: valid. */
uint64_t byron_cursor_expiry(const byron_cursor *cursor);

/*
 * The unix time in ms that decides what has expired for snapshot, or for txn
 * where that is not NULL: the wall clock when it was first needed, and the
 * same ever after. Set back by up to a minute, the clock of an open store
 * stands still instead.
 */
uint64_t byron_time(byron_snapshot *snapshot, byron_txn *txn);

/* --- Writing ----------------------------------------------------------- */

enum byron_op_kind {
    BYRON_OP_PUT = 1,
    BYRON_OP_DELETE = 2,
    BYRON_OP_DELETE_RANGE = 3, /* From key to before value. */
};
struct byron_op {
    enum byron_op_kind kind;
    struct byron_bytes key;
    struct byron_bytes value;
    uint64_t expires_ms; /* Of a put; 0: never. */
};
/* All of them or none; a later op on the same key wins. One commit. sync: on
 * the disk before the call returns. */
BYRON_MUST_CHECK byron_status byron_write(byron_db *db,
                                          const struct byron_op *ops,
                                          size_t count, bool sync);

/* Each of these writes one op. They are in this header alone: what binds to the
 * library by the names of its symbols calls byron_write. */
BYRON_MUST_CHECK static inline byron_status byron_put(byron_db *db,
                                                      struct byron_bytes key,
                                                      struct byron_bytes value,
                                                      bool sync)
{
    struct byron_op op = {BYRON_OP_PUT, key, value, 0};
    return byron_write(db, &op, 1, sync);
}
/*
 * A put that counts as absent from expires_ms on, unix time; 0: never. It goes
 * by itself, a minute later at the soonest. What was there before it does not
 * come back. The value has at most BYRON_MAX_VALUE - 8 bytes.
 */
BYRON_MUST_CHECK static inline byron_status
byron_put_until(byron_db *db, struct byron_bytes key, struct byron_bytes value,
                uint64_t expires_ms, bool sync)
{
    struct byron_op op = {BYRON_OP_PUT, key, value, expires_ms};
    return byron_write(db, &op, 1, sync);
}
BYRON_MUST_CHECK static inline byron_status
byron_delete(byron_db *db, struct byron_bytes key, bool sync)
{
    struct byron_op op = {BYRON_OP_DELETE, key, {NULL, 0}, 0};
    return byron_write(db, &op, 1, sync);
}
/* As byron_txn_delete_range. */
BYRON_MUST_CHECK static inline byron_status
byron_delete_range(byron_db *db, const struct byron_range *range, bool sync)
{
    struct byron_op op = {BYRON_OP_DELETE_RANGE, range->lower, range->upper, 0};
    return byron_write(db, &op, 1, sync);
}

/*
 * A transaction holds the store's only writer token from begin to its end.
 * BYRON_BUSY if the token is not free within timeout_ms.
 */
BYRON_MUST_CHECK byron_status byron_begin(byron_db *db, uint32_t timeout_ms,
                                          byron_txn **out);
/* The commit that the transaction starts from. */
uint64_t byron_txn_base(const byron_txn *txn);
BYRON_MUST_CHECK byron_status byron_txn_put(byron_txn *txn,
                                            struct byron_bytes key,
                                            struct byron_bytes value);
/*
 * Deletes every key in [lower, upper), with one small write however many there
 * are. Writes after it into the range live. The upper bound may not be open.
 */
BYRON_MUST_CHECK byron_status
byron_txn_delete_range(byron_txn *txn, const struct byron_range *range);
/* As byron_put_until. */
BYRON_MUST_CHECK byron_status byron_txn_put_until(byron_txn *txn,
                                                  struct byron_bytes key,
                                                  struct byron_bytes value,
                                                  uint64_t expires_ms);
BYRON_MUST_CHECK byron_status byron_txn_delete(byron_txn *txn,
                                               struct byron_bytes key);
/* As byron_get, with the writes so far. */
BYRON_MUST_CHECK byron_status byron_txn_get(byron_txn *txn,
                                            struct byron_bytes key,
                                            struct byron_value *out);
/* A mark to roll back to: it grows with every write, 0 at begin. */
uint64_t byron_txn_mark(const byron_txn *txn);
/* Undoes every write after mark. Cannot fail. */
void byron_txn_rollback_to(byron_txn *txn, uint64_t mark);

enum byron_prepare_flags {
    BYRON_PREPARE_SYNC = 1, /* On the disk before the call returns. */
    BYRON_PREPARE_OWN = 2,  /* Commits by itself: no host will name it. */
};
/*
 * Makes the writes recoverable, and everything that can fail happen, and
 * tells the commit point that the host has to record. May be called again
 * after more writes; the later call supersedes. After an error the
 * transaction goes on as if it had not been called.
 *
 * room: so many bytes the host's row has besides the commit point, which are
 * on the disk before the host's commit is. A small commit that is to be synced
 * travels in there, together with those before it, and the log is not synced.
 * The host records *carried with the commit point, inside the same atomic
 * commit, and hands it back at open; if it is empty, what lies there may stay.
 * Lent until the transaction ends or is prepared again. carried may be NULL
 * where room is 0.
 */
BYRON_MUST_CHECK byron_status byron_txn_prepare_in(
    byron_txn *txn, unsigned flags, size_t room, struct byron_commit_point *out,
    struct byron_bytes *carried);
/* For a host whose row has no room, or without a host. */
BYRON_MUST_CHECK static inline byron_status
byron_txn_prepare(byron_txn *txn, unsigned flags,
                  struct byron_commit_point *out)
{
    return byron_txn_prepare_in(txn, flags, 0, out, NULL);
}
/* After prepare: makes the writes visible and frees txn. Cannot fail. */
void byron_txn_publish(byron_txn *txn);
/* prepare(OWN) and publish. On error txn stays, to be aborted or retried. */
BYRON_MUST_CHECK byron_status byron_txn_commit(byron_txn *txn, bool sync);
/* Forgets the writes and frees txn; NULL is fine. */
void byron_txn_abort(byron_txn *txn);

/* --- Maintenance ------------------------------------------------------- */

/* What a caller thinks of a call that takes long. */
struct byron_patience {
    /* How long to wait for what another thread is about: a prepared commit
     * that is not published yet, a compact. Then BYRON_BUSY. */
    uint32_t busy_ms;
    /* Asked often, by the calling thread, while it holds no lock of the store;
     * false: the call ends with BYRON_INTERRUPTED. May be NULL. */
    bool (*go_on)(void *context);
    void *context;
};
/* All commits so far into SSTables; of a transaction that is open nothing, nor
 * is it waited for. patience may be NULL: ten seconds. */
BYRON_MUST_CHECK byron_status
byron_flush_within(byron_db *db, const struct byron_patience *patience);
BYRON_MUST_CHECK static inline byron_status byron_flush(byron_db *db)
{
    return byron_flush_within(db, NULL);
}
/* Rewrites range to one run at the last level, tombstones gone. Interrupted,
 * it leaves what it has finished. */
BYRON_MUST_CHECK byron_status
byron_compact_within(byron_db *db, const struct byron_range *range,
                     const struct byron_patience *patience);
BYRON_MUST_CHECK static inline byron_status
byron_compact(byron_db *db, const struct byron_range *range)
{
    return byron_compact_within(db, range, NULL);
}
/*
 * Gives up every key in [lower, upper) for good: nobody may read or write
 * there again. Whole files go at once, the rest by compaction. The upper bound
 * may not be open.
 */
BYRON_MUST_CHECK byron_status byron_drop(byron_db *db,
                                         const struct byron_range *range);
/* Rows and compressed bytes in range, from the manifest and indexes. */
BYRON_MUST_CHECK byron_status byron_estimate(byron_db *db,
                                             const struct byron_range *range,
                                             uint64_t *rows, uint64_t *bytes);
/*
 * Reads everything and checks every checksum, order and count. Calls report
 * for each damage (words lent for the call); OK and *damages tells how many.
 */
BYRON_MUST_CHECK byron_status
byron_verify_within(byron_db *db, const struct byron_patience *patience,
                    void (*report)(void *context, const char *words),
                    void *context, uint64_t *damages);
BYRON_MUST_CHECK static inline byron_status
byron_verify(byron_db *db, void (*report)(void *context, const char *words),
             void *context, uint64_t *damages)
{
    return byron_verify_within(db, NULL, report, context, damages);
}
/* How far a copy is. */
struct byron_copied {
    uint64_t files;
    uint64_t bytes;
    uint64_t all_bytes; /* That there will be, about. */
};
struct byron_copy_options {
    /* 16 bytes that name the copy, which goes its own way from now on; NULL: a
     * random id. */
    const uint8_t *id;
    /* As the host's own copy holds it; NULL: the store commits for itself.
     * What that row carries is the copy's no more: zeros take its place. */
    const struct byron_commit_point *commit_point;
    /* Called often; false stops with BYRON_INTERRUPTED. May be NULL. */
    bool (*progress)(void *context, const struct byron_copied *copied);
    void *context;
};
/*
 * A store in directory path, which must not exist, of exactly what snapshot
 * shows. Files that never change are shared by both where the file system can
 * do that. On the disk when the call returns; until then the directory has no
 * HEAD and is no store. After a failure the directory is gone, or would be if
 * it could be removed. Writers go on meanwhile. BYRON_BUSY_SNAPSHOT where
 * newer commits are already in one file with older ones, which cannot be with
 * a snapshot of byron_snapshot_open. options and out may be NULL.
 */
BYRON_MUST_CHECK byron_status
byron_copy(byron_snapshot *snapshot, const char *path,
           const struct byron_copy_options *options, struct byron_copied *out);
/* Waits until no flush or compaction is due, nor one that a store does which
 * has not been written for a while. */
BYRON_MUST_CHECK byron_status byron_settle(byron_db *db);

#define BYRON_LEVELS 7
struct byron_level_stats {
    uint64_t runs;
    uint64_t files;
    uint64_t bytes;   /* On disk. */
    uint64_t entries; /* Puts and tombstones. */
    uint64_t tombstones;
    uint64_t target_bytes; /* 0: no data belongs here yet. */
};
struct byron_stats {
    struct byron_level_stats level[BYRON_LEVELS];
    uint64_t memtable_bytes;   /* Live. */
    uint64_t memtable_entries; /* Live. */
    uint64_t frozen_bytes;
    uint64_t frozen_count;
    uint64_t wal_files;
    uint64_t wal_bytes;
    uint64_t disk_bytes; /* Every file of the store. */
    uint64_t cache_capacity;
    uint64_t cache_bytes;
    uint64_t cache_hits;
    uint64_t cache_misses;
    uint64_t mapped_bytes;  /* Of files; no part of the budget. */
    uint64_t user_bytes;    /* Key and value bytes committed. */
    uint64_t flush_bytes;   /* Written by flush. */
    uint64_t compact_bytes; /* Written by compaction. */
    uint64_t wal_bytes_written;
    uint64_t flushes;
    uint64_t compactions;
    uint64_t debt_bytes;     /* Input that due compactions must rewrite. */
    uint64_t delayed_writes; /* Commits slowed by pacing. */
    uint64_t delay_us;       /* In all. */
    uint64_t delay_max_us;
    uint64_t snapshots; /* Open now. */
    uint64_t sequence;  /* Of the newest commit. */
    uint64_t commits;   /* Since open. */
    uint64_t syncs;     /* Log syncs since open. */
    uint64_t memory;    /* The budget. */
    uint64_t background_errors;
};
void byron_stats(byron_db *db, struct byron_stats *out);

#ifdef __cplusplus
}
#endif

#endif
