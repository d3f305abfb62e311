/*
 * byrond: the server's program: start, serve, drain.
 */
#include <stdio.h>
#include <stdlib.h>

#include "main/flags.h"
#include "main/serve.h"
#include "service/health.h"
#include "service/reflection.h"

#define METHODS                                                                \
    (HEALTH_METHODS + REFLECTION_METHODS + STORE_METHODS + SQL_METHODS)

/* What is served; NULL: it is not. */
struct served {
    struct health *health;
    struct store *store;
    struct sql *sql;
};

static int fail(const char *words)
{
    fprintf(stderr, "byrond: %s\n", words);
    return EXIT_FAILURE;
}

static int serve_all(const struct flags *flags, const struct served *served)
{
    struct method methods[METHODS];
    struct services services = {.methods = methods,
                                .health = served->health,
                                .store = served->store,
                                .sql = served->sql};
    struct byron_bytes set = serve_descriptors();
    size_t count = HEALTH_METHODS + REFLECTION_METHODS;

    health_methods(served->health, methods);
    reflection_methods(&set, methods + HEALTH_METHODS);
    if (served->store) {
        store_methods(served->store, methods + count);
        count += STORE_METHODS;
    }
    if (served->sql) {
        sql_methods(served->sql, methods + count);
        count += SQL_METHODS;
    }
    services.method_count = count;
    return serve(flags, NULL, &services);
}

/* Opens what the flags name; else words say why not. */
static byron_status open_all(const struct flags *flags, struct served *out,
                             char words[SQL_WORDS_SIZE])
{
    static const char *const names[] = {"byron.v1.Byron"};
    struct store_settings settings;
    struct sql_settings sql;
    struct byron_error error;
    byron_status status = BYRON_OK;

    store_default_settings(&settings);
    settings.lease_seconds = flags->lease_seconds;
    sql_default_settings(&sql);
    sql.seconds = flags->lease_seconds;
    if (flags->store)
        status = store_open(flags->store, &settings, &out->store);
    if (status != BYRON_OK) {
        byron_last_error(&error);
        snprintf(words, SQL_WORDS_SIZE, "%.250s", error.words);
        return status;
    }
    if (flags->database)
        status = sql_open(flags->database, &sql, &out->sql, words);
    if (status != BYRON_OK)
        return status;
    snprintf(words, SQL_WORDS_SIZE, "out of memory");
    return health_new(names, 1, &out->health);
}

static int run(const struct flags *flags)
{
    struct served served = {.store = NULL};
    struct byron_error error;
    char words[SQL_WORDS_SIZE];
    int code;

    if (!flags->store && !flags->database)
        return fail("--store=DIRECTORY or --database=FILE is needed "
                    "(--help says more)");
    if (open_all(flags, &served, words) == BYRON_OK)
        code = serve_all(flags, &served);
    else
        code = fail(words);
    health_free(served.health);
    sql_stop(served.sql);
    sql_close(served.sql);
    store_stop(served.store);
    if (store_close(served.store) != BYRON_OK) {
        byron_last_error(&error);
        return fail(error.words);
    }
    return code;
}

int main(int count, char **arguments)
{
    struct flags flags;
    char words[FLAGS_WORDS_SIZE];
    int code = EXIT_SUCCESS;

    if (flags_parse(count, arguments, &flags, words) != BYRON_OK) {
        fail(words);
        code = 2;
    } else if (flags.wants_help || flags.wants_version) {
        fputs(flags.wants_help ? flags_help : "byrond " BYRON_VERSION "\n",
              stdout);
    } else if (flags.wants_print) {
        flags_print(&flags, stdout);
    } else {
        code = run(&flags);
    }
    flags_deinit(&flags);
    return code;
}
