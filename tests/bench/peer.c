#include "bench/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

void peer_die(const char *peer, const char *what, const char *words)
{
    fprintf(stderr, "%s: %s: %s\n", peer, what, words);
    exit(1);
}

void *peer_allocate(size_t size)
{
    void *memory = calloc(1, size);

    if (!memory)
        peer_die("bench", "allocate", "out of memory");
    return memory;
}

static double cpu_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void peer_wait_until_quiet(void)
{
    for (int quiet = 0; quiet < 4;) {
        double before = cpu_seconds();

        usleep(50000);
        quiet = cpu_seconds() - before > 0.002 ? 0 : quiet + 1;
    }
}
