#include "base/alloc.h"
#include "db/batch.h"
#include "support/entry_list.h"

Suite *test_batch_suite(void);

enum { OPS_MAX = 400, KEY_MAX = 40 };

/* Operations, and their bytes. */
struct writes {
    struct byron_op ops[OPS_MAX];
    uint8_t keys[OPS_MAX][KEY_MAX];
    uint64_t values[OPS_MAX];
    size_t count;
};

static struct byron_bytes bytes_of(struct slice slice)
{
    return (struct byron_bytes){slice.data, slice.size};
}

/* The i-th key: beginnings that many share, or all, or none; or in order. */
static struct slice key_of(int shape, uint64_t i, struct rng *rng,
                           uint8_t space[KEY_MAX])
{
    static const char *const beginnings[] = {"", "a-long-beginning", "b"};

    if (shape == 0)
        return any_key(rng, space, KEY_MAX);
    if (shape == 1) { /* Alike for 16 bytes and then some. */
        memset(space, 0, KEY_MAX);
        space[0] = (uint8_t)rng_below(rng, 2);
        space[20] = (uint8_t)rng_below(rng, 200);
        return slice_of(space, 21 + rng_below(rng, 3));
    }
    if (shape == 2) {
        const char *beginning = beginnings[rng_below(rng, 3)];
        size_t size = strlen(beginning);
        memcpy(space, beginning, size);
        rng_bytes(rng, space + size, 8);
        return slice_of(space, size + rng_below(rng, 9));
    }
    if (shape == 4)
        i = OPS_MAX - i;
    space[0] = 'n';
    space[1] = (uint8_t)(i >> 8);
    space[2] = (uint8_t)i;
    return slice_of(space, 3);
}

static void fill(struct writes *writes, int shape, struct rng *rng)
{
    writes->count = 1 + rng_below(rng, OPS_MAX);
    for (size_t i = 0; i < writes->count; i++) {
        struct byron_op *op = &writes->ops[i];
        bool is_delete = rng_one_in(rng, 4);

        writes->values[i] = i;
        op->kind = is_delete ? BYRON_OP_DELETE : BYRON_OP_PUT;
        op->key = bytes_of(key_of(shape, i, rng, writes->keys[i]));
        op->value = bytes_of(slice_of(&writes->values[i], 8));
        op->expires_ms = 0;
    }
}

/* Whether an operation after the i-th writes the same key. */
static bool is_overruled(const struct writes *writes, size_t i)
{
    for (size_t j = i + 1; j < writes->count; j++) {
        if (slice_equal(slice_from(writes->ops[i].key),
                        slice_from(writes->ops[j].key)))
            return true;
    }
    return false;
}

static void list_what_counts(const struct writes *writes,
                             struct entry_list *out)
{
    for (size_t i = 0; i < writes->count; i++) {
        const struct byron_op *op = &writes->ops[i];
        struct entry entry = {.key = slice_from(op->key),
                              .sequence = SEQUENCE_MAX,
                              .kind = ENTRY_DELETE};

        if (op->kind == BYRON_OP_PUT) {
            entry.kind = ENTRY_PUT;
            entry.value = slice_from(op->value);
        }
        if (!is_overruled(writes, i))
            must(entry_list_add(out, &entry));
    }
}

START_TEST(it_yields_the_last_operation_of_each_key_in_order)
{
    static struct writes writes;
    struct buf room = {0};
    struct rng rng;

    rng_init(&rng, test_seed() + (uint64_t)_i);
    for (int round = 0; round < 60; round++) {
        struct entry_list model = {0};
        struct iter *iter = NULL;
        uint64_t bytes;

        fill(&writes, _i, &rng);
        list_what_counts(&writes, &model);
        must(batch_suits(writes.ops, writes.count, &bytes));
        must(batch_iter_init(writes.ops, writes.count, &room, &iter) ==
             BYRON_OK);
        for (int again = 0; again < 2; again++) {
            must(iter_first(iter) == BYRON_OK);
            for (size_t i = 0; i < model.count; i++) {
                check_shows(iter, &model.entries[i]);
                must(iter_next(iter) == BYRON_OK);
            }
            must(!iter->valid);
        }
        iter_free(iter);
        entry_list_deinit(&model);
    }
    buf_deinit(&room);
}
END_TEST

START_TEST(no_operations_are_no_entries)
{
    struct iter *iter = NULL;
    struct buf room = {0};
    uint64_t bytes = 7;

    must(batch_suits(NULL, 0, &bytes));
    ck_assert_uint_eq(bytes, 0);
    must(batch_iter_init(NULL, 0, &room, &iter) == BYRON_OK);
    must(iter_first(iter) == BYRON_OK);
    must(!iter->valid);
    iter_free(iter);
    buf_deinit(&room);
}
END_TEST

START_TEST(what_is_no_plain_entry_does_not_suit)
{
    struct byron_op put = {BYRON_OP_PUT, {"k", 1}, {"value", 5}, 0};
    struct byron_op ops[2] = {put, put};
    uint64_t bytes;

    ops[1].kind = BYRON_OP_DELETE; /* Its value is nothing. */
    ck_assert(batch_suits(ops, 2, &bytes));
    ck_assert_uint_eq(bytes, 7);
    ops[1].kind = BYRON_OP_DELETE_RANGE;
    ck_assert(!batch_suits(ops, 2, &bytes));
    ops[1] = put;
    ops[1].expires_ms = 1;
    ck_assert(!batch_suits(ops, 2, &bytes));
    ops[1] = put;
    ops[1].key.size = BYRON_MAX_KEY + 1;
    ck_assert(!batch_suits(ops, 2, &bytes));
    ops[1] = put;
    ops[1].value.size = (size_t)BYRON_MAX_VALUE + 1;
    ck_assert(!batch_suits(ops, 2, &bytes));
    ops[1].kind = BYRON_OP_DELETE;
    ck_assert(batch_suits(ops, 2, &bytes));
}
END_TEST

START_TEST(without_memory_there_is_none)
{
    struct byron_op put = {BYRON_OP_PUT, {"k", 1}, {"v", 1}, 0};
    struct iter *iter = NULL;
    struct buf room = {0};

    alloc_fail_after(1);
    ck_assert_int_eq(batch_iter_init(&put, 1, &room, &iter), BYRON_NO_MEMORY);
    ck_assert_int_eq(batch_iter_init(&put, SIZE_MAX / 8, &room, &iter),
                     BYRON_NO_MEMORY);
    ck_assert_ptr_null(iter);
    ck_assert_ptr_null(room.data);
}
END_TEST

Suite *test_batch_suite(void)
{
    Suite *suite = suite_create("batch");
    TCase *cases = tcase_create("batch");

    tcase_add_loop_test(
        cases, it_yields_the_last_operation_of_each_key_in_order, 0, 5);
    tcase_add_test(cases, no_operations_are_no_entries);
    tcase_add_test(cases, what_is_no_plain_entry_does_not_suit);
    tcase_add_test(cases, without_memory_there_is_none);
    suite_add_tcase(suite, cases);
    return suite;
}
