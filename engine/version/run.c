#include "version/run.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/try.h"

byron_status run_seal(struct run *run)
{
    struct slice first = table_meta_smallest(run->tables[0]);
    struct slice last = table_meta_largest(run->tables[run->count - 1]);

    run->heads = alloc_bytes(run->count * 2 * sizeof *run->heads);
    if (!run->heads)
        return error_no_memory();
    run->shared = slice_shared(first, last);
    run->bytes = 0;
    for (size_t i = 0; i < run->count; i++) {
        run->heads[i] =
            slice_head(table_meta_largest(run->tables[i]), run->shared);
        run->heads[run->count + i] =
            slice_head(table_meta_smallest(run->tables[i]), run->shared);
        run->bytes += run->tables[i]->facts.size;
    }
    return BYRON_OK;
}

byron_status run_copy(const struct run *run, struct run *out)
{
    struct run copy = *run;

    copy.tables = alloc_bytes(run->count * sizeof *copy.tables);
    copy.heads = alloc_bytes(run->count * 2 * sizeof *copy.heads);
    if (!copy.tables || !copy.heads) {
        alloc_free(copy.tables);
        alloc_free(copy.heads);
        return error_no_memory();
    }
    memcpy(copy.heads, run->heads, run->count * 2 * sizeof *copy.heads);
    for (size_t i = 0; i < run->count; i++)
        copy.tables[i] = table_meta_ref(run->tables[i]);
    *out = copy;
    return BYRON_OK;
}

void run_deinit(struct run *run)
{
    for (size_t i = 0; i < run->count; i++)
        table_meta_unref(run->tables[i]);
    alloc_free(run->tables);
    alloc_free(run->heads);
    memset(run, 0, sizeof *run);
}

/* The same as run_find, among tables [low, high). */
static size_t find_by_key(const struct run *run, struct slice key, size_t low,
                          size_t high)
{
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table_meta_ends_before(run->tables[middle], key))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first head >= head. Without branches: which way a search goes cannot be
 * predicted. */
static size_t find_by_head(const struct run *run, uint64_t head)
{
    const uint64_t *low = run->heads;

    for (size_t left = run->count; left > 1;) {
        size_t half = left / 2;
        low += half & -(size_t)(low[half - 1] < head);
        left -= half;
    }
    return (size_t)(low - run->heads) + (*low < head);
}

/* Order of key against the keys of a sealed run, by what those share; 0: it is
 * shared by key. */
static int compare_shared(const struct run *run, struct slice key)
{
    struct slice shared =
        slice_of(table_meta_smallest(run->tables[0]).data, run->shared);

    if (key.size > shared.size)
        key.size = shared.size;
    return slice_compare(key, shared);
}

/* run_find for a key of that head, behind what is shared. */
static size_t find_with_head(const struct run *run, struct slice key,
                             uint64_t head)
{
    size_t low = find_by_head(run, head);
    size_t high = low + 1;

    if (low == run->count || run->heads[low] != head)
        return low;
    /* Equal heads leave the matter to the keys. */
    if (high < run->count && run->heads[high] == head)
        high = head == UINT64_MAX ? run->count : find_by_head(run, head + 1);
    return find_by_key(run, key, low, high);
}

size_t run_find(const struct run *run, struct slice key)
{
    int order;

    if (!run->heads)
        return find_by_key(run, key, 0, run->count);
    order = compare_shared(run, key);
    if (order != 0)
        return order < 0 ? 0 : run->count;
    return find_with_head(run, key, slice_head(key, run->shared));
}

/* Whether the table begins at or before key. */
static bool begins(const struct table_meta *meta, struct slice key)
{
    return slice_compare(table_meta_smallest(meta), key) <= 0;
}

struct table_meta *run_cover(const struct run *run, struct slice key)
{
    uint64_t smallest;
    uint64_t head;
    size_t index;

    if (!run->heads) {
        index = find_by_key(run, key, 0, run->count);
        if (index == run->count || !begins(run->tables[index], key))
            return NULL;
        return run->tables[index];
    }
    if (compare_shared(run, key) != 0)
        return NULL;
    head = slice_head(key, run->shared);
    index = find_with_head(run, key, head);
    if (index == run->count)
        return NULL;
    smallest = run->heads[run->count + index];
    if (smallest > head ||
        (smallest == head && !begins(run->tables[index], key)))
        return NULL;
    return run->tables[index];
}

