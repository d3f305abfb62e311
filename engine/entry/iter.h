/*
 * iter: the one interface of everything that can be read in order.
 *
 * Memtable, block, table, run, merge and view all wear it, so a scan, a flush
 * and a compaction are the same chain. The fields of a valid iterator are
 * lent until it moves. After an error it is invalid and every later move
 * returns the same error. End of data is not an error: valid is false.
 */
#ifndef BYRON_ENTRY_ITER_H
#define BYRON_ENTRY_ITER_H

#include "base/error.h"
#include "entry/entry.h"

struct iter;

struct skip_limits {
    uint64_t most;     /* Entries. */
    uint64_t sequence; /* Theirs are at or below. */
    struct slice key;  /* Theirs are below it; data NULL: no limit. */
    /* Lends what it comes to, until it moves; room for most. It then stops
     * where a value has to be read first. NULL: not asked for. */
    struct byron_pair *pairs;
    uint64_t *sequences; /* Of pairs; NULL: not asked for. */
    /* Older versions of the keys that it stands on and comes to may be left
     * out, by later steps too; else it stops before them. */
    bool passes_older;
};

struct iter_ops {
    /* First entry at or after (key, sequence); sequence descends, so
     * SEQUENCE_MAX finds the newest version of key. */
    byron_status (*seek)(struct iter *iter, struct slice key,
                         uint64_t sequence);
    /* Last entry whose key is < key. */
    byron_status (*seek_before)(struct iter *iter, struct slice key);
    byron_status (*first)(struct iter *iter);
    byron_status (*last)(struct iter *iter);
    byron_status (*next)(struct iter *iter); /* Requires: valid. */
    byron_status (*prev)(struct iter *iter); /* Requires: valid. */
    /* Lends the value until the iterator moves; reads it if it is large. */
    byron_status (*value)(struct iter *iter, struct slice *out);
    void (*free)(struct iter *iter);
    /* May be NULL. See iter_skip. */
    uint64_t (*skip)(struct iter *iter, const struct skip_limits *limits);
};

struct iter {
    const struct iter_ops *ops;
    bool valid;
    enum entry_kind kind;
    uint64_t sequence;
    struct slice key;
};

BYRON_MUST_CHECK static inline byron_status
iter_seek(struct iter *iter, struct slice key, uint64_t sequence)
{
    return iter->ops->seek(iter, key, sequence);
}
BYRON_MUST_CHECK static inline byron_status iter_seek_before(struct iter *iter,
                                                             struct slice key)
{
    return iter->ops->seek_before(iter, key);
}
BYRON_MUST_CHECK static inline byron_status iter_first(struct iter *iter)
{
    return iter->ops->first(iter);
}
BYRON_MUST_CHECK static inline byron_status iter_last(struct iter *iter)
{
    return iter->ops->last(iter);
}
BYRON_MUST_CHECK static inline byron_status iter_next(struct iter *iter)
{
    return iter->ops->next(iter);
}
BYRON_MUST_CHECK static inline byron_status iter_prev(struct iter *iter)
{
    return iter->ops->prev(iter);
}
BYRON_MUST_CHECK static inline byron_status iter_value(struct iter *iter,
                                                       struct slice *out)
{
    return iter->ops->value(iter, out);
}
/*
 * Forward over as many entries as need no look of their own: puts within the
 * limits, each of another key, and so is the one that it comes to stand on.
 * Returns how many; 0 if it did not move: what was lent before stays then.
 * Requires: valid.
 */
static inline uint64_t iter_skip(struct iter *iter,
                                 const struct skip_limits *limits)
{
    return iter->ops->skip ? iter->ops->skip(iter, limits) : 0;
}
static inline void iter_free(struct iter *iter)
{
    if (iter)
        iter->ops->free(iter);
}

#endif
