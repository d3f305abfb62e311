#include "http/plain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* One request and its answer. */
struct visitor {
    struct watch watch; /* First. */
    struct plain *plain;
    struct visitor *next;
    struct visitor *previous;
    struct timer timer;
    struct deferred leave; /* Queued: it is going. */
    struct bytes in;
    struct bytes out;
    size_t sent;
    bool is_answered;
};

struct plain {
    struct watch watch; /* First. Of the listening socket; fd -1: none. */
    struct loop *loop;
    const struct plain_settings *settings;
    struct visitor *visitors;
    unsigned count;
};

/* --- Life ------------------------------------------------------------------*/

static void watch_listener(struct plain *plain)
{
    bool has_room = plain->count < plain->settings->max_connections;

    if (plain->watch.fd >= 0)
        (void)!loop_watch(plain->loop, &plain->watch, has_room ? EPOLLIN : 0);
}

static void visitor_free(struct visitor *visitor)
{
    struct plain *plain = visitor->plain;

    if (visitor->previous)
        visitor->previous->next = visitor->next;
    else
        plain->visitors = visitor->next;
    if (visitor->next)
        visitor->next->previous = visitor->previous;
    plain->count--;
    (void)!loop_watch(plain->loop, &visitor->watch, 0);
    loop_clear_timer(plain->loop, &visitor->timer);
    close(visitor->watch.fd);
    bytes_deinit(&visitor->in);
    bytes_deinit(&visitor->out);
    free(visitor);
}

static void leave(struct deferred *deferred)
{
    struct visitor *visitor =
        (struct visitor *)((char *)deferred - offsetof(struct visitor, leave));
    struct plain *plain = visitor->plain;

    visitor_free(visitor);
    watch_listener(plain);
}

static void dismiss(struct visitor *visitor)
{
    loop_defer(visitor->plain->loop, &visitor->leave);
}

static void too_slow(struct timer *timer)
{
    dismiss(
        (struct visitor *)((char *)timer - offsetof(struct visitor, timer)));
}

/* --- The answer ------------------------------------------------------------*/

static void send_some(struct visitor *visitor)
{
    while (visitor->sent < visitor->out.size) {
        ssize_t size =
            send(visitor->watch.fd, visitor->out.data + visitor->sent,
                 visitor->out.size - visitor->sent, MSG_NOSIGNAL);
        if (size > 0) {
            visitor->sent += (size_t)size;
        } else if (errno == EAGAIN) {
            if (loop_watch(visitor->plain->loop, &visitor->watch, EPOLLOUT) !=
                BYRON_OK)
                dismiss(visitor);
            return;
        } else if (errno != EINTR) {
            break;
        }
    }
    dismiss(visitor);
}

static void answer(struct visitor *visitor, const char *status,
                   const struct bytes *body)
{
    char head[256];
    int size = snprintf(head, sizeof head,
                        "HTTP/1.1 %s\r\n"
                        "Content-Type: text/plain; version=0.0.4\r\n"
                        "Content-Length: %lu\r\n"
                        "Connection: close\r\n\r\n",
                        status, (unsigned long)body->size);

    visitor->is_answered = true;
    if (bytes_add(&visitor->out, head, (size_t)size) == BYRON_OK &&
        bytes_add(&visitor->out, body->data, body->size) == BYRON_OK)
        send_some(visitor);
    else
        dismiss(visitor);
}

static void refuse(struct visitor *visitor, const char *status)
{
    static const struct bytes none = {0};
    answer(visitor, status, &none);
}

/* --- The request -----------------------------------------------------------*/

/* "GET /path HTTP/1.x": the path, without what follows a "?". */
static const char *read_line(const struct bytes *in, struct byron_bytes *path)
{
    static const char method[] = "GET /";
    const char *line = (const char *)in->data;
    const char *end = memchr(line, '\r', in->size);
    const char *space;
    const char *mark;

    if (in->size < sizeof method ||
        memcmp(line, method, sizeof method - 1) != 0)
        return "405 Method Not Allowed";
    line += sizeof method - 2;
    space = memchr(line, ' ', (size_t)(end - line));
    if (!space || end - space != 9 || memcmp(space, " HTTP/1.", 8) != 0)
        return "400 Bad Request";
    mark = memchr(line, '?', (size_t)(space - line));
    path->data = line;
    path->size = (size_t)((mark ? mark : space) - line);
    return NULL;
}

