/*
 * test_loop: events, timers, tasks; addresses and flags.
 *
 * Covers: timer, bytes, address, flags, descriptors, pool.
 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "main/flags.h"
#include "main/serve.h"
#include "net/bytes.h"
#include "net/loop.h"
#include "service/descriptors.h"
#include "service/pool.h"
#include "support/seed.h"

Suite *test_loop_suite(void);

#define TIMERS 500

static struct timers heap;
static uint64_t last_ms;
static unsigned runs;

static void note(struct timer *timer)
{
    ck_assert_uint_ge(timer->at_ms, last_ms);
    last_ms = timer->at_ms;
    runs++;
}

START_TEST(timers_run_in_order)
{
    static struct timer timers[TIMERS];
    struct rng rng;
    unsigned set = 0;

    rng_init(&rng, test_seed());
    ck_assert_uint_eq(timers_next_ms(&heap), UINT64_MAX);
    for (int i = 0; i < 5000; i++) {
        struct timer *timer = &timers[rng_below(&rng, TIMERS)];
        timer->run = note;
        if (rng_one_in(&rng, 3))
            timers_clear(&heap, timer);
        else
            ck_assert_int_eq(
                timers_set(&heap, timer, rng_below(&rng, 10000) + 1), BYRON_OK);
    }
    for (int i = 0; i < TIMERS; i++)
        set += timers[i].place != 0;
    for (uint64_t now = 0; now <= 10000; now += 100)
        timers_run(&heap, now);
    ck_assert_uint_eq(runs, set);
    ck_assert_uint_eq(heap.count, 0);
    timers_deinit(&heap);
}
END_TEST

START_TEST(bytes_leave_at_the_front)
{
    struct bytes bytes = {0};

    ck_assert_int_eq(bytes_add(&bytes, "hello world", 11), BYRON_OK);
    bytes_drop(&bytes, 6);
    ck_assert(bytes_equal(bytes_lend(&bytes), "world"));
    bytes_drop(&bytes, 5);
    ck_assert_uint_eq(bytes.size, 0);
    ck_assert_int_eq(bytes_reserve(&bytes, SIZE_MAX - 5), BYRON_NO_MEMORY);
    bytes_deinit(&bytes);
}
END_TEST

struct scene {
    struct loop *loop;
    struct task task;
    struct deferred deferred;
    struct timer timer;
    struct watch watch;
    char order[8];
};

static struct scene scene;

static void add_letter(char letter)
{
    scene.order[strlen(scene.order)] = letter;
}

static void stop(struct timer *timer)
{
    (void)timer;
    add_letter('t');
    loop_stop(scene.loop);
}

static void defer(struct deferred *deferred)
{
    (void)deferred;
    add_letter('d');
    ck_assert_int_eq(loop_watch(scene.loop, &scene.watch, 0), BYRON_OK);
    ck_assert_int_eq(loop_set_timer(scene.loop, &scene.timer, 1), BYRON_OK);
}

static void ready(struct watch *watch, uint32_t events)
{
    (void)watch;
    ck_assert_uint_eq(events, EPOLLIN);
    add_letter('w');
    loop_defer(scene.loop, &scene.deferred);
    loop_defer(scene.loop, &scene.deferred);
}

static void run_task(struct task *task)
{
    (void)task;
    add_letter('p');
    ck_assert_int_eq(loop_watch(scene.loop, &scene.watch, EPOLLIN), BYRON_OK);
}

static void *post(void *context)
{
    loop_post(scene.loop, context);
    return NULL;
}

START_TEST(a_loop_runs_all_kinds)
{
    pthread_t thread;
    int fds[2];

    ck_assert_int_eq(loop_new(&scene.loop), BYRON_OK);
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq((int)write(fds[1], "x", 1), 1);
    scene.watch.fd = fds[0];
    scene.watch.ready = ready;
    scene.deferred.run = defer;
    scene.timer.run = stop;
    scene.task.run = run_task;
    ck_assert_int_eq(pthread_create(&thread, NULL, post, &scene.task), 0);
    loop_run(scene.loop);
    pthread_join(thread, NULL);
    ck_assert_str_eq(scene.order, "pwdt");
    loop_free(scene.loop);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(addresses_are_read_and_printed)
{
    static const char *const good[] = {"127.0.0.1:0", "[::1]:7060",
                                       "10.1.2.3:65535", "unix:/tmp/x y"};
    static const char *const bad[] = {"",         "127.0.0.1", "localhost:1",
                                      "unix:",    ":1",        "1.2.3.4:65536",
                                      "[::1:7",   "1.2.3.4:",  "1.2.3.4:1x",
                                      "[::1]1:2", "1.2.3.4:+1"};
    struct address address;
    char text[ADDRESS_TEXT_SIZE];

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_int_eq(address_parse(good[i], &address), BYRON_OK);
        ck_assert_int_eq(address_is_local(&address), i != 2);
        address_print(&address, text);
        ck_assert_str_eq(text, good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(address_parse(bad[i], &address), BYRON_MISUSE);
}
END_TEST

START_TEST(a_stale_socket_is_replaced_and_a_live_one_is_not)
{
    struct address address;
    char text[ADDRESS_TEXT_SIZE];
    int first;
    int second;

    snprintf(text, sizeof text, "unix:%s/socket", getenv("TMPDIR"));
    ck_assert_int_eq(address_parse(text, &address), BYRON_OK);
    ck_assert_int_eq(address_listen(&address, &first), BYRON_OK);
    ck_assert_int_eq(address_listen(&address, &second), BYRON_BUSY);
    close(first);
    ck_assert_int_eq(address_listen(&address, &second), BYRON_OK);
    close(second);
    address_unlink(&address);
    fclose(fopen(text + 5, "w"));
    ck_assert_int_eq(address_listen(&address, &second), BYRON_BUSY);
    ck_assert_int_eq(access(text + 5, F_OK), 0);
}
END_TEST

static byron_status parse(const char *flag, struct flags *out)
{
    char program[] = "byrond";
    char argument[256];
    char words[FLAGS_WORDS_SIZE];
    char *arguments[] = {program, argument};

    snprintf(argument, sizeof argument, "%s", flag);
    return flags_parse(2, arguments, out, words);
}

START_TEST(flags_are_read_and_refused)
{
    static const char *const bad[] = {"--threads=0",
                                      "--threads=65",
                                      "--threads=",
                                      "--grace=-1",
                                      "--lease=0",
                                      "--lease=3601",
                                      "--log=all",
                                      "--database=",
                                      "--tls-certificate=x",
                                      "--tls-key=x",
                                      "--tokens=x",
                                      "--metrics=0.0.0.0:1",
                                      "--listen=0.0.0.0:1",
                                      "--listen=x",
                                      "--nonsense",
                                      "--store=",
                                      "--store=/x/a.db-byron//",
                                      "threads=1"};
    struct flags flags;

    ck_assert_int_eq(parse("--threads=3", &flags), BYRON_OK);
    ck_assert_uint_eq(flags.loops, 3);
    ck_assert_uint_eq(flags.listen_count, 1);
    ck_assert_uint_eq(flags.grace_seconds, 10);
    ck_assert_int_eq(parse("--listen=[::1]:0", &flags), BYRON_OK);
    ck_assert_int_eq(parse("--help", &flags), BYRON_OK);
    ck_assert(flags.wants_help);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(parse(bad[i], &flags), BYRON_MISUSE);
}
END_TEST

static void count_service(void *context, struct byron_bytes package,
                          struct byron_bytes name)
{
    ck_assert(package.size > 0 && name.size > 0);
    ++*(int *)context;
}

START_TEST(descriptors_are_found_by_name)
{
    static const char *const known[] = {
        "grpc.health.v1.Health", "grpc.health.v1.Health.Check",
        "grpc.health.v1.HealthCheckResponse.ServingStatus",
        "grpc.reflection.v1alpha.ServerReflection"};
    static const char *const unknown[] = {"",
                                          "grpc",
                                          "grpc.health.v1.Heal",
                                          "grpc.health.v1.Health.Chec",
                                          "grpc.health.v1.HealthX",
                                          "."};
    struct byron_bytes set = serve_descriptors();
    struct byron_bytes file;
    int count = 0;

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        ck_assert(descriptors_find_symbol(set, known[i], &file));
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        ck_assert(!descriptors_find_symbol(set, unknown[i], &file));
    ck_assert(descriptors_find_file(set, "grpc/health/v1/health.proto", &file));
    ck_assert(!descriptors_find_file(set, "health.proto", &file));
    descriptors_list_services(set, count_service, &count);
    ck_assert_int_eq(count, 4);
}
END_TEST

#define JOBS 1000

static unsigned jobs_run; /* By one thread of the pool. */
static unsigned jobs_done;
static unsigned batches;

