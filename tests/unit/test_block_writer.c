#include <check.h>

#include "base/alloc.h"
#include "base/integer.h"
#include "sstable/block.h"
#include "sstable/block_writer.h"
#include "support/table_fixture.h"

Suite *test_block_writer_suite(void);

/* Key "shared-" and a big-endian number. */
static void add_counted(struct block_writer *writer, uint32_t number,
                        size_t value_size)
{
    uint8_t key[11] = "shared-", value[100] = {0};
    struct entry entry = {slice_of(key, sizeof key),
                          slice_of(value, value_size), 7, ENTRY_PUT};

    for (int i = 0; i < 4; i++)
        key[7 + i] = (uint8_t)(number >> (24 - 8 * i));
    ck_assert_int_eq(block_writer_add(writer, &entry, false), BYRON_OK);
}

START_TEST(columns_that_are_all_equal_take_no_room)
{
    struct block_writer writer = {0};
    struct buf body = {0};

    for (uint32_t i = 0; i < 50; i++)
        add_counted(&writer, i, 20);
    ck_assert_int_eq(block_writer_finish(&writer, &body), BYRON_OK);

    /* Ten shared bytes, padded; of each entry a head and a value. */
    ck_assert_uint_eq(body.size, 32 + 16 + 50 * (8 + 20));
    ck_assert_uint_eq(load_u32(body.data + 4), 10);
    block_writer_deinit(&writer);
    buf_deinit(&body);
}
END_TEST

START_TEST(finish_empties_the_writer)
{
    struct block_writer writer = {0};
    struct buf one = {0}, two = {0};

    add_counted(&writer, 9, 5);
    ck_assert_int_eq(block_writer_finish(&writer, &one), BYRON_OK);
    ck_assert_uint_eq(block_writer_size(&writer), 0);
    add_counted(&writer, 9, 5);
    ck_assert_int_eq(block_writer_finish(&writer, &two), BYRON_OK);

    ck_assert(slice_equal(buf_slice(&one), buf_slice(&two)));
    block_writer_deinit(&writer);
    buf_deinit(&one);
    buf_deinit(&two);
}
END_TEST

START_TEST(size_with_is_never_below_what_comes)
{
    struct rng rng;
    struct buf body = {0};

    rng_init(&rng, test_seed() + (uint64_t)_i);
    for (int round = 0; round < 20; round++) {
        struct block_writer writer = {0};
        struct table_model model = {0};
        size_t promised = 0;
        table_model_fill(&model, &rng, 1 + rng_below(&rng, 50),
                         (enum model_keys)_i, MODEL_VALUES_SMALL, 1);
        for (size_t i = 0; i < model.count; i++) {
            struct entry *entry = &model.entries[i];
            entry->sequence = 3;
            promised =
                block_writer_size_with(&writer, entry->key, entry->value.size);
            ck_assert_int_eq(block_writer_add(&writer, entry, false), BYRON_OK);
        }
        buf_clear(&body);
        ck_assert_int_eq(block_writer_finish(&writer, &body), BYRON_OK);
        /* Short keys fill less than their heads; wide offsets cost more. */
        size_t wide = body.size > 60000 ? model.count * 4 : 0;
        ck_assert_uint_le(body.size, promised + wide + 4 + model.count * 8);
        ck_assert_uint_le(promised, body.size + model.count * 5 + 64);
        table_model_deinit(&model);
        block_writer_deinit(&writer);
    }
    buf_deinit(&body);
}
END_TEST

START_TEST(a_key_beyond_the_block_size_stands_alone)
{
    struct block_writer writer = {0};
    struct buf key = {0}, body = {0};
    struct entry entry = {.sequence = 1, .kind = ENTRY_DELETE};
    struct block block;

    ck_assert_int_eq(buf_add_zeros(&key, 100000), BYRON_OK);
    entry.key = buf_slice(&key);
    ck_assert_int_eq(block_writer_add(&writer, &entry, false), BYRON_OK);
    ck_assert_int_eq(block_writer_finish(&writer, &body), BYRON_OK);

    ck_assert_ptr_null(block_flaw(buf_slice(&body)));
    block_view(buf_slice(&body), &block);
    ck_assert_uint_eq(block.prefix_size, 100000);
    block_writer_deinit(&writer);
    buf_deinit(&key);
    buf_deinit(&body);
}
END_TEST

static byron_status write_some(struct buf *body)
{
    struct block_writer writer = {0};
    byron_status status = BYRON_OK;
    uint8_t key[2] = {0}, value[200] = {0};

    for (int i = 0; i < 200 && status == BYRON_OK; i++) {
        struct entry entry = {slice_of(key, 2), slice_of(value, sizeof value),
                              1, ENTRY_PUT};
        key[1] = (uint8_t)i;
        status = block_writer_add(&writer, &entry, false);
    }
    if (status == BYRON_OK)
        status = block_writer_finish(&writer, body);
    block_writer_deinit(&writer);
    return status;
}

START_TEST(every_failed_allocation_is_reported)
{
    size_t live = alloc_live(), failures = 0;
    byron_status status;

    do {
        struct buf body = {0};
        alloc_fail_after(failures + 1);
        status = write_some(&body);
        alloc_fail_after(0);
        buf_deinit(&body);
        ck_assert_uint_eq(alloc_live(), live);
        failures += status != BYRON_OK;
    } while (status == BYRON_NO_MEMORY);

    ck_assert_int_eq(status, BYRON_OK);
    ck_assert_uint_ge(failures, 4);
}
END_TEST

Suite *test_block_writer_suite(void)
{
    Suite *suite = suite_create("block_writer");
    TCase *cases = tcase_create("block_writer");

    tcase_add_test(cases, columns_that_are_all_equal_take_no_room);
    tcase_add_test(cases, finish_empties_the_writer);
    tcase_add_loop_test(cases, size_with_is_never_below_what_comes, 0,
                        MODEL_KEYS_COUNT);
    tcase_add_test(cases, a_key_beyond_the_block_size_stands_alone);
    tcase_add_test(cases, every_failed_allocation_is_reported);
    suite_add_tcase(suite, cases);
    return suite;
}
