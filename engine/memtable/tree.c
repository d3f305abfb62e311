#include "memtable/tree.h"

#include <assert.h>

#include "base/error.h"

/* More than 2^64 records fill. */
#define LEVELS_MAX 32
/* So many slots in a row make a run, which is split where it goes on. */
#define RUN_SIZE 7

/* One node of the way down: the rank there, and the node's own fences. */
struct step {
    struct node *node;
    unsigned rank;
    const struct record *lower;
    const struct record *upper;
};

/* What takes the place of a node: left of separator and right of it. */
struct split {
    enum {
        SPLIT_APART,     /* Both hold some of what the node held. */
        SPLIT_OFF_RIGHT, /* Left holds all the node held. */
        SPLIT_OFF_LEFT,  /* Right holds all the node held. */
    } kind;
    const struct record *separator;
    struct node *left;
    struct node *right;
};

static struct node *take_node(struct tree *tree, unsigned level)
{
    size_t size = level == 0 ? LEAF_SIZE : INNER_SIZE;
    struct node *node = arena_take(tree->arena, size);

    tree->node_bytes += size;
    tree->inner_count += level > 0;
    return node;
}

static struct node *root_of(const struct tree *tree)
{
    return atomic_load_explicit(&tree->root, memory_order_acquire);
}

static uint64_t own_order(const struct node *node)
{
    return atomic_load_explicit(&node->order, memory_order_relaxed);
}

byron_status tree_init(struct tree *tree, struct arena *arena)
{
    static const struct node empty_leaf;
    static const struct node_content nothing;
    struct node *root;

    tree->arena = arena;
    tree->node_bytes = 0;
    tree->inner_count = 0;
    tree->finger.leaf = NULL;
    tree->is_mixed = false;
    root = arena_take(arena, LEAF_SIZE);
    if (!root)
        return error_no_memory();
    tree->node_bytes = LEAF_SIZE;
    node_fill(root, &nothing, 0, 0, NULL, NULL, &empty_leaf);
    atomic_init(&tree->root, root);
    atomic_init(&tree->splits, 0);
    atomic_init(&tree->last, NULL);
    return BYRON_OK;
}

/*
 * A leaf makes two of itself at most. An inner node splits only when it is
 * full, and then its halves need 7 separators more each to be full again;
 * besides, a full node may be split off at either end, once each while it
 * is full. So with a separators coming in at a level and f of its nodes full
 * at first, it sees at most 3f + 3a/7 splits; over all levels together,
 * where each split is a separator for the level above, 6f + count. Nor can
 * one insert split more than one node of each level.
 */
void tree_worst_case(const struct tree *tree, size_t count, size_t *bytes,
                     size_t *pieces)
{
    size_t new_roots = 1 + count / NODE_SLOTS;
    size_t levels = root_of(tree)->level + new_roots;
    size_t splits = 6 * tree->inner_count + count;
    size_t inner;

    if (levels < LEVELS_MAX && count * levels < splits)
        splits = count * levels;
    inner = 2 * splits + new_roots;
    *bytes = 2 * count * LEAF_SIZE + inner * INNER_SIZE;
    *pieces = 2 * count + inner;
}

/* --- Insert ---------------------------------------------------------- */

static void descend(const struct tree *tree, const struct record *record,
                    struct step *path)
{
    struct target target = record_target(record, false);
    struct step step = {root_of(tree), 0, NULL, NULL};

    for (;;) {
        struct node *node = step.node;
        uint64_t order = own_order(node);

        step.rank = node_rank(node, order, &target);
        path[node->level] = step;
        if (node->level == 0)
            return;
        if (step.rank > 0)
            step.lower = node_record(node, order, step.rank - 1);
        if (step.rank < order_count(order))
            step.upper = node_record(node, order, step.rank);
        step.node = node_child(node, order, step.rank);
        node_prefetch(step.node);
    }
}

/*
 * How many of a full leaf's records and the new one go left. In a run the
 * next is likely to come beside the new one, so the leaf is split there and
 * what lies before a run that ascends stays full.
 */
static unsigned choose_cut(const struct step *step)
{
    uint64_t order = own_order(step->node);
    unsigned rank = step->rank;
    unsigned newest = NODE_SLOTS - 1;

    if (step->node->run >= RUN_SIZE && rank > 0 &&
        order_slot(order, rank - 1) == newest)
        return rank < NODE_SLOTS ? rank + 1 : rank;
    if (step->node->run <= -RUN_SIZE && rank < NODE_SLOTS &&
        order_slot(order, rank) == newest)
        return rank > 0 ? rank : 1;
    return (NODE_SLOTS + 1) / 2;
}

