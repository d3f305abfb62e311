#include "server/played.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "grpc/worker.h"

#define FRAME_DATA     0
#define FRAME_HEADERS  1
#define FRAME_SETTINGS 4
#define END_STREAM     1
#define END_HEADERS    4

struct stage {
    struct worker worker; /* First: the owner of events. */
    enum connection_end end;
};

static void echo(struct call *call, struct byron_bytes message)
{
    call_use_gzip(call);
    call_add_trailer(call, "seen", bytes_of_text("yes"));
    call_send(call, message, CALL_GZIP);
}

static void finish(struct call *call)
{
    call_finish(call, GRPC_OK, "");
}

static void gone(void *context, struct connection *connection,
                 enum connection_end end)
{
    struct stage *stage = context;

    (void)connection;
    stage->end = end;
    loop_stop(stage->worker.loop);
}

static void serve(struct stage *stage, int fd)
{
    static const struct method one = {
        .path = "/t.T/One", .message = echo, .half_close = finish};
    static const struct method many = {.path = "/t.T/Echo",
                                       .has_many_requests = true,
                                       .has_many_responses = true,
                                       .message = echo,
                                       .half_close = finish};
    const struct method *methods[] = {&many, &one};
    struct tally tallies[3];
    struct server_settings settings;
    struct connection_owner owner = {.events = &call_events,
                                     .settings = &settings.http,
                                     .context = stage,
                                     .gone = gone};
    struct connection *connection;

    server_default_settings(&settings);
    settings.max_message = 64 * 1024;
    stage->worker.settings = &settings;
    stage->worker.methods = methods;
    stage->worker.method_count = 2;
    memset(tallies, 0, sizeof tallies);
    stage->worker.tallies = tallies;
    stage->end = CONNECTION_END_NO_MEMORY;
    if (loop_new(&stage->worker.loop) != BYRON_OK) {
        close(fd);
        return;
    }
    if (connection_open(stage->worker.loop, fd, &owner, &connection) ==
        BYRON_OK)
        loop_run(stage->worker.loop);
    loop_free(stage->worker.loop);
}

/* The client's end has sent the bytes, and sends no more. */
static void connect_pair(struct byron_bytes bytes, int fds[2])
{
    static const int room = 1024 * 1024;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
        abort();
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    if (bytes.size > 0 &&
        send(fds[0], bytes.data, bytes.size, 0) != (ssize_t)bytes.size)
        abort();
    shutdown(fds[0], SHUT_WR);
}

enum connection_end played_run(struct byron_bytes bytes, struct bytes *out)
{
    struct stage stage = {0};
    uint8_t piece[4096];
    ssize_t size;
    int fds[2];

    connect_pair(bytes, fds);
    serve(&stage, fds[1]);
    while ((size = recv(fds[0], piece, sizeof piece, 0)) > 0)
        if (out && bytes_add(out, piece, (size_t)size) != BYRON_OK)
            break;
    close(fds[0]);
    return stage.end;
}

enum connection_end played_leave(struct byron_bytes bytes)
{
    struct stage stage = {0};
    int fds[2];

    connect_pair(bytes, fds);
    close(fds[0]);
    serve(&stage, fds[1]);
    return stage.end;
}

static void add(struct bytes *out, const void *data, size_t size)
{
    if (bytes_add(out, data, size) != BYRON_OK)
        abort();
}

void played_frame(struct bytes *out, uint8_t type, uint8_t flags, uint32_t id,
                  struct byron_bytes payload)
{
    uint8_t head[9] = {(uint8_t)(payload.size >> 16),
                       (uint8_t)(payload.size >> 8),
                       (uint8_t)payload.size,
                       type,
                       flags,
                       (uint8_t)(id >> 24),
                       (uint8_t)(id >> 16),
                       (uint8_t)(id >> 8),
                       (uint8_t)id};

    add(out, head, sizeof head);
    add(out, payload.data, payload.size);
}

void played_preface(struct bytes *out)
{
    static const char magic[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    add(out, magic, sizeof magic - 1);
    played_frame(out, FRAME_SETTINGS, 0, 0, bytes_of_text(""));
}

/* A literal that no table remembers; both texts shorter than 127. */
static void add_header(struct bytes *out, const char *name, const char *value)
{
    uint8_t head[2] = {0, (uint8_t)strlen(name)};

    add(out, head, 2);
    add(out, name, head[1]);
    head[1] = (uint8_t)strlen(value);
    add(out, head + 1, 1);
    add(out, value, head[1]);
}

void played_request(struct bytes *out, uint32_t id, const char *path,
                    const char *name, const char *value)
{
    struct bytes block = {0};

    add_header(&block, ":method", "POST");
    add_header(&block, ":scheme", "http");
    add_header(&block, ":authority", "x");
    add_header(&block, ":path", path);
    add_header(&block, "content-type", "application/grpc");
    add_header(&block, "te", "trailers");
    if (name)
        add_header(&block, name, value);
    played_frame(out, FRAME_HEADERS, END_HEADERS, id, bytes_lend(&block));
    bytes_deinit(&block);
}

void played_message(struct bytes *out, uint32_t id, const char *text,
                    bool is_last)
{
    struct bytes payload = {0};
    uint8_t head[5] = {0, 0, 0, 0, (uint8_t)strlen(text)};

    add(&payload, head, sizeof head);
    add(&payload, text, head[4]);
    played_frame(out, FRAME_DATA, is_last ? END_STREAM : 0, id,
                 bytes_lend(&payload));
    bytes_deinit(&payload);
}

bool played_has(const struct bytes *bytes, const char *text)
{
    return memmem(bytes->data, bytes->size, text, strlen(text));
}
