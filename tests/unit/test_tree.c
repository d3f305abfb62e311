#include "memtable/tree.h"
#include "support/entry_list.h"

Suite *test_tree_suite(void);

struct grove {
    struct tree tree;
    struct arena *arena;
    uint64_t sequence;
};

static void grove_init(struct grove *grove)
{
    memset(grove, 0, sizeof *grove);
    ck_assert_int_eq(arena_new(1 << 20, &grove->arena), BYRON_OK);
    ck_assert_int_eq(tree_init(&grove->tree, grove->arena), BYRON_OK);
}

static void insert(struct grove *grove, uint64_t number)
{
    struct record *record = arena_take(grove->arena, sizeof *record + 8);

    must(record != NULL);
    record->sequence = ++grove->sequence;
    record->key_size = 8;
    record->value_size = 0;
    for (size_t i = 0; i < 8; i++)
        record->bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    tree_insert(&grove->tree, record);
}

static size_t node_count(const struct grove *grove)
{
    return (grove->tree.node_bytes - grove->tree.inner_count * INNER_SIZE) /
           LEAF_SIZE;
}

/* Where inserts go that are meant to make many nodes. */
static uint64_t nasty_number(struct rng *rng, uint64_t i, int pattern)
{
    switch (pattern) {
    case 0:
        return i;
    case 1:
        return UINT32_MAX - i;
    case 2:
        return rng_next(rng);
    case 3: /* Eight up, then between the last two. */
        return i % 9 == 8 ? (i - 2) * 1000 + 500 : i * 1000;
    case 4: /* Down to the end of a run that went up. */
        return i % 64 < 32 ? (i / 64 * 64 + i % 64) << 20
                           : (i / 64 * 64 + 32) * (UINT64_C(1) << 20) - i % 64;
    default:
        return (rng_below(rng, 50) << 32) + i;
    }
}

START_TEST(worst_case_is_never_exceeded)
{
    struct grove grove;
    struct rng rng;
    uint64_t i = 0;

    rng_init(&rng, test_seed());
    grove_init(&grove);
    while (i < 40000) {
        size_t count = 1 + rng_below(&rng, i % 5 == 0 ? 3000 : 3);
        size_t before = grove.tree.node_bytes;
        size_t bytes;
        size_t pieces;
        tree_worst_case(&grove.tree, count, &bytes, &pieces);
        for (size_t n = 0; n < count; n++)
            insert(&grove, nasty_number(&rng, ++i, _i));
        must(grove.tree.node_bytes - before <= bytes);
    }
    arena_free(grove.arena);
}
END_TEST

START_TEST(sorted_keys_leave_full_leaves)
{
    struct grove grove;

    grove_init(&grove);
    for (uint64_t i = 0; i < 15000; i++)
        insert(&grove, _i == 0 ? i << 8 : UINT32_MAX - (i << 8));
    /* At most one copy of each leaf, for its heads. */
    ck_assert_uint_le(node_count(&grove), 2100);
    arena_free(grove.arena);
}
END_TEST

START_TEST(runs_among_others_leave_full_leaves)
{
    struct grove grove;

    grove_init(&grove);
    for (uint64_t i = 0; i < 15000; i++)
        insert(&grove, (i % 10 << 40) + i);
    ck_assert_uint_le(node_count(&grove), 2300);
    arena_free(grove.arena);
}
END_TEST

START_TEST(place_is_between_its_neighbours)
{
    struct grove grove;

    grove_init(&grove);
    for (uint64_t i = 0; i < 1000; i++)
        insert(&grove, i * 7919 % 1000 * 2);
    for (uint64_t number = 1; number < 1998; number++) {
        uint8_t bytes[8] = {
            0, 0, 0, 0, 0, 0, (uint8_t)(number >> 8), (uint8_t)number};
        struct target target = {slice_of(bytes, 8), SEQUENCE_MAX, false};
        struct place place;
        const struct record *right;

        tree_find(&grove.tree, &target, &place);
        right = place_record(&place);
        ck_assert_ptr_nonnull(right);
        ck_assert_uint_eq(right->bytes[7], (uint8_t)((number + 1) / 2 * 2));
        tree_find_left(&grove.tree, &target, &place);
        ck_assert_uint_gt(place.rank, 0);
        right = node_record(place.leaf, place.order, place.rank - 1);
        ck_assert_uint_eq(right->bytes[7], (uint8_t)((number - 1) / 2 * 2));
    }
    arena_free(grove.arena);
}
END_TEST

Suite *test_tree_suite(void)
{
    Suite *suite = suite_create("tree");
    TCase *cases = tcase_create("tree");

    tcase_add_loop_test(cases, worst_case_is_never_exceeded, 0, 6);
    tcase_add_loop_test(cases, sorted_keys_leave_full_leaves, 0, 2);
    tcase_add_test(cases, runs_among_others_leave_full_leaves);
    tcase_add_test(cases, place_is_between_its_neighbours);
    suite_add_tcase(suite, cases);
    return suite;
}
