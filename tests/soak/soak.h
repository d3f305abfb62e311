/*
 * soak: what the program, its threads and its beginning and end share.
 */
#ifndef BYRON_TESTS_SOAK_H
#define BYRON_TESTS_SOAK_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "support/seed.h"

#define SOAK_ACCOUNTS 1000
#define SOAK_MONEY    1000
#define SOAK_ACTORS   9
/* Beside what is live: logs, the table that comes and goes, and what was
 * replaced while a reader, or the second that statements have, held it. */
#define SOAK_ROOM ((uint64_t)16 << 20)

struct soak {
    const char *extension;
    uint64_t seed;
    int docs; /* Rows of the large table. */
    char folder[200];
    char path[256];
    uint64_t live; /* Bytes of the store once all is in one run. */
    uint64_t most; /* Times as much may lie on the disk. */
    uint64_t disk_most;
    pthread_t threads[SOAK_ACTORS];
    atomic_bool stop;
    atomic_bool has_failed;
    atomic_ullong transfers, changes, looks, services, refused;
    atomic_ullong longest_us; /* Of one transaction or look. */
    const char *_Atomic longest_what;
    atomic_ullong known; /* Transfers that are acknowledged. */
};

struct soak_actor {
    struct soak *soak;
    sqlite3 *db;
    struct rng rng;
    int number;
    int64_t newest; /* Transfers, as last seen. */
};

/* Says so once, and ends everything. */
void soak_fail(struct soak *soak, const char *words, ...)
    __attribute__((format(printf, 2, 3)));

/* folder NULL: one of its own under $TMPDIR. */
void soak_open(struct soak *soak, const char *folder);
/* The path of a file beside the database; lent until the next call of the
 * thread. */
const char *soak_beside(const struct soak *soak, const char *name);
void soak_start(struct soak *soak);
void soak_join(struct soak *soak);
void soak_describe(struct soak *soak); /* Prints the store's figures. */
/* Waits for rest, and looks at all that is left. */
void soak_settle(struct soak *soak);
/* The program's exit code; takes the folder away where all went well. */
int soak_close(struct soak *soak);

/* What one thread does until the end; context is a soak_actor. */
void *soak_act(void *context);

#endif
