/*
 * interop_server: byrond with grpc.testing.TestService, for tests.
 *
 * As byrond, and ends by itself after 300 seconds. Time-outs and limits are
 * short enough to be waited for, with the environment's SHORT=1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "main/serve.h"
#include "server/interop_service.h"
#include "service/health.h"
#include "service/reflection.h"

#define METHODS (HEALTH_METHODS + REFLECTION_METHODS + INTEROP_METHODS)

static void shorten(struct server_settings *settings)
{
    settings->http.handshake_timeout_ms = 1000;
    settings->http.keepalive_ms = 1000;
    settings->http.keepalive_timeout_ms = 500;
    settings->http.stall_timeout_ms = 1000;
    settings->http.idle_timeout_ms = 3000;
    settings->unary_ms = 1000;
    settings->max_connections = 20;
    settings->max_held = 8 * 1024 * 1024;
}

int main(int count, char **arguments)
{
    static const char *const names[] = {"grpc.testing.TestService"};
    struct method methods[METHODS];
    struct byron_bytes set = serve_descriptors();
    struct server_settings settings;
    struct services services = {0};
    struct health *health = NULL;
    struct flags flags;
    char words[FLAGS_WORDS_SIZE];
    int code;

    alarm(300);
    server_default_settings(&settings);
    if (getenv("SHORT"))
        shorten(&settings);
    if (flags_parse(count, arguments, &flags, words) != BYRON_OK ||
        health_new(names, 1, &health) != BYRON_OK) {
        fprintf(stderr, "interop_server: %s\n", words);
        return EXIT_FAILURE;
    }
    health_methods(health, methods);
    reflection_methods(&set, methods + HEALTH_METHODS);
    interop_methods(methods + HEALTH_METHODS + REFLECTION_METHODS);
    services.methods = methods;
    services.method_count = METHODS;
    services.health = health;
    code = serve(&flags, &settings, &services);
    health_free(health);
    flags_deinit(&flags);
    return code;
}
