#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 512

static byron_status parse_port(const char *text, in_port_t *out)
{
    char *end;
    unsigned long port;

    if (*text < '0' || *text > '9')
        return BYRON_MISUSE;
    port = strtoul(text, &end, 10);
    if (*end || port > 65535 || end - text > 5)
        return BYRON_MISUSE;
    *out = htons((in_port_t)port);
    return BYRON_OK;
}

static byron_status parse_local(const char *path, struct address *out)
{
    size_t size = strlen(path);

    if (size == 0 || size >= sizeof out->as.local.sun_path)
        return BYRON_MISUSE;
    out->as.local.sun_family = AF_UNIX;
    memcpy(out->as.local.sun_path, path, size + 1);
    out->size = (socklen_t)sizeof out->as.local;
    return BYRON_OK;
}

byron_status address_parse(const char *text, struct address *out)
{
    const char *colon = strrchr(text, ':');
    char host[INET6_ADDRSTRLEN + 2];
    size_t size;

    memset(out, 0, sizeof *out);
    if (strncmp(text, "unix:", 5) == 0)
        return parse_local(text + 5, out);
    if (!colon || (size_t)(colon - text) >= sizeof host)
        return BYRON_MISUSE;
    size = (size_t)(colon - text);
    memcpy(host, text, size);
    host[size] = '\0';
    if (size > 2 && host[0] == '[' && host[size - 1] == ']') {
        host[size - 1] = '\0';
        out->as.v6.sin6_family = AF_INET6;
        out->size = (socklen_t)sizeof out->as.v6;
        if (inet_pton(AF_INET6, host + 1, &out->as.v6.sin6_addr) != 1)
            return BYRON_MISUSE;
        return parse_port(colon + 1, &out->as.v6.sin6_port);
    }
    out->as.v4.sin_family = AF_INET;
    out->size = (socklen_t)sizeof out->as.v4;
    if (inet_pton(AF_INET, host, &out->as.v4.sin_addr) != 1)
        return BYRON_MISUSE;
    return parse_port(colon + 1, &out->as.v4.sin_port);
}

bool address_is_local(const struct address *address)
{
    switch (address->as.any.sa_family) {
    case AF_UNIX:
        return true;
    case AF_INET:
        return ntohl(address->as.v4.sin_addr.s_addr) >> 24 == 127;
    case AF_INET6:
        return IN6_IS_ADDR_LOOPBACK(&address->as.v6.sin6_addr);
    default:
        return false;
    }
}

void address_print(const struct address *address, char out[ADDRESS_TEXT_SIZE])
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (address->as.any.sa_family == AF_UNIX) {
        snprintf(out, ADDRESS_TEXT_SIZE, "unix:%s", address->as.local.sun_path);
    } else if (address->as.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address->as.v6.sin6_addr, host, sizeof host);
        snprintf(out, ADDRESS_TEXT_SIZE, "[%s]:%u", host,
                 (unsigned)ntohs(address->as.v6.sin6_port));
    } else {
        inet_ntop(AF_INET, &address->as.v4.sin_addr, host, sizeof host);
        snprintf(out, ADDRESS_TEXT_SIZE, "%s:%u", host,
                 (unsigned)ntohs(address->as.v4.sin_port));
    }
}

/* A socket file that nobody listens at is left by one who was killed. */
static byron_status clear_stale(const struct address *address)
{
    struct stat found;
    int fd;
    int failure;

    if (lstat(address->as.local.sun_path, &found) != 0)
        return BYRON_OK;
    if (!S_ISSOCK(found.st_mode))
        return BYRON_BUSY; /* Somebody's file, not ours to remove. */
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return BYRON_IO;
    failure = connect(fd, &address->as.any, address->size) == 0 ? 0 : errno;
    close(fd);
    if (failure != ECONNREFUSED)
        return BYRON_BUSY;
    unlink(address->as.local.sun_path);
    return BYRON_OK;
}

static byron_status bind_and_listen(struct address *address, int fd)
{
    int one = 1;
    int failed;

    if (address->as.any.sa_family != AF_UNIX) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        /* Those that are accepted inherit it. */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        failed = bind(fd, &address->as.any, address->size);
    } else {
        /* Only this user may connect. */
        mode_t mask = umask(0077);
        failed = bind(fd, &address->as.any, address->size);
        umask(mask);
    }
    if (failed != 0)
        return errno == EADDRINUSE ? BYRON_BUSY : BYRON_IO;
    if (listen(fd, BACKLOG) != 0)
        return BYRON_IO;
    if (address->as.any.sa_family != AF_UNIX &&
        getsockname(fd, &address->as.any, &address->size) != 0)
        return BYRON_IO;
    return BYRON_OK;
}

byron_status address_listen(struct address *address, int *out)
{
    byron_status status = BYRON_OK;
    int fd;

    if (address->as.any.sa_family == AF_UNIX)
        status = clear_stale(address);
    if (status != BYRON_OK)
        return status;
    fd = socket(address->as.any.sa_family,
                SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return BYRON_IO;
    status = bind_and_listen(address, fd);
    if (status == BYRON_OK)
        *out = fd;
    else
        close(fd);
    return status;
}

void address_unlink(const struct address *address)
{
    if (address->as.any.sa_family == AF_UNIX)
        unlink(address->as.local.sun_path);
}