/*
 * Node itself if it can stay as it is, else a copy with better heads. Better
 * heads suit only keys inside the new fences, so a copy must be reached past
 * the new separator alone: no child of a node that stays is replaced, but for
 * the one beside a separator that the node takes in.
 */
static struct node *keep_or_copy(struct tree *tree, struct node *node,
                                 const struct node_content *content,
                                 unsigned first, const struct record *lower,
                                 const struct record *upper, bool may_keep)
{
    struct node *copy;

    node->run = 0;
    if (may_keep && !node_fences_help(node, content, lower, upper))
        return node;
    copy = take_node(tree, node->level);
    node_fill(copy, content, first, NODE_SLOTS, lower, upper, node);
    return copy;
}

static struct node *fill_new(struct tree *tree, const struct step *step,
                             const struct node_content *content, unsigned first,
                             unsigned count, const struct record *separator)
{
    struct node *node = take_node(tree, step->node->level);
    bool is_left = first == 0;

    node_fill(node, content, first, count, is_left ? step->lower : separator,
              is_left ? separator : step->upper, step->node);
    return node;
}

static void split_leaf(struct tree *tree, const struct step *step,
                       const struct record *record, struct split *out)
{
    struct node_content content;
    unsigned cut = choose_cut(step);

    node_content_with(step->node, step->rank, record, NULL, NULL, &content);
    out->separator = content.records[cut];
    out->kind = SPLIT_APART;
    if (cut == NODE_SLOTS && step->rank == NODE_SLOTS) {
        out->kind = SPLIT_OFF_RIGHT;
        out->left = keep_or_copy(tree, step->node, &content, 0, step->lower,
                                 out->separator, true);
    } else {
        out->left = fill_new(tree, step, &content, 0, cut, out->separator);
    }
    if (cut == 1 && step->rank == 0) {
        out->kind = SPLIT_OFF_LEFT;
        out->right = keep_or_copy(tree, step->node, &content, 1, out->separator,
                                  step->upper, true);
    } else {
        out->right = fill_new(tree, step, &content, cut, content.count - cut,
                              out->separator);
    }
}

/* Readers may go either way: both hold the same entries. */
static void replace_child(struct node *node, unsigned rank, struct node *child)
{
    unsigned index = rank == 0 ? 0 : order_slot(own_order(node), rank - 1) + 1;
    atomic_store_explicit(&node->children[index], child, memory_order_release);
}

/* Splits a full inner node that takes in what below split into. */
static void split_inner(struct tree *tree, const struct step *step,
                        const struct split *below, struct split *out)
{
    struct node_content content;
    struct node *node = step->node;
    const struct node *child = node_child(node, own_order(node), step->rank);
    unsigned middle = NODE_SLOTS / 2 + 1;

    node_content_with(node, step->rank, below->separator, below->left,
                      below->right, &content);
    out->kind = SPLIT_APART;
    if (below->kind == SPLIT_OFF_RIGHT && step->rank == NODE_SLOTS) {
        out->kind = SPLIT_OFF_RIGHT;
        middle = NODE_SLOTS;
    } else if (below->kind == SPLIT_OFF_LEFT && step->rank == 0) {
        out->kind = SPLIT_OFF_LEFT;
        middle = 0;
    }
    out->separator = content.records[middle];
    if (out->kind == SPLIT_OFF_RIGHT) {
        out->left = keep_or_copy(tree, node, &content, 0, step->lower,
                                 out->separator, below->left == child);
    } else {
        out->left = fill_new(tree, step, &content, 0, middle, out->separator);
    }
    if (out->kind == SPLIT_OFF_LEFT) {
        out->right = keep_or_copy(tree, node, &content, 1, out->separator,
                                  step->upper, below->right == child);
    } else {
        out->right = fill_new(tree, step, &content, middle + 1,
                              NODE_SLOTS - middle, out->separator);
    }
}

static void grow_root(struct tree *tree, const struct split *split)
{
    struct node *root = take_node(tree, split->left->level + 1U);

    node_fill_root(root, split->separator, split->left, split->right);
    atomic_store_explicit(&tree->root, root, memory_order_release);
}

/*
 * First the right part gets its way in, while the whole is still there for
 * what lies left; then the left part takes the whole's place. A reader
 * between the two finds everything.
 */
static void add_split(const struct step *step, const struct split *split)
{
    node_add(step->node, step->rank, split->separator, split->right);
    replace_child(step->node, step->rank, split->left);
}

