#include "service/outcome.h"

#include <stdio.h>

static enum grpc_code code_of(byron_status status)
{
    switch (status) {
    case BYRON_OK:
        return GRPC_OK;
    case BYRON_NO_MEMORY:
    case BYRON_FULL:
    case BYRON_TOO_BIG:
        return GRPC_RESOURCE_EXHAUSTED;
    case BYRON_BUSY:
        return GRPC_UNAVAILABLE;
    case BYRON_CORRUPT:
        return GRPC_DATA_LOSS;
    case BYRON_READ_ONLY:
        return GRPC_FAILED_PRECONDITION;
    default:
        return GRPC_INTERNAL;
    }
}

struct outcome outcome_of(byron_status status)
{
    struct outcome outcome = {code_of(status), NULL};
    struct byron_error error;

    if (status == BYRON_OK)
        return outcome;
    outcome.words = byron_status_words(status);
    if (status == BYRON_IO || status == BYRON_CORRUPT || status == BYRON_FULL) {
        byron_last_error(&error);
        if (error.code == status)
            fprintf(stderr, "byrond: %s\n", error.words);
    }
    return outcome;
}
