/*
 * entry_list: a sorted array of entries, the model that iterators are
 * compared with, and an iterator over it that can be told to fail.
 */
#ifndef BYRON_TESTS_ENTRY_LIST_H
#define BYRON_TESTS_ENTRY_LIST_H

#include <check.h>

#include "entry/iter.h"
#include "support/seed.h"

/* As ck_assert, which writes to a file each time: for inner loops. */
#define must(condition)                                                        \
    do {                                                                       \
        if (!(condition))                                                      \
            ck_abort_msg("%s", #condition);                                    \
    } while (0)

/* All zero is a valid empty list. Every byte is the list's own. */
struct entry_list {
    struct entry *entries;
    size_t count;
    size_t capacity;
    bool is_by_key; /* check_moves seeks by key alone. */
};

void entry_list_deinit(struct entry_list *list);
/* Copies the entry in at its place. False if (key, sequence) is there. */
bool entry_list_add(struct entry_list *list, const struct entry *entry);
/* Copies the entry to the end, whatever the order. */
void entry_list_append(struct entry_list *list, const struct entry *entry);
/* Index of the first entry at or after (key, sequence). */
size_t entry_list_find(const struct entry_list *list, struct slice key,
                       uint64_t sequence);

/* Over the list, which it borrows. Its keys and values are copied at each
 * move into memory that the next move spoils. */
struct iter *entry_list_iter(const struct entry_list *list);
/* The same, and lends many at once, as its random numbers will; each time into
 * memory that the next move spoils. Borrows rng. */
struct iter *entry_list_iter_lending(const struct entry_list *list,
                                     struct rng *rng);
/* The nth move from now of this iterator answers IO, and all later ones. */
void entry_list_iter_fail_after(struct iter *iter, size_t nth);

/* A key that others are likely to share, or to share the beginning of. */
struct slice any_key(struct rng *rng, uint8_t *space, size_t capacity);

/* Ends the test where iter does not show entry (NULL: nothing). */
void check_shows(struct iter *iter, const struct entry *entry);
/* Has iter skip from entry at, which it shows, and checks what it lends:
 * entries of list that follow, but for older versions of a key if it may leave
 * those out. Returns the index of the one that it comes to. Requires: room for
 * limits->most pairs, or none. */
size_t check_skip(struct iter *iter, const struct entry_list *list, size_t at,
                  const struct skip_limits *limits);
/* So many random moves of iter, which must show what list has. */
void check_moves(struct iter *iter, const struct entry_list *list,
                 struct rng *rng, size_t moves);

#endif
