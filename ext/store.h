/*
 * store: one engine per directory and process, shared by all connections.
 *
 * Found by the directory's device and inode; the stores of :memory: and temp
 * databases by their id. Closed with the last reference. Open and create
 * answer SQLite's code, and on failure a sentence (sqlite3_mprintf'd).
 */
#ifndef BYRON_EXT_STORE_H
#define BYRON_EXT_STORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "commit_point.h"
#include "directory.h"
#include "pinned.h"
#include "vtab.h"

enum store_stage {
    STORE_CREATED, /* The host has not committed its creation. */
    STORE_COMMITTED,
    STORE_SETTLED, /* And durably so. */
};

enum store_state { STORE_OPENING, STORE_OPEN, STORE_CLOSING };

/* Fields before the blank line never change once the store is open. */
struct store {
    byron_db *db;
    char *directory;
    char *database; /* The host's file; NULL: private. */
    uint8_t id[16];
    struct directory_identity identity;
    unsigned generation; /* Of forks; see store_is_forked. */

    struct store *next; /* Needs the registry's mutex, as the next two. */
    unsigned references;
    enum store_state state;
    _Atomic int stage;        /* enum store_stage. */
    atomic_bool is_prepared;  /* Commits were prepared since the creation. */
    atomic_bool is_offered;   /* The host has not taken the last commit. */
    _Atomic unsigned version; /* Odd while the next two change. */
    _Atomic uint64_t host_commit;
    _Atomic uint64_t engine_commit;
    struct pinned_list pins; /* Of its connections. */
    pthread_mutex_t mutex;
    atomic_bool is_collected;     /* Dropped tables were looked for. */
    uint32_t next_table;          /* Needs mutex, as the rest. */
    uint32_t *dropped;            /* Tables that are gone for good. */
    _Atomic size_t dropped_count; /* Read without it, too. */
};

struct store_request {
    const char *directory; /* NULL with a private store. */
    const char *database;  /* NULL: a private store. */
    const char *options;   /* As settings.h writes them. */
    const uint8_t *id;     /* NULL with store_create. */
    uint32_t wait_ms;      /* For another process to leave. */
    /* The newest commit point of the host; not used by store_create. */
    int (*newest)(void *context, struct byron_commit_point *out,
                  struct carried *carried);
    void *context;
};

int store_open(const struct store_request *request, struct store **out,
               char **message);
/* A new store. One that a rolled-back or crashed transaction of the same
 * database left behind is replaced; any other is refused. */
int store_create(const struct store_request *request, struct store **out,
                 char **message);
void store_unref(struct store *store); /* NULL is fine. */
/* After fork() the engine's thread and locks stayed with the parent. */
bool store_is_forked(const struct store *store);

/*
 * The engine's commit that a reader of the host's commit id shall see. It is
 * id, but for commits that the log lost in a power failure, and for those of
 * commit=own, which follow a commit of the host without its knowing.
 */
uint64_t store_engine_commit(struct store *store, uint64_t id);
void store_set_commit(struct store *store, uint64_t host, uint64_t engine);

/* The host has committed; the claim on the directory goes when that is
 * durable, at the next write. */
void store_commit(struct store *store);
void store_settle(struct store *store);

/* A number for a table: next or higher, and none that was given before. */
uint32_t store_number_table(struct store *store, uint32_t next);
/* The keys of one table. bytes must outlive range. */
void store_table_range(uint32_t id, uint8_t bytes[8],
                       struct byron_range *range);
/* Gives up a table's keys. The host has committed that it is gone. */
byron_status store_drop_table(struct store *store, uint32_t id);
bool store_is_dropped(struct store *store, uint32_t id);

#endif
