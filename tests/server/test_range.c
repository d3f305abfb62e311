/*
 * test_range: rows of a range as messages, leases of snapshots.
 *
 * Covers: range_reader, leases, encode, outcome.
 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "byron/v1/byron.pb-c.h"
#include "service/encode.h"
#include "service/leases.h"
#include "service/outcome.h"
#include "service/range_reader.h"
#include "support/seed.h"

Suite *test_range_suite(void);

#define ROWS 1000

static byron_db *db;

static void open_store(void)
{
    struct byron_options options = {.create = true};
    char path[512];

    snprintf(path, sizeof path, "%s/store-XXXXXX", getenv("TMPDIR"));
    ck_assert_ptr_nonnull(mkdtemp(path));
    ck_assert_int_eq(byron_open(path, &options, &db), BYRON_OK);
}

static void close_store(void)
{
    ck_assert_int_eq(byron_close(db), BYRON_OK);
}

static struct byron_bytes key_of(int number, char text[8])
{
    struct byron_bytes key = {text, 5};
    snprintf(text, 8, "k%04d", number);
    return key;
}

static void put(int number, struct byron_bytes value)
{
    char text[8];
    ck_assert_int_eq(byron_put(db, key_of(number, text), value, false),
                     BYRON_OK);
}

/* Row i has a value of i % 50 bytes, every hundredth one of 5,000. */
static size_t size_of_value(int number)
{
    return number % 100 == 7 ? 5000 : (size_t)number % 50;
}

static void fill(void)
{
    static char value[5000];
    struct byron_bytes bytes = {value, 0};

    memset(value, 'v', sizeof value);
    for (int i = 0; i < ROWS; i++) {
        bytes.size = size_of_value(i);
        put(i, bytes);
        if (i == ROWS / 2)
            ck_assert_int_eq(byron_flush(db), BYRON_OK);
    }
}

/* Checks one message's rows against what they have to be; the token is kept. */
static void check_rows(const struct bytes *packed, const int *expected,
                       size_t *at, bool is_keys_only, struct bytes *token)
{
    Byron__V1__RangeResponse *response = byron__v1__range_response__unpack(
        NULL, packed->size, packed->data ? packed->data : (uint8_t *)"");

    ck_assert_ptr_nonnull(response);
    for (size_t i = 0; i < response->n_rows; i++, ++*at) {
        char text[8];
        key_of(expected[*at], text);
        ck_assert_uint_eq(response->rows[i]->key.len, 5);
        ck_assert_mem_eq(response->rows[i]->key.data, text, 5);
        ck_assert_uint_eq(response->rows[i]->value.len,
                          is_keys_only ? 0 : size_of_value(expected[*at]));
    }
    ck_assert_int_eq(response->n_rows > 0, response->resume_token.len > 0);
    token->size = 0;
    ck_assert_int_eq(bytes_add(token, response->resume_token.data,
                               response->resume_token.len),
                     BYRON_OK);
    byron__v1__range_response__free_unpacked(response, NULL);
}

/* One message of the query; false: it was the last. */
static bool read_one(struct range_reader *reader, const int *expected,
                     size_t *at, struct bytes *token)
{
    struct bytes packed = {0};
    bool is_end = false;

    ck_assert_int_eq(range_reader_fill(reader, &packed, &is_end), BYRON_OK);
    check_rows(&packed, expected, at, reader->query.is_keys_only, token);
    bytes_deinit(&packed);
    return !is_end;
}

/* All messages, with another reader, by token, after some of them. */
static void check_query(struct range_query query, const int *expected,
                        size_t count, struct rng *rng)
{
    struct range_reader reader;
    struct bytes token = {0};
    struct bytes kept = {0};
    size_t at = 0;
    bool goes_on = true;

    while (goes_on) {
        kept.size = 0;
        ck_assert_int_eq(bytes_add(&kept, token.data, token.size), BYRON_OK);
        query.token = bytes_lend(&kept);
        byron_snapshot *snapshot;
        ck_assert_ptr_null(range_reader_init(&reader, &query));
        ck_assert_int_eq(byron_snapshot_open(db, &snapshot), BYRON_OK);
        ck_assert_int_eq(range_reader_open(&reader, snapshot), BYRON_OK);
        do {
            goes_on = read_one(&reader, expected, &at, &token);
        } while (goes_on && !rng_one_in(rng, 3));
        range_reader_close(&reader);
        byron_snapshot_close(snapshot);
    }
    ck_assert_uint_eq(at, count);
    bytes_deinit(&token);
    bytes_deinit(&kept);
}

