/*
 * runner: every suite of tests/unit, tests/engine and tests/ext in one
 * program.
 *
 * unit [-l] [suite...]; a suite is named as its module: buf, table_writer.
 * Exits 1 where a test failed, a name is unknown, or nothing ran at all. What
 * tests leave in $TMPDIR goes at the end, also of those that failed.
 */
/* The list that the Makefile writes; the server has one of its own. */
#ifndef SUITES
#define SUITES "suites.h"
#endif

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/seed.h"

#define SUITE(make) Suite *make(void);
#include SUITES
#undef SUITE

struct entry {
    const char *function; /* "test_buf_suite" */
    Suite *(*make)(void);
};

static const struct entry entries[] = {
#define SUITE(make) {#make, make},
#include SUITES
#undef SUITE
};
static const size_t entry_count = sizeof entries / sizeof *entries;

/* "buf" of "test_buf_suite". */
static void suite_name(const struct entry *entry, char *out, size_t out_size)
{
    size_t cut = strlen("test_") + strlen("_suite");
    int size = (int)(strlen(entry->function) - cut);
    snprintf(out, out_size, "%.*s", size, entry->function + strlen("test_"));
}

static const struct entry *find(const char *wanted)
{
    for (size_t i = 0; i < entry_count; i++) {
        char name[128];
        suite_name(&entries[i], name, sizeof name);
        if (strcmp(name, wanted) == 0)
            return &entries[i];
    }
    return NULL;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct totals {
    int passed;
    int failed;
};

static void run(const struct entry *entry, struct totals *totals)
{
    SRunner *runner = srunner_create(entry->make());
    double start = seconds();
    char name[128];
    int failed;
    int passed;

    fflush(stdout);
    srunner_run_all(runner, CK_SILENT);
    failed = srunner_ntests_failed(runner);
    passed = srunner_ntests_run(runner) - failed;
    suite_name(entry, name, sizeof name);
    printf("%-24s %4d passed, %d failed  %.2f s\n", name, passed, failed,
           seconds() - start);
    if (failed > 0)
        srunner_print(runner, CK_NORMAL);
    totals->passed += passed;
    totals->failed += failed;
    srunner_free(runner);
}

/* --- The folder that is $TMPDIR to the tests ------------------------------ */

static char folder[256];

static bool make_folder(void)
{
    const char *root = getenv("TMPDIR");

    snprintf(folder, sizeof folder, "%s/byron-unit-XXXXXX",
             root && *root ? root : "/tmp");
    return mkdtemp(folder) && setenv("TMPDIR", folder, 1) == 0;
}

static int remove_one(const char *path, const struct stat *status, int flag,
                      struct FTW *place)
{
    (void)status;
    (void)flag;
    (void)place;
    return remove(path);
}

static int list(void)
{
    for (size_t i = 0; i < entry_count; i++) {
        char name[128];
        suite_name(&entries[i], name, sizeof name);
        puts(name);
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct totals totals = {0, 0};

    if (argc == 2 && strcmp(argv[1], "-l") == 0)
        return list();
    for (int i = 1; i < argc; i++) {
        if (!find(argv[i])) {
            fprintf(stderr, "no suite is named %s; -l lists them\n", argv[i]);
            return EXIT_FAILURE;
        }
    }
    /* A test's patience is there for hangs: disks may be busy. */
    setenv("CK_DEFAULT_TIMEOUT", "30", 0);
    if (!make_folder()) {
        perror(folder);
        return EXIT_FAILURE;
    }
    printf("seed: BYRON_SEED=%llu\n", (unsigned long long)test_seed());
    for (int i = 1; i < argc; i++)
        run(find(argv[i]), &totals);
    for (size_t i = 0; i < entry_count && argc == 1; i++)
        run(&entries[i], &totals);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    printf("%d passed, %d failed\n", totals.passed, totals.failed);
    return totals.failed == 0 && totals.passed > 0 ? EXIT_SUCCESS
                                                   : EXIT_FAILURE;
}
