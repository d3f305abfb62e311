#include "sstable/room_pool.h"

#include <assert.h>

#include "base/alloc.h"

#define STRETCH_SIZE (ROOM_POOL_REGION / ROOM_POOL_STRETCHES)
#define FREE_WORDS   (STRETCH_SIZE / ROOM_POOL_STEP / 64)

/* A part of a region, for rooms of one size. On a list while any is free. */
struct room_stretch {
    struct room_stretch *next;
    struct room_stretch **link; /* What points here; NULL: on no list. */
    struct room_region *region;
    uint8_t *bytes;
    uint32_t steps; /* Of a room; 0: it is unused. */
    uint32_t room_count;
    uint32_t free_count;
    uint64_t free[FREE_WORDS]; /* A bit for each room. */
};

struct room_region {
    uint8_t *bytes;
    uint32_t used_count; /* Stretches. */
    struct room_stretch stretches[ROOM_POOL_STRETCHES];
};

void room_pool_init(struct room_pool *pool)
{
    *pool = (struct room_pool){0};
    mutex_init(&pool->mutex);
}

static size_t limit_of(const struct room_pool *pool)
{
    return atomic_load_explicit(&pool->limit, memory_order_relaxed);
}

static bool is_empty(const struct room_pool *pool)
{
    return atomic_load_explicit(&pool->taken, memory_order_relaxed) == 0;
}

/* --- lists --- */

static void put_on_list(struct room_stretch **list,
                        struct room_stretch *stretch)
{
    stretch->next = *list;
    if (*list)
        (*list)->link = &stretch->next;
    stretch->link = list;
    *list = stretch;
}

static void take_off_list(struct room_stretch *stretch)
{
    *stretch->link = stretch->next;
    if (stretch->next)
        stretch->next->link = stretch->link;
    stretch->link = NULL;
}

/* --- regions --- */