static void run_jobs(void *context, struct job *jobs)
{
    unsigned count = 0;

    ck_assert_ptr_null(context);
    for (; jobs; jobs = jobs->next)
        count++;
    ck_assert_uint_le(count, 7);
    jobs_run += count;
    batches++;
}

static void job_done(struct task *task)
{
    if (++jobs_done == JOBS / 2)
        loop_stop(((struct job *)task)->loop);
}

/* Half of the jobs come back to a loop that runs, the rest to one that is
   freed: none is lost. */
START_TEST(jobs_come_back)
{
    static struct job jobs[JOBS];
    struct pool_settings settings = {.threads = 1,
                                     .max_jobs = JOBS,
                                     .max_bytes = JOBS,
                                     .batch = 7,
                                     .run = run_jobs};
    struct pool *pool;

    ck_assert_int_eq(loop_new(&scene.loop), BYRON_OK);
    ck_assert_int_eq(pool_new(&settings, &pool), BYRON_OK);
    for (int i = 0; i < JOBS; i++) {
        jobs[i].done.run = job_done;
        jobs[i].loop = scene.loop;
        jobs[i].size = 1;
        ck_assert_int_eq(pool_submit(pool, &jobs[i]), BYRON_OK);
    }
    loop_run(scene.loop);
    pool_free(pool);
    loop_free(scene.loop);
    ck_assert_uint_eq(jobs_run, JOBS);
    ck_assert_uint_eq(jobs_done, JOBS);
    ck_assert_uint_ge(batches, JOBS / 7);
}
END_TEST

