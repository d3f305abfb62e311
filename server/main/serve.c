#include "main/serve.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "main/call_log.h"
#include "main/notify.h"
#include "service/metrics.h"

static const uint8_t descriptors[] = {
#include "descriptors.h"
};

struct byron_bytes serve_descriptors(void)
{
    struct byron_bytes set = {descriptors, sizeof descriptors};
    return set;
}

static byron_status complain(byron_status status, const struct address *address)
{
    char text[ADDRESS_TEXT_SIZE];

    address_print(address, text);
    fprintf(stderr, "byrond: cannot listen at %s: %s\n", text,
            status == BYRON_BUSY ? "somebody else does" : "not allowed here");
    return status;
}

static byron_status listen_everywhere(struct server *server,
                                      struct address *addresses, unsigned count,
                                      unsigned *out_count)
{
    for (*out_count = 0; *out_count < count; ++*out_count) {
        char text[ADDRESS_TEXT_SIZE];
        byron_status status = server_listen(server, &addresses[*out_count]);

        if (status != BYRON_OK)
            return complain(status, &addresses[*out_count]);
        address_print(&addresses[*out_count], text);
        printf("listening %s\n", text);
    }
    puts("ready");
    fflush(stdout);
    return BYRON_OK;
}

static void block_signals(void)
{
    sigset_t wanted;

    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &wanted, NULL);
    /* OpenSSL writes to sockets that may be closed. */
    signal(SIGPIPE, SIG_IGN);
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

/* What a server has around it. */
struct running {
    struct server_settings usual;
    struct server *server;
    struct call_log *log;
    struct metrics *metrics;
    struct tls *tls;
    struct tokens *tokens;
    struct address addresses[FLAGS_MAX_LISTEN];
    struct address metrics_address;
    unsigned listening;
};

static byron_status start_metrics(struct running *running,
                                  const struct flags *flags,
                                  const struct services *services)
{
    char text[ADDRESS_TEXT_SIZE];
    byron_status status;

    if (!flags->has_metrics)
        return BYRON_OK;
    running->metrics_address = flags->metrics;
    status = metrics_new(&running->metrics_address, services->store,
                         running->server, &running->metrics);
    if (status != BYRON_OK)
        return complain(status, &running->metrics_address);
    address_print(&running->metrics_address, text);
    printf("metrics %s\n", text);
    return BYRON_OK;
}

/* In place of those that there were, if all that is read is good. */
static byron_status read_secrets(struct running *running,
                                 const struct flags *flags)
{
    char words[TLS_WORDS_SIZE];
    struct tls *tls = NULL;
    struct tokens *tokens = NULL;
    byron_status status = BYRON_OK;

    if (flags->certificate)
        status = tls_new(flags->certificate, flags->key, flags->clients,
                         !flags->tokens, &tls, words);
    if (status == BYRON_OK && flags->tokens)
        status = tokens_read(flags->tokens, &tokens, words);
    if (status != BYRON_OK) {
        fprintf(stderr, "byrond: %s\n", words);
        tls_unref(tls);
        return status;
    }
    tls_unref(running->tls);
    tokens_unref(running->tokens);
    running->tls = tls;
    running->tokens = tokens;
    return BYRON_OK;
}

static void renew(struct running *running, const struct flags *flags)
{
    notify_tell(NOTIFY_RELOADING);
    if (read_secrets(running, flags) == BYRON_OK) {
        server_renew(running->server, running->tls, running->tokens);
        fputs("byrond: tokens and certificates are those of now\n", stderr);
    } else {
        fputs("byrond: tokens and certificates stay what they were\n", stderr);
    }
    notify_tell(NOTIFY_READY);
}

/* Until the signal that ends it. */
static void await_end(struct running *running, const struct flags *flags)
{
    sigset_t wanted;
    sigset_t last;
    int caught = 0;

    sigemptyset(&last);
    sigaddset(&last, SIGTERM);
    sigaddset(&last, SIGINT);
    wanted = last;
    sigaddset(&wanted, SIGHUP);
    while (sigwait(&wanted, &caught) != 0 || caught == SIGHUP)
        if (caught == SIGHUP)
            renew(running, flags);
    /* The next one ends the process, whatever it waits for. */
    pthread_sigmask(SIG_UNBLOCK, &last, NULL);
}

static byron_status start(struct running *running, const struct flags *flags,
                          const struct services *services,
                          struct server_settings *settings)
{
    byron_status status = read_secrets(running, flags);

    settings->tls = running->tls;
    settings->tokens = running->tokens;
    if (status == BYRON_OK && flags->log != CALL_LOG_NONE)
        status = call_log_new(flags->log, STDERR_FILENO, &running->log);
    settings->ended = running->log ? call_log_add : NULL;
    settings->context = running->log;
    if (status == BYRON_OK)
        status = server_new(settings, services->methods, services->method_count,
                            &running->server);
    if (status == BYRON_OK && services->store)
        store_attach(services->store, running->server);
    if (status == BYRON_OK)
        status = health_attach(services->health, running->server);
    if (status == BYRON_OK)
        status = start_metrics(running, flags, services);
    if (status == BYRON_OK)
        status = listen_everywhere(running->server, running->addresses,
                                   flags->listen_count, &running->listening);
    return status == BYRON_OK ? server_start(running->server) : status;
}

static void stop(struct running *running, const struct services *services)
{
    if (running->metrics)
        address_unlink(&running->metrics_address);
    metrics_free(running->metrics);
    /* What is under way comes back to loops that server_free ends. */
    store_stop(services->store);
    sql_stop(services->sql);
    for (unsigned i = 0; i < running->listening; i++)
        address_unlink(&running->addresses[i]);
    server_free(running->server);
    call_log_free(running->log);
    tokens_unref(running->tokens);
    tls_unref(running->tls);
}

int serve(const struct flags *flags, struct server_settings *settings,
          const struct services *services)
{
    struct running running = {.listening = 0};
    byron_status status;

    server_default_settings(&running.usual);
    settings = settings ? settings : &running.usual;
    settings->loops = flags->loops;
    for (unsigned i = 0; i < flags->listen_count; i++)
        running.addresses[i] = flags->listen[i];
    block_signals();
    status = start(&running, flags, services, settings);
    if (status == BYRON_OK) {
        notify_tell(NOTIFY_READY);
        await_end(&running, flags);
        notify_tell(NOTIFY_STOPPING);
        health_drain(services->health);
        server_drain(running.server, (uint64_t)flags->grace_seconds * 1000);
        server_wait(running.server);
        report(running.server);
    }
    stop(&running, services);
    return status == BYRON_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
