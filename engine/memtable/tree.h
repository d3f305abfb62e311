/*
 * tree: the records of a memtable in order, as a B+tree of nodes.
 *
 * One writer. Readers descend from the root through pointers that were
 * published with release, and stand on nodes that are never freed or changed
 * but by appending. What was inserted before a reader's load that sees the
 * insertion is found by it, in the newest nodes or in the ones they replaced.
 *
 * Knows nothing of counting, copying entries or who keeps it alive.
 */
#ifndef BYRON_MEMTABLE_TREE_H
#define BYRON_MEMTABLE_TREE_H

#include "base/arena.h"
#include "memtable/node.h"

/* Where the last insert went, for the next may come right after it; or what is
 * left of where it was said to go. */
struct finger {
    struct node *leaf; /* NULL: not known. */
    unsigned rank;
    bool is_told;
    const struct record *upper; /* The leaf's fence. */
};

struct tree {
    _Atomic(struct node *) root;
    _Atomic uint64_t splits; /* Of leaves; counted once they are published. */
    /* The greatest, once it is published; NULL: there is none. */
    const struct record *_Atomic last;
    struct arena *arena;  /* Borrowed. */
    size_t node_bytes;    /* The writer's: taken from the arena. */
    size_t inner_count;   /* The writer's: inner nodes ever made. */
    struct finger finger; /* The writer's. */
    bool is_mixed;        /* The writer's: not each came after all before it. */
};

BYRON_MUST_CHECK byron_status tree_init(struct tree *tree, struct arena *arena);
/* Most bytes and pieces that inserting count records can take. */
void tree_worst_case(const struct tree *tree, size_t count, size_t *bytes,
                     size_t *pieces);
/*
 * A few records in ascending order, which find their leaves together: one waits
 * for memory while others go on. Requires: tree_worst_case of them is reserved
 * in the arena, and none of the same key and sequence is there. Takes the
 * records, which live in the arena.
 */
#define TREE_GROUP 16
void tree_insert(struct tree *tree, const struct record *const *records,
                 size_t count);

/* Between two records of a leaf, as of one order of it. */
struct place {
    const struct node *leaf;
    uint64_t order;
    unsigned rank;              /* Of the record right of the place. */
    const struct record *upper; /* Right of the leaf; NULL if nothing is. */
};
/* NULL if the place is the end of all. */
static inline const struct record *place_record(const struct place *place)
{
    if (place->rank < order_count(place->order))
        return node_record(place->leaf, place->order, place->rank);
    return place->upper;
}

/* Whether target comes after all that was inserted. */
static inline bool tree_is_past(const struct tree *tree,
                                const struct target *target)
{
    const struct record *last =
        atomic_load_explicit(&tree->last, memory_order_acquire);

    return !last || record_is_before(last, target);
}
/* Finds the place of target. The record right of it is in the place's leaf, or
 * is upper. */
void tree_find(const struct tree *tree, const struct target *target,
               struct place *out);
/* The same, in a leaf that holds the record left of the place if any does. */
void tree_find_left(const struct tree *tree, const struct target *target,
                    struct place *out);
/* The writer found that place, and its next insert is likely to go there: then
 * it saves the way down. */
void tree_tell(struct tree *tree, const struct place *place);
/* Which part of the records lies before target, about: 0 to 1. */
double tree_share(const struct tree *tree, const struct target *target);
/* The place after everything. */
void tree_find_end(const struct tree *tree, struct place *out);

#endif
