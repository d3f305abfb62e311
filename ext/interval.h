/*
 * interval: a comparison of one column -> the values that may satisfy it.
 *
 * Pure. Every value that SQL's comparison accepts is inside, and no others
 * where the column's affinity is numeric. xBestIndex does not tell what
 * affinity the other side has, so a number met by a text or untyped column may
 * ask for texts that read as numbers as well: those are inside one interval of
 * texts, which is then added.
 */
#ifndef BYRON_EXT_INTERVAL_H
#define BYRON_EXT_INTERVAL_H

#include "field.h"
#include "plan.h"

struct key_argument {
    struct field field;
    bool is_bare; /* A literal or parameter: has no affinity of its own. */
};

/* Values of one column, in SQL's order. */
struct interval {
    struct field lower;
    struct field upper;
    enum bound lower_bound;
    enum bound upper_bound;
    bool is_point;  /* Only the value lower. */
    bool is_prefix; /* Texts or blobs that begin with lower. */
    bool is_number; /* Of its texts only those count that read as this: */
    double number;
};

#define INTERVAL_MOST 3

/* In SQL's order and disjoint. */
struct intervals {
    struct interval at[INTERVAL_MOST];
    int count;
};

/* has_null: NULL is a value like others. */
bool interval_is_point(const struct key_argument *argument, bool has_null,
                       enum affinity affinity);
void interval_equal(const struct key_argument *argument, bool has_null,
                    enum affinity affinity, struct intervals *out);
/* The plan's bounds; arguments are those of the bounds. */
void interval_range(const struct plan *plan,
                    const struct key_argument *arguments,
                    enum affinity affinity, struct intervals *out);
/* What the pattern lets through begins so. */
void interval_pattern(enum pattern pattern, const struct field *argument,
                      enum affinity affinity, enum collation collation,
                      struct intervals *out);

#endif
