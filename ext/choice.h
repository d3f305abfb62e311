/*
 * choice: one path considered for one query: what xBestIndex has gathered.
 * Shared by the files that plan: constraint, order, cost, words, plan.
 */
#ifndef BYRON_EXT_CHOICE_H
#define BYRON_EXT_CHOICE_H

#include "path.h"
#include "plan.h"

struct choice {
    struct table *table;
    sqlite3_index_info *info;
    struct path path;
    struct plan plan;
    int constraint[PLAN_MOST_ARGUMENTS]; /* Of each argument. */
    int argument_count;
    unsigned plain;  /* A bit for each equality with nothing but a value. */
    unsigned exact;  /* A bit for each argument that needs no check. */
    bool is_ordered; /* As ORDER BY asks. */
    double rows;     /* That the walk meets. */
    double cost;
};

/* Whether an equality of this key column surely means one value of it. A
 * number may equal many texts. */
static inline bool choice_is_single(const struct choice *choice, int key_index)
{
    if (choice->plan.lists >> key_index & 1)
        return false;
    return path_affinity(&choice->path, key_index) >= AFFINITY_NUMERIC ||
           (choice->plain >> key_index & 1);
}

#endif
