/*
 * differ: random scripts on byron tables and on ordinary ones.
 *
 * A seed makes a schema and some hundred statements; each runs on both sides,
 * and whatever SQLite says must be the same: docs/testing.md, "Differences".
 * A script that differs is shrunk and printed.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "differ/generator.h"
#include "differ/shrink.h"
#include "differ/sides.h"

struct arguments {
    struct sides_settings sides;
    struct features features;
    uint64_t seed;
    long seeds;
    long seconds; /* 0: until the last seed. */
    int steps;
    bool is_shrunk;
    bool ends_at_first; /* That differs. */
};

struct totals {
    long passed;
    long failed;
    long statements;
    long answers;
    long errors;
    long cut;
};

/* --- What byron can do already -------------------------------------------- */

static bool can_run(const struct sides_settings *settings, const char *first,
                    const char *second)
{
    struct sides_result result;
    struct script script = {0};

    for (int i = 0; i < 2; i++)
        if (i == 0 || second)
            script_add(&script,
                       &(struct step){.kind = STEP_BYRON,
                                      .sql = sqlite3_mprintf(
                                          "%s", i == 0 ? first : second)});
    sides_run(&script, settings, &result);
    script_deinit(&script);
    return result.verdict == VERDICT_SAME;
}

static void probe(const struct sides_settings *settings,
                  struct features *features)
{
    features->has_index =
        can_run(settings,
                "CREATE VIRTUAL TABLE x USING byron(a, b, INDEX x_b(b))", NULL);
    features->has_unique = can_run(
        settings, "CREATE VIRTUAL TABLE x USING byron(a, b, UNIQUE(b))", NULL);
    features->has_add_index =
        can_run(settings, "CREATE VIRTUAL TABLE x USING byron(a, b)",
                "INSERT INTO x(x, arg) VALUES('add-index', 'x_b(b)')");
}

/* --- Running -------------------------------------------------------------- */

static void show_failure(const struct arguments *arguments,
                         const struct script *script,
                         const struct sides_result *result, const char *name)
{
    printf("FAILED %s, SQLite %s: %s differ in:\n", name, sqlite3_libversion(),
           verdict_words(result->verdict));
    script_print(script, stdout);
    printf("%s", result->words);
    if (arguments->is_shrunk)
        printf("  again: differ %s steps=%d extension=...\n", name,
               arguments->steps);
    fflush(stdout);
}

static void judge(const struct arguments *arguments, struct script *script,
                  const char *name, struct totals *totals)
{
    struct sides_result result;

    sides_run(script, &arguments->sides, &result);
    totals->statements += result.statements;
    totals->answers += result.answers;
    totals->errors += result.errors;
    totals->cut += result.is_cut;
    if (result.verdict == VERDICT_SAME) {
        totals->passed++;
        return;
    }
    totals->failed++;
    if (arguments->is_shrunk)
        shrink(script, &arguments->sides, &result);
    show_failure(arguments, script, &result, name);
}

static void run_seeds(const struct arguments *arguments, struct totals *totals)
{
    time_t start = time(NULL);

    for (long i = 0; i < arguments->seeds; i++) {
        uint64_t seed = arguments->seed + (uint64_t)i;
        struct script script;
        char name[64];

        if ((arguments->seconds && time(NULL) - start >= arguments->seconds) ||
            (arguments->ends_at_first && totals->failed > 0))
            break;
        snprintf(name, sizeof name, "seed=%llu", (unsigned long long)seed);
        generate(seed, arguments->steps, &arguments->features, &script);
        judge(arguments, &script, name, totals);
        script_deinit(&script);
    }
}

static void run_file(const struct arguments *arguments, const char *path,
                     struct totals *totals)
{
    struct script script;

    if (!script_read(path, &script)) {
        printf("FAILED %s: no script\n", path);
        totals->failed++;
        return;
    }
    judge(arguments, &script, path, totals);
    script_deinit(&script);
}

/* --- Arguments ------------------------------------------------------------ */

static const char *value_of(const char *argument, const char *name)
{
    size_t size = strlen(name);

    return strncmp(argument, name, size) == 0 && argument[size] == '='
               ? argument + size + 1
               : NULL;
}

static bool take_argument(struct arguments *arguments, const char *argument)
{
    const char *value;

    if ((value = value_of(argument, "extension")))
        arguments->sides.extension = value;
    else if ((value = value_of(argument, "folder")))
        arguments->sides.folder = value;
    else if ((value = value_of(argument, "seed")))
        arguments->seed = strtoull(value, NULL, 0);
    else if ((value = value_of(argument, "seeds")))
        arguments->seeds = atol(value);
    else if ((value = value_of(argument, "seconds")))
        arguments->seconds = atol(value);
    else if ((value = value_of(argument, "steps")))
        arguments->steps = atoi(value);
    else if (strcmp(argument, "whole") == 0)
        arguments->is_shrunk = false;
    else if (strcmp(argument, "first") == 0)
        arguments->ends_at_first = true;
    else if (strcmp(argument, "verbose") == 0)
        arguments->sides.is_verbose = true;
    else
        return false;
    return true;
}

/* In memory, if that can be. */
static const char *temporary_folder(void)
{
    const char *folder = getenv("TMPDIR");

    if (folder && *folder)
        return folder;
    return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

int main(int argc, char **argv)
{
    struct arguments arguments = {
        .sides = {.folder = temporary_folder(), .timeout_seconds = 30},
        .seed = test_seed(),
        .seeds = 1,
        .steps = 220,
        .is_shrunk = true};
    struct totals totals = {0};
    const char *scripts[64];
    int script_count = 0;

    for (int i = 1; i < argc; i++)
        if (!take_argument(&arguments, argv[i]) && script_count < 64)
            scripts[script_count++] = argv[i];
    if (!arguments.sides.extension) {
        fputs("usage: differ extension=FILE [seed=N] [seeds=N] [seconds=N] "
              "[steps=N] [folder=PATH] [first] [whole] [verbose] [SCRIPT...]\n",
              stderr);
        return 2;
    }
    probe(&arguments.sides, &arguments.features);
    for (int i = 0; i < script_count; i++)
        run_file(&arguments, scripts[i], &totals);
    if (script_count == 0)
        run_seeds(&arguments, &totals);
    printf("differ, SQLite %s: seeds from %llu, %ld statements (%ld with rows, "
           "%ld refused), %ld cut short\n",
           sqlite3_libversion(), (unsigned long long)arguments.seed,
           totals.statements, totals.answers, totals.errors, totals.cut);
    printf("differ: %ld passed, %ld failed\n", totals.passed, totals.failed);
    return totals.failed > 0 || totals.passed == 0;
}
