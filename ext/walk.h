/*
 * walk: the rows of a plan, in its order: out of the table itself, out of an
 * index alone, or out of the table as an index leads there.
 */
#ifndef BYRON_EXT_WALK_H
#define BYRON_EXT_WALK_H

#include "path.h"
#include "scan.h"

struct walk {
    struct scan scan; /* Of the path's keys. */
    struct fetch fetch;
    struct path path;
    struct plan plan;
    bool is_at_row;
    bool is_fetching; /* Rows come out of fetch; the scan is ahead of them. */
    bool has_row;     /* One row was fetched although entries had sufficed. */
    bool has_limit;
    bool is_plain;  /* Its rows are the scan's, all of them. */
    bool has_ended; /* The view that entries came from did, perhaps. */
    bool is_whole;  /* The row was asked for more than its group's columns. */
    int64_t left;   /* Rows, with has_limit. */
    int batch;      /* Entries to read ahead next time. */
    uint64_t mark;  /* Of the transaction when the scan began; with a txn, */
    uint64_t epoch; /* and which of its stretches between undoings that was. */
};

void walk_init(struct walk *walk, struct table *table);
void walk_deinit(struct walk *walk);
/* Ends the walk; keeps no more than a little memory for the next one. */
void walk_reset(struct walk *walk);

/* SQLite's code, with the table's message, as all below. */

/* After that scan.ranges is empty, for the plan's to be filled in. */
int walk_set_plan(struct walk *walk, const struct plan *plan);
/* After that: to the first row; limit and offset as far as the plan has them.
 */
int walk_start(struct walk *walk, int64_t limit, int64_t offset);
/* Requires: at a row. */
int walk_next(struct walk *walk);
/* The table's own key and value. Lent until the walk moves. */
int walk_row(struct walk *walk, struct byron_bytes *key,
             struct byron_bytes *value);
int walk_row_key(struct walk *walk, struct byron_bytes *out);

/* The way on through rows that nobody looks at; false: take walk_next. */
static inline bool walk_next_unseen(struct walk *walk)
{
    if (walk->scan.ahead == 0 || walk->has_limit)
        return false;
    walk->scan.ahead--;
    return true;
}

/* The same through rows that lie ready. */
static inline bool walk_next_ready(struct walk *walk)
{
    if (!walk->is_plain || !scan_next_ready(&walk->scan))
        return false;
    walk->has_row = false;
    return true;
}

/* The table's row if the walk is one of the table itself, and the row lies
 * ready; NULL: take walk_row and walk_row_key. */
static inline const struct byron_pair *walk_ready_row(const struct walk *walk)
{
    return walk->path.index ? NULL : walk->scan.row;
}

/* Whether the row has moved into a copy, so that pointers do not last. */
static inline bool walk_is_copied(const struct walk *walk)
{
    return walk->scan.is_copied || walk->fetch.is_kept;
}

/* A column of the row was read. Rows of one group may differ in it if it is
 * not among those that group them, or if their keys do not tell it exactly. */
static inline void walk_note_column(struct walk *walk, int column,
                                    bool is_known)
{
    for (int i = 0; is_known && i < walk->plan.distinct; i++)
        if (path_is_column(&walk->path, i, column))
            return;
    walk->is_whole = true;
}

#endif
