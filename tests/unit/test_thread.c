#include <check.h>
#include <signal.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/os.h"
#include "base/thread.h"

Suite *test_thread_suite(void);

static uint64_t now_us(void)
{
    return os_posix()->now_us(os_posix());
}

struct shared {
    struct mutex mutex;
    struct condition condition;
    unsigned count;
    bool is_ready;
};

static void shared_init(struct shared *shared)
{
    mutex_init(&shared->mutex);
    condition_init(&shared->condition);
    shared->count = 0;
    shared->is_ready = false;
}

static void shared_deinit(struct shared *shared)
{
    condition_deinit(&shared->condition);
    mutex_deinit(&shared->mutex);
}

static void count_up(void *context)
{
    struct shared *shared = context;

    for (int i = 0; i < 20000; i++) {
        mutex_lock(&shared->mutex);
        shared->count++;
        mutex_unlock(&shared->mutex);
    }
}

START_TEST(mutex_lets_one_in)
{
    struct thread threads[3];
    struct shared shared;

    shared_init(&shared);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(thread_start(&threads[i], count_up, &shared),
                         BYRON_OK);
    for (int i = 0; i < 3; i++)
        thread_join(&threads[i]);
    ck_assert_uint_eq(shared.count, 60000);
    shared_deinit(&shared);
}
END_TEST

static void wait_until_ready(void *context)
{
    struct shared *shared = context;

    mutex_lock(&shared->mutex);
    while (!shared->is_ready)
        condition_wait(&shared->condition, &shared->mutex);
    shared->count++;
    mutex_unlock(&shared->mutex);
}

START_TEST(wake_all_wakes_all)
{
    struct thread threads[3];
    struct shared shared;

    shared_init(&shared);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(thread_start(&threads[i], wait_until_ready, &shared),
                         BYRON_OK);
    mutex_lock(&shared.mutex);
    shared.is_ready = true;
    condition_wake_all(&shared.condition);
    mutex_unlock(&shared.mutex);
    for (int i = 0; i < 3; i++)
        thread_join(&threads[i]);
    ck_assert_uint_eq(shared.count, 3);
    shared_deinit(&shared);
}
END_TEST

static void make_ready(void *context)
{
    struct shared *shared = context;

    mutex_lock(&shared->mutex);
    shared->is_ready = true;
    condition_wake_one(&shared->condition);
    mutex_unlock(&shared->mutex);
}

START_TEST(a_wake_up_ends_a_timed_wait)
{
    struct thread thread;
    struct shared shared;
    uint64_t start = now_us();

    shared_init(&shared);
    mutex_lock(&shared.mutex);
    ck_assert_int_eq(thread_start(&thread, make_ready, &shared), BYRON_OK);
    while (!shared.is_ready)
        ck_assert(condition_wait_us(&shared.condition, &shared.mutex,
                                    UINT64_C(60000000)));
    mutex_unlock(&shared.mutex);
    thread_join(&thread);
    ck_assert_uint_lt(now_us() - start, 30000000);
    shared_deinit(&shared);
}
END_TEST

START_TEST(a_timed_wait_ends_in_time)
{
    struct shared shared;
    uint64_t start = now_us();

    shared_init(&shared);
    mutex_lock(&shared.mutex);
    while (condition_wait_us(&shared.condition, &shared.mutex, 20000))
        continue; /* Woken for no reason: the system may. */
    mutex_unlock(&shared.mutex);
    ck_assert_uint_ge(now_us() - start, 20000);
    ck_assert_uint_lt(now_us() - start, 2000000);
    shared_deinit(&shared);
}
END_TEST

START_TEST(an_endless_timed_wait_does_not_overflow)
{
    struct thread thread;
    struct shared shared;

    shared_init(&shared);
    mutex_lock(&shared.mutex);
    ck_assert_int_eq(thread_start(&thread, make_ready, &shared), BYRON_OK);
    while (!shared.is_ready)
        ck_assert(
            condition_wait_us(&shared.condition, &shared.mutex, UINT64_MAX));
    mutex_unlock(&shared.mutex);
    thread_join(&thread);
    shared_deinit(&shared);
}
END_TEST

static void read_mask(void *context)
{
    pthread_sigmask(SIG_SETMASK, NULL, context);
}

START_TEST(signals_are_left_to_the_host)
{
    struct thread thread;
    sigset_t inside;
    sigset_t before;
    sigset_t after;

    pthread_sigmask(SIG_SETMASK, NULL, &before);
    ck_assert_int_eq(thread_start(&thread, read_mask, &inside), BYRON_OK);
    thread_join(&thread);
    pthread_sigmask(SIG_SETMASK, NULL, &after);

    ck_assert_int_eq(sigismember(&inside, SIGINT), 1);
    ck_assert_int_eq(sigismember(&inside, SIGTERM), 1);
    ck_assert_int_eq(sigismember(&inside, SIGALRM), 1);
    ck_assert_int_eq(sigismember(&before, SIGINT), sigismember(&after, SIGINT));
    ck_assert_int_eq(sigismember(&after, SIGINT), 0);
}
END_TEST

START_TEST(without_memory_no_thread_starts)
{
    size_t live = alloc_live();
    struct thread thread;

    alloc_fail_after(1);
    ck_assert_int_eq(thread_start(&thread, read_mask, NULL), BYRON_NO_MEMORY);
    ck_assert_int_eq(error_last()->code, BYRON_NO_MEMORY);
    ck_assert_uint_eq(alloc_live(), live);
}
END_TEST

Suite *test_thread_suite(void)
{
    Suite *suite = suite_create("thread");
    TCase *cases = tcase_create("thread");

    tcase_add_test(cases, mutex_lets_one_in);
    tcase_add_test(cases, wake_all_wakes_all);
    tcase_add_test(cases, a_wake_up_ends_a_timed_wait);
    tcase_add_test(cases, a_timed_wait_ends_in_time);
    tcase_add_test(cases, an_endless_timed_wait_does_not_overflow);
    tcase_add_test(cases, signals_are_left_to_the_host);
    tcase_add_test(cases, without_memory_no_thread_starts);
    suite_add_tcase(suite, cases);
    return suite;
}
