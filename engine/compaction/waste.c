#include "compaction/waste.h"

#include "compaction/overlap.h"

/* One part in so many is enough to act on. */
#define QUIET_SHARE 6

/* Levels close to each other in size hold more above the largest, and level 0
 * next to nothing of it. */
bool waste_is_top_heavy(const struct version *version, uint32_t base)
{
    const struct level *levels = version->levels;
    uint64_t all = levels[0].bytes;
    uint64_t largest = 0;
    for (uint32_t level = 1; level < BYRON_LEVELS; level++) {
        all += levels[level].bytes;
        if (levels[level].bytes > largest)
            largest = levels[level].bytes;
    }
    return levels[0].bytes > 0 && all - largest > largest / QUIET_SHARE &&
           levels[base].bytes / QUIET_SHARE <= levels[0].bytes;
}

/* Whether a rewrite in place would make table smaller by so much that it pays:
 * no reader asks any more for what newer versions hide. */
static bool is_superseded(const struct table_meta *table, uint64_t oldest_point)
{
    const struct table_facts *facts = &table->facts;
    return facts->superseded > facts->entries / QUIET_SHARE &&
           facts->max_sequence <= oldest_point && !table_is_corrupt(table);
}

/* The first tables of run that are worth it, as many as make one job. */
static byron_status choose_in(uint32_t level, const struct run *run,
                              uint64_t oldest_point, uint64_t piece,
                              struct job_spec *out)
{
    size_t first = 0;
    while (first < run->count &&
           !is_superseded(run->tables[first], oldest_point))
        first++;
    size_t end = first;
    uint64_t bytes = 0;
    while (end < run->count && is_superseded(run->tables[end], oldest_point) &&
           bytes < piece)
        bytes += run->tables[end++]->facts.size;
    if (end == first)
        return BYRON_OK;
    out->kind = JOB_MERGE;
    out->output_level = level;
    return job_spec_add(out, level, run, first, end - first);
}

byron_status waste_choose(const struct version *version, uint64_t oldest_point,
                          uint64_t piece, struct job_spec *out)
{
    byron_status status = BYRON_OK;
    for (uint32_t level = 1; level < BYRON_LEVELS; level++) {
        const struct run *run = level_run(version, level);
        if (status != BYRON_OK || out->kind != JOB_NONE)
            break;
        if (run)
            status = choose_in(level, run, oldest_point, piece, out);
    }
    return status;
}
