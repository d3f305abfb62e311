#include "base/posix_clock.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "base/error.h"

uint64_t posix_now_us(struct byron_os *os)
{
    struct timespec now;

    (void)os;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t posix_wall_ms(struct byron_os *os)
{
    struct timespec now;

    (void)os;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void posix_sleep_us(struct byron_os *os, uint64_t us)
{
    struct timespec left = {.tv_sec = (time_t)(us / 1000000),
                            .tv_nsec = (long)(us % 1000000) * 1000};

    (void)os;
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

byron_status posix_random(struct byron_os *os, void *bytes, size_t size)
{
    uint8_t *to = bytes;

    (void)os;
    while (size > 0) {
        ssize_t got = getrandom(to, size, 0);
        if (got > 0) {
            to += got;
            size -= (size_t)got;
        } else if (errno != EINTR) {
            return error_set(BYRON_IO, NULL, BYRON_NO_OFFSET, errno,
                             "the system gives no random bytes");
        }
    }
    return BYRON_OK;
}
