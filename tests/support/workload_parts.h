/*
 * workload_parts: what the files of workload share.
 */
#ifndef BYRON_TESTS_WORKLOAD_PARTS_H
#define BYRON_TESTS_WORKLOAD_PARTS_H

#include "support/workload.h"

/* Check notes the place of each of its assertions in a file: too slow here. */
#define REQUIRE(condition, ...)                                                \
    do {                                                                       \
        if (!(condition))                                                      \
            ck_abort_msg(__VA_ARGS__);                                         \
    } while (0)

/* A call answered status: was it to be expected, and does it say enough? */
byron_status workload_judge(struct workload *work, byron_status status);

#define TRY_JUDGED(call)                                                       \
    do {                                                                       \
        status = workload_judge(work, (call));                                 \
        if (status != BYRON_OK)                                                \
            goto out;                                                          \
    } while (0)

/* Each reads out of txn, or else out of snapshot, which may be NULL; what is
 * read must be what state says. */
byron_status workload_read_key(struct workload *work, byron_snapshot *snapshot,
                               byron_txn *txn, const struct model_state *state,
                               size_t key);
byron_status workload_read_all(struct workload *work, byron_snapshot *snapshot,
                               byron_txn *txn, const struct model_state *state,
                               bool is_backward);
/* Some of the newest state, in all ways. */
void workload_read_some(struct workload *work);
/* Commits until something has changed: the workload aborts and rolls back. */
byron_status workload_commit_something(struct workload *work);
/*
 * Which state db shows: one of [low, newest], or a commit that failed, which
 * is then put behind the newest. WORKLOAD_NO_STATE if none.
 */
#define WORKLOAD_NO_STATE SIZE_MAX
size_t workload_find_state(struct workload *work, byron_db *db, size_t low);

#endif
