/*
 * memfs: a file system in memory that fails, fills up and loses power.
 *
 * A whole struct byron_os for tests. It keeps apart what a file holds now and
 * what would be there after a power cut: bytes are durable after file_sync,
 * names (creation and removal) after dir_sync, a HEAD slot when head_write
 * returns. memfs_crash_clone makes the disk that a machine may find.
 *
 * Appends write no byte twice, but for zeros that extend put there: where one
 * did, memfs_free aborts. HEAD alone is written in place.
 *
 * Paths: any text names a directory; its parent always exists. A file's path
 * is "<directory>/<name>".
 *
 * Storage calls are numbered from 1. Before each one the hook runs, then an
 * armed failure may strike it: so a hook can fail the very call it sees. Not
 * numbered: closing, dir_path, dir_is_writable, prefetch, time and chance.
 *
 * What its files hold, and how to damage them: memfs_inspect.h.
 *
 * Thread-safe. Its own memory is not counted by base/alloc, so it takes no
 * part in out-of-memory tests.
 */
#ifndef BYRON_TESTS_MEMFS_H
#define BYRON_TESTS_MEMFS_H

#include "base/os.h"

struct memfs;

/* seed: for short writes, list order and the engine's random bytes. */
struct memfs *memfs_new(uint64_t seed);
/* Requires: every directory and file closed. NULL is fine. */
void memfs_free(struct memfs *fs);
struct byron_os *memfs_os(struct memfs *fs);

/* --- calls, hooks and failures ------------------------------------------ */

/* Kinds of storage calls; masks of them choose. */
enum memfs_kind {
    MEMFS_DIR_OPEN = 1 << 0,
    MEMFS_DIR_LIST = 1 << 1,
    MEMFS_DIR_SYNC = 1 << 2,
    MEMFS_DIR_LOCK = 1 << 3,
    MEMFS_DIR_REMOVE = 1 << 4,
    MEMFS_HEAD_READ = 1 << 5,
    MEMFS_HEAD_WRITE = 1 << 6, /* Puts the bytes into the file... */
    MEMFS_HEAD_SYNC = 1 << 7,  /* ...and makes them durable: two calls. */
    MEMFS_CREATE = 1 << 8,
    MEMFS_OPEN = 1 << 9,
    MEMFS_REMOVE = 1 << 10,
    MEMFS_APPEND = 1 << 11,
    MEMFS_EXTEND = 1 << 12,
    MEMFS_READ = 1 << 13,
    MEMFS_SYNC = 1 << 14,
    MEMFS_SIZE = 1 << 15,
    MEMFS_LINK = 1 << 16,
    MEMFS_ALL = (1 << 17) - 1,
    MEMFS_SYNCS = MEMFS_DIR_SYNC | MEMFS_HEAD_SYNC | MEMFS_SYNC,
    MEMFS_WRITES = MEMFS_DIR_REMOVE | MEMFS_HEAD_WRITE | MEMFS_CREATE |
                   MEMFS_REMOVE | MEMFS_APPEND | MEMFS_EXTEND | MEMFS_LINK |
                   MEMFS_SYNCS,
};

struct memfs_call {
    uint64_t number;
    enum memfs_kind kind;
    const char *name; /* "append" */
    const char *path; /* Of the file or directory. */
    /* An append once more, when only some of its bytes are in the file. */
    bool is_middle;
};

/*
 * Runs on the calling thread with nothing locked. It may clone, inspect and
 * arm failures, but make no storage call on this fs. NULL takes it away.
 */
void memfs_set_hook(struct memfs *fs,
                    void (*hook)(void *context, const struct memfs_call *call),
                    void *context);
/* Calls so far of these kinds. */
uint64_t memfs_calls(struct memfs *fs, unsigned kinds);
/*
 * The nth call of these kinds from now (1 = the next) answers status; sticky:
 * and every one after it. nth 0 disarms. A failed append may have written some
 * of its bytes; a failed sync drops what it was to write: a later sync that
 * succeeds does not save it.
 */
void memfs_fail_nth(struct memfs *fs, unsigned kinds, uint64_t nth,
                    byron_status status, bool sticky);
/* Bytes that all files may hold; beyond that BYRON_FULL. UINT64_MAX: any. */
void memfs_set_space(struct memfs *fs, uint64_t bytes);
/* Every writing call answers BYRON_READ_ONLY. */
void memfs_set_read_only(struct memfs *fs, bool is_read_only);

/* --- time ---------------------------------------------------------------- */

/* The clock stands still but for sleep_us, which moves it and returns. */
void memfs_use_virtual_time(struct memfs *fs);
void memfs_advance(struct memfs *fs, uint64_t us); /* Requires: virtual. */

/* --- power cuts ---------------------------------------------------------- */

enum memfs_crash {
    MEMFS_KEEP_ALL,       /* The process is killed, the machine lives: what
                           * has no sync is lost at a later power cut. */
    MEMFS_DROP_UNSYNCED,  /* All bytes and names without a sync are gone. */
    MEMFS_RANDOM_SECTORS, /* Each sector of 512 unsynced bytes old, new or in
                           * between; any length; names lost by chance. */
    MEMFS_TORN,           /* Cut at a boundary of 4096; names kept. */
    MEMFS_REORDERED,      /* Earlier writes lost, later ones kept. */
    MEMFS_ZERO_FILLED,    /* The length is kept, unsynced bytes are not. */
    MEMFS_GARBAGE,        /* Unsynced sectors new or filled with anything. */
    MEMFS_WHOLE_FILES,    /* Of one file all, of another nothing. */
    MEMFS_CRASH_COUNT
};

/*
 * What is on the disk when the power goes now: a new fs with no locks, open
 * files, failures or hook. May be called at any time, from the hook too.
 */
struct memfs *memfs_crash_clone(struct memfs *fs, enum memfs_crash mode,
                                uint64_t seed);
const char *memfs_crash_name(enum memfs_crash mode); /* "random sectors" */

#endif
