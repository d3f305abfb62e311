/*
 * window: where one child of a merge stands, and what it has lent of what
 * comes next.
 *
 * A child that is asked for one entry after the other costs calls and copies
 * for each. One that lends many at once (iter_skip) is ahead of the merge: it
 * stands on the last entry of its window, the merge on any.
 */
#ifndef BYRON_MERGE_WINDOW_H
#define BYRON_MERGE_WINDOW_H

#include "entry/iter.h"

#define WINDOW_MOST 64 /* Entries: as a rule a block. */

struct window_entries {
    struct byron_pair pairs[WINDOW_MOST];
    uint64_t sequences[WINDOW_MOST];
};

struct window {
    struct iter *iter;
    struct slice key; /* Of the entry that it stands on. */
    uint64_t sequence;
    enum entry_kind kind;
    bool valid;
    bool is_lent; /* That entry is entries[next - 1]: a put, read already. */
    uint8_t next; /* Of entries, */
    uint8_t left; /* and how many from there on. */
    uint8_t wanted;
    uint8_t pause; /* Entries until it is asked for many again, */
    uint8_t next_pause;
    struct window_entries *entries; /* Owned; NULL until first asked for. */
};

static inline void window_stand(struct window *window)
{
    const struct iter *iter = window->iter;

    window->valid = iter->valid;
    window->is_lent = false;
    window->left = 0;
    if (!iter->valid)
        return;
    window->key = iter->key;
    window->sequence = iter->sequence;
    window->kind = iter->kind;
}

/* The iterator has been moved by a seek: stands where it stands. */
static inline void window_restart(struct window *window)
{
    window_stand(window);
    window->wanted = 8;
    window->pause = 0;
    window->next_pause = 1;
}

static inline struct slice window_next_key(const struct window *window)
{
    return slice_from(window->entries->pairs[window->next].key);
}

/* Requires: left > 0. */
static inline void window_step(struct window *window)
{
    window->key = window_next_key(window);
    window->sequence = window->entries->sequences[window->next];
    window->kind = ENTRY_PUT;
    window->is_lent = true;
    window->next++;
    window->left--;
}

/* Requires: is_lent. */
static inline const struct byron_pair *window_pair(const struct window *window)
{
    return &window->entries->pairs[window->next - 1];
}

/*
 * Borrows the next entries of the iterator, as far as they are within limits;
 * what the window stood on is gone then. False if there are none to be had.
 * Requires: valid, nothing left.
 */
bool window_fill(struct window *window, const struct skip_limits *limits);
/* To the next entry, by a window if one is worth it and many are wanted. */
BYRON_MUST_CHECK byron_status window_next(struct window *window, bool is_long);
/* Lends the value of the entry it stands on. */
BYRON_MUST_CHECK byron_status window_value(const struct window *window,
                                           struct slice *out);

#endif
