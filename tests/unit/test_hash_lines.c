#include <check.h>

#include "base/alloc.h"
#include "sstable/hash_lines.h"
#include "support/seed.h"

Suite *test_hash_lines_suite(void);

/* Keys by hash, each with a place, and the lines made of them. */
struct made {
    struct hash_shape shape;
    struct buf hashes, places, lines;
};

static void add(struct made *made, uint64_t hash, uint32_t block,
                uint32_t index)
{
    uint32_t place[2] = {block, index};

    ck_assert_int_eq(buf_add(&made->hashes, &hash, sizeof hash), BYRON_OK);
    ck_assert_int_eq(buf_add(&made->places, place, sizeof place), BYRON_OK);
}

static void build(struct made *made, uint64_t blocks, uint32_t index_max)
{
    hash_shape_choose(made->hashes.size / 8, blocks, index_max, &made->shape);
    ck_assert_int_eq(hash_lines_build(&made->shape, &made->hashes,
                                      &made->places, &made->lines),
                     BYRON_OK);
    ck_assert_uint_eq(made->lines.size, (size_t)made->shape.lines * 64);
}

static void made_deinit(struct made *made)
{
    buf_deinit(&made->hashes);
    buf_deinit(&made->places);
    buf_deinit(&made->lines);
}

/* Slots that match the hash; *has: one leads to that place. */
static unsigned probe(const struct made *made, uint64_t hash, uint32_t block,
                      uint32_t index, bool *has)
{
    const struct hash_shape *shape = &made->shape;
    uint32_t line = hash_line_of(shape, hash);
    uint32_t chunk = line / HASH_CHUNK_LINES;
    uint32_t count = hash_chunk_lines(shape, chunk);
    uint32_t at = line % HASH_CHUNK_LINES;
    unsigned found = 0;

    *has = false;
    for (uint32_t seen = 0; seen < count; seen++) {
        const uint8_t *bytes =
            made->lines.data + ((size_t)chunk * HASH_CHUNK_LINES + at) * 64;
        uint32_t matches = hash_line_matches(bytes, hash_mask(shape),
                                             hash_fingerprint(shape, hash));
        for (uint32_t i = 0; i < HASH_LINE_SLOTS; i++) {
            uint32_t slot = load_u32(bytes + i * 4);
            bool is_match =
                (slot & hash_mask(shape)) == hash_fingerprint(shape, hash);
            if (is_match != (bool)(matches >> i & 1))
                ck_abort_msg("slot %u is not matched rightly", i);
            if (!is_match)
                continue;
            found++;
            if (hash_slot_block(shape, slot) == block &&
                hash_slot_index(shape, slot) ==
                    index >> shape->place_shift << shape->place_shift)
                *has = true;
        }
        if (!hash_line_is_full(bytes))
            break;
        at = at + 1 < count ? at + 1 : 0;
    }
    return found;
}

static unsigned slots_in_use(const struct made *made)
{
    unsigned count = 0;

    for (size_t at = 0; at < made->lines.size; at += 4)
        count += load_u32(made->lines.data + at) != 0;
    return count;
}

static const size_t counts[] = {1, 12, 16, 17, 300, 3200, 3400, 60000};

START_TEST(every_key_is_found_and_few_others)
{
    struct rng rng;
    struct made made = {0};
    size_t count = counts[_i];
    unsigned strays = 0;
    bool has;

    rng_init(&rng, test_seed());
    for (size_t i = 0; i < count; i++)
        add(&made, rng_next(&rng), (uint32_t)(i / 32), (uint32_t)(i % 32));
    build(&made, count / 32 + 1, 31);
    ck_assert_uint_ge(made.shape.lines * 16, count);
    ck_assert_uint_le(made.shape.lines, count * 2 / 25 + 1 + 63);
    ck_assert_uint_eq(slots_in_use(&made), count);
    for (size_t i = 0; i < count; i++) {
        uint64_t hash;
        memcpy(&hash, made.hashes.data + i * 8, 8);
        probe(&made, hash, (uint32_t)(i / 32), (uint32_t)(i % 32), &has);
        ck_assert(has);
    }
    for (int i = 0; i < 10000; i++)
        strays += probe(&made, rng_next(&rng), 0, 0, &has);
    ck_assert_uint_lt(strays, 100);
    made_deinit(&made);
}
END_TEST

START_TEST(a_full_line_goes_on_in_the_next)
{
    struct made made = {0};
    bool has;

    /* All of the last of four lines: three of them wrap to the first. */
    for (uint32_t i = 0; i < 50; i++)
        add(&made, UINT64_C(0xffffffff00000000) | (i + 1) << 20, i, 0);
    build(&made, 50, 0);
    ck_assert_uint_eq(made.shape.lines, 4);
    for (uint32_t i = 0; i < 50; i++) {
        ck_assert_uint_eq(probe(&made,
                                UINT64_C(0xffffffff00000000) | (i + 1) << 20, i,
                                0, &has),
                          1);
        ck_assert(has);
    }
    made_deinit(&made);
}
END_TEST

START_TEST(keys_of_one_hash_have_a_slot_each)
{
    struct made made = {0};
    uint64_t hash = UINT64_C(0x123456789abcdef0);
    bool has;

    for (uint32_t i = 0; i < 40; i++)
        add(&made, hash, i, i % 7);
    build(&made, 40, 6);
    for (uint32_t i = 0; i < 40; i++) {
        ck_assert_uint_eq(probe(&made, hash, i, i % 7, &has), 40);
        ck_assert(has);
    }
    made_deinit(&made);
}
END_TEST

