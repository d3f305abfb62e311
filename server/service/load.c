#include "service/load.h"

#include <stdlib.h>
#include <string.h>

#include "service/committer.h"
#include "service/permit.h"
#include "service/reply.h"
#include "service/write_request.h"

/*
 * One call. One batch at a time is with the committer; meanwhile the call holds
 * back what comes. The last write is one of nothing, for the sync.
 */
struct load {
    struct write write; /* First. */
    struct call *call;  /* NULL: it is closed, or has been answered. */
    struct store *store;
    Byron__V1__LoadRequest *message; /* Of the batch. */
    struct timer idle;
    uint8_t id[KEYS_MAX_ID];
    size_t id_size;
    uint64_t scope;
    uint64_t batches;
    uint64_t skipped;
    bool is_running;
    bool is_ending;
};

static void drop_batch(struct load *load)
{
    if (load->message)
        reply_free(&load->message->base);
    load->message = NULL;
    free(load->write.ops);
    load->write.ops = NULL;
}

static void load_free(struct load *load)
{
    drop_batch(load);
    loop_clear_timer(load->write.job.loop, &load->idle);
    atomic_fetch_sub(&load->store->open_loads, 1);
    free(load);
}

/* Answers, if that has not happened; the load goes when the committer has it
   no more. */
static void finish(struct load *load, enum grpc_code code, const char *words)
{
    if (load->call) {
        *call_state(load->call) = NULL;
        call_finish(load->call, code, words);
    }
    load->call = NULL;
    if (!load->is_running)
        load_free(load);
}

static void answer(struct load *load)
{
    Byron__V1__LoadResponse response = BYRON__V1__LOAD_RESPONSE__INIT;

    response.batches = load->id_size > 0 ? load->write.batches : load->batches;
    response.skipped = load->skipped;
    reply_send(load->call, &response.base, CALL_PLAIN);
    finish(load, GRPC_OK, "");
}

/* --- To the committer and back ---------------------------------------------*/

/* False: the call has been answered. */
static bool await_more(struct load *load)
{
    uint64_t ms = (uint64_t)load->store->settings.lease_seconds * 1000;

    if (loop_set_timer(load->write.job.loop, &load->idle, ms) == BYRON_OK)
        return true;
    finish(load, GRPC_RESOURCE_EXHAUSTED, "out of memory");
    return false;
}

static void done(struct task *task)
{
    struct load *load = (struct load *)task;
    const struct outcome *outcome = &load->write.outcome;

    load->is_running = false;
    drop_batch(load);
    if (!load->call) {
        load_free(load);
    } else if (outcome->code != GRPC_OK) {
        finish(load, outcome->code, outcome->words);
    } else if (load->is_ending) {
        answer(load);
    } else {
        load->batches += !load->write.is_repeat;
        load->skipped += load->write.is_repeat;
        if (await_more(load))
            call_hold(load->call, false);
    }
}

/* There are few loads, and each has one write: the queue needs no bound. */
static void push(struct load *load, struct byron_op *ops, size_t count,
                 uint64_t number)
{
    struct job job = load->write.job;

    memset(&load->write, 0, sizeof load->write);
    load->write.job = job;
    load->write.ops = ops;
    load->write.count = count;
    load->write.is_sync = load->is_ending;
    load->write.is_load = true;
    load->write.id.data = load->id;
    load->write.id.size = load->id_size;
    load->write.number = number;
    load->write.scope = load->scope;
    load->is_running = true;
    loop_clear_timer(job.loop, &load->idle);
    pool_push(load->store->committer, &load->write.job);
}

/* --- Events ----------------------------------------------------------------*/

static void idle(struct timer *timer)
{
    finish((struct load *)((char *)timer - offsetof(struct load, idle)),
           GRPC_ABORTED, "nothing came for too long");
}

