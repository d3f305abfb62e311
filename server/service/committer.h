/*
 * committer: writes that wait together become one commit and one sync.
 *
 * It runs on one thread, which is the only writer of the store. A write may
 * have conditions on what is there, and an id under which it is done once.
 * Knows no calls.
 */
#ifndef BYROND_SERVICE_COMMITTER_H
#define BYROND_SERVICE_COMMITTER_H

#include "service/keys.h"
#include "service/outcome.h"
#include "service/pool.h"

enum write_expect {
    WRITE_EXPECTS_ABSENT,
    WRITE_EXPECTS_PRESENT,
    WRITE_EXPECTS_VALUE,
};

struct write_condition {
    struct byron_bytes key;
    enum write_expect expect;
    struct byron_bytes value;
};

struct write {
    struct job job; /* First. */
    struct byron_op *ops;
    size_t count; /* Of ops; 0: nothing is written, but is_sync counts. */
    bool is_sync; /* This, and all before it, is on the disk when it is done. */
    const struct write_condition *conditions;
    size_t condition_count;
    /* Empty, or at most KEYS_MAX_ID bytes. */
    struct byron_bytes id;
    uint64_t scope;  /* Of keys_own. */
    uint64_t digest; /* Of a request: what it was. */
    bool is_load;    /* The id is that of a load, */
    uint64_t number; /* and this is its batch of this number, from 1. */

    struct outcome outcome;
    bool is_repeat;   /* It had been done before. */
    uint64_t batches; /* Of the load that are there. */
    char words[48];   /* Private, as all below. */
    uint8_t own_key[KEYS_OWN_MAX];
    uint8_t own_value[8];
    struct byron_op own; /* What remembers the id. */
};

/* A pool's run. context: the byron_db. */
void committer_run(void *context, struct job *jobs);

#endif
