/*
 * workload: one course of writes, reads and maintenance, always the same for a
 * seed, that goes on where calls fail, and knows what the store must show.
 *
 * It plays the host as well, if the store has one: then the host's row says
 * what is committed. Whatever is read and is not an error must be right; an
 * error must be the one that was expected, with words that name a path.
 *
 * All work is done inline and time is virtual, so two runs make the same
 * calls until the first failure.
 */
#ifndef BYRON_TESTS_WORKLOAD_H
#define BYRON_TESTS_WORKLOAD_H

#include "support/memfs.h"
#include "support/played_row.h"
#include "support/store_model.h"

#define WORKLOAD_COMMITS 200
#define WORKLOAD_MAYBES  256

struct workload {
    struct rng rng;
    struct memfs *fs;
    struct store_model model;
    struct byron_options options;
    byron_db *db; /* NULL where opening failed. */
    bool has_host;
    bool has_opened; /* It was open before. */

    /* Acknowledged commits in order; 0 is the empty store. */
    struct model_state states[WORKLOAD_COMMITS + 2];
    struct played_row rows[WORKLOAD_COMMITS + 2]; /* Each with some room. */
    size_t newest;
    size_t safe;     /* A power cut may not take it back. */
    size_t row_safe; /* The host's row on disk names it or a later one. */
    /* Without a host, a commit that failed may still be found later, unless
     * another one on the same base was acknowledged. */
    struct model_state maybe[WORKLOAD_MAYBES];
    size_t maybe_base[WORKLOAD_MAYBES];
    size_t maybe_count;

    byron_snapshot *held; /* And what it must show. */
    struct model_state held_state;

    byron_status expected; /* The failure that may come; OK: none may. */
    uint64_t failures;
    struct byron_error first_failure;
    char name[128];   /* Of the run, for messages... */
    const char *step; /* ...and what is being done. */
};

/* The store is not opened yet. */
void workload_init(struct workload *work, uint64_t seed, bool has_host);
void workload_deinit(struct workload *work);
/* So many steps; the first of them opens the store. */
void workload_run(struct workload *work, int steps);
/* Opens where it is closed, closes where it is open. */
byron_status workload_open(struct workload *work);
void workload_close(struct workload *work);
/* One commit of about count writes, sync or not. */
byron_status workload_commit(struct workload *work, size_t count, bool is_sync);
/* Everything is read: it must be the newest state. */
void workload_check_newest(struct workload *work);
/*
 * After the failures, with the store closed: a power cut now leaves a prefix
 * with all that was promised; a reopen finds every acknowledged commit, the
 * store is whole, goes on, and leaves no stray file behind.
 */
void workload_check_aftermath(struct workload *work);

#endif
