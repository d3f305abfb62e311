#include "service/range.h"

#include <stdlib.h>
#include <string.h>

#include "byron/v1/byron.pb-c.h"
#include "service/keys.h"
#include "service/outcome.h"
#include "service/permit.h"
#include "service/range_reader.h"
#include "service/reply.h"

/*
 * One call. It is with a reader (is_running), or with its loop, waiting for the
 * client to take what was sent. What it reads from is closed by a reader too:
 * at the end of the rows, or by a run that does nothing else (is_ending).
 */
struct range {
    struct job job;    /* First. */
    struct call *call; /* NULL: it is closed, or has been answered. */
    struct store *store;
    Byron__V1__RangeRequest *message;
    struct range_reader reader;
    byron_snapshot *own;
    struct lease *lease;
    struct timer expiry;
    struct bytes chunk;
    struct outcome outcome;
    bool is_open;
    bool is_running;
    bool is_ending;
    bool is_over; /* Nothing is held any more but memory. */
};

/* --- On a thread that may wait ---------------------------------------------*/

static void release(struct range *range)
{
    range_reader_close(&range->reader);
    byron_snapshot_close(range->own);
    range->own = NULL;
    leases_drop(range->store->leases, range->lease);
    range->lease = NULL;
    range->is_over = true;
}

static byron_status open_reader(struct range *range)
{
    byron_status status = BYRON_OK;

    range->is_open = true;
    if (range->message->snapshot_id != 0) {
        range->lease =
            leases_take(range->store->leases, range->message->snapshot_id);
        if (!range->lease)
            return BYRON_NOT_FOUND;
    } else {
        status = byron_snapshot_open(range->store->db, &range->own);
    }
    return status == BYRON_OK
               ? range_reader_open(&range->reader,
                                   range->lease ? lease_snapshot(range->lease)
                                                : range->own)
               : status;
}

static void read_chunk(struct range *range)
{
    byron_status status = BYRON_OK;
    bool is_end = false;

    if (!range->is_open)
        status = open_reader(range);
    if (status == BYRON_NOT_FOUND) {
        range->outcome.code = GRPC_NOT_FOUND;
        range->outcome.words = store_no_lease;
        release(range);
        return;
    }
    if (status == BYRON_OK)
        status = range_reader_fill(&range->reader, &range->chunk, &is_end);
    range->outcome = outcome_of(status);
    if (status == BYRON_TOO_BIG)
        range->outcome.words = "a value of the range has more than 16 MiB";
    if (status != BYRON_OK || is_end)
        release(range);
}

static void run(void *context, struct job *job)
{
    struct range *range = (struct range *)job;

    (void)context;
    if (range->is_ending)
        release(range);
    else
        read_chunk(range);
}

/* --- On the loop -----------------------------------------------------------*/

static void range_free(struct range *range)
{
    loop_clear_timer(range->job.loop, &range->expiry);
    atomic_fetch_sub(&range->store->open_ranges, 1);
    bytes_deinit(&range->chunk);
    reply_free(&range->message->base);
    free(range);
}

static void push(struct range *range)
{
    range->is_running = true;
    if (range->store->readers) {
        pool_push(range->store->readers, &range->job);
        return;
    }
    /* The loops are over: this is the end of the program. */
    run(NULL, &range->job);
    range_free(range);
}

/* Nobody is to be told anything any more. */
static void let_go(struct range *range)
{
    if (range->call)
        *call_state(range->call) = NULL;
    range->call = NULL;
    if (range->is_running)
        return; /* done will come. */
    if (range->is_over) {
        range_free(range);
        return;
    }
    range->is_ending = true;
    push(range);
}

/* Sends what was read; false: that was the last. */
static bool answer(struct range *range)
{
    struct call *call = range->call;

    if (range->outcome.code != GRPC_OK) {
        call_finish(call, range->outcome.code, range->outcome.words);
        return false;
    }
    if (range->chunk.size > 0)
        call_send(call, bytes_lend(&range->chunk), CALL_PLAIN);
    range->chunk.size = 0;
    if (!range->is_over)
        return true;
    call_finish(call, GRPC_OK, "");
    return false;
}

static void done(struct task *task)
{
    struct range *range = (struct range *)task;

    range->is_running = false;
    if (!range->call || !answer(range))
        let_go(range);
    else if (!call_is_full(range->call))
        push(range);
    else
        bytes_deinit(&range->chunk); /* Who waits for long holds little. */
}

static void drained(struct call *call)
{
    struct range *range = *call_state(call);

    if (range && !range->is_running)
        push(range);
}

static void expired(struct timer *timer)
{
    struct range *range =
        (struct range *)((char *)timer - offsetof(struct range, expiry));

    if (!range->call)
        return;
    call_finish(range->call, GRPC_ABORTED,
                "the state that was read is held no longer: resume");
    let_go(range);
}

static void closed(struct call *call)
{
    struct range *range = *call_state(call);

    if (range)
        let_go(range);
}

/* --- Requests --------------------------------------------------------------*/

static const char *read_request(struct range *range)
{
    const Byron__V1__RangeRequest *message = range->message;
    struct range_query query = {.start = keys_of(message->start),
                                .end = keys_of(message->end),
                                .token = keys_of(message->resume_token),
                                .limit = message->limit,
                                .chunk_bytes = message->chunk_bytes,
                                .is_reverse = message->reverse,
                                .is_keys_only = message->keys_only};

    return range_reader_init(&range->reader, &query);
}

/* NULL: the call has been answered. Takes the message. */
static struct range *range_new(struct call *call, ProtobufCMessage *message)
{
    struct store *store = call_service(call);
    struct range *range = calloc(1, sizeof *range);

    if (!range) {
        reply_free(message);
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return NULL;
    }
    range->call = call;
    range->store = store;
    range->message = (Byron__V1__RangeRequest *)message;
    range->job.loop = call_loop(call);
    range->job.done.run = done;
    range->job.run = run;
    range->expiry.run = expired;
    range->is_over = true;
    if (atomic_fetch_add(&store->open_ranges, 1) < store->settings.max_ranges)
        return range;
    range_free(range);
    call_finish(call, GRPC_RESOURCE_EXHAUSTED, "too many ranges are read");
    return NULL;
}

static void message(struct call *call, struct byron_bytes bytes)
{
    struct store *store = call_service(call);
    ProtobufCMessage *request =
        reply_unpack(call, &byron__v1__range_request__descriptor, bytes);
    struct range *range = request ? range_new(call, request) : NULL;
    const char *wrong;

    if (!range)
        return;
    wrong = read_request(range);
    range->job.size = bytes.size;
    range->is_running = true;
    range->is_over = false;
    if (wrong)
        call_finish(call, GRPC_INVALID_ARGUMENT, wrong);
    if (wrong || !permit_keys(call, RIGHT_READ, keys_of(range->message->start),
                              keys_of(range->message->end))) {
        range_free(range);
        return;
    }
    if (loop_set_timer(call_loop(call), &range->expiry,
                       store->settings.lease_seconds * 1000) != BYRON_OK) {
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
    } else if (pool_submit(store->readers, &range->job) != BYRON_OK) {
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "too many requests wait");
    } else {
        *call_state(call) = range;
        return;
    }
    range_free(range);
}

void range_methods(struct method out[RANGE_METHODS])
{
    static const struct method method = {.path = "/byron.v1.Byron/Range",
                                         .has_many_responses = true,
                                         .message = message,
                                         .drained = drained,
                                         .closed = closed};

    memcpy(out, &method, sizeof method);
}
