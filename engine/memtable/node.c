#include "memtable/node.h"

#include <assert.h>

unsigned node_rank_among_ties(const struct node *node, uint64_t order,
                              unsigned below, uint64_t head,
                              const struct target *target)
{
    unsigned count = order_count(order);
    unsigned above = below;

    while (above < count && node->heads[order_slot(order, above)] == head)
        above++;
    while (below < above) {
        unsigned middle = (below + above) / 2;
        if (record_is_before(node_record(node, order, middle), target))
            below = middle + 1;
        else
            above = middle;
    }
    return below;
}

void node_content_with(const struct node *node, unsigned rank,
                       const struct record *record, struct node *left,
                       struct node *right, struct node_content *out)
{
    uint64_t order = atomic_load_explicit(&node->order, memory_order_relaxed);
    unsigned count = order_count(order);

    out->count = count + 1;
    for (unsigned i = 0, to = 0; i < count; i++, to++) {
        unsigned slot = order_slot(order, i);
        to += i == rank;
        out->heads[to] = node->heads[slot];
        out->records[to] = node->records[slot];
    }
    out->heads[rank] = node_head(node, record_key(record));
    out->records[rank] = record;
    if (node->level == 0)
        return;
    for (unsigned i = 0, to = 0; i <= count; i++, to++) {
        to += i == rank;
        out->children[to] = node_child(node, order, i);
    }
    out->children[rank] = left;
    out->children[rank + 1] = right;
}

static bool has_ties(const uint64_t *heads, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        if (heads[i] == heads[i - 1])
            return true;
    }
    return false;
}

static uint32_t fences_prefix(const struct record *lower,
                              const struct record *upper)
{
    if (!lower || !upper)
        return 0;
    return (uint32_t)slice_shared(record_key(lower), record_key(upper));
}

/*
 * Heads that tell the records apart are kept with their prefix: to take them
 * anew would touch every record.
 */
bool node_fences_help(const struct node *node,
                      const struct node_content *content,
                      const struct record *lower, const struct record *upper)
{
    return has_ties(content->heads, content->count) &&
           fences_prefix(lower, upper) > node->prefix;
}

void node_fill(struct node *node, const struct node_content *content,
               unsigned first, unsigned count, const struct record *lower,
               const struct record *upper, const struct node *origin)
{
    uint64_t order = count;

    assert(count <= NODE_SLOTS && first + count <= content->count);
    node->level = origin->level;
    node->run = 0;
    node->prefix = origin->prefix;
    atomic_init(&node->is_replaced, false);
    memcpy(node->heads, content->heads + first, count * sizeof node->heads[0]);
    memcpy(node->records, content->records + first,
           count * sizeof node->records[0]);
    if (node_fences_help(origin, content, lower, upper)) {
        node->prefix = fences_prefix(lower, upper);
        for (unsigned i = 0; i < count; i++)
            node->heads[i] = node_head(node, record_key(node->records[i]));
    }
    for (unsigned i = 0; i < count; i++)
        order |= (uint64_t)i << (4 + 4 * i);
    for (unsigned i = 0; node->level > 0 && i <= count; i++)
        atomic_init(&node->children[i], content->children[first + i]);
    atomic_init(&node->order, order);
}

void node_fill_root(struct node *node, const struct record *separator,
                    struct node *left, struct node *right)
{
    node->level = (uint8_t)(left->level + 1);
    node->run = 0;
    node->prefix = 0;
    atomic_init(&node->is_replaced, false);
    atomic_init(&node->children[0], left);
    atomic_init(&node->order, 0);
    node_add(node, 0, separator, right);
}

static int8_t run_after(const struct node *node, uint64_t order, unsigned rank)
{
    unsigned count = order_count(order);

    if (count == 0)
        return 0;
    if (rank > 0 && order_slot(order, rank - 1) == count - 1)
        return (int8_t)(node->run > 0 ? node->run + 1 : 1);
    if (rank < count && order_slot(order, rank) == count - 1)
        return (int8_t)(node->run < 0 ? node->run - 1 : -1);
    return 0;
}

void node_add(struct node *node, unsigned rank, const struct record *record,
              struct node *right)
{
    uint64_t order = atomic_load_explicit(&node->order, memory_order_relaxed);
    unsigned slot = order_count(order);
    unsigned shift = 4 + 4 * rank;
    uint64_t before = order & ((UINT64_C(1) << shift) - 1);
    uint64_t after = order >> shift << shift << 4;

    assert(slot < NODE_SLOTS && rank <= slot);
    node->run = run_after(node, order, rank);
    node->heads[slot] = node_head(node, record_key(record));
    node->records[slot] = record;
    if (right)
        atomic_store_explicit(&node->children[slot + 1], right,
                              memory_order_relaxed);
    order = (before | (uint64_t)slot << shift | after) + 1;
    atomic_store_explicit(&node->order, order, memory_order_release);
}