static void insert_by_split(struct tree *tree, const struct step *path,
                            const struct record *record)
{
    struct node *leaf = path[0].node;
    struct node *root = root_of(tree);
    const struct step *step = path;
    struct split split;
    bool is_replaced;

    split_leaf(tree, step, record, &split);
    if (split.kind == SPLIT_OFF_RIGHT)
        tree->finger =
            (struct finger){.leaf = split.right, .upper = path->upper};
    else
        tree->finger.leaf = NULL;
    is_replaced = split.left != leaf && split.right != leaf;
    while (step->node != root) {
        struct split below = split;
        step++;
        if (order_count(own_order(step->node)) < NODE_SLOTS) {
            add_split(step, &split);
            break;
        }
        split_inner(tree, step, &below, &split);
    }
    if (step->node == root && split.left->level == root->level)
        grow_root(tree, &split);
    if (is_replaced)
        atomic_store_explicit(&leaf->is_replaced, true, memory_order_release);
    atomic_fetch_add_explicit(&tree->splits, 1, memory_order_release);
}

/* In a run, or where it was told, the way down is saved. False if record does
 * not go on with it. */
static bool insert_at_finger(struct tree *tree, const struct record *record)
{
    struct finger *finger = &tree->finger;
    struct target target = record_target(record, false);
    const struct record *right = finger->upper;
    uint64_t order;
    unsigned count;

    if (!finger->leaf)
        return false;
    order = own_order(finger->leaf);
    count = order_count(order);
    if (count == NODE_SLOTS ||
        (!finger->is_told && finger->leaf->run <= 0 && count > 1))
        return false;
    finger->is_told = false;
    if (!record_is_before(node_record(finger->leaf, order, finger->rank),
                          &target))
        return false;
    if (finger->rank + 1 < count)
        right = node_record(finger->leaf, order, finger->rank + 1);
    if (right && record_is_before(right, &target))
        return false;
    finger->rank++;
    node_add(finger->leaf, finger->rank, record, NULL);
    return true;
}

static void insert_alone(struct tree *tree, const struct record *record)
{
    struct step path[LEVELS_MAX];
    struct node *leaf;

    descend(tree, record, path);
    leaf = path[0].node;
    if (order_count(own_order(leaf)) == NODE_SLOTS) {
        insert_by_split(tree, path, record);
        return;
    }
    node_add(leaf, path[0].rank, record, NULL);
    tree->finger = (struct finger){
        .leaf = leaf, .rank = path[0].rank, .upper = path[0].upper};
}

/* --- Insert a group -------------------------------------------------- */

/* Where a record is on its way down. */
struct way {
    struct node *node;
    const struct record *upper; /* The node's fence. */
};

static void go_down(struct way *way, uint64_t order, unsigned rank)
{
    if (rank < order_count(order))
        way->upper = node_record(way->node, order, rank);
    way->node = node_child(way->node, order, rank);
    node_prefetch(way->node);
}

static unsigned rank_on(const struct way *way, uint64_t order,
                        const struct record *record)
{
    struct target target = record_target(record, false);
    return node_rank(way->node, order, &target);
}

/* Down to where the first and the last part: so far all go the same way. */
static struct way go_together(const struct tree *tree,
                              const struct record *first,
                              const struct record *last)
{
    struct way way = {root_of(tree), NULL};

    while (way.node->level > 0) {
        uint64_t order = own_order(way.node);
        unsigned rank = rank_on(&way, order, first);
        if (first != last && rank_on(&way, order, last) != rank)
            break;
        go_down(&way, order, rank);
    }
    return way;
}

/* To the leaves of all, level by level. */
static void find_leaves(const struct tree *tree,
                        const struct record *const *records, size_t count,
                        struct way *ways)
{
    struct way shared = go_together(tree, records[0], records[count - 1]);

    for (size_t i = 0; i < count; i++)
        ways[i] = shared;
    for (unsigned level = shared.node->level; level > 0; level--) {
        for (size_t i = 0; i < count; i++) {
            uint64_t order = own_order(ways[i].node);
            go_down(&ways[i], order, rank_on(&ways[i], order, records[i]));
        }
    }
}

/*
 * Into the leaf that was found before others of the group went in. Only a
 * split of its own makes another leaf the right one; then it was replaced, or
 * is full. False: find it anew.
 */
