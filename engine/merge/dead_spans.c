#include "merge/dead_spans.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

void dead_spans_deinit(struct dead_spans *dead)
{
    alloc_free(dead->spans);
    memset(dead, 0, sizeof *dead);
}

byron_status dead_spans_reserve(struct dead_spans *dead)
{
    size_t capacity = dead->capacity ? 2 * dead->capacity : 8;
    struct dead_span *spans;

    if (dead->count < dead->capacity)
        return BYRON_OK;
    spans = alloc_resize(dead->spans, capacity * sizeof *spans);
    if (!spans)
        return error_no_memory();
    dead->spans = spans;
    dead->capacity = capacity;
    return BYRON_OK;
}

void dead_spans_add(struct dead_spans *dead, uint64_t after, uint64_t up_to)
{
    struct dead_span *last;

    if (up_to <= after)
        return;
    while (dead->count > 0 && dead->spans[dead->count - 1].after >= after)
        dead->count--;
    last = dead->count > 0 ? &dead->spans[dead->count - 1] : NULL;
    if (last && last->up_to >= after) {
        last->up_to = up_to;
        return;
    }
    assert(dead->count < dead->capacity);
    dead->spans[dead->count].after = after;
    dead->spans[dead->count].up_to = up_to;
    dead->count++;
}

const struct dead_span *dead_spans_meet(const struct dead_spans *dead,
                                        uint64_t after, uint64_t up_to)
{
    size_t low = 0;
    size_t high = dead->count;

    /* The first span that ends beyond after. */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (dead->spans[middle].up_to <= after)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < dead->count && dead->spans[low].after < up_to && after < up_to)
        return &dead->spans[low];
    return NULL;
}

const struct dead_span *dead_spans_find(const struct dead_spans *dead,
                                        uint64_t position)
{
    return position == 0 ? NULL : dead_spans_meet(dead, position - 1, position);
}

bool dead_spans_has(const struct dead_spans *dead, uint64_t position)
{
    return dead_spans_find(dead, position) != NULL;
}
