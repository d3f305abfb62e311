/*
 * test_plain: HTTP/1 for metrics, counts of calls, and the log of calls.
 *
 * Covers: tally, call_log.
 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "grpc/tally.h"
#include "http/plain.h"
#include "main/call_log.h"
#include "support/failing_malloc.h"
#include "support/seed.h"

Suite *test_plain_suite(void);

static unsigned asked;

static byron_status get(void *context, struct byron_bytes path,
                        struct bytes *out)
{
    (void)context;
    asked++;
    if (!bytes_equal(path, "/metrics"))
        return BYRON_NOT_FOUND;
    return bytes_add(out, "figures\n", 8);
}

static void stop(struct timer *timer);

struct scene {
    struct loop *loop;
    struct timer timer;
};
static struct scene scene = {.timer = {.run = stop}};

static void stop(struct timer *timer)
{
    (void)timer;
    loop_stop(scene.loop);
}

/* Serves one connection for so long. Takes fd. No assertions: they allocate. */
static void serve(int fd, uint32_t ms)
{
    static const struct plain_settings settings = {.max_connections = 2,
                                                   .max_request = 500,
                                                   .patience_ms = 30,
                                                   .get = get};
    struct address address;
    struct plain *plain;

    if (address_parse("127.0.0.1:0", &address) != BYRON_OK)
        abort();
    if (loop_new(&scene.loop) != BYRON_OK) {
        close(fd);
        return;
    }
    if (plain_new(scene.loop, &settings, &address, &plain) == BYRON_OK) {
        plain_accept(plain, fd);
        if (loop_set_timer(scene.loop, &scene.timer, ms) == BYRON_OK)
            loop_run(scene.loop);
        plain_free(plain);
    } else {
        close(fd);
    }
    loop_free(scene.loop);
}

static unsigned long failing; /* This allocation of the next visit. */

/* Visits with the bytes; what came back is a text. False: nothing failed. */
static bool visit(struct byron_bytes bytes, bool is_over, char reply[512])
{
    bool has_failed = false;
    ssize_t size;
    int fds[2];

    memset(reply, 0, 512);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
                     0);
    ck_assert_int_eq((int)send(fds[0], bytes.data, bytes.size, 0),
                     (int)bytes.size);
    if (is_over)
        shutdown(fds[0], SHUT_WR);
    if (failing)
        failing_malloc_arm(failing, false);
    serve(fds[1], is_over ? 1 : 60);
    if (failing)
        has_failed = failing_malloc_disarm();
    size = recv(fds[0], reply, 511, 0);
    ck_assert_int_le((int)size, 511);
    close(fds[0]);
    return has_failed;
}

static void check_reply(const char *request, const char *expected)
{
    char reply[512];

    visit(bytes_of_text(request), true, reply);
    if (strncmp(reply, expected, strlen(expected)) != 0)
        ck_abort_msg("%s -> %s", request, reply);
}

START_TEST(requests_are_answered)
{
    char reply[512];

    check_reply("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK");
    check_reply("GET /metrics?x=1 HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK");
    check_reply("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ");
    check_reply("POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 ");
    check_reply("GET /metrics\r\n\r\n", "HTTP/1.1 400 ");
    check_reply("GET /metrics HTTP/2.0\r\n\r\n", "HTTP/1.1 400 ");
    check_reply("GET /a b HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ");
    check_reply("\r\n\r\n", "HTTP/1.1 405 ");
    visit(bytes_of_text("GET /metrics HTTP/1.1\r\n\r\n"), false, reply);
    ck_assert_ptr_nonnull(strstr(reply, "\r\n\r\nfigures\n"));
}
END_TEST

/* One that says too much gets an answer; one that says too little, none. */
START_TEST(patience_ends)
{
    char large[2000];
    struct byron_bytes bytes = {large, sizeof large};
    char reply[512];

    memset(large, 'x', sizeof large);
    visit(bytes, true, reply);
    ck_assert_ptr_nonnull(strstr(reply, " 431 "));
    visit(bytes_of_text("GET /metrics HTTP/1.1\r\n"), false, reply);
    ck_assert_str_eq(reply, "");
}
END_TEST

START_TEST(any_bytes_are_survived)
{
    static const char good[] = "GET /metrics?x HTTP/1.1\r\nHost: x\r\n\r\n";
    char reply[512];
    struct rng rng;

    rng_init(&rng, test_seed());
    for (int round = 0; round < 500; round++) {
        char bad[sizeof good];
        struct byron_bytes bytes = {bad, sizeof good - 1};
        memcpy(bad, good, sizeof good);
        for (uint64_t i = rng_below(&rng, 4); i < 4; i++)
            bad[rng_below(&rng, bytes.size)] = (char)rng_next(&rng);
        if (rng_one_in(&rng, 3))
            bytes.size = 1 + rng_below(&rng, bytes.size);
        visit(bytes, true, reply);
        ck_assert(!*reply || strncmp(reply, "HTTP/1.1 ", 9) == 0);
    }
    ck_assert_uint_gt(asked, 10);
}
END_TEST