static void serve(struct visitor *visitor)
{
    const struct plain_settings *settings = visitor->plain->settings;
    struct byron_bytes path = {NULL, 0};
    struct bytes body = {0};
    const char *wrong = read_line(&visitor->in, &path);
    byron_status status;

    if (wrong) {
        refuse(visitor, wrong);
        return;
    }
    status = settings->get(settings->context, path, &body);
    if (status == BYRON_OK)
        answer(visitor, "200 OK", &body);
    else
        refuse(visitor, status == BYRON_NOT_FOUND
                            ? "404 Not Found"
                            : "500 Internal Server Error");
    bytes_deinit(&body);
}

static void receive(struct visitor *visitor)
{
    const struct plain_settings *settings = visitor->plain->settings;
    uint8_t piece[1024];
    ssize_t size = recv(visitor->watch.fd, piece, sizeof piece, 0);

    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size <= 0 || bytes_add(&visitor->in, piece, (size_t)size) != BYRON_OK) {
        dismiss(visitor);
        return;
    }
    if (visitor->in.size >= 4 &&
        memmem(visitor->in.data, visitor->in.size, "\r\n\r\n", 4))
        serve(visitor);
    else if (visitor->in.size > settings->max_request)
        refuse(visitor, "431 Request Header Fields Too Large");
}

static void ready(struct watch *watch, uint32_t events)
{
    struct visitor *visitor = (struct visitor *)watch;

    (void)events;
    if (visitor->leave.is_queued)
        return;
    if (visitor->is_answered)
        send_some(visitor);
    else
        receive(visitor);
}

/* --- Accepting -------------------------------------------------------------*/

void plain_accept(struct plain *plain, int fd)
{
    struct visitor *visitor = calloc(1, sizeof *visitor);

    if (!visitor) {
        close(fd);
        return;
    }
    visitor->plain = plain;
    visitor->watch.fd = fd;
    visitor->watch.ready = ready;
    visitor->timer.run = too_slow;
    visitor->leave.run = leave;
    visitor->next = plain->visitors;
    if (visitor->next)
        visitor->next->previous = visitor;
    plain->visitors = visitor;
    plain->count++;
    if (loop_watch(plain->loop, &visitor->watch, EPOLLIN) != BYRON_OK ||
        loop_set_timer(plain->loop, &visitor->timer,
                       plain->settings->patience_ms) != BYRON_OK)
        dismiss(visitor);
    watch_listener(plain);
}

static void accept_one(struct watch *watch, uint32_t events)
{
    int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)events;
    if (fd >= 0)
        plain_accept((struct plain *)watch, fd);
    else if (errno == EMFILE || errno == ENFILE)
        usleep(100000); /* This thread may; the others need descriptors too. */
}

byron_status plain_new(struct loop *loop, const struct plain_settings *settings,
                       struct address *address, struct plain **out)
{
    struct plain *plain = calloc(1, sizeof *plain);
    byron_status status = BYRON_NO_MEMORY;

    if (!plain)
        return BYRON_NO_MEMORY;
    plain->loop = loop;
    plain->settings = settings;
    plain->watch.fd = -1;
    plain->watch.ready = accept_one;
    status = address_listen(address, &plain->watch.fd);
    if (status == BYRON_OK)
        status = loop_watch(loop, &plain->watch, EPOLLIN);
    if (status == BYRON_OK)
        *out = plain;
    else
        plain_free(plain);
    return status;
}

void plain_free(struct plain *plain)
{
    if (!plain)
        return;
    while (plain->visitors)
        visitor_free(plain->visitors);
    if (plain->watch.fd >= 0) {
        (void)!loop_watch(plain->loop, &plain->watch, 0);
        close(plain->watch.fd);
    }
    free(plain);
}
