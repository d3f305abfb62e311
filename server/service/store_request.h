/*
 * store_request: one request of byron.v1: checked on a loop, run on a thread
 * that may wait, answered on the loop.
 *
 * Inside service/ only. Its bytes stay in the message that the client sent.
 */
#ifndef BYROND_SERVICE_STORE_REQUEST_H
#define BYROND_SERVICE_STORE_REQUEST_H

#include <protobuf-c/protobuf-c.h>

#include "grpc/call.h"
#include "service/leases.h"
#include "service/outcome.h"
#include "service/pool.h"

struct store_request {
    struct job job;    /* First: what the pools know. */
    struct call *call; /* NULL: it is closed. */
    ProtobufCMessage *message;
    size_t count; /* Of ops, or of keys. */
    struct byron_op *ops;
    bool is_sync;
    bool is_many; /* A MultiGet. */
    struct byron_bytes *keys;
    struct byron_value *values;
    bool *is_there;
    uint64_t snapshot_id; /* 0: the newest state. */
    struct outcome outcome;
};

/* Each reads a request; NULL: the call has been answered. */
struct store_request *store_request_get(struct call *call,
                                        struct byron_bytes bytes);
struct store_request *store_request_multi_get(struct call *call,
                                              struct byron_bytes bytes);
struct store_request *store_request_put(struct call *call,
                                        struct byron_bytes bytes);
struct store_request *store_request_delete(struct call *call,
                                           struct byron_bytes bytes);
struct store_request *store_request_write(struct call *call,
                                          struct byron_bytes bytes);
void store_request_free(struct store_request *request);
/* On a thread that may wait. */
void store_request_read(struct store_request *request, byron_db *db,
                        struct leases *leases);
void store_request_commit(struct store_request *request, byron_db *db);

#endif
