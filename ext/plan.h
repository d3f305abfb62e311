/*
 * plan: how a query is answered: chosen by xBestIndex, carried out by xFilter.
 *
 * The plan travels in idxStr, behind the words for EXPLAIN QUERY PLAN and
 * their zero byte. Arguments of xFilter come in the order of the fields: one
 * for each key column bound by equality, the lower bound, the upper bound, the
 * pattern, limit, offset.
 */
#ifndef BYRON_EXT_PLAN_H
#define BYRON_EXT_PLAN_H

#include "vtab.h"

#define PLAN_MOST_EQUALS    16
#define PLAN_MOST_ARGUMENTS (PLAN_MOST_EQUALS + 5)

enum bound { BOUND_NONE, BOUND_OPEN, BOUND_CLOSED };

/* What the values of a column begin with. */
enum pattern {
    PATTERN_NONE,
    PATTERN_PREFIX, /* The argument, in texts or in blobs. */
    PATTERN_GLOB,   /* What the argument has before its first wildcard. */
    PATTERN_LIKE,
};

struct plan {
    int path;         /* path.h: which key is walked. */
    uint32_t id;      /* Of that path, should the indexes change. */
    int equal_count;  /* Key columns bound by equality, from the first. */
    enum bound lower; /* Of the column after them. */
    enum bound upper;
    enum pattern pattern; /* Of the same column, in place of bounds. */
    unsigned lists;       /* A bit for each of them that is a list of values. */
    unsigned nulls;       /* A bit for each that NULL is a value of: IS. */
    unsigned literals;    /* A bit for each argument that is a literal. */
    /* The bounds stand for a LIKE or GLOB, which reads blobs as texts. */
    bool is_pattern;
    bool is_descending; /* Walk from the end to the beginning. */
    /* Rows were promised in the order of the columns after the bound ones,
     * although those may turn out not to be single values. */
    bool is_ordered_after;
    bool is_prefix_asked; /* What the column prefix holds, though it is free. */
    bool is_covering;     /* The walk itself has every column that is used. */
    bool is_key_enough;   /* Of the table: no column but the key's is used. */
    int distinct;    /* Of rows alike in as many key columns one will do. */
    bool has_limit;  /* Nobody asks for more rows than that. */
    bool has_offset; /* So many rows are passed over. */
};

int plan_best_index(sqlite3_vtab *base, sqlite3_index_info *info);
/* Out of idxStr, and into it: words are taken. NULL if out of memory. */
void plan_read(const char *text, struct plan *out);
char *plan_write(char *words, const struct plan *plan);

static inline int plan_bound_count(const struct plan *plan)
{
    return plan->equal_count + (plan->lower != BOUND_NONE) +
           (plan->upper != BOUND_NONE) + (plan->pattern != PATTERN_NONE);
}

#endif
