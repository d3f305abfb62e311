#include "entry/range_list.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/try.h"

/* Room for count more of item_size; NULL if there is no memory. */
static void *grow(void *items, size_t needed, size_t *capacity,
                  size_t item_size)
{
    size_t larger = *capacity ? 2 * *capacity : 4;

    if (needed <= *capacity)
        return items;
    if (larger < needed)
        larger = needed;
    items = alloc_resize(items, larger * item_size);
    if (items)
        *capacity = larger;
    else
        (void)error_no_memory();
    return items;
}

void range_deletes_deinit(struct range_deletes *deletes)
{
    alloc_free(deletes->items);
    *deletes = (struct range_deletes){0};
}

byron_status range_deletes_add(struct range_deletes *deletes,
                               const struct range_delete *delete)
{
    struct range_delete *items = grow(deletes->items, deletes->count + 1,
                                      &deletes->capacity, sizeof *items);

    assert(delete->sequence > 0);
    assert(slice_compare(delete->lower, delete->upper) < 0);
    if (!items)
        return BYRON_NO_MEMORY;
    deletes->items = items;
    deletes->items[deletes->count++] = *delete;
    return BYRON_OK;
}

void range_list_deinit(struct range_list *list)
{
    alloc_free(list->pieces);
    alloc_free(list->sequences);
    *list = (struct range_list){0};
}

/* --- Building ------------------------------------------------------------ */

static bool is_same_cover(const struct range_list *list, size_t at,
                          const struct range_piece *piece)
{
    const struct range_piece *last = &list->pieces[list->count - 1];

    return last->count == piece->count &&
           slice_equal(last->upper, piece->lower) &&
           memcmp(list->sequences + at, piece->sequences,
                  piece->count * sizeof *piece->sequences) == 0;
}

byron_status range_list_add(struct range_list *list,
                            const struct range_piece *piece)
{
    size_t more = list->sequence_count + piece->count;
    struct range_piece *pieces;
    uint64_t *sequences;

    assert(piece->count > 0);
    assert(slice_compare(piece->lower, piece->upper) < 0);
    /* What touches the last and is covered alike goes on with it. */
    if (list->count > 0 &&
        is_same_cover(
            list, list->sequence_count - list->pieces[list->count - 1].count,
            piece)) {
        list->pieces[list->count - 1].upper = piece->upper;
        return BYRON_OK;
    }
    pieces =
        grow(list->pieces, list->count + 1, &list->capacity, sizeof *pieces);
    if (!pieces)
        return BYRON_NO_MEMORY;
    list->pieces = pieces;
    sequences = grow(list->sequences, more, &list->sequence_capacity,
                     sizeof *sequences);
    if (!sequences)
        return BYRON_NO_MEMORY;
    list->sequences = sequences;
    memcpy(sequences + list->sequence_count, piece->sequences,
           piece->count * sizeof *sequences);
    list->sequence_count = more;
    list->pieces[list->count++] = *piece;
    return BYRON_OK;
}

void range_list_seal(struct range_list *list)
{
    const uint64_t *next = list->sequences;

    for (size_t i = 0; i < list->count; i++) {
        list->pieces[i].sequences = next;
        next += list->pieces[i].count;
    }
}

static int by_lower(const void *a, const void *b)
{
    const struct range_delete *left = a;
    const struct range_delete *right = b;
    return slice_compare(left->lower, right->lower);
}

static int by_sequence(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left < right) - (left > right);
}

/* A walk over the deletes by their lower bounds. */
struct sweep {
    struct range_delete *sorted;
    size_t count;
    size_t next;                 /* The first that has not begun. */
    struct range_delete *active; /* Those that have, and have not ended. */
    size_t active_count;
    uint64_t *sequences;
};

/* Takes in what begins at or before key, lets go what ends there. */
static void sweep_to(struct sweep *sweep, struct slice key)
{
    size_t kept = 0;

    while (sweep->next < sweep->count &&
           slice_compare(sweep->sorted[sweep->next].lower, key) <= 0)
        sweep->active[sweep->active_count++] = sweep->sorted[sweep->next++];
    for (size_t i = 0; i < sweep->active_count; i++)
        if (slice_compare(sweep->active[i].upper, key) > 0)
            sweep->active[kept++] = sweep->active[i];
    sweep->active_count = kept;
}

/* Where the next delete begins or an active one ends. */
static struct slice next_bound(const struct sweep *sweep)
{
    struct slice bound = sweep->active[0].upper;

