#include "grpc/server.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "grpc/worker.h"

#define MAX_LISTENERS  8
#define ACCEPT_AT_ONCE 16
#define RETRY_MS       100 /* After the system had no descriptor to give. */

struct listener {
    struct watch watch;
    struct server_worker *worker;
    bool is_tls;
};

struct server_worker {
    struct worker worker; /* First: the owner of its connections' events. */
    struct server *server;
    struct connection_owner owner; /* Of those in plain text, */
    struct connection_owner tls_owner;
    struct connection *connections;
    unsigned connection_count;
    struct listener listeners[MAX_LISTENERS];
    struct timer retry;
    struct timer grace;
    struct task drain;
    struct task renew;
    bool is_renewing; /* Needs the server's mutex: renew is posted. */
    bool is_draining;
    bool is_running;
    _Atomic uint64_t accepted; /* Counted by its thread alone. */
    _Atomic uint64_t ends[CONNECTION_END_COUNT];
    pthread_t thread;
};

struct server {
    const struct server_settings *settings;
    const struct method **methods; /* Sorted by path. */
    size_t method_count;
    struct server_worker *workers;
    int fds[MAX_LISTENERS];
    unsigned listener_count;
    uint64_t grace_ms;
    pthread_mutex_t mutex;
    struct tls *tls; /* Need mutex; workers have references of their own. */
    struct tokens *tokens;
    uint64_t age;
};

void server_default_settings(struct server_settings *out)
{
    static const struct server_settings defaults = {
        .http = {.max_streams = 256,
                 .max_header_bytes = 16 * 1024,
                 .max_header_fields = 64,
                 .stream_window = 256 * 1024,
                 .connection_window = 1024 * 1024,
                 .handshake_timeout_ms = 10 * 1000,
                 .keepalive_ms = 60 * 1000,
                 .keepalive_timeout_ms = 20 * 1000,
                 .stall_timeout_ms = 30 * 1000,
                 .idle_timeout_ms = 30 * 60 * 1000,
                 .ping_apart_ms = 10 * 1000},
        .max_message = 4 * 1024 * 1024,
        .max_held = 64 * 1024 * 1024,
        .unary_ms = 30 * 1000,
        .loops = 1,
        .max_connections = 1024,
    };
    *out = defaults;
}

/* --- Accepting -------------------------------------------------------------*/

static void watch_listeners(struct server_worker *worker, bool is_on)
{
    /* One loop of all is woken by a connection. */
    uint32_t events = is_on ? EPOLLIN | EPOLLEXCLUSIVE : 0;

    for (unsigned i = 0; i < worker->server->listener_count; i++)
        if (loop_watch(worker->worker.loop, &worker->listeners[i].watch,
                       events) != BYRON_OK &&
            is_on)
            (void)!loop_set_timer(worker->worker.loop, &worker->retry,
                                  RETRY_MS);
}

static void retry(struct timer *timer)
{
    struct server_worker *worker =
        (struct server_worker *)((char *)timer -
                                 offsetof(struct server_worker, retry));

    if (!worker->is_draining)
        watch_listeners(worker, true);
}

static void pause_accepting(struct server_worker *worker)
{
    watch_listeners(worker, false);
    if (loop_set_timer(worker->worker.loop, &worker->retry, RETRY_MS) !=
        BYRON_OK)
        watch_listeners(worker, true); /* Busy, but not deaf for ever. */
}

/*
 * There is no room: the connection that has been without a stream for longest
 * makes some, by the next round; if there is none, nobody is accepted for a
 * while.
 */
static void make_room(struct server_worker *worker)
{
    struct connection *idlest = NULL;
    uint64_t since = UINT64_MAX;

    for (struct connection *connection = worker->connections; connection;
         connection = connection_link(connection)->next) {
        uint64_t idle = connection_idle_since_ms(connection);
        /* Of several, the last in the list has come first. */
        if (idle != UINT64_MAX && idle <= since) {
            idlest = connection;
            since = idle;
        }
    }
    if (idlest)
        connection_abandon(idlest, CONNECTION_END_IDLE);
    else
        pause_accepting(worker);
}

static void add_connection(struct server_worker *worker,
                           struct connection *connection)
{
    connection_link(connection)->next = worker->connections;
    if (worker->connections)
        connection_link(worker->connections)->previous = connection;
    worker->connections = connection;
    worker->connection_count++;
    atomic_fetch_add(&worker->accepted, 1);
}

static void stop_if_done(struct server_worker *worker)
{
    if (worker->is_draining && worker->connection_count == 0)
        loop_stop(worker->worker.loop);
}

static void gone(void *context, struct connection *connection,
                 enum connection_end end)
{
    struct server_worker *worker = context;
    struct connection_link *link = connection_link(connection);

