#include "compaction/dropped.h"

#include "base/alloc.h"
#include "base/error.h"

static bool is_empty(const struct drop_range *drop)
{
    return slice_compare(buf_slice(&drop->lower), buf_slice(&drop->upper)) >= 0;
}

static struct slice copy_slice(uint8_t **to, const struct buf *from)
{
    struct slice copy = slice_of(*to, from->size);
    if (from->size)
        memcpy(*to, from->data, from->size);
    *to += from->size;
    return copy;
}

/* Sorted by lower; few at a time, and mostly in order already. */
static void insert_range(struct dropped *dropped, struct slice lower,
                         struct slice upper)
{
    size_t at = dropped->count++;
    while (at > 0 && slice_compare(dropped->lowers[at - 1], lower) > 0) {
        dropped->lowers[at] = dropped->lowers[at - 1];
        dropped->uppers[at] = dropped->uppers[at - 1];
        at--;
    }
    dropped->lowers[at] = lower;
    dropped->uppers[at] = upper;
}

/* Ranges that touch or overlap become one. */
static void merge_ranges(struct dropped *dropped)
{
    size_t kept = 0;
    for (size_t i = 1; i < dropped->count; i++) {
        if (slice_compare(dropped->lowers[i], dropped->uppers[kept]) > 0) {
            kept++;
            dropped->lowers[kept] = dropped->lowers[i];
            dropped->uppers[kept] = dropped->uppers[i];
        } else if (slice_compare(dropped->uppers[i], dropped->uppers[kept]) >
                   0) {
            dropped->uppers[kept] = dropped->uppers[i];
        }
    }
    if (dropped->count)
        dropped->count = kept + 1;
}

byron_status dropped_init(struct dropped *dropped,
                          const struct drop_range *drops, size_t count)
{
    size_t size = 1; /* Bounds may be empty, allocations not. */
    *dropped = (struct dropped){0};
    if (count == 0)
        return BYRON_OK;
    for (size_t i = 0; i < count; i++)
        size += drops[i].lower.size + drops[i].upper.size;
    dropped->bytes = alloc_bytes(size);
    dropped->lowers = alloc_zeroed(count, sizeof *dropped->lowers);
    dropped->uppers = alloc_zeroed(count, sizeof *dropped->uppers);
    if (!dropped->bytes || !dropped->lowers || !dropped->uppers) {
        dropped_deinit(dropped);
        return error_no_memory();
    }
    uint8_t *to = dropped->bytes;
    for (size_t i = 0; i < count; i++) {
        struct slice lower = copy_slice(&to, &drops[i].lower);
        struct slice upper = copy_slice(&to, &drops[i].upper);
        if (!is_empty(&drops[i]))
            insert_range(dropped, lower, upper);
    }
    merge_ranges(dropped);
    return BYRON_OK;
}

void dropped_deinit(struct dropped *dropped)
{
    alloc_free(dropped->bytes);
    alloc_free(dropped->lowers);
    alloc_free(dropped->uppers);
    *dropped = (struct dropped){0};
}
