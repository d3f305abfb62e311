/*
 * plan: constraints -> what xFilter gets: a number for the machine, and in
 * idxStr the same in words for EXPLAIN QUERY PLAN.
 *
 * Arguments of xFilter come in this order: one for each key column bound by
 * equality, then the lower bound, then the upper bound of the next column.
 */
#ifndef BYRON_EXT_PLAN_H
#define BYRON_EXT_PLAN_H

#include "vtab.h"

#define PLAN_MOST_EQUALS 12

enum bound { BOUND_NONE, BOUND_OPEN, BOUND_CLOSED };

struct plan {
    int equal_count;  /* Key columns bound by equality, from the first. */
    enum bound lower; /* Of the column after them. */
    enum bound upper;
    int list; /* Which of them is a list of values, from 1; 0: none. */
    /* The bounds stand for a LIKE or GLOB, which reads blobs as texts. */
    bool is_pattern;
    bool is_descending; /* Walk from the end to the beginning. */
    /* Rows were promised in the order of the columns after the bound ones,
     * although those may turn out not to be single values. */
    bool is_ordered_after;
    unsigned literals; /* A bit for each argument that is a literal. */
};

int plan_best_index(sqlite3_vtab *base, sqlite3_index_info *info);
/* One int for all of it, and back. */
int plan_encode(const struct plan *plan);
struct plan plan_decode(int number);

#endif