static bool insert_at_leaf(struct tree *tree, const struct way *way,
                           const struct record *record)
{
    uint64_t order = own_order(way->node);
    unsigned rank;

    if (order_count(order) == NODE_SLOTS ||
        atomic_load_explicit(&way->node->is_replaced, memory_order_relaxed))
        return false;
    rank = rank_on(way, order, record);
    node_add(way->node, rank, record, NULL);
    tree->finger =
        (struct finger){.leaf = way->node, .rank = rank, .upper = way->upper};
    return true;
}

static void insert_together(struct tree *tree,
                            const struct record *const *records, size_t count)
{
    struct way ways[TREE_GROUP];

    find_leaves(tree, records, count, ways);
    for (size_t i = 0; i < count; i++) {
        if (!insert_at_leaf(tree, &ways[i], records[i]))
            insert_alone(tree, records[i]);
    }
}

static bool is_past_last(const struct tree *tree, const struct record *record)
{
    struct target target = record_target(record, false);

    return tree_is_past(tree, &target);
}

static void note_last(struct tree *tree, const struct record *first,
                      const struct record *last)
{
    if (!tree->is_mixed && !is_past_last(tree, first))
        tree->is_mixed = true;
    if (!tree->is_mixed || is_past_last(tree, last))
        atomic_store_explicit(&tree->last, last, memory_order_release);
}

void tree_insert(struct tree *tree, const struct record *const *records,
                 size_t count)
{
    size_t i = 0;

    assert(count <= TREE_GROUP);
    while (i < count && insert_at_finger(tree, records[i]))
        i++;
    if (count - i > 1)
        insert_together(tree, records + i, count - i);
    else if (count - i == 1)
        insert_alone(tree, records[i]);
    if (count > 0)
        note_last(tree, records[0], records[count - 1]);
}

/* --- Find ------------------------------------------------------------ */

/*
 * The child on the way to route, past the separators before it; *upper is
 * left alone if none is right of it. A child may be its left half already,
 * and the separator of its right half not in the order that was looked at:
 * then the order has changed, and we look again. It does at most NODE_SLOTS
 * times in the life of a node.
 */
static inline const struct node *find_child(const struct node *node,
                                            const struct target *route,
                                            const struct record *const **upper)
{
    uint64_t order = node_order(node);

    for (;;) {
        unsigned rank = node_rank(node, order, route);
        const struct node *child = node_child(node, order, rank);
        uint64_t now = node_order(node);
        if (now == order) {
            if (rank < order_count(order))
                *upper = &node->records[order_slot(order, rank)];
            return child;
        }
        order = now;
    }
}

static inline void find(const struct tree *tree, const struct target *route,
                        const struct target *target, struct place *out)
{
    const struct node *node = root_of(tree);
    const struct record *const *upper = NULL;

    while (node->level > 0) {
        node = find_child(node, route, &upper);
        node_prefetch(node);
    }
    out->leaf = node;
    out->order = node_order(node);
    out->rank = node_rank(node, out->order, target);
    out->upper = upper ? *upper : NULL;
}

void tree_find(const struct tree *tree, const struct target *target,
               struct place *out)
{
    struct target route = *target;
    route.is_after = true;
    find(tree, &route, target, out);
}

void tree_find_left(const struct tree *tree, const struct target *target,
                    struct place *out)
{
    find(tree, target, target, out);
}

void tree_tell(struct tree *tree, const struct place *place)
{
    /* What lies left of the leaf is not known. */
    if (place->rank == 0)
        return;
    tree->finger = (struct finger){.leaf = (struct node *)place->leaf,
                                   .rank = place->rank - 1,
                                   .is_told = true,
                                   .upper = place->upper};
}

/* As if every child held as much as its neighbours. */
double tree_share(const struct tree *tree, const struct target *target)
{
    const struct record *const *upper = NULL;
    const struct node *node = root_of(tree);
    double share = 0;
    double width = 1;

    for (;;) {
        uint64_t order = node_order(node);
        unsigned rank = node_rank(node, order, target);
        unsigned parts = order_count(order) + (node->level > 0);

        if (parts > 0)
            share += width * rank / parts;
        if (node->level == 0)
            return share;
        width /= parts;
        node = find_child(node, target, &upper);
    }
}

static const struct node *last_child(const struct node *node)
{
    uint64_t order = node_order(node);

    for (;;) {
        const struct node *child = node_child(node, order, order_count(order));
        uint64_t now = node_order(node);
        if (now == order)
            return child;
        order = now;
    }
}

void tree_find_end(const struct tree *tree, struct place *out)
{
    const struct node *node = root_of(tree);

    while (node->level > 0)
        node = last_child(node);
    out->leaf = node;
    out->order = node_order(node);
    out->rank = order_count(out->order);
    out->upper = NULL;
}