/* Index of the first region that does not begin before bytes. */
static size_t find_region(const struct room_pool *pool, const uint8_t *bytes)
{
    size_t low = 0;
    size_t high = pool->region_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((uintptr_t)pool->regions[middle]->bytes < (uintptr_t)bytes)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The region that bytes lie in, or NULL. */
static struct room_region *region_of(const struct room_pool *pool,
                                     const uint8_t *bytes)
{
    size_t index = find_region(pool, bytes);

    if (index < pool->region_count && pool->regions[index]->bytes == bytes)
        return pool->regions[index];
    if (index == 0 ||
        (uintptr_t)bytes - (uintptr_t)pool->regions[index - 1]->bytes >=
            ROOM_POOL_REGION)
        return NULL;
    return pool->regions[index - 1];
}

static bool has_place_for_region(struct room_pool *pool)
{
    size_t room = pool->region_room ? pool->region_room * 2 : 16;
    struct room_region **regions;

    if (pool->region_count < pool->region_room)
        return true;
    regions = alloc_resize(pool->regions, room * sizeof(struct room_region *));
    if (!regions)
        return false;
    pool->regions = regions;
    pool->region_room = room;
    return true;
}

static void list_region(struct room_pool *pool, struct room_region *region)
{
    size_t index = find_region(pool, region->bytes);
    struct room_region **at = &pool->regions[index];

    memmove(at + 1, at, (pool->region_count - index) * sizeof *at);
    *at = region;
    pool->region_count++;
    for (size_t i = ROOM_POOL_STRETCHES; i-- > 0;) {
        struct room_stretch *stretch = &region->stretches[i];
        stretch->region = region;
        stretch->bytes = region->bytes + i * STRETCH_SIZE;
        put_on_list(&pool->unused, stretch);
    }
    pool->unused_count += ROOM_POOL_STRETCHES;
    atomic_fetch_add_explicit(&pool->taken, ROOM_POOL_REGION,
                              memory_order_relaxed);
}

static void add_region(struct room_pool *pool)
{
    struct room_region *region;

    if ((pool->region_count + 1) * ROOM_POOL_REGION > limit_of(pool) ||
        !has_place_for_region(pool))
        return;
    region = alloc_zeroed(1, sizeof *region);
    if (!region)
        return;
    region->bytes = alloc_pages(ROOM_POOL_REGION);
    if (!region->bytes) {
        alloc_free(region);
        return;
    }
    alloc_forbid(region->bytes, ROOM_POOL_REGION, true);
    list_region(pool, region);
}

/* Requires: it is unused. */
static void give_back(struct room_pool *pool, struct room_region *region)
{
    size_t index = find_region(pool, region->bytes);
    struct room_region **at = &pool->regions[index];

    for (size_t i = 0; i < ROOM_POOL_STRETCHES; i++)
        take_off_list(&region->stretches[i]);
    pool->unused_count -= ROOM_POOL_STRETCHES;
    pool->region_count--;
    memmove(at, at + 1, (pool->region_count - index) * sizeof *at);
    atomic_fetch_sub_explicit(&pool->taken, ROOM_POOL_REGION,
                              memory_order_relaxed);
    alloc_forbid(region->bytes, ROOM_POOL_REGION, false);
    alloc_pages_free(region->bytes, ROOM_POOL_REGION);
    alloc_free(region);
}

void room_pool_set_limit(struct room_pool *pool, size_t limit)
{
    mutex_lock(&pool->mutex);
    atomic_store_explicit(&pool->limit, limit, memory_order_relaxed);
    for (size_t i = pool->region_count; i-- > 0;)
        if (pool->region_count * ROOM_POOL_REGION > limit &&
            pool->regions[i]->used_count == 0)
            give_back(pool, pool->regions[i]);
    mutex_unlock(&pool->mutex);
}

void room_pool_deinit(struct room_pool *pool)
{
    assert(atomic_load(&pool->in_use) == 0);
    room_pool_set_limit(pool, 0);
    alloc_free(pool->regions);
    mutex_deinit(&pool->mutex);
}

/* --- rooms --- */

/* A stretch with a room of so many steps; NULL: there is none. */
static struct room_stretch *open_stretch(struct room_pool *pool, uint32_t steps)
{
    struct room_stretch *stretch = pool->open[steps];

    if (stretch)
        return stretch;
    if (!pool->unused)
        add_region(pool);
    stretch = pool->unused;
    if (!stretch)
        return NULL;
    take_off_list(stretch);
    put_on_list(&pool->open[steps], stretch);
    pool->unused_count--;
    stretch->region->used_count++;
    stretch->steps = steps;
    stretch->room_count = (uint32_t)(STRETCH_SIZE / (steps * ROOM_POOL_STEP));
    stretch->free_count = stretch->room_count;
    for (uint32_t i = 0; i < stretch->room_count; i++)
        stretch->free[i / 64] |= UINT64_C(1) << i % 64;
    return stretch;
}

static uint32_t take_first_free(struct room_stretch *stretch)
{
    size_t word = 0;
    uint32_t bit;

    while (!stretch->free[word])
        word++;
    bit = (uint32_t)__builtin_ctzll(stretch->free[word]);
    stretch->free[word] &= stretch->free[word] - 1;
    stretch->free_count--;
    return (uint32_t)word * 64 + bit;
}

uint8_t *room_pool_take(struct room_pool *pool, size_t size)
{
    size_t steps = (size + ROOM_POOL_STEP - 1) / ROOM_POOL_STEP;
    struct room_stretch *stretch;
    uint8_t *bytes = NULL;

    if (size == 0 || size > ROOM_POOL_SIZES * ROOM_POOL_STEP ||
        (limit_of(pool) < ROOM_POOL_REGION && is_empty(pool)))
        return NULL;
    size = steps * ROOM_POOL_STEP;
    mutex_lock(&pool->mutex);
    stretch = open_stretch(pool, (uint32_t)steps);
    if (stretch) {
        bytes = stretch->bytes + take_first_free(stretch) * size;
        if (stretch->free_count == 0)
            take_off_list(stretch);
        atomic_fetch_add_explicit(&pool->in_use, size, memory_order_relaxed);
        alloc_forbid(bytes, size, false);
    }
    mutex_unlock(&pool->mutex);
    return bytes;
}

/* All of its rooms are free. As much as a region stays for who comes next. */
static void close_stretch(struct room_pool *pool, struct room_stretch *stretch)
{
    struct room_region *region = stretch->region;

    take_off_list(stretch);
    put_on_list(&pool->unused, stretch);
    memset(stretch->free, 0, sizeof stretch->free);
    stretch->steps = 0;
    pool->unused_count++;
    if (--region->used_count == 0 &&
        (pool->unused_count >= 2 * ROOM_POOL_STRETCHES ||
         pool->region_count * ROOM_POOL_REGION > limit_of(pool)))
        give_back(pool, region);
}

static void put_in_stretch(struct room_pool *pool, struct room_stretch *stretch,
                           uint8_t *bytes)
{
    size_t size = stretch->steps * ROOM_POOL_STEP;
    size_t index = (size_t)(bytes - stretch->bytes) / size;

    assert(stretch->bytes + index * size == bytes);
    assert(!(stretch->free[index / 64] >> index % 64 & 1));
    alloc_forbid(bytes, size, true);
    atomic_fetch_sub_explicit(&pool->in_use, size, memory_order_relaxed);
    stretch->free[index / 64] |= UINT64_C(1) << index % 64;
    if (stretch->free_count++ == 0)
        put_on_list(&pool->open[stretch->steps], stretch);
    if (stretch->free_count == stretch->room_count)
        close_stretch(pool, stretch);
}

bool room_pool_put(struct room_pool *pool, uint8_t *bytes)
{
    struct room_region *region;

    if (is_empty(pool))
        return false;
    mutex_lock(&pool->mutex);
    region = region_of(pool, bytes);
    if (region)
        put_in_stretch(
            pool,
            &region->stretches[(size_t)(bytes - region->bytes) / STRETCH_SIZE],
            bytes);
    mutex_unlock(&pool->mutex);
    return region != NULL;
}