START_TEST(any_failed_allocation_is_survived)
{
    char reply[512];

    do {
        failing++;
    } while (
        visit(bytes_of_text("GET /metrics HTTP/1.1\r\n\r\n"), true, reply));
    ck_assert_uint_gt(failing, 4);
}
END_TEST

/* --- Counts and lines ------------------------------------------------------*/

START_TEST(calls_are_counted)
{
    static const uint64_t times[] = {1, 100, 101, 3000, 99999999};
    struct tally tally = {0};
    struct tally_sum sum = {0};

    for (int i = 0; i < 5; i++) {
        struct tally_call call = {"/x", i % 2 ? GRPC_OK : GRPC_INTERNAL,
                                  times[i], 10, 20};
        tally_begin(&tally);
        tally_end(&tally, &call);
    }
    tally_begin(&tally);
    tally_add(&tally, &sum);
    tally_add(&tally, &sum);
    ck_assert_uint_eq(sum.begun, 12);
    ck_assert_uint_eq(sum.ended[GRPC_OK], 4);
    ck_assert_uint_eq(sum.ended[GRPC_INTERNAL], 6);
    ck_assert_uint_eq(sum.within[0], 4);
    ck_assert_uint_eq(sum.within[1], 2);
    ck_assert_uint_eq(tally_bound_us(1), 250);
    ck_assert_uint_eq(sum.bytes_in, 100);
    ck_assert_uint_eq(sum.us, 2 * (1 + 100 + 101 + 3000 + 99999999));
    ck_assert_str_eq(tally_code_words(GRPC_DATA_LOSS), "DATA_LOSS");
    ck_assert_str_eq(tally_code_words((enum grpc_code)99), "UNKNOWN");
}
END_TEST

/* Returns what the log wrote of an OK and an INTERNAL. */
static void log_two(enum call_log_level level, char out[1024])
{
    struct tally_call call = {"/a.B/C", GRPC_OK, 1500, 1, 2};
    struct call_log *log;
    int fds[2];

    memset(out, 0, 1024);
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(call_log_new(level, fds[1], &log), BYRON_OK);
    call_log_add(log, &call, NULL);
    call.code = GRPC_INTERNAL;
    call.method = "";
    call_log_add(log, &call, NULL);
    call_log_free(log);
    ck_assert_int_gt((int)read(fds[0], out, 1023), 0);
    close(fds[0]);
    close(fds[1]);
}

START_TEST(calls_are_lines)
{
    char out[1024];

    log_two(CALL_LOG_CALLS, out);
    ck_assert_ptr_nonnull(
        strstr(out, "\"method\":\"a.B/C\",\"code\":\"OK\",\"ms\":1.500,"
                    "\"in\":1,\"out\":2,\"peer\":\"unix\"}\n"));
    ck_assert_ptr_nonnull(
        strstr(out, "\"method\":\"unknown\",\"code\":\"INTERNAL\""));
    log_two(CALL_LOG_ERRORS, out);
    ck_assert_ptr_null(strstr(out, "\"OK\""));
    ck_assert_ptr_nonnull(strstr(out, "\"INTERNAL\""));
}
END_TEST

static void *read_all(void *context)
{
    FILE *file = fdopen(*(int *)context, "r");
    char line[1024];
    bool was_told = false;

    while (fgets(line, sizeof line, file))
        was_told = was_told || strncmp(line, "{\"dropped\":", 11) == 0;
    fclose(file);
    return was_told ? context : NULL;
}

/* Nobody reads: what does not fit is counted, and no call waits. */
START_TEST(a_log_that_is_stuck_drops_lines)
{
    struct tally_call call = {"/a.B/C", GRPC_OK, 1500, 1, 2};
    struct call_log *log;
    pthread_t reader;
    void *was_told;
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(call_log_new(CALL_LOG_CALLS, fds[1], &log), BYRON_OK);
    for (int i = 0; i < 10000; i++)
        call_log_add(log, &call, NULL);
    ck_assert_int_eq(pthread_create(&reader, NULL, read_all, &fds[0]), 0);
    call_log_free(log);
    close(fds[1]);
    pthread_join(reader, &was_told);
    ck_assert_ptr_nonnull(was_told);
}
END_TEST

Suite *test_plain_suite(void)
{
    Suite *suite = suite_create("plain");
    TCase *tests = tcase_create("plain");

    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, requests_are_answered);
    tcase_add_test(tests, patience_ends);
    tcase_add_test(tests, any_bytes_are_survived);
    tcase_add_test(tests, any_failed_allocation_is_survived);
    tcase_add_test(tests, calls_are_counted);
    tcase_add_test(tests, calls_are_lines);
    tcase_add_test(tests, a_log_that_is_stuck_drops_lines);
    suite_add_tcase(suite, tests);
    return suite;
}
