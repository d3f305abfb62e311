/*
 * squeeze: a bound on memory that the page cache cannot pass. A process goes
 * into a memory group of the kernel's (cgroup v1 or v2), where its own memory
 * and the cached pages of the files that it touches count together.
 */
#ifndef BYRON_TESTS_BENCH_SQUEEZE_H
#define BYRON_TESTS_BENCH_SQUEEZE_H

#include <stdbool.h>
#include <stdint.h>

struct squeeze {
    uint64_t bytes; /* Of each group; 0: none are made. */
    bool is_v2;
    char prefix[256];  /* Of the groups' paths. */
    char why_not[256]; /* Groups were wanted and cannot be made; or "". */
};

/*
 * Finds out, by making one, whether groups of so many bytes can be made, their
 * names beginning with name; where they cannot, bytes is 0 and says why.
 */
void squeeze_find(uint64_t bytes, const char *name, struct squeeze *out);
/* The functions below do nothing where bytes is 0. */
bool squeeze_make(const struct squeeze *squeeze, const char *member);
/* The calling process enters the group. */
bool squeeze_enter(const struct squeeze *squeeze, const char *member);
/* Drops what the group's page cache holds and nobody has mapped. */
void squeeze_empty(const struct squeeze *squeeze, const char *member);
/* Processes that the kernel killed for want of memory. */
uint64_t squeeze_kills(const struct squeeze *squeeze, const char *member);
/* All groups of this prefix, once their processes are gone. */
void squeeze_remove_all(const struct squeeze *squeeze);
#endif