/* NULL: the call has been answered. */
static struct load *load_new(struct call *call,
                             const Byron__V1__LoadRequest *first)
{
    struct store *store = call_service(call);
    struct load *load;

    if (first->load_id.len > KEYS_MAX_ID) {
        call_finish(call, GRPC_INVALID_ARGUMENT,
                    "a load id has at most 64 bytes");
        return NULL;
    }
    load = calloc(1, sizeof *load);
    if (!load) {
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return NULL;
    }
    load->call = call;
    load->store = store;
    load->write.job.done.run = done;
    load->write.job.loop = call_loop(call);
    load->idle.run = idle;
    load->id_size = first->load_id.len;
    load->scope = rights_scope(caller_rights(call));
    if (load->id_size > 0)
        memcpy(load->id, first->load_id.data, load->id_size);
    *call_state(call) = load;
    if (atomic_fetch_add(&store->open_loads, 1) < store->settings.max_loads)
        return load;
    finish(load, GRPC_RESOURCE_EXHAUSTED, "too many loads are under way");
    return NULL;
}

/* NULL, or what is wrong with the message. */
static const char *check(const struct load *load,
                         const Byron__V1__LoadRequest *message)
{
    if (message->load_id.len > 0 &&
        (message->load_id.len != load->id_size ||
         memcmp(message->load_id.data, load->id, load->id_size) != 0))
        return "one load has one id";
    if (message->n_ops > STORE_MAX_KEYS)
        return "at most 10,000 operations a batch, please";
    if (message->n_ops > 0 && load->id_size > 0 && message->number == 0)
        return "the batches of a load with an id are numbered from 1";
    return NULL;
}

/* Takes the message. */
static void add_batch(struct load *load, Byron__V1__LoadRequest *message,
                      size_t size)
{
    const char *wrong = check(load, message);
    struct byron_op *ops = NULL;

    load->message = message;
    if (!wrong && message->n_ops == 0) {
        drop_batch(load); /* An id, and nothing to load. */
        (void)!await_more(load);
        return;
    }
    if (!wrong) {
        ops = calloc(message->n_ops, sizeof *ops);
        if (!ops) {
            finish(load, GRPC_RESOURCE_EXHAUSTED, "out of memory");
            return;
        }
        wrong = write_read_ops(message->ops, message->n_ops, ops);
    }
    if (wrong) {
        free(ops);
        finish(load, GRPC_INVALID_ARGUMENT, wrong);
        return;
    }
    if (!permit_ops(load->call, ops, message->n_ops)) {
        free(ops);
        finish(load, GRPC_PERMISSION_DENIED, "");
        return;
    }
    load->write.job.size = size;
    call_hold(load->call, true);
    push(load, ops, message->n_ops, message->number);
}

static void message(struct call *call, struct byron_bytes bytes)
{
    struct load *load = *call_state(call);
    Byron__V1__LoadRequest *batch = (Byron__V1__LoadRequest *)reply_unpack(
        call, &byron__v1__load_request__descriptor, bytes);

    if (batch && !load)
        load = load_new(call, batch);
    if (!batch)
        return;
    if (load)
        add_batch(load, batch, bytes.size);
    else
        reply_free(&batch->base);
}

static void half_close(struct call *call)
{
    struct load *load = *call_state(call);
    Byron__V1__LoadResponse none = BYRON__V1__LOAD_RESPONSE__INIT;

    if (!load) {
        reply_send(call, &none.base, CALL_PLAIN);
        call_finish(call, GRPC_OK, "");
        return;
    }
    load->is_ending = true;
    load->write.job.size = 0;
    push(load, NULL, 0, 0);
}

static void closed(struct call *call)
{
    struct load *load = *call_state(call);

    if (load)
        finish(load, GRPC_CANCELLED, "");
}

void load_methods(struct method out[LOAD_METHODS])
{
    static const struct method method = {.path = "/byron.v1.Byron/Load",
                                         .needs = RIGHT_WRITE,
                                         .has_many_requests = true,
                                         .message = message,
                                         .half_close = half_close,
                                         .closed = closed};

    memcpy(out, &method, sizeof method);
}
