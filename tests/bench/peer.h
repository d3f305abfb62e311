/*
 * peer: one store that takes part in a comparison, behind a few functions.
 *
 * Every function ends the program with a sentence where the store fails, so a
 * figure is never that of a failure. What is lent stays readable until the
 * next call on the same store.
 */
#ifndef BYRON_TESTS_BENCH_PEER_H
#define BYRON_TESTS_BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
    const void *data;
    size_t size;
};

struct peer_settings {
    const char *path;       /* Of a folder that exists. */
    uint64_t memory;        /* Bytes for caches and write buffers together. */
    uint64_t value_bytes;   /* Of the largest value. */
    unsigned bloom_bits;    /* Per key. */
    const char *hash_index; /* byron's option; NULL: by default. */
    bool is_mapped;         /* byron's option mmap. */
    bool is_compressed;     /* By lz4, or by snappy where there is no lz4. */
    bool is_synced;         /* A commit returns when it is on the disk. */
};

/* A peer's own. */
struct store;

enum write_kind {
    WRITE_INSERT, /* The key is new. */
    WRITE_UPDATE, /* The key is there. */
    WRITE_DELETE,
};

struct peer {
    const char *name;
    const char *tuning; /* What it was told, for the reader of the figures. */
    bool keeps_nothing; /* A floor: it takes rows and forgets them. */
    bool only_durable;  /* Takes part only in the comparison of commits. */
    const char *(*version)(void);
    struct store *(*open)(const struct peer_settings *settings);
    /* The same store for another thread. */
    struct store *(*attach)(struct store *store);
    void (*detach)(struct store *store);
    /* A batch of at most count writes: all of them or none. */
    void (*begin)(struct store *store, uint64_t count);
    void (*write)(struct store *store, enum write_kind kind, struct bytes key,
                  struct bytes value);
    void (*commit)(struct store *store);
    /* Gets from now on see one moment, until they are let go on. */
    void (*hold)(struct store *store, bool is_held);
    bool (*get)(struct store *store, struct bytes key, struct bytes *value);
    /* At most limit rows from the first key >= from, or from the very end. */
    void (*scan)(struct store *store, const struct bytes *from,
                 bool is_backward, uint64_t limit);
    bool (*next)(struct store *store, struct bytes *key, struct bytes *value);
    void (*scan_end)(struct store *store);
    /* Returns when nothing is left to be done in the background. */
    void (*settle)(struct store *store);
    void (*close)(struct store *store);
};

/* NULL where the library was not there when this was built. */
extern const struct peer *const peer_byron;
extern const struct peer *const peer_rocksdb;
extern const struct peer *const peer_leveldb;
extern const struct peer *const peer_lmdb;

/* Through SQL. */
extern const struct peer sql_byron;
extern const struct peer sql_byron_own; /* commit=own. */
extern const struct peer sql_without_rowid;
extern const struct peer sql_rowid;
extern const struct peer sql_floor;

/* Ends the program. */
_Noreturn void peer_die(const char *peer, const char *what, const char *words);
void *peer_allocate(size_t size); /* Zeroed; never NULL. */
/* Until no thread of this program has done anything for a moment. */
void peer_wait_until_quiet(void);
#endif
