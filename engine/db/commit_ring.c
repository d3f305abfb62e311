#include "db/commit_ring.h"

#include <assert.h>

#include "base/alloc.h"

void commit_ring_deinit(struct commit_ring *ring)
{
    alloc_free(ring->commits);
    *ring = (struct commit_ring){0};
}

static struct commit *slot(const struct commit_ring *ring, size_t index)
{
    return &ring->commits[(ring->start + index) & (ring->capacity - 1)];
}

byron_status commit_ring_reserve(struct commit_ring *ring)
{
    if (ring->count < ring->capacity)
        return BYRON_OK;
    size_t capacity = ring->capacity ? 2 * ring->capacity : 64;
    struct commit *commits = alloc_bytes(capacity * sizeof *commits);
    if (!commits)
        return error_no_memory();
    for (size_t i = 0; i < ring->count; i++)
        commits[i] = *slot(ring, i);
    alloc_free(ring->commits);
    ring->commits = commits;
    ring->capacity = capacity;
    ring->start = 0;
    return BYRON_OK;
}

void commit_ring_add(struct commit_ring *ring, const struct commit *commit)
{
    assert(ring->count < ring->capacity);
    assert(ring->count == 0 ||
           commit->sequence >= commit_ring_newest(ring)->sequence);
    *slot(ring, ring->count) = *commit;
    ring->count++;
}

void commit_ring_pass_name(struct commit_ring *ring, uint64_t id)
{
    uint64_t newest = commit_ring_newest(ring)->id;
    if (ring->alias == 0 || ring->alias_of != newest)
        ring->alias = newest ? newest : HOST_HAS_NONE;
    ring->alias_of = id;
}

const struct commit *commit_ring_newest(const struct commit_ring *ring)
{
    assert(ring->count > 0);
    return slot(ring, ring->count - 1);
}

const struct commit *commit_ring_find(const struct commit_ring *ring,
                                      uint64_t id)
{
    if (ring->alias != 0 && (id ? id : HOST_HAS_NONE) == ring->alias)
        id = ring->alias_of;
    /* From the newest: that is what nearly every statement asks for. */
    for (size_t i = ring->count; i-- > 0;)
        if (slot(ring, i)->id == id)
            return slot(ring, i);
    return NULL;
}

uint64_t commit_ring_forget(struct commit_ring *ring, uint64_t moment_us)
{
    assert(ring->count > 0);
    /* The commit after it is what superseded the first. */
    while (ring->count > 1 && slot(ring, 1)->published_us < moment_us) {
        ring->start = (ring->start + 1) & (ring->capacity - 1);
        ring->count--;
    }
    return slot(ring, 0)->sequence;
}
