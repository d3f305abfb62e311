/*
 * sweep: every entry of one table number, in key order, at the state that the
 * statement sees, inside one call of SQLite's.
 */
#ifndef BYRON_EXT_SWEEP_H
#define BYRON_EXT_SWEEP_H

#include "interrupt.h"
#include "view.h"

struct sweep {
    struct table *table;
    struct view view;
    byron_cursor *entries;
    bool has_begun;
    struct interrupt interrupt;
};

/* Of the table's rows, or of one of its indexes by that one's id. SQLite's
 * code, with the table's message, as below. Close it in any case. */
int sweep_open(struct sweep *sweep, struct table *table, uint32_t id);
void sweep_close(struct sweep *sweep);
/* To the first, or the next one. *is_there is false at the end. */
int sweep_next(struct sweep *sweep, bool *is_there);
/* Lent until the next step. Requires: it is there. */
struct byron_bytes sweep_key(const struct sweep *sweep);
int sweep_value(struct sweep *sweep, struct byron_bytes *out);

#endif