START_TEST(a_hash_without_a_fingerprint_is_found)
{
    struct made made = {0};
    bool has;

    add(&made, 0, 0, 0);
    add(&made, 5, 1, 0);
    build(&made, 1 << 20, 0);
    ck_assert_uint_eq(made.shape.block_bits, 20);
    ck_assert_uint_eq(probe(&made, 0, 0, 0, &has), 2);
    ck_assert(has);
    ck_assert_uint_eq(slots_in_use(&made), 2);
    made_deinit(&made);
}
END_TEST

START_TEST(more_keys_of_one_chunk_than_it_has_slots_make_it_grow_or_give_up)
{
    struct made made = {0};
    struct rng rng;
    bool has;

    rng_init(&rng, test_seed());
    /* 8000 keys are three chunks; 4400 of them in the lower half of all. */
    for (uint32_t i = 0; i < 8000; i++)
        add(&made,
            i < 4400 ? rng_next(&rng) >> 2 : rng_next(&rng) | UINT64_C(1) << 63,
            i, 0);
    build(&made, 8000, 0);
    ck_assert_uint_gt(made.shape.lines, 640);
    for (uint32_t i = 0; i < 8000; i++) {
        uint64_t hash;
        memcpy(&hash, made.hashes.data + i * 8, 8);
        probe(&made, hash, i, 0, &has);
        ck_assert(has);
    }
    made_deinit(&made);

    memset(&made, 0, sizeof made);
    for (uint32_t i = 0; i < 5000; i++)
        add(&made, i << 12, i, 0);
    build(&made, 5000, 0);
    ck_assert_uint_eq(made.shape.lines, 0);
    made_deinit(&made);
}
END_TEST

START_TEST(bits_are_cut_where_a_slot_has_not_enough)
{
    struct hash_shape shape;

    hash_shape_choose(100, 1, 0, &shape);
    ck_assert_uint_eq(shape.lines, 8);
    ck_assert_uint_eq(shape.block_bits + shape.place_bits, 0);
    ck_assert_uint_eq(hash_mask(&shape), UINT32_MAX);
    hash_shape_choose(100, 1, 99, &shape);
    ck_assert_uint_eq(shape.place_bits, 7);
    hash_shape_choose(1 << 20, 1 << 13, 127, &shape);
    ck_assert_uint_eq(shape.block_bits, 13);
    ck_assert_uint_eq(shape.place_bits, 7);
    ck_assert_uint_eq(shape.place_shift, 0);
    hash_shape_choose(1 << 20, (1 << 13) + 1, 128, &shape);
    ck_assert_uint_eq(shape.block_bits, 14);
    ck_assert_uint_eq(shape.place_bits, 6);
    ck_assert_uint_eq(shape.place_shift, 2);
    hash_shape_choose(1 << 20, 1 << 20, 128, &shape);
    ck_assert_uint_eq(shape.place_bits, 0);
    ck_assert_uint_eq(shape.place_shift, 8);
    ck_assert_uint_gt(shape.lines, 0);
    hash_shape_choose(1 << 20, (1 << 20) + 1, 0, &shape);
    ck_assert_uint_eq(shape.lines, 0);
    hash_shape_choose(UINT64_C(1) << 40, 1, 0, &shape);
    ck_assert_uint_eq(shape.lines, 0);
    hash_shape_choose(0, 1, 0, &shape);
    ck_assert_uint_eq(shape.lines, 0);
}
END_TEST

START_TEST(a_last_chunk_is_never_tiny)
{
    struct hash_shape shape;

    hash_shape_choose(3201, 1, 0, &shape); /* 257 lines would do. */
    ck_assert_uint_eq(shape.lines, 256 + 64);
    ck_assert_uint_eq(hash_chunk_count(&shape), 2);
    ck_assert_uint_eq(hash_chunk_lines(&shape, 0), 256);
    ck_assert_uint_eq(hash_chunk_lines(&shape, 1), 64);
}
END_TEST

START_TEST(every_failed_allocation_is_reported)
{
    struct made made = {0};
    size_t nth = 1;
    byron_status status;

    for (uint32_t i = 0; i < 500; i++)
        add(&made, (uint64_t)i << 54 | i << 20, i, 0);
    do {
        hash_shape_choose(500, 500, 0, &made.shape);
        buf_deinit(&made.lines);
        alloc_fail_after(nth++);
        status = hash_lines_build(&made.shape, &made.hashes, &made.places,
                                  &made.lines);
        alloc_fail_after(0);
    } while (status == BYRON_NO_MEMORY);
    ck_assert_int_eq(status, BYRON_OK);
    ck_assert_uint_gt(nth, 3);
    made_deinit(&made);
}
END_TEST

Suite *test_hash_lines_suite(void)
{
    Suite *suite = suite_create("hash_lines");
    TCase *cases = tcase_create("hash_lines");

    tcase_add_loop_test(cases, every_key_is_found_and_few_others, 0,
                        (int)(sizeof counts / sizeof *counts));
    tcase_add_test(cases, a_full_line_goes_on_in_the_next);
    tcase_add_test(cases, keys_of_one_hash_have_a_slot_each);
    tcase_add_test(cases, a_hash_without_a_fingerprint_is_found);
    tcase_add_test(
        cases,
        more_keys_of_one_chunk_than_it_has_slots_make_it_grow_or_give_up);
    tcase_add_test(cases, bits_are_cut_where_a_slot_has_not_enough);
    tcase_add_test(cases, a_last_chunk_is_never_tiny);
    tcase_add_test(cases, every_failed_allocation_is_reported);
    suite_add_tcase(suite, cases);
    return suite;
}
