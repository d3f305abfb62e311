/*
 * played_host: a store with a host, played by the test: a row of commit ids
 * that would lie in the host's database file.
 */
#ifndef BYRON_TESTS_PLAYED_HOST_H
#define BYRON_TESTS_PLAYED_HOST_H

#include "byron.h"
#include "support/memfs.h"

struct played_host {
    struct memfs *fs;
    struct byron_options options;
    byron_db *db;
    struct byron_commit_point row; /* In the host's database file. */
    uint64_t barriers;
    byron_status barrier_answer;
};

/* Opened, empty, on a memfs of its own. */
void played_host_init(struct played_host *host);
void played_host_deinit(struct played_host *host);
byron_status played_host_open(struct played_host *host);
void played_host_reopen(struct played_host *host);
/* The power goes, or the process is killed; the row is what it is. Closed. */
void played_host_cut_power(struct played_host *host, enum memfs_crash mode);

byron_txn *played_host_begin(struct played_host *host);
void played_host_put(byron_txn *txn, const char *key, int value);
/* "many000" to "many399": more than a memtable holds. */
void played_host_put_many(byron_txn *txn, int value);
/* One commit of one put; the row has its point before it is published. */
void played_host_commit(struct played_host *host, const char *key, int value,
                        unsigned flags);
/* The value of key; -1: there is none. snapshot NULL: the newest. */
int played_host_get_at(byron_db *db, byron_snapshot *snapshot, const char *key);
int played_host_get(struct played_host *host, const char *key);

#endif
