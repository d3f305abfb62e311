#include "support/memfs_clock.h"

static uint64_t memfs_now_us(struct byron_os *os)
{
    struct memfs *fs = os->context;
    uint64_t now_us = os_posix()->now_us(os_posix());

    mutex_lock(&fs->mutex);
    if (fs->is_virtual_time)
        now_us = fs->clock_us;
    mutex_unlock(&fs->mutex);
    return now_us;
}

static uint64_t memfs_wall_ms(struct byron_os *os)
{
    struct memfs *fs = os->context;
    uint64_t wall_ms = memfs_now_us(os) / 1000;

    mutex_lock(&fs->mutex);
    if (fs->has_wall)
        wall_ms = fs->wall_ms;
    mutex_unlock(&fs->mutex);
    return wall_ms;
}

static void memfs_sleep_us(struct byron_os *os, uint64_t us)
{
    struct memfs *fs = os->context;
    bool is_virtual_time;

    mutex_lock(&fs->mutex);
    is_virtual_time = fs->is_virtual_time;
    if (is_virtual_time)
        fs->clock_us += us;
    mutex_unlock(&fs->mutex);
    if (!is_virtual_time)
        os_posix()->sleep_us(os_posix(), us);
}

static byron_status memfs_random(struct byron_os *os, void *bytes, size_t size)
{
    struct memfs *fs = os->context;

    mutex_lock(&fs->mutex);
    rng_bytes(&fs->rng, bytes, size);
    mutex_unlock(&fs->mutex);
    return BYRON_OK;
}

void memfs_clock_init(struct byron_os *os)
{
    os->now_us = memfs_now_us;
    os->wall_ms = memfs_wall_ms;
    os->sleep_us = memfs_sleep_us;
    os->random = memfs_random;
}

void memfs_set_wall(struct memfs *fs, uint64_t ms)
{
    mutex_lock(&fs->mutex);
    fs->has_wall = true;
    fs->wall_ms = ms;
    mutex_unlock(&fs->mutex);
}
