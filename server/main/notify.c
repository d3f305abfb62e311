#include "main/notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void send_text(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = path ? strlen(path) : 0;
    int fd;

    if (size < 2 || size >= sizeof address.sun_path ||
        (*path != '/' && *path != '@'))
        return;
    memcpy(address.sun_path, path, size);
    /* A name of the system's own, which is no file's. */
    if (*path == '@')
        address.sun_path[0] = 0;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    (void)!sendto(fd, text, strlen(text), MSG_NOSIGNAL,
                  (const struct sockaddr *)&address,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size));
    close(fd);
}

void notify_tell(enum notify_state state)
{
    static const char *const lines[] = {"READY=1\n", "RELOADING=1\n",
                                        "STOPPING=1\n"};
    struct timespec now;
    char text[64];

    clock_gettime(CLOCK_MONOTONIC, &now);
    /* Asked for when reloading; says nothing otherwise. */
    snprintf(text, sizeof text, "%sMONOTONIC_USEC=%" PRIu64 "\n", lines[state],
             (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
    send_text(text);
}
