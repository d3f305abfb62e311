#include "service/sql.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/permit.h"
#include "service/pool.h"
#include "service/reply.h"
#include "service/sql_extension.h"

#define MAX_SESSIONS 64
#define MAX_PARAMS   32766
#define PARAM_SIZE   ((size_t)96) /* In memory, however small it comes. */

/*
 * One call. First it waits for a session, unless one is free; then it is with a
 * thread (is_running), or with its loop, waiting for the client to take what
 * was sent. A thread gives the session back: at the end of the rows, or in a
 * run that does nothing else (is_ending).
 */
struct query {
    struct job job;    /* First. */
    struct call *call; /* NULL: it is closed, or has been answered. */
    struct sql *sql;
    Byron__V1__QueryRequest *message;
    struct rights *rights;      /* NULL: every one. */
    struct query *next_waiting; /* Needs the mutex of sql, */
    bool is_waiting;            /* and so does this. */
    struct sql_session *session;
    struct timer expiry;
    struct bytes chunk;
    struct outcome outcome;
    char words[SQL_WORDS_SIZE]; /* Of outcome: the session's go with it. */
    atomic_bool stop;
    bool is_begun;
    bool is_running; /* Or waiting for a session. */
    bool is_ending;
    bool is_over; /* Nothing is held any more but memory. */
};

struct sql {
    struct sql_settings settings;
    struct pool *pool;
    pthread_mutex_t mutex;
    struct sql_session *free[MAX_SESSIONS]; /* Needs mutex, as all below. */
    unsigned free_count;
    struct query *waiting; /* First come first. */
    struct query **waiting_end;
    unsigned waiting_count;
    size_t waiting_bytes;
};

void sql_default_settings(struct sql_settings *out)
{
    static const struct sql_settings defaults = {
        .sessions = 4,
        .max_waiting = 256,
        .max_waiting_bytes = (size_t)64 * 1024 * 1024,
        .max_heap = (int64_t)512 * 1024 * 1024,
        .seconds = 600};
    *out = defaults;
}

/* --- Sessions --------------------------------------------------------------*/

/* Needs mutex. The first that waits, or NULL. */
static struct query *take_waiting(struct sql *sql)
{
    struct query *first = sql->waiting;

    if (!first)
        return NULL;
    sql->waiting = first->next_waiting;
    if (!sql->waiting)
        sql->waiting_end = &sql->waiting;
    sql->waiting_count--;
    sql->waiting_bytes -= first->job.size;
    first->is_waiting = false;
    return first;
}

/* To who waits for it, or to the free ones. On a thread that may wait. */
static void give_back(struct query *query)
{
    struct sql *sql = query->sql;
    struct query *next;

    sql_session_end(query->session);
    pthread_mutex_lock(&sql->mutex);
    next = take_waiting(sql);
    if (next)
        next->session = query->session;
    else
        sql->free[sql->free_count++] = query->session;
    query->session = NULL;
    query->is_over = true;
    pthread_mutex_unlock(&sql->mutex);
    if (next)
        pool_push(sql->pool, &next->job);
}

/* A session now, or a place in the queue. BUSY: there is none. */
static byron_status find_session(struct query *query)
{
    struct sql *sql = query->sql;
    byron_status status = BYRON_OK;
    bool is_waiting = false;

    pthread_mutex_lock(&sql->mutex);
    if (sql->free_count > 0) {
        query->session = sql->free[--sql->free_count];
    } else if (sql->waiting_count < sql->settings.max_waiting &&
               sql->waiting_bytes + query->job.size <=
                   sql->settings.max_waiting_bytes) {
        query->next_waiting = NULL;
        query->is_waiting = is_waiting = true;
        *sql->waiting_end = query;
        sql->waiting_end = &query->next_waiting;
        sql->waiting_count++;
        sql->waiting_bytes += query->job.size;
    } else {
        status = BYRON_BUSY;
    }
    pthread_mutex_unlock(&sql->mutex);
    if (status == BYRON_OK && !is_waiting)
        pool_push(sql->pool, &query->job);
    return status;
}

/* True: it waits no longer, and has no session. */
static bool leave_queue(struct query *query)
{
    struct sql *sql = query->sql;
    struct query **place = &sql->waiting;
    bool was_waiting;

    pthread_mutex_lock(&sql->mutex);
    was_waiting = query->is_waiting;
    while (was_waiting && *place != query)
        place = &(*place)->next_waiting;
    if (was_waiting) {
        *place = query->next_waiting;
        if (!*place)
            sql->waiting_end = place;
        sql->waiting_count--;
        sql->waiting_bytes -= query->job.size;
        query->is_waiting = false;
    }
    pthread_mutex_unlock(&sql->mutex);
    return was_waiting;
}

/* --- On a thread that may wait ---------------------------------------------*/

static void run(void *context, struct job *job)
{
    struct query *query = (struct query *)job;
    bool is_end = true;

    (void)context;
    if (!query->is_ending && !query->is_begun)
        query->outcome = sql_session_begin(query->session, query->message,
                                           query->rights, &query->stop);
    query->is_begun = true;
    if (!query->is_ending && query->outcome.code == GRPC_OK)
        query->outcome =
            sql_session_fill(query->session, &query->chunk, &is_end);
    if (query->outcome.words) {
        snprintf(query->words, sizeof query->words, "%s", query->outcome.words);
        query->outcome.words = query->words;
    }
    if (query->is_ending || is_end || query->outcome.code != GRPC_OK)
        give_back(query);
}

/* --- On the loop -----------------------------------------------------------*/