START_TEST(ranges_are_what_they_are_asked_for)
{
    struct rng rng;

    rng_init(&rng, test_seed());
    open_store();
    fill();
    for (int round = 0; round < 200; round++) {
        int first = (int)rng_below(&rng, ROWS);
        int end = first + (int)rng_below(&rng, ROWS + 1 - (uint64_t)first);
        int expected[ROWS];
        char start_text[8];
        char end_text[8];
        struct range_query query = {
            .limit = rng_one_in(&rng, 2) ? rng_below(&rng, 300) : 0,
            .chunk_bytes = rng_one_in(&rng, 2) ? rng_below(&rng, 9000) : 0,
            .is_reverse = rng_one_in(&rng, 2),
            .is_keys_only = rng_one_in(&rng, 4)};
        size_t count = (size_t)(end - first);
        if (first > 0 || rng_one_in(&rng, 2))
            query.start = key_of(first, start_text);
        if (end < ROWS || rng_one_in(&rng, 2))
            query.end = key_of(end, end_text);
        for (size_t i = 0; i < count; i++)
            expected[i] = query.is_reverse ? end - 1 - (int)i : first + (int)i;
        if (query.limit > 0 && count > query.limit)
            count = query.limit;
        check_query(query, expected, count, &rng);
    }
    close_store();
}
END_TEST

START_TEST(messages_are_about_as_large_as_asked_for)
{
    struct range_query query = {.chunk_bytes = 2000};
    struct range_reader reader;
    struct bytes packed = {0};
    byron_snapshot *snapshot;
    bool is_end = false;

    open_store();
    fill();
    ck_assert_ptr_null(range_reader_init(&reader, &query));
    ck_assert_int_eq(byron_snapshot_open(db, &snapshot), BYRON_OK);
    ck_assert_int_eq(range_reader_open(&reader, snapshot), BYRON_OK);
    while (!is_end) {
        packed.size = 0;
        ck_assert_int_eq(range_reader_fill(&reader, &packed, &is_end),
                         BYRON_OK);
        if (!is_end)
            ck_assert_uint_ge(packed.size, 2000);
        ck_assert_uint_le(packed.size, 2000 + 64 * 5100);
    }
    range_reader_close(&reader);
    byron_snapshot_close(snapshot);
    bytes_deinit(&packed);
    close_store();
}
END_TEST

START_TEST(wrong_queries_are_refused)
{
    struct range_query query = {.start = {"b", 1}, .end = {"a", 1}};
    struct range_reader reader;
    static const char *const tokens[] = {"\1", "\1........", "\2........c",
                                         "\1........a", "\1........d"};

    ck_assert_ptr_nonnull(range_reader_init(&reader, &query));
    query.end.data = "d";
    ck_assert_ptr_null(range_reader_init(&reader, &query));
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        query.token = bytes_of_text(tokens[i]);
        ck_assert_ptr_nonnull(range_reader_init(&reader, &query));
    }
    query.token = bytes_of_text("\1........c");
    ck_assert_ptr_null(range_reader_init(&reader, &query));
}
END_TEST

START_TEST(varints_have_as_many_bytes_as_they_need)
{
    struct bytes out = {0};
    static char text[300];
    struct byron_bytes value = {text, sizeof text};

    ck_assert_int_eq(encode_bytes(&out, 2, value), BYRON_OK);
    ck_assert_uint_eq(out.size, encode_bytes_size(sizeof text));
    ck_assert_mem_eq(out.data, "\x12\xac\x02", 3);
    out.size = 0;
    ck_assert_int_eq(encode_number(&out, 1, UINT64_MAX), BYRON_OK);
    ck_assert_int_eq(encode_double(&out, 2, 1.0), BYRON_OK);
    ck_assert_uint_eq(out.size, 1 + 10 + 9);
    ck_assert_mem_eq(out.data,
                     "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                     "\x11\0\0\0\0\0\0\xf0\x3f",
                     20);
    ck_assert_uint_eq(encode_bytes_size(127), 129);
    ck_assert_uint_eq(encode_bytes_size(128), 131);
    bytes_deinit(&out);
}
END_TEST

/* --- Leases ----------------------------------------------------------------*/

static struct leases *open_leases(void)
{
    struct lease_settings settings = {.max = 3, .ttl_ms = 100, .most_ms = 400};
    struct leases *leases;

