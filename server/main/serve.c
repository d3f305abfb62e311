#include "main/serve.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static const uint8_t descriptors[] = {
#include "descriptors.h"
};

struct byron_bytes serve_descriptors(void)
{
    struct byron_bytes set = {descriptors, sizeof descriptors};
    return set;
}

static byron_status listen_everywhere(struct server *server,
                                      struct address *addresses, unsigned count,
                                      unsigned *out_count)
{
    for (*out_count = 0; *out_count < count; ++*out_count) {
        char text[ADDRESS_TEXT_SIZE];
        byron_status status = server_listen(server, &addresses[*out_count]);

        address_print(&addresses[*out_count], text);
        if (status != BYRON_OK) {
            fprintf(stderr, "byrond: cannot listen at %s: %s\n", text,
                    status == BYRON_BUSY ? "somebody else does"
                                         : "not allowed "
                                           "here");
            return status;
        }
        printf("listening %s\n", text);
    }
    puts("ready");
    fflush(stdout);
    return BYRON_OK;
}

static void await_signal(void)
{
    sigset_t wanted;
    int caught;

    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigwait(&wanted, &caught);
    /* The next one ends the process, whatever it waits for. */
    pthread_sigmask(SIG_UNBLOCK, &wanted, NULL);
}

static void block_signals(void)
{
    sigset_t wanted;

    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    pthread_sigmask(SIG_BLOCK, &wanted, NULL);
}

static void report(const struct server *server)
{
    uint64_t ends[CONNECTION_END_COUNT];

    server_count_ends(server, ends);
    fputs("byrond: ended; connections:", stderr);
    for (int i = 0; i < CONNECTION_END_COUNT; i++)
        fprintf(stderr, " %s=%" PRIu64,
                connection_end_words((enum connection_end)i), ends[i]);
    fputc('\n', stderr);
}

static byron_status start(struct server *server, const struct flags *flags,
                          const struct services *services,
                          struct address *addresses, unsigned *out_listening)
{
    byron_status status = health_attach(services->health, server);

    if (status == BYRON_OK)
        status = listen_everywhere(server, addresses, flags->listen_count,
                                   out_listening);
    return status == BYRON_OK ? server_start(server) : status;
}

int serve(const struct flags *flags, struct server_settings *settings,
          const struct services *services)
{
    struct address addresses[FLAGS_MAX_LISTEN];
    struct server_settings usual;
    struct server *server = NULL;
    unsigned listening = 0;
    byron_status status;

    server_default_settings(&usual);
    settings = settings ? settings : &usual;
    settings->loops = flags->loops;
    for (unsigned i = 0; i < flags->listen_count; i++)
        addresses[i] = flags->listen[i];
    block_signals();
    status = server_new(settings, services->methods, services->method_count,
                        &server);
    if (status == BYRON_OK)
        status = start(server, flags, services, addresses, &listening);
    if (status == BYRON_OK) {
        await_signal();
        health_drain(services->health);
        server_drain(server, (uint64_t)flags->grace_seconds * 1000);
        server_wait(server);
        report(server);
    }
    /* What is under way comes back to loops that server_free ends. */
    store_stop(services->store);
    for (unsigned i = 0; i < listening; i++)
        address_unlink(&addresses[i]);
    server_free(server);
    return status == BYRON_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