    if (link->previous)
        connection_link(link->previous)->next = link->next;
    else
        worker->connections = link->next;
    if (link->next)
        connection_link(link->next)->previous = link->previous;
    worker->connection_count--;
    atomic_fetch_add(&worker->ends[end], 1);
    stop_if_done(worker);
}

static void accept_some(struct watch *watch, uint32_t events)
{
    struct server_worker *worker = ((struct listener *)watch)->worker;

    (void)events;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        struct connection *connection;
        int fd;

        if (worker->connection_count >=
            worker->server->settings->max_connections) {
            /* That somebody waits is known of the first round alone. */
            if (i == 0)
                make_room(worker);
            return;
        }
        fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            if (connection_open(worker->worker.loop, fd,
                                ((struct listener *)watch)->is_tls
                                    ? &worker->tls_owner
                                    : &worker->owner,
                                &connection) == BYRON_OK)
                add_connection(worker, connection);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
                   errno == ENOMEM) {
            make_room(worker);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

/* --- The end ---------------------------------------------------------------*/

static void abandon_all(struct timer *timer)
{
    struct server_worker *worker =
        (struct server_worker *)((char *)timer -
                                 offsetof(struct server_worker, grace));

    for (struct connection *connection = worker->connections; connection;
         connection = connection_link(connection)->next)
        connection_abandon(connection, CONNECTION_END_DRAINED);
}

static void drain(struct task *task)
{
    struct server_worker *worker =
        (struct server_worker *)((char *)task -
                                 offsetof(struct server_worker, drain));

    worker->is_draining = true;
    watch_listeners(worker, false);
    loop_clear_timer(worker->worker.loop, &worker->retry);
    for (struct connection *connection = worker->connections; connection;
         connection = connection_link(connection)->next)
        connection_drain(connection);
    if (loop_set_timer(worker->worker.loop, &worker->grace,
                       worker->server->grace_ms) != BYRON_OK)
        abandon_all(&worker->grace);
    stop_if_done(worker);
}

void server_drain(struct server *server, uint64_t grace_ms)
{
    server->grace_ms = grace_ms;
    for (unsigned i = 0; i < server->settings->loops; i++)
        loop_post(server->workers[i].worker.loop, &server->workers[i].drain);
}

void server_wait(struct server *server)
{
    for (unsigned i = 0; i < server->settings->loops; i++) {
        if (server->workers[i].is_running)
            pthread_join(server->workers[i].thread, NULL);
        server->workers[i].is_running = false;
    }
}

/* --- What is read anew -----------------------------------------------------*/

/* On the worker's loop, or before it runs. */
static void renew(struct task *task)
{
    struct server_worker *worker =
        (struct server_worker *)((char *)task -
                                 offsetof(struct server_worker, renew));
    struct server *server = worker->server;

    pthread_mutex_lock(&server->mutex);
    worker->is_renewing = false;
    tls_unref(worker->tls_owner.tls);
    worker->tls_owner.tls = tls_ref(server->tls);
    tokens_unref(worker->worker.tokens);
    worker->worker.tokens = tokens_ref(server->tokens);
    worker->worker.age = server->age;
    pthread_mutex_unlock(&server->mutex);
}

void server_renew(struct server *server, struct tls *tls, struct tokens *tokens)
{
    pthread_mutex_lock(&server->mutex);
    tls_unref(server->tls);
    server->tls = tls_ref(tls);
    tokens_unref(server->tokens);
    server->tokens = tokens_ref(tokens);
    server->age++;
    for (unsigned i = 0; i < server->settings->loops; i++) {
        struct server_worker *worker = &server->workers[i];
        if (!worker->is_renewing)
            loop_post(worker->worker.loop, &worker->renew);
        worker->is_renewing = true;
    }
    pthread_mutex_unlock(&server->mutex);
}

/* --- Life ------------------------------------------------------------------*/

static int compare_methods(const void *a, const void *b)
{
    const struct method *const *first = a;
    const struct method *const *second = b;

    return strcmp((*first)->path, (*second)->path);
}

static byron_status worker_init(struct server_worker *worker,
                                struct server *server)
{
    worker->server = server;
    worker->owner.events = &call_events;
    worker->owner.settings = &server->settings->http;
    worker->owner.context = worker;
    worker->owner.gone = gone;
    worker->tls_owner = worker->owner;
    worker->renew.run = renew;
    renew(&worker->renew);
    worker->retry.run = retry;
    worker->grace.run = abandon_all;
    worker->drain.run = drain;
    worker->worker.settings = server->settings;
    worker->worker.methods = server->methods;
    worker->worker.method_count = server->method_count;
    worker->worker.tallies =
        calloc(server->method_count + 1, sizeof *worker->worker.tallies);
    if (!worker->worker.tallies ||
        rights_new(&worker->worker.no_rights) != BYRON_OK)
        return BYRON_NO_MEMORY;
    return loop_new(&worker->worker.loop);
}

byron_status server_new(const struct server_settings *settings,
                        const struct method *methods, size_t method_count,
                        struct server **out)
{
    struct server *server = calloc(1, sizeof *server);
    byron_status status = BYRON_NO_MEMORY;

    assert(settings->loops > 0);
    if (!server)
        return BYRON_NO_MEMORY;
    server->settings = settings;
    server->tls = tls_ref(settings->tls);
    server->tokens = tokens_ref(settings->tokens);
    pthread_mutex_init(&server->mutex, NULL);
    server->method_count = method_count;
    server->workers = calloc(settings->loops, sizeof *server->workers);
    server->methods = calloc(method_count + 1, sizeof *server->methods);
    if (server->workers && server->methods) {
        for (size_t i = 0; i < method_count; i++)
            server->methods[i] = &methods[i];
        qsort(server->methods, method_count, sizeof *server->methods,
              compare_methods);
        status = BYRON_OK;
    }
    for (unsigned i = 0; i < settings->loops && status == BYRON_OK; i++)
        status = worker_init(&server->workers[i], server);
    if (status == BYRON_OK)
        *out = server;
    else
        server_free(server);
    return status;
}

byron_status server_listen(struct server *server, struct address *address)
{
    unsigned index = server->listener_count;
    byron_status status;

    if (index == MAX_LISTENERS)
        return BYRON_MISUSE;
    status = address_listen(address, &server->fds[index]);
    if (status != BYRON_OK)
        return status;
    server->listener_count++;
    for (unsigned i = 0; i < server->settings->loops; i++) {
        struct listener *listener = &server->workers[i].listeners[index];
        listener->worker = &server->workers[i];
        listener->watch.fd = server->fds[index];
        listener->watch.ready = accept_some;
        listener->is_tls =
            server->settings->tls && address->as.any.sa_family != AF_UNIX;
    }
    return BYRON_OK;
}

static void *run(void *context)
{
    struct server_worker *worker = context;

    loop_run(worker->worker.loop);
    return NULL;
}

byron_status server_start(struct server *server)
{
    sigset_t all;
    sigset_t before;
    int failed = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < server->settings->loops && !failed; i++) {
        struct server_worker *worker = &server->workers[i];
        watch_listeners(worker, true);
        failed = pthread_create(&worker->thread, NULL, run, worker);
        worker->is_running = !failed;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failed)
        return BYRON_OK;
    server_drain(server, 0);
    server_wait(server);
    return BYRON_NO_MEMORY;
}

