/*
 * pinned: the state that a read transaction goes on reading, held between its
 * statements.
 *
 * SQLite does not tell a virtual table how a transaction ends that only read.
 * So the snapshot stays until the connection reads another state, or nobody
 * has used it for a while and somebody else commits: a connection that lies
 * idle must not hold space for ever.
 */
#ifndef BYRON_EXT_PINNED_H
#define BYRON_EXT_PINNED_H

#include <pthread.h>
#include <stdatomic.h>

#include "byron.h"

/*
 * One per connection and store; all zeros before pinned_add. Only the
 * connection holds something here, or takes it back; others may let go of it.
 * Who makes stamp 0 has the snapshot.
 */
struct pinned {
    struct pinned *next;
    _Atomic(byron_snapshot *) snapshot;
    uint64_t commit; /* Only the connection looks at these two. */
    uint64_t holds;  /* How often it has held something. */
    /* Since when in ms, then the lowest 16 bits of holds; 0: nothing is held.
     */
    _Atomic int64_t stamp;
};

struct pinned_list {
    pthread_mutex_t mutex;
    struct pinned *first; /* Needs mutex, as next does. */
};

void pinned_list_init(struct pinned_list *list);
void pinned_list_deinit(struct pinned_list *list);
void pinned_add(struct pinned_list *list, struct pinned *pinned);
void pinned_remove(struct pinned_list *list, struct pinned *pinned);

/* The snapshot of commit, the caller's now, or NULL; another is let go. */
byron_snapshot *pinned_take(struct pinned *pinned, uint64_t commit);
/* Takes snapshot. */
void pinned_keep(struct pinned *pinned, byron_snapshot *snapshot,
                 uint64_t commit);
void pinned_release(struct pinned *pinned);
/* Lets go of what nobody has used for longer than age_ms. */
void pinned_sweep(struct pinned_list *list, int64_t age_ms);

#endif
