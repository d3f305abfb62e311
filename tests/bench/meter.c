#include "bench/meter.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/counted_calls.h"

/* The number behind a name in one of the kernel's lists. */
static uint64_t number_in(const char *path, const char *name)
{
    FILE *file = fopen(path, "r");
    unsigned long long number = 0;
    char line[256];

    if (!file)
        return 0;
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, name, strlen(name)) == 0)
            sscanf(line + strlen(name), " %llu", &number);
    }
    fclose(file);
    return number;
}

static double cpu_of(int whom)
{
    struct rusage usage;

    getrusage(whom, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

void meter_read(struct meter *out)
{
    out->own_us = cpu_of(RUSAGE_THREAD);
    out->cpu_us = cpu_of(RUSAGE_SELF);
    out->written = counted_bytes();
    out->syncs = counted_syncs();
    out->dirtied = number_in("/proc/self/io", "write_bytes:");
    out->read = number_in("/proc/self/io", "read_bytes:");
}

void meter_reset_peak(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");

    if (file) {
        fputs("5", file);
        fclose(file);
    }
}

uint64_t meter_peak(void)
{
    return number_in("/proc/self/status", "VmHWM:") * 1024;
}

static uint64_t sum; /* Of the walk that is under way. */

static int add_blocks(const char *path, const struct stat *status, int kind)
{
    (void)path;
    if (kind == FTW_F)
        sum += (uint64_t)status->st_blocks * 512;
    return 0;
}

uint64_t disk_bytes(const char *path)
{
    sum = 0;
    ftw(path, add_blocks, 16);
    return sum;
}

static int for_file(const char *path, int kind, bool is_dropped)
{
    int file;

    if (kind == FTW_F && (file = open(path, O_RDONLY)) >= 0) {
        fdatasync(file);
        if (is_dropped)
            posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
        close(file);
    }
    return 0;
}

static int sync_file(const char *path, const struct stat *status, int kind)
{
    (void)status;
    return for_file(path, kind, false);
}

static int drop_file(const char *path, const struct stat *status, int kind)
{
    (void)status;
    return for_file(path, kind, true);
}

void sync_files(const char *path)
{
    ftw(path, sync_file, 16);
}

void drop_page_cache(const char *path)
{
    ftw(path, drop_file, 16);
}

#define LOOK_BYTES ((off_t)1 << 28) /* That are looked at together. */

static uint64_t resident_in(int file, off_t from, off_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (size_t)size;
    size_t pages = (bytes + page - 1) / page;
    unsigned char *is_there = calloc(pages, 1);
    void *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, from);
    uint64_t found = 0;

    if (is_there && map != MAP_FAILED && mincore(map, bytes, is_there) == 0) {
        for (size_t i = 0; i < pages; i++)
            found += (is_there[i] & 1) * page;
    }
    if (map != MAP_FAILED)
        munmap(map, bytes);
    free(is_there);
    return found;
}

static int add_resident(const char *path, const struct stat *status, int kind)
{
    int file;

    if (kind != FTW_F || (file = open(path, O_RDONLY)) < 0)
        return 0;
    for (off_t at = 0; at < status->st_size; at += LOOK_BYTES) {
        off_t left = status->st_size - at;

        sum += resident_in(file, at, left < LOOK_BYTES ? left : LOOK_BYTES);
    }
    close(file);
    return 0;
}

uint64_t cached_bytes(const char *path)
{
    sum = 0;
    ftw(path, add_resident, 16);
    return sum;
}

static int remove_one(const char *path, const struct stat *status, int kind,
                      struct FTW *place)
{
    (void)status, (void)kind;
    return place->level == 0 ? 0 : remove(path);
}

void empty_folder(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
