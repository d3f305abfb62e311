/*
 * test_committer: writes that wait together, their conditions and ids.
 *
 * Covers: keys.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/committer.h"
#include "support/seed.h"

Suite *test_committer_suite(void);

#define MOST 40

static byron_db *db;
static struct write writes[MOST];
static struct byron_op ops[MOST];
static struct write_condition conditions[MOST];
static size_t count;

static void open_store(void)
{
    struct byron_options options = {.create = true};
    char path[512];

    snprintf(path, sizeof path, "%s/store-XXXXXX", getenv("TMPDIR"));
    ck_assert_ptr_nonnull(mkdtemp(path));
    ck_assert_int_eq(byron_open(path, &options, &db), BYRON_OK);
    count = 0;
}

static void close_store(void)
{
    ck_assert_int_eq(byron_close(db), BYRON_OK);
}

/* A write of one put more. */
static struct write *add(const char *key, const char *value)
{
    struct write *write = &writes[count];
    struct byron_op op = {.kind = BYRON_OP_PUT,
                          .key = bytes_of_text(key),
                          .value = bytes_of_text(value)};

    ck_assert_uint_lt(count, MOST);
    memset(write, 0, sizeof *write);
    ops[count] = op;
    write->ops = &ops[count];
    write->count = 1;
    write->is_sync = true;
    if (count > 0)
        writes[count - 1].job.next = &write->job;
    count++;
    return write;
}

static struct write *expects(struct write *write, const char *key,
                             enum write_expect expect, const char *value)
{
    struct write_condition *condition = &conditions[write - writes];

    condition->key = bytes_of_text(key);
    condition->expect = expect;
    condition->value = bytes_of_text(value);
    write->conditions = condition;
    write->condition_count = 1;
    return write;
}

static struct write *of_load(struct write *write, uint64_t number)
{
    write->is_load = true;
    write->id = bytes_of_text("load");
    write->number = number;
    return write;
}

static void run(void)
{
    committer_run(db, &writes[0].job);
    count = 0;
}

static void check_value(const char *key, const char *expected)
{
    struct byron_value value = {0};
    byron_status status = byron_get(db, NULL, bytes_of_text(key), &value);

    ck_assert_int_eq(status, expected ? BYRON_OK : BYRON_NOT_FOUND);
    if (expected) {
        ck_assert_uint_eq(value.size, strlen(expected));
        ck_assert_mem_eq(value.data, expected, value.size);
    }
    byron_value_release(&value);
}

START_TEST(what_waits_is_one_sync)
{
    struct byron_stats before;
    struct byron_stats after;

    open_store();
    byron_stats(db, &before);
    for (int i = 0; i < 10; i++) {
        add("a", "1");
        expects(add("b", "2"), "a", WRITE_EXPECTS_PRESENT, "");
    }
    run();
    byron_stats(db, &after);
    ck_assert_uint_eq(after.syncs - before.syncs, 1);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(writes[i].outcome.code, GRPC_OK);
    check_value("b", "2");
    close_store();
}
END_TEST

/* Each sees what was written before it, in the same round as well. */
START_TEST(conditions_are_looked_at_in_turn)
{
    open_store();
    expects(add("a", "1"), "a", WRITE_EXPECTS_ABSENT, "");
    expects(add("a", "2"), "a", WRITE_EXPECTS_ABSENT, "");
    expects(add("a", "3"), "a", WRITE_EXPECTS_VALUE, "1");
    add("c", "4");
    expects(add("a", "5"), "a", WRITE_EXPECTS_VALUE, "1");
    expects(add("a", "6"), "b", WRITE_EXPECTS_PRESENT, "");
    expects(add("b", "7"), "c", WRITE_EXPECTS_PRESENT, "");
    expects(add("a", "8"), "d", WRITE_EXPECTS_VALUE, "");
    run();
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(writes[i].outcome.code,
                         i == 1 || i == 4 || i == 5 || i == 7
                             ? GRPC_FAILED_PRECONDITION
                             : GRPC_OK);
    ck_assert_str_eq(writes[1].outcome.words, "condition 1 is not met");
    check_value("a", "3");
    check_value("b", "7");
    close_store();
}
END_TEST

