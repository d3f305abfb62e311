#include "grpc/caller.h"

#include "grpc/worker.h"

static bool has_name(const void *context, struct byron_bytes name)
{
    return stream_has_name(context, name);
}

bool caller_find_rights(struct call *call)
{
    const struct tokens *tokens = call->worker->tokens;
    enum stream_proof proof = stream_proof(call->stream);
    struct byron_bytes header = {"", 0};
    struct rights *found = NULL;

    rights_unref(call->rights);
    call->rights = NULL;
    call->rights_age = call->worker->age;
    if (!tokens || proof == STREAM_IS_LOCAL ||
        (proof == STREAM_IS_CERTIFIED && tokens_name_count(tokens) == 0))
        return true;
    if (proof == STREAM_IS_CERTIFIED)
        found = tokens_by_name(tokens, has_name, call->stream);
    (void)!call_metadata(call, "authorization", &header);
    if (!found)
        found = tokens_by_secret(tokens, header);
    call->rights = rights_ref(found);
    return found;
}

struct rights *caller_rights(struct call *call)
{
    if (call->rights_age != call->worker->age && !caller_find_rights(call))
        call->rights = rights_ref(call->worker->no_rights);
    return call->rights;
}
