#include <check.h>
#include <stdlib.h>

#include "sstable/block.h"
#include "sstable/block_writer.h"
#include "support/table_fixture.h"

Suite *test_block_suite(void);

static void build(const struct table_model *model, struct buf *out)
{
    struct block_writer writer = {0};

    buf_clear(out);
    for (size_t i = 0; i < model->count; i++)
        ck_assert_int_eq(block_writer_add(&writer, &model->entries[i], false),
                         BYRON_OK);
    ck_assert_int_eq(block_writer_finish(&writer, out), BYRON_OK);
    block_writer_deinit(&writer);
}

static void add(struct table_model *model, const char *key, uint64_t sequence)
{
    table_model_add(model, slice_of(key, strlen(key)), slice_of("v", 1),
                    sequence, ENTRY_PUT);
}

/* Reads all that can be read, so that a sanitizer sees where it leads. */
static size_t walk(const struct block *block)
{
    size_t room = block_key_room(block), sum = 0;
    uint8_t *key = malloc(room);
    bool has_key;

    ck_assert_ptr_nonnull(key);
    memcpy(key, block->prefix, block->prefix_size);
    for (uint32_t i = 0; i < block->count; i++) {
        size_t size = block_key_after_prefix(block, i, key);
        struct slice value = block_value(block, i);
        ck_assert_uint_le(size, room);
        sum += (size_t)block_sequence(block, i) + block_kind(block, i);
        sum += value.size ? value.data[value.size - 1] : 0;
        ck_assert_uint_eq(block_seek(block, slice_of(key, size),
                                     block_sequence(block, i), &has_key),
                          i);
        ck_assert(has_key);
        ck_assert_uint_eq(block_find(block, slice_of(key, size), i, i + 1), i);
        if (i > 0)
            sum += block_find(block, slice_of(key, size), 0, i);
    }
    free(key);
    return sum;
}

static void check_entries(const struct block *block,
                          const struct table_model *model)
{
    uint8_t *key = malloc(block_key_room(block));

    ck_assert_uint_eq(block->count, model->count);
    memcpy(key, block->prefix, block->prefix_size);
    for (uint32_t i = 0; i < block->count; i++) {
        const struct entry *entry = &model->entries[i];
        size_t size = block_key_after_prefix(block, i, key);
        ck_assert(slice_equal(slice_of(key, size), entry->key));
        ck_assert(slice_equal(block_value(block, i), entry->value));
        ck_assert_uint_eq(block_sequence(block, i), entry->sequence);
        ck_assert_int_eq(block_kind(block, i), entry->kind);
    }
    free(key);
}

static void check_seeks(struct rng *rng, enum model_keys keys,
                        const struct block *block,
                        const struct table_model *model)
{
    struct buf key = {0};

    for (int i = 0; i < 200; i++) {
        uint64_t sequence =
            model->entries[rng_below(rng, model->count)].sequence;
        bool has_key;
        table_model_key(rng, keys, &key);
        sequence += rng_below(rng, 3) - 1;
        size_t at = table_model_seek(model, buf_slice(&key), sequence);
        ck_assert_uint_eq(
            block_seek(block, buf_slice(&key), sequence, &has_key), at);
        ck_assert_int_eq(
            has_key, at < model->count &&
                         slice_equal(model->entries[at].key, buf_slice(&key)));
    }
    buf_deinit(&key);
}

START_TEST(every_entry_comes_back_and_is_found)
{
    struct rng rng;
    struct buf body = {0};

    rng_init(&rng, test_seed() + (uint64_t)_i);
    for (int round = 0; round < (_i == MODEL_KEYS_LONG ? 3 : 20); round++) {
        struct table_model model = {0};
        struct block block;
        table_model_fill(&model, &rng, 1 + rng_below(&rng, 200),
                         (enum model_keys)_i, MODEL_VALUES_SMALL,
                         1 + (unsigned)rng_below(&rng, 5));
        build(&model, &body);
        ck_assert_ptr_null(block_flaw(buf_slice(&body)));
        block_view(buf_slice(&body), &block);
        check_entries(&block, &model);
        check_seeks(&rng, (enum model_keys)_i, &block, &model);
        table_model_deinit(&model);
    }
    buf_deinit(&body);
}
END_TEST

START_TEST(zeros_at_the_end_of_a_key_are_told_apart)
{
    struct table_model model = {0};
    struct buf body = {0};
    struct block block;
    bool has_key;

    for (size_t size = 0; size < 20; size++)
        table_model_add(&model,
                        slice_of("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                 "\0\0\0",
                                 size),
                        slice_of(NULL, 0), 5, ENTRY_PUT);
    build(&model, &body);
    block_view(buf_slice(&body), &block);

    check_entries(&block, &model);
    for (uint32_t i = 0; i < 20; i++)
        ck_assert_uint_eq(block_seek(&block, model.entries[i].key, 5, &has_key),
                          i);
    table_model_deinit(&model);
    buf_deinit(&body);
}
END_TEST