/* One that is not written after all still has its sync. */
START_TEST(a_refused_one_takes_no_sync_from_others)
{
    struct byron_stats before;
    struct byron_stats after;

    open_store();
    byron_stats(db, &before);
    add("a", "1");
    expects(add("a", "2"), "a", WRITE_EXPECTS_ABSENT, "");
    run();
    byron_stats(db, &after);
    ck_assert_uint_eq(after.syncs - before.syncs, 1);
    ck_assert_int_eq(writes[0].outcome.code, GRPC_OK);
    close_store();
}
END_TEST

/* The end of a load without an id. */
START_TEST(nothing_may_be_synced)
{
    struct byron_stats before;
    struct byron_stats after;
    struct write *write;

    open_store();
    byron_stats(db, &before);
    write = add("", "");
    write->ops = NULL;
    write->count = 0;
    run();
    byron_stats(db, &after);
    ck_assert_int_eq(writes[0].outcome.code, GRPC_OK);
    ck_assert_uint_eq(after.syncs - before.syncs, 1);
    close_store();
}
END_TEST

START_TEST(what_has_an_id_is_done_once)
{
    open_store();
    for (int round = 0; round < 2; round++) {
        struct write *write = add("a", round ? "2" : "1");
        write->id = bytes_of_text("id");
        write->digest = 7;
        write = add("b", "1");
        write->id = bytes_of_text("id");
        write->digest = 8;
        run();
        ck_assert_int_eq(writes[0].outcome.code, GRPC_OK);
        ck_assert_int_eq(writes[0].is_repeat, round);
        ck_assert_int_eq(writes[1].outcome.code, GRPC_INVALID_ARGUMENT);
    }
    check_value("a", "1");
    check_value("b", NULL);
    close_store();
}
END_TEST

/* What a condition kept from being done may be tried again. */
START_TEST(an_id_that_failed_is_free)
{
    open_store();
    for (int round = 0; round < 2; round++) {
        struct write *write =
            expects(add("a", "1"), "b", WRITE_EXPECTS_PRESENT, "");
        write->id = bytes_of_text("id");
        add("b", "1");
        run();
        ck_assert_int_eq(writes[0].outcome.code,
                         round ? GRPC_OK : GRPC_FAILED_PRECONDITION);
        ck_assert(!writes[0].is_repeat);
    }
    close_store();
}
END_TEST

START_TEST(batches_of_a_load_are_there_once_and_in_turn)
{
    open_store();
    of_load(add("a", "1"), 1);
    of_load(add("a", "3"), 3);
    of_load(add("a", "2"), 2);
    of_load(add("a", "1"), 1);
    run();
    ck_assert_int_eq(writes[0].outcome.code, GRPC_OK);
    ck_assert_int_eq(writes[1].outcome.code, GRPC_FAILED_PRECONDITION);
    ck_assert_str_eq(writes[1].outcome.words, "batch 2 is missing");
    ck_assert_int_eq(writes[2].outcome.code, GRPC_OK);
    ck_assert_int_eq(writes[3].outcome.code, GRPC_OK);
    ck_assert(writes[3].is_repeat && !writes[2].is_repeat);
    ck_assert_uint_eq(writes[3].batches, 2);
    check_value("a", "2");
    of_load(add("", ""), 0)->count = 0;
    run();
    ck_assert_int_eq(writes[0].outcome.code, GRPC_OK);
    ck_assert_uint_eq(writes[0].batches, 2);
    close_store();
}
END_TEST

/* A key that the engine refuses, among others. */
START_TEST(nobody_fails_for_anothers_sake)
{
    static char large[BYRON_MAX_KEY + 1];

    open_store();
    add("a", "1");
    add("b", "2")->ops->key.size = sizeof large;
    ops[1].key.data = large;
    add("c", "3");
    run();
    ck_assert_int_eq(writes[0].outcome.code, GRPC_OK);
    ck_assert_int_ne(writes[1].outcome.code, GRPC_OK);
    ck_assert_int_eq(writes[2].outcome.code, GRPC_OK);
    check_value("a", "1");
    check_value("c", "3");
    close_store();
}
END_TEST

