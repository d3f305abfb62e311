#include "sstable/file_pool.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/file_name.h"
#include "base/thread.h"
#include "base/try.h"

#define BUCKET_COUNT 256u
/* The process has a number of maps, 65,530 by default on Linux, and addresses,
 * few of them if they have 32 bits. Its own needs come first. */
#define MAPS_MAX   ((size_t)16384)
#define MAPPED_MAX ((uint64_t)SIZE_MAX / 8)

struct pooled_file {
    uint64_t number;
    struct os_file *file;
    size_t pins;
    struct pooled_file *next; /* In its bucket. */
    /* In the list of the unpinned, from the longest unused on. */
    struct pooled_file *older;
    struct pooled_file *newer;
};

struct file_pool {
    struct byron_os *os;
    struct os_dir *dir;
    size_t max_open;
    atomic_bool is_mapping;
    atomic_size_t map_count;
    atomic_uint_least64_t mapped; /* Bytes. */
    struct mutex mutex;           /* For all below. */
    size_t open_count;
    struct pooled_file *buckets[BUCKET_COUNT];
    struct pooled_file *oldest;
    struct pooled_file *newest;
};

byron_status file_pool_new(struct byron_os *os, struct os_dir *dir,
                           size_t max_open, struct file_pool **out)
{
    struct file_pool *pool = alloc_zeroed(1, sizeof *pool);

    if (!pool)
        return error_no_memory();
    pool->os = os;
    pool->dir = dir;
    pool->max_open = max_open;
    mutex_init(&pool->mutex);
    *out = pool;
    return BYRON_OK;
}

/* --- the list of the unpinned; the mutex is held --- */

static void list_add(struct file_pool *pool, struct pooled_file *file)
{
    file->older = pool->newest;
    file->newer = NULL;
    if (pool->newest)
        pool->newest->newer = file;
    else
        pool->oldest = file;
    pool->newest = file;
}

static void list_remove(struct file_pool *pool, struct pooled_file *file)
{
    if (file->older)
        file->older->newer = file->newer;
    else
        pool->oldest = file->newer;
    if (file->newer)
        file->newer->older = file->older;
    else
        pool->newest = file->older;
}

/* --- buckets; the mutex is held --- */

static struct pooled_file **place_of(struct file_pool *pool, uint64_t number)
{
    struct pooled_file **place = &pool->buckets[number % BUCKET_COUNT];

    while (*place && (*place)->number != number)
        place = &(*place)->next;
    return place;
}

static struct pooled_file *pin(struct file_pool *pool, uint64_t number)
{
    struct pooled_file *file = *place_of(pool, number);

    if (file && file->pins++ == 0)
        list_remove(pool, file);
    return file;
}

/* Takes an unpinned file out of the pool, to be closed. */
static void take_out(struct file_pool *pool, struct pooled_file *file)
{
    struct pooled_file **place = place_of(pool, file->number);

    assert(*place == file && file->pins == 0);
    *place = file->next;
    list_remove(pool, file);
    pool->open_count--;
}

/* Takes out what is beyond the bound; NULL if nothing is, or all is pinned. */
static struct pooled_file *take_surplus(struct file_pool *pool)
{
    struct pooled_file *file = pool->oldest;

    if (pool->open_count <= pool->max_open || !file)
        return NULL;
    take_out(pool, file);
    return file;
}

static void close_file(struct file_pool *pool, struct pooled_file *file)
{
    if (!file)
        return;
    pool->os->file_close(file->file);
    alloc_free(file);
}

void file_pool_free(struct file_pool *pool)
{
    if (!pool)
        return;
    while (pool->oldest) {
        struct pooled_file *file = pool->oldest;
        take_out(pool, file);
        close_file(pool, file);
    }
    assert(pool->open_count == 0);
    assert(atomic_load(&pool->map_count) == 0);
    mutex_deinit(&pool->mutex);
    alloc_free(pool);
}

/* --- opening --- */

static byron_status open_file(struct file_pool *pool, uint64_t number,
                              struct pooled_file **out)
{
    byron_status status;
    char name[OS_NAME_MAX];
    struct pooled_file *file = alloc_zeroed(1, sizeof *file);

    if (!file)
        return error_no_memory();
    file->number = number;
    file->pins = 1;
    file_name_format(FILE_TABLE, number, name);
    status = pool->os->file_open(pool->dir, name, &file->file);
    /* A lost table must not pass for a lost store. */
    if (status == BYRON_MISSING)
        status = file_pool_corrupt(pool, number, BYRON_NO_OFFSET,
                                   "the store names this table, yet it is "
                                   "not there");
    if (status != BYRON_OK)
        alloc_free(file);
    else
        *out = file;
    return status;
}

byron_status file_pool_open(struct file_pool *pool, uint64_t number,
                            struct pooled_file **out)
{
    byron_status status;
    struct pooled_file *opened = NULL, *file, *surplus = NULL;

