#include "service/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "byron/v1/byron.pb-c.h"
#include "service/encode.h"
#include "service/figures.h"
#include "service/outcome.h"
#include "service/permit.h"
#include "service/reply.h"

/* Numbers of fields. */
enum {
    RESPONSE_FIGURE = 1,
    FIGURE_NAME = 1,
    FIGURE_LABELS = 2,
    FIGURE_VALUE = 3
};

/* One request. */
struct stats_job {
    struct job job;    /* First. */
    struct call *call; /* NULL: it is closed. */
    struct bytes response;
    byron_status status;
};

/* --- On a thread that may wait ---------------------------------------------*/

static void add_figure(void *context, const struct figure *figure)
{
    struct stats_job *request = context;
    struct bytes *out = &request->response;
    char name[128];
    struct byron_bytes labels = bytes_of_text(figure->labels);
    size_t name_size;

    snprintf(name, sizeof name, "%.100s%.20s", figure->name, figure->suffix);
    name_size = strlen(name);
    if (request->status == BYRON_OK)
        request->status = encode_head(out, RESPONSE_FIGURE,
                                      encode_bytes_size(name_size) +
                                          encode_bytes_size(labels.size) + 9);
    if (request->status == BYRON_OK)
        request->status = encode_bytes(out, FIGURE_NAME, bytes_of_text(name));
    if (request->status == BYRON_OK)
        request->status = encode_bytes(out, FIGURE_LABELS, labels);
    if (request->status == BYRON_OK)
        request->status = encode_double(out, FIGURE_VALUE, figure->value);
}

static void run(void *context, struct job *job)
{
    struct store *store = context;
    struct figure_visitor visitor = {add_figure, job};

    figures_of_store(store, &visitor);
    if (store->server)
        figures_of_server(store->server, &visitor);
}

/* --- On the loop -----------------------------------------------------------*/

static void done(struct task *task)
{
    struct stats_job *request = (struct stats_job *)task;
    struct outcome outcome = outcome_of(request->status);

    if (request->call) {
        *call_state(request->call) = NULL;
        if (outcome.code == GRPC_OK)
            call_send(request->call, bytes_lend(&request->response),
                      CALL_PLAIN);
        call_finish(request->call, outcome.code,
                    outcome.words ? outcome.words : "");
    }
    bytes_deinit(&request->response);
    free(request);
}

static void message(struct call *call, struct byron_bytes bytes)
{
    struct store *store = call_service(call);
    struct stats_job *request;
    ProtobufCMessage *asked =
        reply_unpack(call, &byron__v1__stats_request__descriptor, bytes);

    if (!asked)
        return;
    reply_free(asked);
    if (!permit_all(call))
        return;
    request = calloc(1, sizeof *request);
    if (!request) {
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    request->call = call;
    request->job.run = run;
    request->job.done.run = done;
    request->job.loop = call_loop(call);
    *call_state(call) = request;
    if (pool_submit(store->readers, &request->job) == BYRON_OK)
        return;
    *call_state(call) = NULL;
    free(request);
    call_finish(call, GRPC_RESOURCE_EXHAUSTED, "too many requests wait");
}

static void closed(struct call *call)
{
    struct stats_job *request = *call_state(call);

    if (request)
        request->call = NULL;
}

void stats_methods(struct method out[STATS_METHODS])
{
    static const struct method method = {
        .path = "/byron.v1.Byron/Stats", .message = message, .closed = closed};

    memcpy(out, &method, sizeof method);
}
