/*
 * The answers do not depend on the options: one list of calls on stores with
 * many sets of them, each held against the same plain arrays.
 *
 * A new option is one line of the table below.
 */
#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "byron.h"
#include "support/course.h"
#include "support/seed.h"

Suite *test_metamorphic_suite(void);

#define VALUES 6
#define CALLS  700 /* Bytes of a course. */

struct dimension {
    const char *name;
    size_t offset, size; /* Of the field. */
    uint64_t values[VALUES];
    size_t count;
};

#define FIELD(name)                                                            \
#name, offsetof(struct byron_options, name),                               \
        sizeof(((struct byron_options *)NULL)->name)

/* The first value is the usual one. */
static const struct dimension dimensions[] = {
    {FIELD(memory), {0, 64 << 10, 256 << 10, 4 << 20}, 4},
    {FIELD(memtable), {0, 4096, 16384, 65536}, 4},
    {FIELD(cache), {0, 1, 4096, 100000}, 4},
    {FIELD(file_size), {0, 4096, 32768}, 3},
    {FIELD(block_size), {0, 64, 100, 512, 65536}, 5},
    {FIELD(bloom_bits), {0, 1, 4, 16}, 4},
    {FIELD(no_bloom), {0, 1}, 2},
    {FIELD(fanout), {0, 2, 3, 100}, 4},
    {FIELD(compression),
     {BYRON_COMPRESSION_DEFAULT, BYRON_COMPRESSION_NONE, BYRON_COMPRESSION_LZ4,
      BYRON_COMPRESSION_ZSTD},
     4},
    {FIELD(hash_index),
     {BYRON_HASH_INDEX_DEFAULT, BYRON_HASH_INDEX_OFF, BYRON_HASH_INDEX_ON,
      BYRON_HASH_INDEX_AUTO},
     4},
    {FIELD(inline_work), {0, 1}, 2},
    {FIELD(retain_ms), {0, 1, 60000}, 3},
    {FIELD(map_files), {0, 1}, 2},
};
#define DIMENSIONS (sizeof dimensions / sizeof *dimensions)

/* What makes much happen, where a single option is tried beside it. */
static const struct byron_options tiny = {.memory = 256 << 10,
                                          .memtable = 4096,
                                          .cache = 20000,
                                          .file_size = 4096,
                                          .block_size = 128,
                                          .fanout = 2,
                                          .inline_work = true};

struct option_set {
    struct byron_options options;
    char name[400];
};

static void set_option(struct option_set *set, const struct dimension *which,
                       uint64_t value)
{
    size_t used = strlen(set->name);

    memcpy((uint8_t *)&set->options + which->offset, &value, which->size);
    snprintf(set->name + used, sizeof set->name - used, " %s=%llu", which->name,
             (unsigned long long)value);
}

static void run_set(const struct option_set *set, uint64_t seed)
{
    uint8_t bytes[CALLS];
    struct rng rng;

    rng_init(&rng, seed);
    rng_bytes(&rng, bytes, sizeof bytes);
    course_run(set->name, bytes, sizeof bytes, &set->options);
}

static void run_one(const struct byron_options *base, const char *base_name,
                    size_t dimension, size_t value, uint64_t seed)
{
    struct option_set set = {.options = *base};

    snprintf(set.name, sizeof set.name, "seed %llu, %s",
             (unsigned long long)seed, base_name);
    set_option(&set, &dimensions[dimension],
               dimensions[dimension].values[value]);
    run_set(&set, seed);
}

/* How many lists: BYRON_TORTURE says it for the long form. */
static uint64_t lists(uint64_t usual)
{
    const char *text = getenv("BYRON_TORTURE");

    return text && *text ? usual * 50 : usual;
}

START_TEST(each_value_of_each_option_answers_alike)
{
    for (uint64_t list = 0; list < lists(1); list++)
        for (size_t i = 0; i < dimensions[_i].count; i++) {
            uint64_t seed = test_seed() + list;
            run_one(&tiny, "tiny but for", (size_t)_i, i, seed);
            run_one(&(struct byron_options){0}, "usual but for", (size_t)_i, i,
                    seed);
        }
}
END_TEST

START_TEST(any_set_of_options_answers_alike)
{
    struct rng rng;

    rng_init(&rng, test_seed() + (uint64_t)_i);
    for (uint64_t list = 0; list < lists(25); list++) {
        /* One list for many sets; another now and then. */
        uint64_t seed = test_seed() + list / 25;
        struct option_set set = {0};
        snprintf(set.name, sizeof set.name, "seed %llu,",
                 (unsigned long long)seed);
        for (size_t i = 0; i < DIMENSIONS; i++)
            set_option(
                &set, &dimensions[i],
                dimensions[i].values[rng_below(&rng, dimensions[i].count)]);
        run_set(&set, seed);
    }
}
END_TEST

Suite *test_metamorphic_suite(void)
{
    Suite *suite = suite_create("metamorphic");
    TCase *cases = tcase_create("metamorphic");

    tcase_set_timeout(cases, getenv("BYRON_TORTURE") ? 7200 : 120);
    tcase_add_loop_test(cases, each_value_of_each_option_answers_alike, 0,
                        DIMENSIONS);
    tcase_add_loop_test(cases, any_set_of_options_answers_alike, 0, 6);
    suite_add_tcase(suite, cases);
    return suite;
}
