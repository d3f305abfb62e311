#include "compaction/overlap.h"

#include <assert.h>

#include "base/error.h"

bool table_is_corrupt(const struct table_meta *table)
{
    return atomic_load_explicit(&table->is_corrupt, memory_order_relaxed);
}

/* Between the first and the last, expiries are taken to be spread evenly. */
static uint64_t count_expired(const struct table_facts *facts,
                              uint64_t expired_ms)
{
    uint64_t all;
    uint64_t past;

    if (facts->timed == 0 || expired_ms < facts->earliest_ms)
        return 0;
    if (expired_ms >= facts->latest_ms)
        return facts->timed;
    all = facts->latest_ms - facts->earliest_ms;
    past = expired_ms - facts->earliest_ms;
    return 1 +
           (uint64_t)((double)(facts->timed - 1) * (double)past / (double)all);
}

uint64_t table_garbage(const struct table_meta *table, uint64_t expired_ms,
                       uint64_t oldest_point)
{
    const struct table_facts *facts = &table->facts;
    uint64_t garbage = facts->tombstones + count_expired(facts, expired_ms);
    /* Until every reader sees the deletes, a job has to keep what they hide. */
    if (facts->ranges > 0 && facts->max_sequence <= oldest_point)
        garbage += facts->ranges + facts->hidden;
    return garbage;
}

struct key_span key_span_of(const struct table_meta *table)
{
    return (struct key_span){table_meta_smallest(table),
                             table_meta_largest(table)};
}

void key_span_cover(struct key_span *span, const struct table_meta *table)
{
    if (slice_compare(table_meta_smallest(table), span->first) < 0)
        span->first = table_meta_smallest(table);
    if (slice_compare(table_meta_largest(table), span->last) > 0)
        span->last = table_meta_largest(table);
}

static void stretch_add(struct stretch *stretch, const struct table_meta *table)
{
    stretch->count++;
    stretch->bytes += table->facts.size;
    stretch->entries += table->facts.entries;
    stretch->has_corrupt |= table_is_corrupt(table);
}

struct stretch stretch_of(const struct run *run, size_t first, size_t count)
{
    struct stretch stretch = {.first = first};
    for (size_t i = first; i < first + count; i++)
        stretch_add(&stretch, run->tables[i]);
    return stretch;
}

struct stretch stretch_touching(const struct run *run, struct key_span span)
{
    struct stretch stretch = {0};
    if (!run)
        return stretch;
    stretch.first = run_find(run, span.first);
    for (size_t i = stretch.first; i < run->count; i++) {
        const struct table_meta *table = run->tables[i];
        if (slice_compare(table_meta_smallest(table), span.last) > 0)
            break;
        stretch_add(&stretch, table);
    }
    return stretch;
}

const struct run *level_run(const struct version *version, uint32_t level)
{
    const struct level *at = &version->levels[level];
    assert(level > 0);
    return at->count ? &at->runs[0] : NULL;
}

byron_status check_is_leveled(const struct version *version)
{
    for (uint32_t level = 1; level < BYRON_LEVELS; level++) {
        if (version->levels[level].count > 1)
            return error_corrupt(NULL, BYRON_NO_OFFSET, "level %u has %zu runs",
                                 (unsigned)level, version->levels[level].count);
    }
    return BYRON_OK;
}

bool level_touches(const struct version *version, uint32_t level,
                   struct key_span span)
{
    const struct level *at = &version->levels[level];
    for (size_t i = 0; i < at->count; i++) {
        const struct run *run = &at->runs[i];
        size_t found = run_find(run, span.first);
        if (found < run->count &&
            slice_compare(table_meta_smallest(run->tables[found]), span.last) <=
                0)
            return true;
    }
    return false;
}