    for (size_t i = 1; i < sweep->active_count; i++)
        if (slice_compare(sweep->active[i].upper, bound) < 0)
            bound = sweep->active[i].upper;
    if (sweep->next < sweep->count &&
        slice_compare(sweep->sorted[sweep->next].lower, bound) < 0)
        bound = sweep->sorted[sweep->next].lower;
    return bound;
}

static byron_status add_active(struct sweep *sweep, struct slice lower,
                               struct slice upper, struct range_list *list)
{
    struct range_piece piece = {lower, upper, sweep->sequences, 0};

    for (size_t i = 0; i < sweep->active_count; i++)
        sweep->sequences[i] = sweep->active[i].sequence;
    qsort(sweep->sequences, sweep->active_count, sizeof *sweep->sequences,
          by_sequence);
    for (size_t i = 0; i < sweep->active_count; i++)
        if (i == 0 || sweep->sequences[i] != sweep->sequences[i - 1])
            sweep->sequences[piece.count++] = sweep->sequences[i];
    return range_list_add(list, &piece);
}

static byron_status sweep_all(struct sweep *sweep, struct range_list *list,
                              size_t most)
{
    byron_status status = BYRON_OK;

    while (sweep->next < sweep->count && list->sequence_count <= most) {
        struct slice lower = sweep->sorted[sweep->next].lower;
        sweep_to(sweep, lower);
        while (sweep->active_count > 0 && list->sequence_count <= most) {
            struct slice upper = next_bound(sweep);
            TRY(add_active(sweep, lower, upper, list));
            lower = upper;
            sweep_to(sweep, lower);
        }
    }
    range_list_seal(list);
out:
    return status;
}

byron_status range_list_build_within(struct range_list *list,
                                     const struct range_deletes *deletes,
                                     size_t most, bool *fits)
{
    size_t count = deletes->count;
    struct sweep sweep = {.count = count};
    byron_status status;

    *fits = true;
    if (count == 0)
        return BYRON_OK;
    sweep.sorted = alloc_bytes(count * sizeof *sweep.sorted);
    sweep.active = alloc_bytes(count * sizeof *sweep.active);
    sweep.sequences = alloc_bytes(count * sizeof *sweep.sequences);
    if (!sweep.sorted || !sweep.active || !sweep.sequences) {
        status = error_no_memory();
        goto out;
    }
    memcpy(sweep.sorted, deletes->items, count * sizeof *sweep.sorted);
    qsort(sweep.sorted, count, sizeof *sweep.sorted, by_lower);
    TRY(sweep_all(&sweep, list, most));
    *fits = list->sequence_count <= most;
out:
    if (status != BYRON_OK || !*fits)
        range_list_deinit(list);
    alloc_free(sweep.sorted);
    alloc_free(sweep.active);
    alloc_free(sweep.sequences);
    return status;
}

byron_status range_list_build(struct range_list *list,
                              const struct range_deletes *deletes)
{
    bool fits;

    return range_list_build_within(list, deletes, SIZE_MAX, &fits);
}

/* --- Asking --------------------------------------------------------------- */

size_t range_list_from(const struct range_list *list, struct slice key)
{
    size_t low = 0;
    size_t high = list->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (slice_compare(list->pieces[middle].upper, key) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct range_piece *range_list_find(const struct range_list *list,
                                          struct slice key)
{
    size_t at = range_list_from(list, key);

    if (at == list->count || slice_compare(list->pieces[at].lower, key) > 0)
        return NULL;
    return &list->pieces[at];
}

uint64_t range_lists_newest(const struct range_lists *lists, struct slice key,
                            uint64_t limit)
{
    uint64_t newest = 0;

    for (size_t i = 0; i < lists->count; i++) {
        const struct range_piece *piece = range_list_find(lists->lists[i], key);
        uint64_t sequence = piece ? range_piece_newest(piece, limit) : 0;
        if (sequence > newest)
            newest = sequence;
    }
    return newest;
}

byron_status range_list_collect(const struct range_list *list,
                                struct slice lower, struct slice upper,
                                uint64_t limit, struct range_deletes *out)
{
    byron_status status = BYRON_OK;

    for (size_t i = lower.data ? range_list_from(list, lower) : 0;
         i < list->count; i++) {
        const struct range_piece *piece = &list->pieces[i];
        struct range_delete delete = {piece->lower, piece->upper,
                                      range_piece_newest(piece, limit)};
        if (upper.data && slice_compare(piece->lower, upper) >= 0)
            break;
        if (delete.sequence > 0)
            TRY(range_deletes_add(out, &delete));
    }
out:
    return status;
}