    open_store();
    ck_assert_int_eq(leases_new(db, &settings, &leases), BYRON_OK);
    return leases;
}

static uint64_t open_one(struct leases *leases, uint32_t ttl_ms)
{
    uint64_t id = 0;

    ck_assert_int_eq(leases_open(leases, &ttl_ms, &id), BYRON_OK);
    ck_assert_uint_ne(id, 0);
    return id;
}

static bool is_there(struct leases *leases, uint64_t id)
{
    struct lease *lease = leases_take(leases, id);

    leases_drop(leases, lease);
    return lease;
}

START_TEST(a_lease_shows_its_state_and_ends_by_itself)
{
    struct leases *leases = open_leases();
    struct byron_bytes empty = {"", 0};
    char text[8];
    uint64_t first;
    uint64_t second;
    struct lease *lease;

    first = open_one(leases, 0);
    second = open_one(leases, 350);
    put(1, empty);
    lease = leases_take(leases, first);
    for (int i = 0; i < 200 && is_there(leases, first); i++)
        usleep(5000);
    ck_assert(!is_there(leases, first));
    ck_assert(is_there(leases, second));
    /* What was taken stays. */
    ck_assert_int_eq(
        byron_get(db, lease_snapshot(lease), key_of(1, text), NULL),
        BYRON_NOT_FOUND);
    leases_drop(leases, lease);
    leases_free(leases);
    close_store(); /* Would fail if a snapshot were left. */
}
END_TEST

START_TEST(leases_are_renewed_closed_and_counted)
{
    struct leases *leases = open_leases();
    uint32_t ttl_ms = 5000;
    uint64_t ids[3];
    uint64_t more;

    ids[0] = open_one(leases, 150);
    ids[1] = open_one(leases, 400);
    ids[2] = open_one(leases, 400);
    ck_assert_uint_eq(leases_count(leases), 3);
    ck_assert_int_eq(leases_open(leases, &ttl_ms, &more), BYRON_BUSY);
    ttl_ms = 5000;
    ck_assert(leases_renew(leases, ids[0], &ttl_ms));
    ck_assert_uint_eq(ttl_ms, 400);
    leases_close(leases, ids[1]);
    leases_close(leases, ids[1]);
    ck_assert_uint_eq(leases_count(leases), 2);
    usleep(200000);
    ck_assert(is_there(leases, ids[0]));
    ck_assert(!leases_renew(leases, ids[1], &ttl_ms));
    ck_assert(!leases_renew(leases, 0, &ttl_ms));
    leases_free(leases);
    close_store();
}
END_TEST

static void *open_and_close(void *context)
{
    struct leases *leases = context;

    for (int i = 0; i < 300; i++) {
        uint32_t ttl_ms = 1 + (uint32_t)i % 3;
        uint64_t id;
        if (leases_open(leases, &ttl_ms, &id) != BYRON_OK)
            continue;
        is_there(leases, id);
        if (i % 2)
            leases_close(leases, id);
    }
    return NULL;
}

START_TEST(leases_of_many_threads)
{
    struct leases *leases = open_leases();
    pthread_t threads[3];

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, open_and_close, leases), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    leases_free(leases);
    close_store();
}
END_TEST

START_TEST(outcomes_have_words)
{
    ck_assert_int_eq(outcome_of(BYRON_OK).code, GRPC_OK);
    ck_assert_int_eq(outcome_of(BYRON_CORRUPT).code, GRPC_DATA_LOSS);
    ck_assert_int_eq(outcome_of(BYRON_FULL).code, GRPC_RESOURCE_EXHAUSTED);
    ck_assert_str_eq(outcome_of(BYRON_MISUSE).words, "misuse");
}
END_TEST

Suite *test_range_suite(void)
{
    Suite *suite = suite_create("range");
    TCase *tests = tcase_create("range");

    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, ranges_are_what_they_are_asked_for);
    tcase_add_test(tests, messages_are_about_as_large_as_asked_for);
    tcase_add_test(tests, wrong_queries_are_refused);
    tcase_add_test(tests, varints_have_as_many_bytes_as_they_need);
    tcase_add_test(tests, a_lease_shows_its_state_and_ends_by_itself);
    tcase_add_test(tests, leases_are_renewed_closed_and_counted);
    tcase_add_test(tests, leases_of_many_threads);
    tcase_add_test(tests, outcomes_have_words);
    suite_add_tcase(suite, tests);
    return suite;
}