void run_overlap(const struct run *run, struct slice lower, struct slice upper,
                 size_t *begin, size_t *end)
{
    *begin = lower.data ? run_find(run, lower) : 0;
    *end = run->count;
    if (!upper.data)
        return;
    /* The table that holds upper, or the first behind it, is the last that
     * may start below it. Most ranges end in the table they begin in. */
    *end = *begin;
    if (*begin < run->count &&
        table_meta_ends_before(run->tables[*begin], upper))
        *end = run_find(run, upper);
    if (*end < run->count &&
        slice_compare(table_meta_smallest(run->tables[*end]), upper) < 0)
        ++*end;
    if (*end < *begin)
        *end = *begin;
}

byron_status run_check(const struct run *run, const char *path)
{
    for (size_t i = 0; i < run->count; i++) {
        const struct table_meta *meta = run->tables[i];
        if (slice_compare(table_meta_smallest(meta), table_meta_largest(meta)) >
            0)
            return error_corrupt(path, BYRON_NO_OFFSET,
                                 "table %llu ends before it starts",
                                 (unsigned long long)meta->number);
        if (i > 0 && !table_meta_ends_before(run->tables[i - 1],
                                             table_meta_smallest(meta)))
            return error_corrupt(path, BYRON_NO_OFFSET,
                                 "tables %llu and %llu overlap",
                                 (unsigned long long)run->tables[i - 1]->number,
                                 (unsigned long long)meta->number);
    }
    return BYRON_OK;
}

/* --- Estimates --- */

/* Whether [lower, upper) covers all keys of meta. */
static bool is_covered(const struct table_meta *meta, struct slice lower,
                       struct slice upper)
{
    return (!lower.data ||
            slice_compare(lower, table_meta_smallest(meta)) <= 0) &&
           (!upper.data || table_meta_ends_before(meta, upper));
}

static byron_status estimate_table(struct table_meta *meta, struct slice lower,
                                   struct slice upper, uint64_t *entries,
                                   uint64_t *bytes)
{
    byron_status status;
    const struct table_facts *facts = &meta->facts;
    uint64_t puts = facts->entries - facts->tombstones;
    struct table_reader *reader;
    uint64_t some_entries;
    uint64_t some_bytes;

    if (is_covered(meta, lower, upper)) {
        *entries += puts;
        *bytes += facts->size;
        return BYRON_OK;
    }
    TRY(table_meta_reader(meta, &reader));
    status = table_meta_judge(meta, table_reader_estimate(reader, lower, upper,
                                                          &some_entries,
                                                          &some_bytes));
    TRY(status);
    /* Tombstones are taken to be spread evenly. */
    *entries += (uint64_t)((double)some_entries * (double)puts /
                           (double)facts->entries);
    *bytes += some_bytes;
out:
    return status;
}

static void take_off(uint64_t *from, uint64_t count)
{
    *from -= count < *from ? count : *from;
}

/* estimate_table without what range deletes hide. */
static byron_status estimate_visible(struct table_meta *meta,
                                     struct slice lower, struct slice upper,
                                     const struct range_list *hidden,
                                     uint64_t *entries, uint64_t *bytes)
{
    byron_status status;
    uint64_t rows = 0;
    uint64_t size = 0;

    if (!hidden)
        return estimate_table(meta, lower, upper, entries, bytes);
    TRY(estimate_table(meta, lower, upper, &rows, &size));
    for (size_t i = range_list_from(hidden, table_meta_smallest(meta));
         i < hidden->count; i++) {
        struct range_piece piece = hidden->pieces[i];
        uint64_t hidden_rows = 0;
        uint64_t hidden_size = 0;
        if (slice_compare(piece.lower, table_meta_largest(meta)) > 0)
            break;
        if (piece.sequences[0] <= meta->facts.max_sequence)
            continue;
        if (lower.data && slice_compare(piece.lower, lower) < 0)
            piece.lower = lower;
        if (upper.data && slice_compare(piece.upper, upper) > 0)
            piece.upper = upper;
        if (slice_compare(piece.lower, piece.upper) >= 0)
            continue;
        TRY(estimate_table(meta, piece.lower, piece.upper, &hidden_rows,
                           &hidden_size));
        take_off(&rows, hidden_rows);
        take_off(&size, hidden_size);
    }
    *entries += rows;
    *bytes += size;
out:
    return status;
}

byron_status run_estimate(const struct run *run, struct slice lower,
                          struct slice upper, const struct range_list *hidden,
                          uint64_t *entries, uint64_t *bytes)
{
    byron_status status = BYRON_OK;
    size_t at;
    size_t end;

    run_overlap(run, lower, upper, &at, &end);
    for (; at < end; at++)
        TRY(estimate_visible(run->tables[at], lower, upper, hidden, entries,
                             bytes));
out:
    return status;
}
