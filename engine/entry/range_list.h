/*
 * range_list: deletes of whole ranges of keys, laid out so that a key is found
 * in at most one place.
 *
 * A range delete hides every entry with a key in [lower, upper) and a sequence
 * below its own; entries of its own commit live. Where ranges overlap they are
 * cut into pieces that share no key:
 *
 *     [a       e)@7            [a c)7  [c e)9,7  [e g)9
 *          [c       g)@9
 *
 * Bounds are lent by whoever made the deletes.
 */
#ifndef BYRON_ENTRY_RANGE_LIST_H
#define BYRON_ENTRY_RANGE_LIST_H

#include "base/slice.h"

struct range_delete {
    struct slice lower; /* Inclusive. */
    struct slice upper; /* Exclusive; above lower. */
    uint64_t sequence;  /* Not 0. */
};

/* Range deletes in any order. All zero is empty. */
struct range_deletes {
    struct range_delete *items;
    size_t count, capacity;
};
void range_deletes_deinit(struct range_deletes *deletes);
BYRON_MUST_CHECK byron_status range_deletes_add(
    struct range_deletes *deletes, const struct range_delete *delete);

/* Keys that the same deletes cover. */
struct range_piece {
    struct slice lower;
    struct slice upper;
    const uint64_t *sequences; /* Descending; at least one. */
    size_t count;
};
/* Pieces in ascending order that share no key. All zero is empty. */
struct range_list {
    struct range_piece *pieces;
    size_t count, capacity;
    uint64_t *sequences; /* Of all pieces. */
    size_t sequence_count, sequence_capacity;
};
/* Several of them, each with deletes of its own. */
struct range_lists {
    size_t count;
    const struct range_list *lists[];
};

/* Cuts the deletes into pieces; list is all zero before. */
BYRON_MUST_CHECK byron_status
range_list_build(struct range_list *list, const struct range_deletes *deletes);
/* The same; but where the pieces would have more than most sequences together,
 * list stays all zero and *fits is false. */
BYRON_MUST_CHECK byron_status range_list_build_within(
    struct range_list *list, const struct range_deletes *deletes, size_t most,
    bool *fits);
void range_list_deinit(struct range_list *list);
/* Appends a piece behind the last. Call range_list_seal after the last one. */
BYRON_MUST_CHECK byron_status range_list_add(struct range_list *list,
                                             const struct range_piece *piece);
/* Makes what was added ready to be read. */
void range_list_seal(struct range_list *list);
/* Index of the first piece that does not end at or before key. */
size_t range_list_from(const struct range_list *list, struct slice key);
/* The piece that key lies in, or NULL. */
const struct range_piece *range_list_find(const struct range_list *list,
                                          struct slice key);
/* Of all lists, the newest sequence at or below limit that covers key; 0 where
 * there is none. */
uint64_t range_lists_newest(const struct range_lists *lists, struct slice key,
                            uint64_t limit);
/* Adds to out the pieces that touch [lower, upper) (open where data is NULL),
 * each with its newest sequence at or below limit. */
BYRON_MUST_CHECK byron_status range_list_collect(const struct range_list *list,
                                                 struct slice lower,
                                                 struct slice upper,
                                                 uint64_t limit,
                                                 struct range_deletes *out);

/* The newest sequence of piece at or below limit, or 0. */
static inline uint64_t range_piece_newest(const struct range_piece *piece,
                                          uint64_t limit)
{
    for (size_t i = 0; i < piece->count; i++)
        if (piece->sequences[i] <= limit)
            return piece->sequences[i];
    return 0;
}

#endif
