/*
 * key_bound: one end of a range of keys, compared with every entry: heads
 * decide most often.
 */
#ifndef BYRON_MERGE_KEY_BOUND_H
#define BYRON_MERGE_KEY_BOUND_H

#include "merge/kept_key.h"

/* All zero is open. */
struct key_bound {
    bool is_set;
    uint64_t head;
    struct buf key; /* Owned. */
};

/* Copies key; data NULL is open. */
BYRON_MUST_CHECK static inline byron_status
key_bound_set(struct key_bound *bound, struct slice key)
{
    bound->is_set = key.data != NULL;
    bound->head = slice_head(key, 0);
    return kept_key_set(&bound->key, key);
}

/* Whether it is set to key, or as open. */
static inline bool key_bound_is(const struct key_bound *bound, struct slice key)
{
    return bound->is_set == (key.data != NULL) &&
           slice_equal(buf_slice(&bound->key), key);
}

/* Whether key is below. Requires: it is set. */
static inline bool key_bound_is_above(const struct key_bound *bound,
                                      struct slice key)
{
    uint64_t head = slice_head(key, 0);

    if (head != bound->head)
        return head < bound->head;
    return slice_compare(key, buf_slice(&bound->key)) < 0;
}

#endif
