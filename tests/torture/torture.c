/*
 * torture: the extension and SQLite over files that are cut off, fail and lie.
 *
 * Usage: torture extension=FILE [mode=crash|fault|disturb] [seed=N]
 *                [seeds=N] [steps=N] [share=N] [folder=DIRECTORY]
 *                [journal=MODE] [verbose]
 *
 * Prints the seed of each run; the same seed does the same again, but for
 * what the engine's thread does meanwhile. A failure leaves the files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "torture/crash.h"
#include "torture/fault.h"
#include "torture/report.h"
#include "torture/storage.h"

struct arguments {
    const char *extension;
    const char *folder;
    uint64_t seed;
    uint64_t seeds;
    uint64_t steps;
    uint64_t share;
    const char *journal;
    const char *mode; /* What is done: crash, fault or disturb. */
    bool is_verbose;
};

static void read_arguments(int count, char **words, struct arguments *out)
{
    for (int i = 1; i < count; i++) {
        char *value = strchr(words[i], '=');
        size_t size = value ? (size_t)(value - words[i]) : 0;
        uint64_t number = value ? strtoull(value + 1, NULL, 10) : 0;
        if (value && strncmp(words[i], "extension", size) == 0)
            out->extension = value + 1;
        else if (value && strncmp(words[i], "folder", size) == 0)
            out->folder = value + 1;
        else if (value && strncmp(words[i], "seeds", size) == 0 && size == 5)
            out->seeds = number;
        else if (value && strncmp(words[i], "seed", size) == 0)
            out->seed = number;
        else if (value && strncmp(words[i], "journal", size) == 0)
            out->journal = value + 1;
        else if (value && strncmp(words[i], "mode", size) == 0)
            out->mode = value + 1;
        else if (value && strncmp(words[i], "steps", size) == 0)
            out->steps = number;
        else if (value && strncmp(words[i], "share", size) == 0)
            out->share = number;
        else if (strcmp(words[i], "verbose") == 0)
            out->is_verbose = true;
        else
            report_failure("%s: no such argument", words[i]);
    }
    if (!out->extension)
        report_failure("extension= is missing");
}

static void log_words(void *context, int code, const char *words)
{
    (void)context;
    printf("SQLite: %s (%d)\n", words, code);
}

int main(int count, char **words)
{
    struct arguments arguments = {.folder = "/dev/shm",
                                  .seed = test_seed(),
                                  .seeds = 1,
                                  .steps = 40,
                                  .mode = "crash",
                                  .share = 1};
    struct crash_totals totals = {0};
    struct fault_totals faults = {0};
    char folder[100];

    setvbuf(stdout, NULL, _IOLBF, 0);
    read_arguments(count, words, &arguments);
    if (arguments.is_verbose)
        sqlite3_config(SQLITE_CONFIG_LOG, log_words, NULL);
    for (uint64_t i = 0; i < arguments.seeds; i++) {
        struct subject subject;
        uint64_t seed = arguments.seed + i;
        snprintf(folder, sizeof folder, "%s/byron-torture-XXXXXX",
                 arguments.folder);
        if (!mkdtemp(folder))
            report_failure("%s cannot be made", folder);
        printf("torture: seed=%llu in %s\n", (unsigned long long)seed, folder);
        subject_init(&subject, arguments.extension, folder, seed);
        subject.is_verbose = arguments.is_verbose;
        if (arguments.journal)
            subject.journal = arguments.journal;
        if (strcmp(arguments.mode, "fault") == 0)
            fault_run(&subject, arguments.steps, &faults);
        else if (strcmp(arguments.mode, "disturb") == 0)
            fault_disturb(&subject, arguments.steps);
        else
            crash_run(&subject, arguments.steps, arguments.share, &totals);
        subject_deinit(&subject);
        rmdir(folder);
    }
    if (totals.images > 0)
        printf("torture: %llu commits, %llu images, %llu of a recovery, %llu "
               "copies looked at\n",
               (unsigned long long)totals.commits,
               (unsigned long long)totals.images,
               (unsigned long long)totals.second_images,
               (unsigned long long)totals.copies);
    if (faults.armed > 0)
        printf("torture: %llu faults, %llu of which struck, %llu failed "
               "statements, %llu copies begun\n",
               (unsigned long long)faults.armed,
               (unsigned long long)faults.struck,
               (unsigned long long)faults.failed,
               (unsigned long long)faults.copies);
    printf("torture: %llu passed, 0 failed\n",
           (unsigned long long)arguments.seeds);
    return 0;
}
