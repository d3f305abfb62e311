/*
 * node: a node of the memtable's tree, and how its order is kept.
 *
 *   order = count(4 bits) slot-of-rank-0(4 bits) ... slot-of-rank-14(4 bits)
 *
 * Slots are only appended. A new one is filled first and then enters the
 * order, which is one word stored with release: whoever loads the order may
 * read every slot in it. In a leaf the slots are the entries. In an inner node
 * they are separators, slot s leads to children[s + 1], and children[0] is
 * left of all; a separator is the first entry of what it leads to.
 *
 * Heads are taken after prefix bytes that every key routed here begins with,
 * as both of the node's fences do, so nobody has to check them.
 */
#ifndef BYRON_MEMTABLE_NODE_H
#define BYRON_MEMTABLE_NODE_H

#include <stdatomic.h>

#include "memtable/record.h"

#define NODE_SLOTS 15

struct node {
    _Atomic uint64_t order;
    uint32_t prefix;
    uint8_t level; /* 0 is a leaf. */
    /* The writer's: how many slots in a row came right after (positive) or
     * right before (negative) the one added before them. */
    int8_t run;
    atomic_bool is_replaced; /* A leaf whose entries live on in others. */
    uint64_t heads[NODE_SLOTS];
    const struct record *records[NODE_SLOTS];
    _Atomic(struct node *) children[]; /* NODE_SLOTS + 1, not in a leaf. */
};

#define LEAF_SIZE (sizeof(struct node))
#define INNER_SIZE                                                             \
    (sizeof(struct node) + (NODE_SLOTS + 1) * sizeof(_Atomic(struct node *)))

static inline unsigned order_count(uint64_t order)
{
    return (unsigned)(order & 15);
}

static inline unsigned order_slot(uint64_t order, unsigned rank)
{
    return (unsigned)(order >> (4 + 4 * rank)) & 15;
}

static inline const struct record *node_record(const struct node *node,
                                               uint64_t order, unsigned rank)
{
    return node->records[order_slot(order, rank)];
}

static inline uint64_t node_order(const struct node *node)
{
    return atomic_load_explicit(&node->order, memory_order_acquire);
}

/* The child between the separators of rank - 1 and rank. */
static inline struct node *node_child(const struct node *node, uint64_t order,
                                      unsigned rank)
{
    unsigned index = rank == 0 ? 0 : order_slot(order, rank - 1) + 1;
    return atomic_load_explicit(&node->children[index], memory_order_acquire);
}

static inline void node_prefetch(const struct node *node)
{
    __builtin_prefetch(node);
    __builtin_prefetch((const uint8_t *)node + 64);
    __builtin_prefetch((const uint8_t *)node + 128);
    __builtin_prefetch((const uint8_t *)node + 192);
}

/* The head of a key that begins with the node's prefix. */
static inline uint64_t node_head(const struct node *node, struct slice key)
{
    size_t rest = key.size - node->prefix;
    uint64_t head;

    if (rest >= 8 || key.size < 8)
        return slice_head(key, node->prefix);
    if (rest == 0)
        return 0;
    memcpy(&head, key.data + key.size - 8, 8);
    return __builtin_bswap64(head) << (64 - 8 * rest);
}

/* The same where the slot of rank below, and maybe more, has the target's
 * head, and those before it have not. */
unsigned node_rank_among_ties(const struct node *node, uint64_t order,
                              unsigned below, uint64_t head,
                              const struct target *target);
/* How many of the slots in order are before the target. */
static inline unsigned node_rank(const struct node *node, uint64_t order,
                                 const struct target *target)
{
    uint64_t head = node_head(node, target->key);
    unsigned count = order_count(order);
    unsigned below = 0;

    for (unsigned slot = 0; slot < count; slot++)
        below += node->heads[slot] < head;
    if (below == count || node->heads[order_slot(order, below)] != head)
        return below;
    return node_rank_among_ties(node, order, below, head, target);
}

/* Sorted separators and the children around them, or entries alone. */
struct node_content {
    unsigned count; /* Of records. */
    uint64_t heads[NODE_SLOTS + 1];
    const struct record *records[NODE_SLOTS + 1];
    struct node *children[NODE_SLOTS + 2];
};

/* What the node holds, with one more record at rank; in an inner node, left
 * and right are the children around it. */
void node_content_with(const struct node *node, unsigned rank,
                       const struct record *record, struct node *left,
                       struct node *right, struct node_content *out);
/* Whether heads tie that would not after what the fences share. */
bool node_fences_help(const struct node *node,
                      const struct node_content *content,
                      const struct record *lower, const struct record *upper);
/* Fills a fresh node with count records of content from first on. Fences are
 * NULL where there is no limit. */
void node_fill(struct node *node, const struct node_content *content,
               unsigned first, unsigned count, const struct record *lower,
               const struct record *upper, const struct node *origin);
/* Fills a fresh node that has one separator and no fences. */
void node_fill_root(struct node *node, const struct record *separator,
                    struct node *left, struct node *right);
/* Appends a slot and publishes it. right NULL: a leaf. Requires: not full. */
void node_add(struct node *node, unsigned rank, const struct record *record,
              struct node *right);

#endif
