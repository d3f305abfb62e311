/*
 * soak: one process that uses a database for long: several threads, each with
 * connections of its own, transfer, overwrite, look, flush, compact, back up,
 * make and drop tables, and reopen. Once in an interval it says how it goes.
 *
 * Usage: soak extension=FILE [minutes=60] [seconds=N] [interval=60] [seed=N]
 *             [docs=150000] [most=3] [folder=DIR]
 *
 * Fails where a sum changes that must not, a counter goes back, two that read
 * both and write one each are both let through, a file is damaged, or memory,
 * descriptors or disk grow beyond what docs/testing.md allows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "soak/soak.h"
#include "soak/soak_usage.h"

static const char *word(int count, char **words, const char *name,
                        const char *usual)
{
    size_t size = strlen(name);

    for (int i = 1; i < count; i++)
        if (strncmp(words[i], name, size) == 0 && words[i][size] == '=')
            return words[i] + size + 1;
    return usual;
}

static unsigned long number(int count, char **words, const char *name,
                            const char *usual)
{
    return strtoul(word(count, words, name, usual), NULL, 10);
}

/* What the last two thirds of the intervals may not exceed: what was there
 * after the first, and a part of it, and some room. */
static void judge_growth(struct soak *soak, const char *what, uint64_t now,
                         uint64_t early, uint64_t room)
{
    if (now > early + early / 2 + room)
        soak_fail(soak, "%s grow: %llu, and once %llu", what,
                  (unsigned long long)now, (unsigned long long)early);
}

static void say(struct soak *soak, unsigned long seconds)
{
    printf("%5lu s  %llu transfers, %llu changes, %llu looks, %llu services, "
           "%llu refused; %llu MB, %llu files open, disk %.2f x live (most "
           "%.2f); longest %.0f ms (%s)\n",
           seconds, (unsigned long long)soak->transfers,
           (unsigned long long)soak->changes, (unsigned long long)soak->looks,
           (unsigned long long)soak->services,
           (unsigned long long)soak->refused,
           (unsigned long long)soak_memory() >> 20,
           (unsigned long long)soak_descriptors(),
           (double)soak_disk(soak) / (double)soak->live,
           (double)soak->disk_most / (double)soak->live,
           (double)soak->longest_us / 1000, soak->longest_what);
    fflush(stdout);
    soak->longest_us = 0;
}

static void watch(struct soak *soak, unsigned long seconds,
                  unsigned long interval)
{
    uint64_t early_memory = 0;
    uint64_t early_files = 0;

    for (unsigned long tenths = 1; tenths <= seconds * 10 && !soak->stop;
         tenths++) {
        usleep(100000);
        uint64_t disk = soak_disk(soak);
        if (disk > soak->disk_most)
            soak->disk_most = disk;
        if (disk > soak->most * soak->live + SOAK_ROOM) {
            soak_describe(soak);
            soak_fail(soak, "%llu bytes on the disk for %llu",
                      (unsigned long long)disk, (unsigned long long)soak->live);
        }
        if (tenths == seconds * 10 / 3) {
            early_memory = soak_memory();
            early_files = soak_descriptors();
        }
        if (tenths % (interval * 10) == 0)
            say(soak, tenths / 10);
    }
    if (soak->stop || early_memory == 0)
        return;
    judge_growth(soak, "memory", soak_memory(), early_memory, 16 << 20);
    judge_growth(soak, "open files", soak_descriptors(), early_files, 40);
}

int main(int count, char **words)
{
    struct soak soak = {.extension = word(count, words, "extension", NULL)};
    unsigned long minutes = number(count, words, "minutes", "60");
    unsigned long seconds = number(count, words, "seconds", "0");
    unsigned long interval = number(count, words, "interval", "60");

    if (!soak.extension || interval == 0) {
        fprintf(stderr, "soak extension=FILE [minutes=60] [interval=60]\n");
        return 2;
    }
    soak.seed = number(count, words, "seed", "0");
    if (soak.seed == 0)
        soak.seed = test_seed();
    soak.docs = (int)number(count, words, "docs", "150000");
    soak.most = number(count, words, "most", "3");
    printf("soak: seed=%llu\n", (unsigned long long)soak.seed);
    soak_open(&soak, word(count, words, "folder", NULL));
    soak_start(&soak);
    watch(&soak, seconds ? seconds : minutes * 60, interval);
    soak_join(&soak);
    soak_settle(&soak);
    return soak_close(&soak);
}
