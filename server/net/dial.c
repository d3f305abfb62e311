#include "net/dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/address.h"

/* The parts of HOST:PORT and [HOST]:PORT; false: it is neither. */
static bool split(const char *address, char host[DIAL_HOST_SIZE],
                  const char **out_port)
{
    const char *colon = strrchr(address, ':');
    size_t size;

    if (!colon || colon == address || !colon[1])
        return false;
    size = (size_t)(colon - address);
    *out_port = colon + 1;
    if (address[0] == '[') {
        if (size < 3 || address[size - 1] != ']')
            return false;
        address++;
        size -= 2;
    } else if (memchr(address, ':', size)) {
        return false; /* Version 6, or a scheme. */
    }
    if (size >= DIAL_HOST_SIZE)
        return false;
    memcpy(host, address, size);
    host[size] = '\0';
    return true;
}

bool dial_host(const char *address, char out[DIAL_HOST_SIZE])
{
    const char *port;

    return strncmp(address, "unix:", 5) != 0 && split(address, out, &port);
}

/* 0, or errno. */
static int await(int fd, unsigned ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    int failure = 0;
    socklen_t size = sizeof failure;
    int ready = poll(&poll_fd, 1, (int)ms);

    if (ready == 0)
        return ETIMEDOUT;
    if (ready < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0)
        return errno;
    return failure;
}

static byron_status connect_to(const struct sockaddr *address, socklen_t size,
                               unsigned ms, int *out,
                               char words[DIAL_WORDS_SIZE])
{
    int fd = socket(address->sa_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int failure = 0;
    int one = 1;

    if (fd < 0 || connect(fd, address, size) != 0)
        failure = errno;
    if (failure == EINPROGRESS)
        failure = await(fd, ms);
    if (failure == 0) {
        if (address->sa_family != AF_UNIX)
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        *out = fd;
        return BYRON_OK;
    }
    snprintf(words, DIAL_WORDS_SIZE, "%s", strerror(failure));
    if (fd >= 0)
        close(fd);
    return BYRON_IO;
}

/* The first that takes us, of all that the name stands for. */
static byron_status dial_name(const char *host, const char *port, unsigned ms,
                              int *out, char words[DIAL_WORDS_SIZE])
{
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    byron_status status = BYRON_IO;
    int failed = getaddrinfo(host, port, &wanted, &found);

    if (failed) {
        snprintf(words, DIAL_WORDS_SIZE, "%s", gai_strerror(failed));
        return BYRON_IO;
    }
    for (struct addrinfo *one = found; one && status != BYRON_OK;
         one = one->ai_next)
        status = connect_to(one->ai_addr, one->ai_addrlen, ms, out, words);
    freeaddrinfo(found);
    return status;
}

byron_status dial(const char *address, unsigned ms, int *out,
                  char words[DIAL_WORDS_SIZE])
{
    char host[DIAL_HOST_SIZE];
    const char *port;
    struct address local;

    if (strncmp(address, "unix:", 5) == 0 &&
        address_parse(address, &local) == BYRON_OK)
        return connect_to(&local.as.any, local.size, ms, out, words);
    if (strncmp(address, "unix:", 5) != 0 && split(address, host, &port))
        return dial_name(host, port, ms, out, words);
    snprintf(words, DIAL_WORDS_SIZE, "not HOST:PORT, [IPV6]:PORT or unix:PATH");
    return BYRON_MISUSE;
}
