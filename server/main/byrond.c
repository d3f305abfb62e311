/*
 * byrond: the server's program: start, serve, drain.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "main/flags.h"
#include "main/serve.h"
#include "service/health.h"
#include "service/reflection.h"

#define METHODS (HEALTH_METHODS + REFLECTION_METHODS)

int main(int count, char **arguments)
{
    static const char *const names[] = {"grpc.health.v1.Health"};
    struct method methods[METHODS];
    struct byron_bytes set = serve_descriptors();
    struct health *health = NULL;
    struct flags flags;
    char words[FLAGS_WORDS_SIZE];
    int code;

    if (flags_parse(count, arguments, &flags, words) != BYRON_OK) {
        fprintf(stderr, "byrond: %s\n", words);
        return 2;
    }
    if (flags.wants_help || flags.wants_version) {
        fputs(flags.wants_help ? flags_help : "byrond " BYRON_VERSION "\n",
              stdout);
        return EXIT_SUCCESS;
    }
    if (health_new(names, sizeof names / sizeof *names, &health) != BYRON_OK) {
        fputs("byrond: out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    health_methods(health, methods);
    reflection_methods(&set, methods + HEALTH_METHODS);
    code = serve(&flags, methods, METHODS, health);
    health_free(health);
    return code;
}