/* Random writes against an array. */
START_TEST(any_order_is_as_if_one_by_one)
{
    static const char *const keys[] = {"k0", "k1", "k2", "k3"};
    static const char *const values[] = {"", "1", "2"};
    int model[4] = {-1, -1, -1, -1};
    struct rng rng;

    rng_init(&rng, test_seed());
    open_store();
    for (int round = 0; round < 300; round++) {
        enum grpc_code wanted[MOST];
        size_t writes_now = 1 + rng_below(&rng, 12);
        for (size_t i = 0; i < writes_now; i++) {
            uint64_t key = rng_below(&rng, 4);
            uint64_t other = rng_below(&rng, 4);
            int value = (int)rng_below(&rng, 3);
            int expected = (int)rng_below(&rng, 3);
            enum write_expect expect = (enum write_expect)rng_below(&rng, 3);
            struct write *write = add(keys[key], values[value]);
            bool met = true;
            if (rng_one_in(&rng, 2)) {
                expects(write, keys[other], expect, values[expected]);
                met = expect == WRITE_EXPECTS_VALUE ? model[other] == expected
                      : expect == WRITE_EXPECTS_ABSENT ? model[other] < 0
                                                       : model[other] >= 0;
            }
            if (met && rng_one_in(&rng, 4)) {
                ops[count - 1].kind = BYRON_OP_DELETE;
                value = -1;
            }
            write->is_sync = rng_one_in(&rng, 8);
            wanted[i] = met ? GRPC_OK : GRPC_FAILED_PRECONDITION;
            if (met)
                model[key] = value;
        }
        run();
        for (size_t i = 0; i < writes_now; i++)
            ck_assert_int_eq(writes[i].outcome.code, wanted[i]);
        for (int i = 0; i < 4; i++)
            check_value(keys[i], model[i] < 0 ? NULL : values[model[i]]);
    }
    close_store();
}
END_TEST

START_TEST(the_servers_keys_are_behind_all_others)
{
    uint8_t room[KEYS_OWN_MAX];
    struct byron_bytes id = {"0123456789012345678901234567890123456789"
                             "012345678901234567890123",
                             KEYS_MAX_ID};
    struct byron_bytes own = keys_own(KEYS_LOAD, 1, id, room);
    uint8_t last[20];
    struct byron_bytes key = {last, 15};

    memset(last, 255, sizeof last);
    ck_assert(keys_is_key(key));
    ck_assert_uint_eq(keys_clip(key).size, 15);
    ck_assert(bytes_compare(key, keys_end()) < 0);
    key.size = 20;
    ck_assert(!keys_is_key(key));
    ck_assert(!keys_is_key(own));
    ck_assert(!keys_is_key(bytes_of_text("")));
    ck_assert_uint_eq(keys_clip(own).size, 16);
    ck_assert(bytes_compare(own, keys_end()) > 0);
    ck_assert_uint_eq(own.size, KEYS_OWN_MAX);
}
END_TEST

Suite *test_committer_suite(void)
{
    Suite *suite = suite_create("committer");
    TCase *tests = tcase_create("committer");

    tcase_add_test(tests, what_waits_is_one_sync);
    tcase_add_test(tests, conditions_are_looked_at_in_turn);
    tcase_add_test(tests, a_refused_one_takes_no_sync_from_others);
    tcase_add_test(tests, nothing_may_be_synced);
    tcase_add_test(tests, what_has_an_id_is_done_once);
    tcase_add_test(tests, an_id_that_failed_is_free);
    tcase_add_test(tests, batches_of_a_load_are_there_once_and_in_turn);
    tcase_add_test(tests, nobody_fails_for_anothers_sake);
    tcase_add_test(tests, any_order_is_as_if_one_by_one);
    tcase_add_test(tests, the_servers_keys_are_behind_all_others);
    suite_add_tcase(suite, tests);
    return suite;
}