    mutex_lock(&pool->mutex);
    *out = pin(pool, number);
    mutex_unlock(&pool->mutex);
    if (*out)
        return BYRON_OK;
    /* Without the mutex: opening may be slow, others need not wait. */
    TRY(open_file(pool, number, &opened));
    mutex_lock(&pool->mutex);
    file = pin(pool, number);
    if (file) {
        surplus = opened; /* Another thread was faster. */
    } else {
        file = opened;
        *place_of(pool, number) = file;
        pool->open_count++;
        surplus = take_surplus(pool);
    }
    mutex_unlock(&pool->mutex);
    close_file(pool, surplus);
    *out = file;
out:
    return status;
}

void file_pool_release(struct file_pool *pool, struct pooled_file *file)
{
    struct pooled_file *surplus = NULL;

    mutex_lock(&pool->mutex);
    assert(file->pins);
    if (--file->pins == 0) {
        list_add(pool, file);
        surplus = take_surplus(pool);
    }
    mutex_unlock(&pool->mutex);
    close_file(pool, surplus);
}

void file_pool_forget(struct file_pool *pool, uint64_t number)
{
    struct pooled_file *file;

    mutex_lock(&pool->mutex);
    file = *place_of(pool, number);
    if (file && file->pins == 0)
        take_out(pool, file);
    else
        file = NULL;
    mutex_unlock(&pool->mutex);
    close_file(pool, file);
}

/* --- reading --- */

byron_status file_pool_read(struct file_pool *pool, uint64_t number,
                            uint64_t offset, void *bytes, size_t size)
{
    byron_status status;
    struct pooled_file *file;

    TRY(file_pool_open(pool, number, &file));
    status = pool->os->file_read(file->file, offset, bytes, size);
    file_pool_release(pool, file);
out:
    return status;
}

byron_status file_pool_size(struct file_pool *pool, uint64_t number,
                            uint64_t *out)
{
    byron_status status;
    struct pooled_file *file;

    TRY(file_pool_open(pool, number, &file));
    status = pool->os->file_size(file->file, out);
    file_pool_release(pool, file);
out:
    return status;
}

void file_pool_prefetch(struct file_pool *pool, uint64_t number,
                        uint64_t offset, size_t size)
{
    struct pooled_file *file;

    if (file_pool_open(pool, number, &file) != BYRON_OK)
        return; /* The read itself will say why. */
    pool->os->file_prefetch(file->file, offset, size);
    file_pool_release(pool, file);
}

/* --- maps --- */

void file_pool_set_mapping(struct file_pool *pool, bool is_mapping)
{
    atomic_store(&pool->is_mapping, is_mapping);
}

static void give_map(struct file_pool *pool, uint64_t size)
{
    atomic_fetch_sub(&pool->map_count, 1);
    atomic_fetch_sub(&pool->mapped, size);
}

/* Counts a map of that size; false, and it does not, where there are enough. */
static bool take_map(struct file_pool *pool, uint64_t size)
{
    size_t maps = atomic_fetch_add(&pool->map_count, 1);
    uint64_t mapped = atomic_fetch_add(&pool->mapped, size);

    if (maps < MAPS_MAX && mapped < MAPPED_MAX && size < MAPPED_MAX - mapped)
        return true;
    give_map(pool, size);
    return false;
}

const uint8_t *file_pool_map(struct file_pool *pool, uint64_t number,
                             uint64_t size)
{
    const uint8_t *bytes = NULL;
    struct pooled_file *file;

    if (!atomic_load(&pool->is_mapping) || !pool->os->file_map ||
        !take_map(pool, size))
        return NULL;
    if (file_pool_open(pool, number, &file) == BYRON_OK) {
        bytes = pool->os->file_map(file->file, (size_t)size);
        file_pool_release(pool, file);
    }
    if (!bytes)
        give_map(pool, size);
    return bytes;
}

void file_pool_unmap(struct file_pool *pool, const uint8_t *bytes,
                     uint64_t size)
{
    pool->os->file_unmap(pool->os, bytes, (size_t)size);
    give_map(pool, size);
}

uint64_t file_pool_mapped(const struct file_pool *pool)
{
    return atomic_load(&pool->mapped);
}

/* --- words --- */

static void path_of(struct file_pool *pool, uint64_t number, char *path,
                    size_t size)
{
    char name[OS_NAME_MAX];

    file_name_format(FILE_TABLE, number, name);
    snprintf(path, size, "%s/%s", pool->os->dir_path(pool->dir), name);
}

byron_status file_pool_corrupt(struct file_pool *pool, uint64_t number,
                               uint64_t offset, const char *flaw)
{
    char path[512];

    path_of(pool, number, path, sizeof path);
    return error_corrupt(path, offset, "%s", flaw);
}

byron_status file_pool_newer(struct file_pool *pool, uint64_t number,
                             const char *flaw)
{
    char path[512];

    path_of(pool, number, path, sizeof path);
    return error_set(BYRON_NEWER_FORMAT, path, BYRON_NO_OFFSET, 0, "%s", flaw);
}