START_TEST(a_key_is_found_among_some_entries_only)
{
    struct table_model model = {0};
    struct buf body = {0};
    struct block block;

    add(&model, "prefix a", 1);
    add(&model, "prefix abcdefghij", 1);
    add(&model, "prefix abcdefghijk", 2);
    add(&model, "prefix abcdefghijk", 1);
    add(&model, "prefix b", 1);
    table_model_sort(&model);
    build(&model, &body);
    block_view(buf_slice(&body), &block);
    ck_assert_uint_eq(block_find(&block, slice_of("prefix b", 8), 0, 5), 4);
    ck_assert_uint_eq(block_find(&block, slice_of("prefix b", 8), 0, 4), 4);
    ck_assert_uint_eq(block_find(&block, slice_of("prefix b", 8), 1, 3), 3);
    ck_assert_uint_eq(block_find(&block, slice_of("prefix", 6), 0, 5), 5);
    ck_assert_uint_eq(block_find(&block, slice_of("prefiz b", 8), 0, 5), 5);
    ck_assert_uint_eq(
        block_find(&block, slice_of("prefix abcdefghijk", 18), 0, 5), 2);
    ck_assert_uint_eq(
        block_find(&block, slice_of("prefix abcdefghijk", 18), 3, 5), 3);
    ck_assert_uint_eq(
        block_find(&block, slice_of("prefix abcdefghi\0", 17), 0, 5), 5);
    buf_deinit(&body);
    table_model_deinit(&model);
}
END_TEST

START_TEST(versions_of_a_key_are_found_by_sequence)
{
    struct table_model model = {0};
    struct buf body = {0};
    struct block block;
    bool has_key;

    add(&model, "aaaaaaaaaaaa", 9);
    add(&model, "key-with-versions", 30);
    add(&model, "key-with-versions", 20);
    add(&model, "key-with-versions", 10);
    build(&model, &body);
    block_view(buf_slice(&body), &block);
    struct slice key = model.entries[1].key;

    ck_assert_uint_eq(block_seek(&block, key, UINT64_MAX, &has_key), 1);
    ck_assert_uint_eq(block_seek(&block, key, 29, &has_key), 2);
    ck_assert_uint_eq(block_seek(&block, key, 10, &has_key), 3);
    ck_assert(has_key);
    ck_assert_uint_eq(block_seek(&block, key, 9, &has_key), 4);
    ck_assert(!has_key);
    table_model_deinit(&model);
    buf_deinit(&body);
}
END_TEST

START_TEST(a_cut_body_is_refused)
{
    struct rng rng;
    struct table_model model = {0};
    struct buf body = {0};

    rng_init(&rng, test_seed());
    table_model_fill(&model, &rng, 30, MODEL_KEYS_TRICKY, MODEL_VALUES_SMALL,
                     3);
    build(&model, &body);

    for (size_t size = 0; size < body.size; size++)
        ck_assert_ptr_nonnull(block_flaw(slice_of(body.data, size)));
    table_model_deinit(&model);
    buf_deinit(&body);
}
END_TEST

/* Entries and strides whose areas would have 2^64 bytes more than the body. */
START_TEST(areas_beyond_all_addresses_are_refused)
{
    uint8_t bytes[BLOCK_HEADER_SIZE + 16] = {0};
    struct slice body = slice_of(bytes, BLOCK_HEADER_SIZE);
    struct block block;

    store_u32(bytes, UINT32_C(1) << 31);   /* The count. */
    store_u32(bytes + 8, UINT32_MAX);      /* Of a suffix, */
    store_u32(bytes + 12, UINT32_MAX - 7); /* and of a value: with its head */
    bytes[19] = 1; /* and its meta an entry has 2^33 bytes. */
    ck_assert_ptr_nonnull(block_flaw(body));
    ck_assert(!block_view_again(body, &block));
}
END_TEST

START_TEST(a_flipped_bit_is_refused_or_harmless)
{
    struct rng rng;
    struct table_model model = {0};
    struct buf body = {0};
    size_t refused = 0;

    rng_init(&rng, test_seed());
    table_model_fill(&model, &rng, 12, (enum model_keys)_i, MODEL_VALUES_SMALL,
                     3);
    build(&model, &body);
    for (size_t bit = 0; bit < body.size * 8; bit++) {
        /* A copy of its own size: the sanitizer guards its ends. */
        uint8_t *copy = malloc(body.size);
        struct block block;
        memcpy(copy, body.data, body.size);
        copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (block_flaw(slice_of(copy, body.size))) {
            refused++;
        } else {
            block_view(slice_of(copy, body.size), &block);
            walk(&block);
        }
        free(copy);
    }

    ck_assert_uint_gt(refused, 100);
    table_model_deinit(&model);
    buf_deinit(&body);
}
END_TEST

START_TEST(keys_out_of_order_are_refused)
{
    struct table_model model = {0};
    struct buf body = {0};
    struct block block;
    uint8_t *first;

    add(&model, "b", 1);
    add(&model, "d", 1);
    build(&model, &body);
    block_view(buf_slice(&body), &block);
    first = body.data + (block.heads - body.data);

    store_u64(first, block_head(&block, 1));
    ck_assert_str_eq(block_flaw(buf_slice(&body)), "keys are out of order");
    store_u64(first, block_head(&block, 1) + (UINT64_C(1) << 56));
    ck_assert_str_eq(block_flaw(buf_slice(&body)), "keys are out of order");
    table_model_deinit(&model);
    buf_deinit(&body);
}
END_TEST

Suite *test_block_suite(void)
{
    Suite *suite = suite_create("block");
    TCase *cases = tcase_create("block");

    tcase_add_loop_test(cases, every_entry_comes_back_and_is_found, 0,
                        MODEL_KEYS_COUNT);
    tcase_add_test(cases, zeros_at_the_end_of_a_key_are_told_apart);
    tcase_add_test(cases, a_key_is_found_among_some_entries_only);
    tcase_add_test(cases, versions_of_a_key_are_found_by_sequence);
    tcase_add_test(cases, a_cut_body_is_refused);
    tcase_add_test(cases, areas_beyond_all_addresses_are_refused);
    tcase_add_loop_test(cases, a_flipped_bit_is_refused_or_harmless, 0,
                        MODEL_KEYS_LONG);
    tcase_add_test(cases, keys_out_of_order_are_refused);
    suite_add_tcase(suite, cases);
    return suite;
}
