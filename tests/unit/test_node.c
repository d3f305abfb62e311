#include <check.h>
#include <stdlib.h>

#include "memtable/node.h"
#include "support/seed.h"

Suite *test_node_suite(void);

/* So many records with random keys of one prefix, sorted into a leaf. */
static struct record *new_record(const char *key, uint64_t sequence)
{
    size_t size = strlen(key);
    struct record *record = calloc(1, sizeof *record + size);

    ck_assert_ptr_nonnull(record);
    record->sequence = sequence;
    record->key_size = (uint32_t)size;
    memcpy(record->bytes, key, size);
    return record;
}

static struct node *new_leaf(void)
{
    struct node *leaf = calloc(1, LEAF_SIZE);
    ck_assert_ptr_nonnull(leaf);
    return leaf;
}

static unsigned rank_of(const struct node *node, const struct record *record)
{
    struct target target = record_target(record, false);
    return node_rank(node, atomic_load(&node->order), &target);
}

static void free_leaf(struct node *leaf)
{
    unsigned count = order_count(atomic_load(&leaf->order));
    for (unsigned i = 0; i < count; i++)
        free((void *)(uintptr_t)leaf->records[i]);
    free(leaf);
}

START_TEST(order_follows_the_keys_not_the_slots)
{
    static const char *const keys[] = {"m", "c", "z", "a", "mm"};
    static const unsigned slots[] = {3, 1, 0, 4, 2};
    struct node *leaf = new_leaf();

    for (size_t i = 0; i < 5; i++) {
        struct record *record = new_record(keys[i], 1);
        node_add(leaf, rank_of(leaf, record), record, NULL);
    }
    ck_assert_uint_eq(order_count(leaf->order), 5);
    for (unsigned rank = 0; rank < 5; rank++)
        ck_assert_uint_eq(order_slot(leaf->order, rank), slots[rank]);
    free_leaf(leaf);
}
END_TEST

START_TEST(full_leaf_keeps_every_rank)
{
    struct node *leaf = new_leaf();
    struct rng rng;

    rng_init(&rng, test_seed());
    for (uint64_t i = 0; i < NODE_SLOTS; i++) {
        char key[4] = {(char)('a' + rng_below(&rng, 3)), 0};
        struct record *record = new_record(key, i);
        node_add(leaf, rank_of(leaf, record), record, NULL);
    }
    for (unsigned rank = 0; rank < NODE_SLOTS; rank++)
        ck_assert_uint_eq(rank_of(leaf, node_record(leaf, leaf->order, rank)),
                          rank);
    free_leaf(leaf);
}
END_TEST

START_TEST(head_is_the_key_after_the_prefix)
{
    uint8_t bytes[40];
    struct node *leaf = new_leaf();
    struct rng rng;

    rng_init(&rng, test_seed());
    rng_bytes(&rng, bytes, sizeof bytes);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        for (leaf->prefix = 0; leaf->prefix <= size; leaf->prefix++) {
            struct slice key = slice_of(bytes, size);
            ck_assert_uint_eq(node_head(leaf, key),
                              slice_head(key, leaf->prefix));
        }
    }
    free_leaf(leaf);
}
END_TEST

START_TEST(runs_are_counted_both_ways)
{
    static const char *const up[] = {"a", "b", "c", "d"};
    struct node *leaf = new_leaf();

    for (unsigned i = 0; i < 4; i++)
        node_add(leaf, i, new_record(up[i], 1), NULL);
    ck_assert_int_eq(leaf->run, 3);
    node_add(leaf, 0, new_record("", 1), NULL);
    ck_assert_int_eq(leaf->run, 0);
    node_add(leaf, 0, new_record("", 2), NULL);
    node_add(leaf, 0, new_record("", 3), NULL);
    ck_assert_int_eq(leaf->run, -2);
    free_leaf(leaf);
}
END_TEST

START_TEST(ties_get_new_heads_after_what_the_fences_share)
{
    struct node *leaf = new_leaf();
    struct node *copy = new_leaf();
    struct record *lower = new_record("tenant/00000001", 1);
    struct record *upper = new_record("tenant/00000009", 1);
    struct record *last = new_record("tenant/00000007", 1);
    struct node_content content;

    node_add(leaf, 0, new_record("tenant/00000003", 1), NULL);
    node_add(leaf, 1, new_record("tenant/00000005", 1), NULL);
    node_content_with(leaf, 2, last, NULL, NULL, &content);
    node_fill(copy, &content, 0, 3, NULL, upper, leaf);
    ck_assert_uint_eq(copy->prefix, 0);
    node_fill(copy, &content, 0, 3, lower, upper, leaf);
    ck_assert_uint_eq(copy->prefix, 14);
    ck_assert_uint_eq(copy->heads[0], (uint64_t)'3' << 56);
    ck_assert_uint_eq(rank_of(copy, last), 2);
    free(lower);
    free(upper);
    free(leaf);
    free_leaf(copy);
}
END_TEST

Suite *test_node_suite(void)
{
    Suite *suite = suite_create("node");
    TCase *cases = tcase_create("node");

    tcase_add_test(cases, order_follows_the_keys_not_the_slots);
    tcase_add_test(cases, full_leaf_keeps_every_rank);
    tcase_add_test(cases, head_is_the_key_after_the_prefix);
    tcase_add_test(cases, runs_are_counted_both_ways);
    tcase_add_test(cases, ties_get_new_heads_after_what_the_fences_share);
    suite_add_tcase(suite, cases);
    return suite;
}