START_TEST(a_full_queue_refuses)
{
    struct pool_settings settings = {
        .threads = 0, .max_jobs = 2, .max_bytes = 10, .batch = 1};
    struct job jobs[3] = {{.size = 6}, {.size = 5}, {.size = 4}};
    struct pool *pool;

    ck_assert_int_eq(pool_new(&settings, &pool), BYRON_OK);
    ck_assert_int_eq(pool_submit(pool, &jobs[0]), BYRON_OK);
    ck_assert_int_eq(pool_submit(pool, &jobs[1]), BYRON_BUSY);
    ck_assert_int_eq(pool_submit(pool, &jobs[2]), BYRON_OK);
    jobs[1].size = 0;
    ck_assert_int_eq(pool_submit(pool, &jobs[1]), BYRON_BUSY);
    ck_assert_uint_eq(pool_waiting(pool), 2);
    pool_push(pool, &jobs[1]);
    ck_assert_uint_eq(pool_waiting(pool), 3);
    pool_free(pool);
}
END_TEST

Suite *test_loop_suite(void)
{
    Suite *suite = suite_create("loop");
    TCase *tests = tcase_create("loop");

    tcase_add_test(tests, timers_run_in_order);
    tcase_add_test(tests, bytes_leave_at_the_front);
    tcase_add_test(tests, a_loop_runs_all_kinds);
    tcase_add_test(tests, addresses_are_read_and_printed);
    tcase_add_test(tests, a_stale_socket_is_replaced_and_a_live_one_is_not);
    tcase_add_test(tests, flags_are_read_and_refused);
    tcase_add_test(tests, descriptors_are_found_by_name);
    tcase_add_test(tests, jobs_come_back);
    tcase_add_test(tests, a_full_queue_refuses);
    suite_add_tcase(suite, tests);
    return suite;
}
