#include "grpc/client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grpc/frame.h"
#include "grpc/gzip.h"
#include "grpc/metadata.h"
#include "grpc/tally.h"
#include "grpc/wire.h"
#include "http/requester.h"
#include "net/dial.h"

#define CONNECT_MS  10000
#define ROUND_MS    200 /* A signal is heard at least so often. */
#define MAX_UNSENT  ((size_t)256 * 1024)
#define MAX_MESSAGE ((size_t)64 * 1024 * 1024)
#define MAX_HEADERS ((size_t)64 * 1024)

struct client {
    const struct client_settings *settings;
    struct tls *tls;
    struct requester *requester; /* NULL: not connected. */
    char host[DIAL_HOST_SIZE];
    char *authorization;  /* Or NULL. */
    uint64_t deadline_us; /* 0 = none. */
    /* Of the call: */
    struct metadata metadata; /* Headers and trailers. */
    struct bytes input;       /* Frames that came. */
    size_t taken;             /* Bytes of input that have been read. */
    struct bytes expanded;    /* A message that came compressed. */
    enum grpc_code code;
    struct bytes words; /* Ends with a zero. */
    bool is_over;
    bool is_lost;
};

/* --- Ends ------------------------------------------------------------------*/

__attribute__((format(printf, 2, 3))) static void
set_words(struct client *client, const char *format, ...)
{
    char words[CLIENT_WORDS_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    client->words.size = 0;
    /* Without memory there are no words, and the code is there. */
    (void)!bytes_add(&client->words, words, strlen(words) + 1);
}

static void end(struct client *client, enum grpc_code code)
{
    client->code = code;
    client->is_over = true;
}

static void disconnect(struct client *client)
{
    requester_free(client->requester);
    client->requester = NULL;
}

/* The call is of no use any more, to us. */
static void give_up(struct client *client, enum grpc_code code)
{
    if (client->requester)
        requester_cancel(client->requester);
    end(client, code);
}

/* What the trailers say, if they say it. */
static bool read_status(struct client *client)
{
    struct byron_bytes text;
    char number[4] = "";
    unsigned code;

    if (!metadata_get(&client->metadata, "grpc-status", &text) ||
        text.size == 0 || text.size >= sizeof number)
        return false;
    memcpy(number, text.data, text.size);
    code = (unsigned)strtoul(number, NULL, 10);
    end(client, code < TALLY_CODES ? (enum grpc_code)code : GRPC_UNKNOWN);
    client->words.size = 0;
    if (metadata_get(&client->metadata, "grpc-message", &text))
        (void)!wire_decode_message(text, &client->words);
    (void)!bytes_add(&client->words, "", 1);
    return true;
}

static enum grpc_code code_of_reset(uint32_t error)
{
    switch (error) {
    case HTTP_REFUSED_STREAM:
        return GRPC_UNAVAILABLE;
    case HTTP_CANCEL:
        return GRPC_CANCELLED;
    case HTTP_ENHANCE_YOUR_CALM:
        return GRPC_RESOURCE_EXHAUSTED;
    default:
        return GRPC_INTERNAL;
    }
}

/* The response has ended by itself. */
static void read_end(struct client *client, enum request_end how,
                     uint32_t error)
{
    struct byron_bytes text = {"none", 4};

    if (how != REQUEST_LOST && read_status(client))
        return;
    if (how == REQUEST_LOST) {
        set_words(client, "the connection to %s is lost: %s",
                  client->settings->address, requester_why(client->requester));
        end(client, GRPC_UNAVAILABLE);
        client->is_lost = true;
        disconnect(client);
    } else if (how == REQUEST_RESET) {
        set_words(client, "the server has reset the call (HTTP/2 error %u)",
                  error);
        end(client, code_of_reset(error));
        client->is_lost = error != HTTP_REFUSED_STREAM;
    } else {
        metadata_get(&client->metadata, ":status", &text);
        set_words(client, "%s answers, but not as gRPC (HTTP status %.*s)",
                  client->settings->address, (int)text.size,
                  (const char *)text.data);
        end(client, GRPC_UNKNOWN);
        client->is_lost = true;
    }
}

/* --- What comes ------------------------------------------------------------*/

static void on_header(void *context, struct byron_bytes name,
                      struct byron_bytes value)
{
    struct client *client = context;

    if (client->metadata.text.size + name.size + value.size > MAX_HEADERS)
        return;
    (void)!metadata_add(&client->metadata, name, value);
}

static void on_data(void *context, struct byron_bytes bytes)
{
    struct client *client = context;

    if (client->is_over ||
        bytes_add(&client->input, bytes.data, bytes.size) == BYRON_OK)
        return;
    /* The stream is cancelled later: this is out of nghttp2. */
    set_words(client, "out of memory");
    end(client, GRPC_RESOURCE_EXHAUSTED);
}

static const struct response_events events = {on_header, on_data};

/* --- Connections -----------------------------------------------------------*/

byron_status client_open(const struct client_settings *settings,
                         struct client **out, char words[CLIENT_WORDS_SIZE])
{
    struct client *client = calloc(1, sizeof *client);
    char why[TLS_WORDS_SIZE];
    byron_status status = client ? BYRON_OK : BYRON_NO_MEMORY;

    snprintf(why, sizeof why, "out of memory");
    if (status == BYRON_OK && settings->token &&
        asprintf(&client->authorization, "Bearer %s", settings->token) < 0) {
        client->authorization = NULL;
        status = BYRON_NO_MEMORY;
    }
    if (status == BYRON_OK) {
        client->settings = settings;
        client->is_over = true; /* No call is open. */
        if (!dial_host(settings->address, client->host))
            snprintf(client->host, sizeof client->host, "localhost");
        if (settings->is_tls) {
            struct tls_peer peer = {client->host, settings->roots,
                                    settings->certificate, settings->key};
            status = tls_client_new(&peer, &client->tls, why);
        }
    }
    if (status == BYRON_OK) {
        *out = client;
        return BYRON_OK;
    }
    snprintf(words, CLIENT_WORDS_SIZE, "%s", why);
    client_close(client);
    return status;
}

void client_close(struct client *client)
{
    if (!client)
        return;
    disconnect(client);
    tls_unref(client->tls);
    if (client->authorization)
        explicit_bzero(client->authorization, strlen(client->authorization));
    free(client->authorization);
    metadata_deinit(&client->metadata);
    bytes_deinit(&client->input);
    bytes_deinit(&client->expanded);
    bytes_deinit(&client->words);
    free(client);
}

/* False: the call has ended. */
static bool connect_now(struct client *client)
{
    const char *address = client->settings->address;
    struct tls_channel *channel = NULL;
    char why[DIAL_WORDS_SIZE];
    byron_status status;
    int fd;

    if (dial(address, CONNECT_MS, &fd, why) != BYRON_OK) {
        set_words(client, "cannot connect to %s: %s", address, why);
        end(client, GRPC_UNAVAILABLE);
        return false;
    }
    status =
        client->tls ? tls_channel_new(client->tls, fd, &channel) : BYRON_OK;
    if (status == BYRON_OK)
        status =
            requester_new(fd, channel, &events, client, &client->requester);
    if (status == BYRON_OK)
        return true;
    set_words(client, "out of memory");
    end(client, GRPC_RESOURCE_EXHAUSTED);
    return false;
}

/* --- Calls -----------------------------------------------------------------*/

static void forget(struct client *client)
{
    metadata_deinit(&client->metadata);
    memset(&client->metadata, 0, sizeof client->metadata);
    bytes_drop(&client->input, client->input.size);
    client->taken = 0;
    client->words.size = 0;
    client->code = GRPC_OK;
    client->is_over = false;
    client->is_lost = false;
    client->deadline_us = 0;
}

static struct http_field field(const char *name, const char *value)
{
    struct http_field out = {bytes_of_text(name), bytes_of_text(value)};
    return out;
}

/* IO: the connection takes no more calls. */
static byron_status submit(struct client *client, const char *path,
                           unsigned timeout_ms)
{
    struct http_field fields[10];
    size_t count = 0;
    char timeout[16];

    fields[count++] = field(":method", "POST");
    fields[count++] = field(":scheme", client->tls ? "https" : "http");
    fields[count++] = field(":path", path);
    fields[count++] = field(":authority", client->host);
    fields[count++] = field("te", "trailers");
    fields[count++] = field("content-type", "application/grpc");
    fields[count++] = field("grpc-accept-encoding", "identity,gzip");
    fields[count++] = field("user-agent", "byronctl/" BYRON_VERSION);
    if (client->authorization)
        fields[count++] = field("authorization", client->authorization);
    if (timeout_ms > 0) {
        snprintf(timeout, sizeof timeout, "%um", timeout_ms % 100000000);
        fields[count++] = field("grpc-timeout", timeout);
        client->deadline_us = tally_now_us() + (uint64_t)timeout_ms * 1000;
    }
    return requester_begin(client->requester, fields, count);
}

void client_begin(struct client *client, const char *path, unsigned timeout_ms)
{
    byron_status status = BYRON_IO;

    client_cancel(client);
    forget(client);
    if (client->requester)
        status = submit(client, path, timeout_ms);
    if (status == BYRON_IO) { /* Or it has been drained meanwhile. */
        disconnect(client);
        if (!connect_now(client))
            return;
        status = submit(client, path, timeout_ms);
    }
    if (status == BYRON_OK)
        return;
    set_words(client, "out of memory");
    end(client, GRPC_RESOURCE_EXHAUSTED);
}

static bool is_interrupted(const struct client *client)
{
    return client->settings->is_interrupted &&
           *client->settings->is_interrupted;
}

/* Waits a little for something to happen. */
static void pass(struct client *client)
{
    enum request_end how;
    uint32_t error;

    requester_round(client->requester, ROUND_MS);
    if (client->is_over)
        return;
    how = requester_end(client->requester, &error);
    if (how == REQUEST_OPEN && client->deadline_us > 0 &&
        tally_now_us() > client->deadline_us) {
        set_words(client, "no answer from %s in time",
                  client->settings->address);
        give_up(client, GRPC_DEADLINE_EXCEEDED);
        client->is_lost = true;
    }
}

bool client_turn(struct client *client)
{
    enum request_end how;
    uint32_t error;

    if (client->is_over)
        return false;
    requester_round(client->requester, 0);
    how = requester_end(client->requester, &error);
    return !client->is_over && how == REQUEST_OPEN;
}

bool client_send(struct client *client, struct byron_bytes message)
{
    uint8_t head[FRAME_HEAD_SIZE];
    struct byron_bytes front = {head, sizeof head};

    if (client->is_over)
        return false;
    frame_write_head(head, false, (uint32_t)message.size);
    if (message.size > UINT32_MAX ||
        requester_add(client->requester, front, false) != BYRON_OK ||
        requester_add(client->requester, message, false) != BYRON_OK) {
        set_words(client, "out of memory");
        give_up(client, GRPC_RESOURCE_EXHAUSTED);
        return false;
    }
    while (client_turn(client) && !is_interrupted(client) &&
           requester_unsent(client->requester) > MAX_UNSENT)
        pass(client);
    return client_turn(client) && !is_interrupted(client);
}

void client_half_close(struct client *client)
{
    struct byron_bytes nothing = {"", 0};

    if (!client->is_over)
        (void)!requester_add(client->requester, nothing, true);
}

/* The message as it was before it was compressed. False: it cannot be read. */
static bool unpack(struct client *client, const struct frame *frame,
                   struct byron_bytes *out)
{
    struct byron_bytes encoding;

    *out = frame->message;
    if (!frame->is_compressed)
        return true;
    client->expanded.size = 0;
    if (!metadata_get(&client->metadata, "grpc-encoding", &encoding) ||
        !bytes_equal(encoding, "gzip") ||
        gzip_expand(frame->message, MAX_MESSAGE, &client->expanded) != BYRON_OK)
        return false;
    *out = bytes_lend(&client->expanded);
    return true;
}

/* Whether a message, or the end of the call by what is wrong with it, is at the
   front of the input. */
static bool next_message(struct client *client, struct byron_bytes *out)
{
    struct byron_bytes input = {client->input.data + client->taken,
                                client->input.size - client->taken};
    struct frame frame;

    if (client->input.size == 0)
        return false;
    switch (frame_read(&input, MAX_MESSAGE, &frame)) {
    case FRAME_FOUND_NONE:
        bytes_drop(&client->input, client->taken);
        client->taken = 0;
        return false;
    case FRAME_FOUND_ONE:
        client->taken = client->input.size - input.size;
        if (unpack(client, &frame, out))
            return true;
        break;
    case FRAME_FOUND_BAD:
    case FRAME_FOUND_TOO_BIG:
        break;
    }
    set_words(client, "a message of the server cannot be read");
    give_up(client, GRPC_INTERNAL);
    return true;
}

enum client_event client_receive(struct client *client, struct byron_bytes *out)
{
    enum request_end how;
    uint32_t error;

    while (!client->is_over) {
        if (is_interrupted(client))
            return CLIENT_INTERRUPTED;
        if (next_message(client, out))
            return client->is_over ? CLIENT_ENDED : CLIENT_MESSAGE;
        how = requester_end(client->requester, &error);
        if (how != REQUEST_OPEN)
            read_end(client, how, error);
        else
            pass(client);
    }
    return CLIENT_ENDED;
}

enum grpc_code client_outcome(const struct client *client,
                              const char **out_words)
{
    *out_words = client->words.size > 0 ? (const char *)client->words.data : "";
    return client->code;
}

bool client_is_lost(const struct client *client)
{
    return client->is_lost;
}

void client_cancel(struct client *client)
{
    if (client->requester)
        requester_cancel(client->requester);
    if (!client->is_over)
        end(client, GRPC_CANCELLED);
}