void server_free(struct server *server)
{
    if (!server)
        return;
    for (unsigned i = 0; i < server->listener_count; i++)
        close(server->fds[i]);
    for (unsigned i = 0; server->workers && i < server->settings->loops; i++) {
        loop_free(server->workers[i].worker.loop);
        free(server->workers[i].worker.tallies);
        rights_unref(server->workers[i].worker.no_rights);
        tokens_unref(server->workers[i].worker.tokens);
        tls_unref(server->workers[i].tls_owner.tls);
    }
    tokens_unref(server->tokens);
    tls_unref(server->tls);
    pthread_mutex_destroy(&server->mutex);
    free(server->workers);
    free(server->methods);
    free(server);
}

unsigned server_loop_count(const struct server *server)
{
    return server->settings->loops;
}

struct loop *server_loop(const struct server *server, unsigned index)
{
    return server->workers[index].worker.loop;
}

uint64_t server_count_ends(const struct server *server,
                           uint64_t out[CONNECTION_END_COUNT])
{
    uint64_t open = 0;

    memset(out, 0, CONNECTION_END_COUNT * sizeof *out);
    for (unsigned i = 0; i < server->settings->loops; i++) {
        const struct server_worker *worker = &server->workers[i];
        uint64_t gone = 0;
        for (int end = 0; end < CONNECTION_END_COUNT; end++) {
            uint64_t count = atomic_load(&worker->ends[end]);
            out[end] += count;
            gone += count;
        }
        open += atomic_load(&worker->accepted) - gone;
    }
    return open;
}

void server_visit_tallies(const struct server *server,
                          void (*visit)(void *context, const char *method,
                                        const struct tally_sum *sum),
                          void *context)
{
    for (size_t i = 0; i <= server->method_count; i++) {
        struct tally_sum sum = {0};
        for (unsigned j = 0; j < server->settings->loops; j++)
            tally_add(&server->workers[j].worker.tallies[i], &sum);
        visit(context, i < server->method_count ? server->methods[i]->path : "",
              &sum);
    }
}
