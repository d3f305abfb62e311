/*
 * savepoints: which mark of the engine's transaction belongs to which of
 * SQLite's savepoint numbers. Pure.
 *
 * SQLite tells a table only of savepoints that are opened while it takes part
 * in the transaction, and several tables share this stack.
 */
#ifndef BYRON_EXT_SAVEPOINTS_H
#define BYRON_EXT_SAVEPOINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct savepoint {
    int number;
    uint64_t mark;
};

/* Starts as zeros. */
struct savepoints {
    struct savepoint *items; /* Numbers and marks ascend. */
    size_t count;
    size_t capacity;
};

/*
 * number is open now, and begins at mark. has_joined: a table joins the
 * transaction, so an entry with this number is the same savepoint and tells
 * of its beginning; else it is one that ended unheard of. False: no memory.
 */
bool savepoints_open(struct savepoints *savepoints, int number, uint64_t mark,
                     bool has_joined);
/* Forgets number and all inside it. */
void savepoints_release(struct savepoints *savepoints, int number);
/* The mark to go back to; number stays open there, what is inside ends. */
uint64_t savepoints_roll_back(struct savepoints *savepoints, int number);
void savepoints_clear(struct savepoints *savepoints); /* Keeps memory. */
void savepoints_deinit(struct savepoints *savepoints);

#endif
