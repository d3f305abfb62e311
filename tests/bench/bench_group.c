/*
 * Durable puts by many threads at once: how many fit into one sync.
 * Usage: bench_group [seconds for each count of threads; 2]
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "byron.h"

#define MOST_THREADS 64

static byron_db *db;
static atomic_bool is_over;

static void check(byron_status status, const char *what)
{
    struct byron_error error;

    if (status == BYRON_OK)
        return;
    byron_last_error(&error);
    fprintf(stderr, "bench_group: %s: %s\n", what, error.words);
    exit(1);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void *write_on(void *context)
{
    uint64_t *count = context;
    uint64_t key[2] = {(uint64_t)(uintptr_t)context, 0};
    char value[100] = {0};

    for (; !atomic_load(&is_over); key[1] = ++*count)
        check(byron_put(db, (struct byron_bytes){key, sizeof key},
                        (struct byron_bytes){value, sizeof value}, true),
              "put");
    return NULL;
}

/* Puts a second by that many threads. */
static double measure(unsigned threads, unsigned seconds)
{
    pthread_t thread[MOST_THREADS];
    uint64_t counts[MOST_THREADS] = {0};
    uint64_t total = 0;
    double start = now();
    struct byron_stats before, after;

    byron_stats(db, &before);
    atomic_store(&is_over, false);
    for (unsigned i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, write_on, &counts[i]) != 0)
            exit(1);
    sleep(seconds);
    atomic_store(&is_over, true);
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(thread[i], NULL);
        total += counts[i];
    }
    double rate = (double)total / (now() - start);
    byron_stats(db, &after);
    printf("%2u threads: %8.0f puts/s, %5.2f puts a sync\n", threads, rate,
           (double)total / (double)(after.syncs - before.syncs));
    return rate;
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/byron-bench-XXXXXX";
    char command[80];
    struct byron_options options = {.create = true, .retain_ms = 1000};
    unsigned seconds = argc > 1 ? (unsigned)atoi(argv[1]) : 2;
    double one, many;

    if (!mkdtemp(folder))
        return 1;
    check(byron_open(folder, &options, &db), folder);
    one = measure(1, seconds);
    measure(4, seconds);
    measure(16, seconds);
    many = measure(MOST_THREADS, seconds);
    printf("%u threads are %.1f x one\n", MOST_THREADS, many / one);
    check(byron_close(db), "close");
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) == 0 ? 0 : 1;
}