static void query_free(struct query *query)
{
    loop_clear_timer(query->job.loop, &query->expiry);
    bytes_deinit(&query->chunk);
    rights_unref(query->rights);
    reply_free(&query->message->base);
    free(query);
}

static void push(struct query *query)
{
    query->is_running = true;
    if (query->sql->pool) {
        pool_push(query->sql->pool, &query->job);
        return;
    }
    /* The loops are over: this is the end of the program. */
    run(NULL, &query->job);
    query_free(query);
}

/* Nobody is to be told anything any more. */
static void let_go(struct query *query)
{
    if (query->call)
        *call_state(query->call) = NULL;
    query->call = NULL;
    atomic_store(&query->stop, true);
    if (query->is_running && !leave_queue(query))
        return; /* done will come. */
    if (query->is_over || !query->session) {
        query_free(query);
        return;
    }
    query->is_ending = true;
    push(query);
}

/* Sends what was read; false: that was the last. */
static bool answer(struct query *query)
{
    struct call *call = query->call;

    if (query->outcome.code != GRPC_OK) {
        call_finish(call, query->outcome.code, query->outcome.words);
        return false;
    }
    if (query->chunk.size > 0)
        call_send(call, bytes_lend(&query->chunk), CALL_PLAIN);
    query->chunk.size = 0;
    if (!query->is_over)
        return true;
    call_finish(call, GRPC_OK, "");
    return false;
}

static void done(struct task *task)
{
    struct query *query = (struct query *)task;

    query->is_running = false;
    if (!query->call || !answer(query))
        let_go(query);
    else if (!call_is_full(query->call))
        push(query);
    else
        bytes_deinit(&query->chunk); /* Who waits for long holds little. */
}

static void drained(struct call *call)
{
    struct query *query = *call_state(call);

    if (query && !query->is_running)
        push(query);
}

static void expired(struct timer *timer)
{
    struct query *query =
        (struct query *)((char *)timer - offsetof(struct query, expiry));

    if (!query->call)
        return;
    call_finish(query->call, GRPC_ABORTED, "the statement took too long");
    let_go(query);
}

static void closed(struct call *call)
{
    struct query *query = *call_state(call);

    if (query)
        let_go(query);
}

static void message(struct call *call, struct byron_bytes bytes)
{
    struct sql *sql = call_service(call);
    ProtobufCMessage *request =
        reply_unpack(call, &byron__v1__query_request__descriptor, bytes);
    struct query *query;
    size_t params;

    if (!request)
        return;
    params = ((Byron__V1__QueryRequest *)request)->n_params;
    if (params > MAX_PARAMS)
        call_finish(call, GRPC_INVALID_ARGUMENT,
                    "at most 32,766 parameters, please");
    if (params > MAX_PARAMS || !permit_some(call, RIGHTS_TABLES)) {
        reply_free(request);
        return;
    }
    query = calloc(1, sizeof *query);
    if (!query) {
        reply_free(request);
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    query->call = call;
    query->sql = sql;
    query->message = (Byron__V1__QueryRequest *)request;
    query->rights = rights_ref(caller_rights(call));
    query->job.loop = call_loop(call);
    query->job.done.run = done;
    query->job.run = run;
    query->job.size = bytes.size + params * PARAM_SIZE;
    query->expiry.run = expired;
    query->is_running = true;
    if (loop_set_timer(call_loop(call), &query->expiry,
                       (uint64_t)sql->settings.seconds * 1000) != BYRON_OK) {
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
    } else if (find_session(query) != BYRON_OK) {
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "too many queries wait");
    } else {
        *call_state(call) = query;
        return;
    }
    query_free(query);
}

void sql_methods(struct sql *sql, struct method out[SQL_METHODS])
{
    static const struct method method = {.path = "/byron.v1.Byron/Query",
                                         .has_many_responses = true,
                                         .message = message,
                                         .drained = drained,
                                         .closed = closed};

    memcpy(out, &method, sizeof method);
    out->service = sql;
}

/* --- Life ------------------------------------------------------------------*/

byron_status sql_open(const char *path, const struct sql_settings *settings,
                      struct sql **out, char words[SQL_WORDS_SIZE])
{
    struct pool_settings pool = {.threads = settings->sessions,
                                 .max_jobs = SIZE_MAX,
                                 .max_bytes = SIZE_MAX,
                                 .batch = 1,
                                 .run = pool_run_each};
    struct sql *sql = calloc(1, sizeof *sql);
    byron_status status = BYRON_OK;

    snprintf(words, SQL_WORDS_SIZE, "out of memory");
    if (!sql)
        return BYRON_NO_MEMORY;
    sql->settings = *settings;
    sql->waiting_end = &sql->waiting;
    pthread_mutex_init(&sql->mutex, NULL);
    (void)!sqlite3_hard_heap_limit64(settings->max_heap);
    status = sql_extension_register();
    while (status == BYRON_OK && sql->free_count < settings->sessions &&
           sql->free_count < MAX_SESSIONS) {
        status = sql_session_open(path, &sql->free[sql->free_count], words);
        sql->free_count += status == BYRON_OK;
    }
    if (status == BYRON_OK)
        status = pool_new(&pool, &sql->pool);
    if (status == BYRON_OK) {
        *out = sql;
        return BYRON_OK;
    }
    sql_stop(sql);
    sql_close(sql);
    return status;
}

void sql_stop(struct sql *sql)
{
    if (!sql)
        return;
    pool_free(sql->pool);
    sql->pool = NULL;
}

void sql_close(struct sql *sql)
{
    if (!sql)
        return;
    while (sql->free_count > 0)
        sql_session_close(sql->free[--sql->free_count]);
    pthread_mutex_destroy(&sql->mutex);
    free(sql);
}
