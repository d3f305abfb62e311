/*
 * fetch: from entries of an index to the rows of its table, many at once.
 *
 * Holds the keys of some rows in the entries' order, and reads their values
 * from a view when the first of them is wanted.
 */
#ifndef BYRON_EXT_FETCH_H
#define BYRON_EXT_FETCH_H

#include "bytes.h"
#include "index.h"
#include "view.h"

#define FETCH_MOST 64 /* Rows that are read at once. */

/* All zero is valid and empty. */
struct fetch {
    struct bytes keys;          /* One after the other. */
    struct bytes next_key;      /* Scratch. */
    size_t ends[FETCH_MOST];    /* Of each in keys. */
    struct byron_value *values; /* Owned array of FETCH_MOST. */
    int count;                  /* Keys. */
    int at;                     /* The current row. */
    int read_from;              /* Values from here on */
    int read_to;                /* and before this are held. */
    struct bytes kept;          /* The current value, */
    bool is_kept;               /* if it outlives the view. */
    bool may_miss;              /* Entries may be older than the view. */
};

void fetch_deinit(struct fetch *fetch);
/* Forgets all rows; the memory stays, unless it is much. */
void fetch_clear(struct fetch *fetch);
/* Adds the row of an index's entry, given by its whole key. */
BYRON_MUST_CHECK byron_status fetch_add(struct fetch *fetch,
                                        const struct table *table,
                                        const struct index *index,
                                        struct byron_bytes entry);
/*
 * To the first row at or after the current place that is there. False: none
 * is left. Otherwise status tells; BYRON_CORRUPT: an entry has no row.
 */
BYRON_MUST_CHECK byron_status fetch_read(struct fetch *fetch,
                                         const struct view *view,
                                         bool *is_at_row);
/* To the next one. Requires: at a row. */
BYRON_MUST_CHECK byron_status fetch_next(struct fetch *fetch,
                                         const struct view *view,
                                         bool *is_at_row);
/* Lent until the fetch moves. Requires: at a row. */
struct byron_bytes fetch_key(const struct fetch *fetch);
struct byron_bytes fetch_value(const struct fetch *fetch);
/* The view is about to go: the current row stays as a copy. */
BYRON_MUST_CHECK byron_status fetch_keep(struct fetch *fetch);
/* As it is, but what the view lent is gone already. */
void fetch_abandon(struct fetch *fetch);

#endif
