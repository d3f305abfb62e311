#include "service/reflection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The messages of v1alpha are the same, byte by byte. */
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "service/descriptors.h"
#include "service/reply.h"

#define MAX_SERVICES 32
#define NAME_SIZE    256

#define REQUEST(name)                                                          \
    GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##name
#define RESPONSE(name)                                                         \
    GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##name

static void send_error(struct call *call,
                       Grpc__Reflection__V1__ServerReflectionResponse *response,
                       enum grpc_code code, const char *words)
{
    Grpc__Reflection__V1__ErrorResponse error =
        GRPC__REFLECTION__V1__ERROR_RESPONSE__INIT;
    char text[64];

    snprintf(text, sizeof text, "%s", words);
    error.error_code = (int32_t)code;
    error.error_message = text;
    response->message_response_case = RESPONSE(ERROR_RESPONSE);
    response->error_response = &error;
    reply_send(call, &response->base, CALL_PLAIN);
}

static void send_file(struct call *call,
                      Grpc__Reflection__V1__ServerReflectionResponse *response,
                      struct byron_bytes file)
{
    Grpc__Reflection__V1__FileDescriptorResponse found =
        GRPC__REFLECTION__V1__FILE_DESCRIPTOR_RESPONSE__INIT;
    ProtobufCBinaryData bytes = {file.size, (uint8_t *)(uintptr_t)file.data};

    found.n_file_descriptor_proto = 1;
    found.file_descriptor_proto = &bytes;
    response->message_response_case = RESPONSE(FILE_DESCRIPTOR_RESPONSE);
    response->file_descriptor_response = &found;
    reply_send(call, &response->base, CALL_PLAIN);
}

struct service_list {
    size_t count;
    Grpc__Reflection__V1__ServiceResponse services[MAX_SERVICES];
    Grpc__Reflection__V1__ServiceResponse *places[MAX_SERVICES];
    char names[MAX_SERVICES][NAME_SIZE];
};

static void add_service(void *context, struct byron_bytes package,
                        struct byron_bytes name)
{
    struct service_list *list = context;
    size_t i = list->count;

    if (i == MAX_SERVICES)
        return;
    snprintf(list->names[i], NAME_SIZE, "%.*s.%.*s", (int)package.size,
             (const char *)package.data, (int)name.size,
             (const char *)name.data);
    grpc__reflection__v1__service_response__init(&list->services[i]);
    list->services[i].name = list->names[i];
    list->places[i] = &list->services[i];
    list->count++;
}

static void
send_services(struct call *call,
              Grpc__Reflection__V1__ServerReflectionResponse *response)
{
    Grpc__Reflection__V1__ListServiceResponse found =
        GRPC__REFLECTION__V1__LIST_SERVICE_RESPONSE__INIT;
    struct service_list *list = calloc(1, sizeof *list);

    if (!list) {
        call_finish(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    descriptors_list_services(*(struct byron_bytes *)call_service(call),
                              add_service, list);
    found.n_service = list->count;
    found.service = list->places;
    response->message_response_case = RESPONSE(LIST_SERVICES_RESPONSE);
    response->list_services_response = &found;
    reply_send(call, &response->base, CALL_PLAIN);
    free(list);
}

static void answer(struct call *call,
                   Grpc__Reflection__V1__ServerReflectionRequest *request)
{
    Grpc__Reflection__V1__ServerReflectionResponse response =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
    struct byron_bytes set = *(struct byron_bytes *)call_service(call);
    struct byron_bytes file;
    bool has_file = false;

    response.valid_host = request->host;
    response.original_request = request;
    switch (request->message_request_case) {
    case REQUEST(LIST_SERVICES):
        send_services(call, &response);
        return;
    case REQUEST(FILE_BY_FILENAME):
        has_file = descriptors_find_file(set, request->file_by_filename, &file);
        break;
    case REQUEST(FILE_CONTAINING_SYMBOL):
        has_file = descriptors_find_symbol(set, request->file_containing_symbol,
                                           &file);
        break;
    case REQUEST(FILE_CONTAINING_EXTENSION):
    case REQUEST(ALL_EXTENSION_NUMBERS_OF_TYPE):
        break; /* No file has any. */
    default:
        send_error(call, &response, GRPC_INVALID_ARGUMENT, "nothing was asked");
        return;
    }
    if (has_file)
        send_file(call, &response, file);
    else
        send_error(call, &response, GRPC_NOT_FOUND, "not declared here");
}

static void message(struct call *call, struct byron_bytes bytes)
{
    ProtobufCMessage *request = reply_unpack(
        call, &grpc__reflection__v1__server_reflection_request__descriptor,
        bytes);

    if (request)
        answer(call, (Grpc__Reflection__V1__ServerReflectionRequest *)request);
    reply_free(request);
}

static void half_close(struct call *call)
{
    call_finish(call, GRPC_OK, "");
}

void reflection_methods(struct byron_bytes *set,
                        struct method out[REFLECTION_METHODS])
{
    static const char *const paths[REFLECTION_METHODS] = {
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"};

    for (size_t i = 0; i < REFLECTION_METHODS; i++) {
        memset(&out[i], 0, sizeof out[i]);
        out[i].path = paths[i];
        out[i].service = set;
        out[i].has_many_requests = true;
        out[i].has_many_responses = true;
        out[i].message = message;
        out[i].half_close = half_close;
    }
}
