/*
 * idle: what readers of one read state have done with and the next ones can
 * use again, a few pieces of it. Any thread puts in and takes out; nobody
 * waits.
 */
#ifndef BYRON_DB_IDLE_H
#define BYRON_DB_IDLE_H

#include <stdatomic.h>
#include <stdbool.h>

#define IDLE_MOST 8

/* First in each piece. */
struct idle {
    void (*free)(struct idle *idle);
};

/* All zero is empty. */
struct idle_shelf {
    _Atomic(struct idle *) at[IDLE_MOST];
};

/* NULL if there is none. */
struct idle *idle_take(struct idle_shelf *shelf);
/* False if there is no room: the piece is still the caller's. */
bool idle_put(struct idle_shelf *shelf, struct idle *idle);
/* Requires: nobody else knows of the shelf any more. */
void idle_shelf_deinit(struct idle_shelf *shelf);

#endif
