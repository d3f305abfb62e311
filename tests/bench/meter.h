/*
 * meter: what this program has taken from the machine so far. Its own write
 * and sync calls are counted on their way to the kernel, for every library in
 * the program.
 */
#ifndef BYRON_TESTS_BENCH_METER_H
#define BYRON_TESTS_BENCH_METER_H

#include <stdint.h>

struct meter {
    double own_us;    /* CPU of the calling thread. */
    double cpu_us;    /* Of all threads. */
    uint64_t written; /* Bytes given to write calls. */
    uint64_t dirtied; /* Bytes of pages that must reach the disk. */
    uint64_t read;    /* Bytes that came from the disk. */
    uint64_t syncs;   /* fsync, fdatasync, msync; writes to files opened to
                         sync each write. */
};

void meter_read(struct meter *out);
/* Peak resident bytes since the last reset. */
void meter_reset_peak(void);
uint64_t meter_peak(void);
/* Of all files below path, as blocks on the disk. */
uint64_t disk_bytes(const char *path);
/* Waits until all files below path are on the disk. */
void sync_files(const char *path);
/* Forgets what the page cache holds of all files below path. */
void drop_page_cache(const char *path);
/* What it holds of them all the same. */
uint64_t cached_bytes(const char *path);
/* Removes everything below path. */
void empty_folder(const char *path);
#endif
