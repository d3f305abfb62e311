/*
 * byrond: the server's program: start, serve, drain.
 */
#include <stdio.h>
#include <stdlib.h>

#include "main/flags.h"
#include "main/serve.h"
#include "service/health.h"
#include "service/reflection.h"

#define METHODS (HEALTH_METHODS + REFLECTION_METHODS + STORE_METHODS)

static int fail(const char *words)
{
    fprintf(stderr, "byrond: %s\n", words);
    return EXIT_FAILURE;
}

static int serve_all(const struct flags *flags, struct store *store,
                     struct health *health)
{
    struct method methods[METHODS];
    struct services services = {methods, METHODS, health, store};
    struct byron_bytes set = serve_descriptors();

    health_methods(health, methods);
    reflection_methods(&set, methods + HEALTH_METHODS);
    store_methods(store, methods + HEALTH_METHODS + REFLECTION_METHODS);
    return serve(flags, NULL, &services);
}

static int run(const struct flags *flags)
{
    static const char *const names[] = {"byron.v1.Byron"};
    struct store_settings settings;
    struct health *health = NULL;
    struct store *store = NULL;
    struct byron_error error;
    int code;

    if (!flags->store)
        return fail("--store=DIRECTORY is needed (--help says more)");
    store_default_settings(&settings);
    settings.lease_seconds = flags->lease_seconds;
    if (store_open(flags->store, &settings, &store) != BYRON_OK) {
        byron_last_error(&error);
        return fail(error.words);
    }
    if (health_new(names, 1, &health) == BYRON_OK)
        code = serve_all(flags, store, health);
    else
        code = fail("out of memory");
    health_free(health);
    store_stop(store);
    if (store_close(store) != BYRON_OK) {
        byron_last_error(&error);
        return fail(error.words);
    }
    return code;
}

int main(int count, char **arguments)
{
    struct flags flags;
    char words[FLAGS_WORDS_SIZE];

    if (flags_parse(count, arguments, &flags, words) != BYRON_OK) {
        fail(words);
        return 2;
    }
    if (!flags.wants_help && !flags.wants_version)
        return run(&flags);
    fputs(flags.wants_help ? flags_help : "byrond " BYRON_VERSION "\n", stdout);
    return EXIT_SUCCESS;
}
