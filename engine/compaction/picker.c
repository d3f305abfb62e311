#include "compaction/picker.h"

#include <assert.h>
#include <math.h>

#include "base/try.h"
#include "compaction/descent.h"
#include "compaction/overlap.h"

#define LAST_LEVEL (BYRON_LEVELS - 1)
/* A merge should not read more than so many tables of the target size. */
#define JOB_FILES 20
/* Above this score a level comes before the tables with tombstones. */
#define URGENT_SCORE 2.0
/* A table is dense in tombstones from so many on, and so many in a hundred. */
#define DENSE_COUNT   256
#define DENSE_PERCENT 30
/* Going down must not rewrite more than so many entries for a tombstone. */
#define DENSE_COST 4
/* Level 0 is dense where its tombstones are so many in a hundred of what the
 * levels below hold. */
#define DENSE_LEVEL0_PERCENT 10
/* Where nobody writes, one part in so many is enough waste to act on. */
#define QUIET_SHARE 6

struct picker {
    const struct store_state *state;
    const struct version *version;
    const struct picker_options *options;
    uint64_t targets[BYRON_LEVELS];
    uint32_t base;
};

static struct picker picker_of(const struct store_state *state,
                               const struct picker_options *options)
{
    assert(options->fanout >= 2 && options->level0_runs > 0);
    assert(options->memtable_bytes > 0 && options->file_size > 0);
    struct picker picker = {
        .state = state, .version = state->version, .options = options};
    picker.base = picker_targets(state->version, options, picker.targets);
    return picker;
}

static uint64_t job_bytes(const struct picker *picker)
{
    return picker->options->file_size * JOB_FILES;
}

/* --- Dropped ranges ------------------------------------------------------- */

static bool table_is_dropped(const struct picker *picker,
                             const struct table_meta *table)
{
    if (table_is_corrupt(table))
        return false;
    for (size_t i = 0; i < picker->state->drop_count; i++) {
        const struct drop_range *drop = &picker->state->drops[i];
        if (slice_compare(table_meta_smallest(table),
                          buf_slice(&drop->lower)) >= 0 &&
            table_meta_ends_before(table, buf_slice(&drop->upper)))
            return true;
    }
    return false;
}

static byron_status add_dropped(const struct picker *picker, uint32_t level,
                                const struct run *run, struct job_spec *out)
{
    for (size_t i = 0; i < run->count; i++) {
        if (!table_is_dropped(picker, run->tables[i]))
            continue;
        byron_status status = job_spec_add(out, level, run, i, 1);
        if (status != BYRON_OK)
            return status;
        out->kind = JOB_DELETE;
    }
    return BYRON_OK;
}

/* Every key of such a table is dead, older versions of it too, so the tables
 * can go at once, wherever they are. */
static byron_status choose_delete(const struct picker *picker,
                                  struct job_spec *out)
{
    byron_status status = BYRON_OK;
    if (picker->state->drop_count == 0)
        return BYRON_OK;
    for (uint32_t level = 0; level < BYRON_LEVELS; level++) {
        const struct level *at = &picker->version->levels[level];
        for (size_t i = 0; i < at->count; i++)
            TRY(add_dropped(picker, level, &at->runs[i], out));
    }
out:
    return status;
}

/* Whether table holds keys on both sides of a dropped range, or of its edge. */
static bool table_is_torn(const struct picker *picker,
                          const struct table_meta *table)
{
    for (size_t i = 0; i < picker->state->drop_count; i++) {
        const struct drop_range *drop = &picker->state->drops[i];
        if (slice_compare(buf_slice(&drop->lower), buf_slice(&drop->upper)) >=
            0)
            continue; /* Drops nothing, so no rewrite would end it. */
        if (slice_compare(table_meta_smallest(table), buf_slice(&drop->upper)) <
                0 &&
            !table_meta_ends_before(table, buf_slice(&drop->lower)))
            return true;
    }
    return false;
}

static byron_status choose_rewrite(uint32_t level, const struct run *run,
                                   size_t first, size_t count,
                                   struct job_spec *out)
{
    out->kind = JOB_MERGE;
    out->output_level = level;
    return job_spec_add(out, level, run, first, count);
}

/* The space of a dropped range in a table that is not dropped whole. A job
 * cuts its output at dropped ranges, so no table is chosen twice. */
static byron_status choose_torn(const struct picker *picker,
                                struct job_spec *out)
{
    if (picker->state->drop_count == 0)
        return BYRON_OK;
    for (uint32_t level = 1; level < BYRON_LEVELS; level++) {
        const struct run *run = level_run(picker->version, level);
        for (size_t i = 0; run && i < run->count; i++) {
            if (!table_is_corrupt(run->tables[i]) &&
                table_is_torn(picker, run->tables[i]))
                return choose_rewrite(level, run, i, 1, out);
        }
    }
    return BYRON_OK;
}

/* --- Level 0 -------------------------------------------------------------- */

/* Too long for one job, so it goes down piece by piece. */
static bool run_is_long(const struct picker *picker, const struct run *run)
{
    return run->count > 1 && run->bytes > job_bytes(picker);
}

static bool run_has_corrupt(const struct run *run)
{
    return stretch_of(run, 0, run->count).has_corrupt;
}

/* Whether run meets nothing below. A small run waits for others, so that a
 * store filled in key order does not end as a heap of tiny files. */
static bool run_is_movable(const struct picker *picker, const struct run *run)
{
    if (run->bytes < picker->options->file_size / 16 &&
        picker->version->levels[0].count > 1)
        return false;
    for (size_t i = 0; i < run->count; i++) {
        if (level_touches(picker->version, picker->base,
                          key_span_of(run->tables[i])))
            return false;
    }
    return true;
}

/*
 * How many of the oldest runs make one merge. The more come at once the less
 * often the base level is rewritten, so a base level of that size at least is
 * always worth it.
 */
static size_t count_merged_runs(const struct picker *picker)
{
    const struct level *level0 = &picker->version->levels[0];
    uint64_t base_bytes = picker->version->levels[picker->base].bytes;
    uint64_t most = job_bytes(picker);
    if (most < base_bytes)
        most = base_bytes;

    size_t count = 0;
    uint64_t bytes = 0;
    while (count < level0->count) {
        const struct run *run = &level0->runs[level0->count - 1 - count];
        bytes += run->bytes;
        if (run_has_corrupt(run) ||
            (count > 0 && (bytes > most || run_is_long(picker, run))))
            break;
        count++;
    }
    return count;
}

/* The oldest runs, all of them whole, and what they meet in the base level. */
static byron_status merge_level0(const struct picker *picker,
                                 struct job_spec *out)
{
    const struct level *level0 = &picker->version->levels[0];
    size_t first = level0->count - count_merged_runs(picker);
    if (first == level0->count)
        return BYRON_OK;

    struct key_span span = key_span_of(level0->runs[first].tables[0]);
    for (size_t i = first; i < level0->count; i++) {
        const struct run *run = &level0->runs[i];
        key_span_cover(&span, run->tables[0]);
        key_span_cover(&span, run->tables[run->count - 1]);
    }
    const struct run *base = level_run(picker->version, picker->base);
    struct stretch below = stretch_touching(base, span);
    if (below.has_corrupt)
        return BYRON_OK;

    byron_status status;
    out->kind = JOB_MERGE;
    out->output_level = picker->base;
    for (size_t i = first; i < level0->count; i++) {
        const struct run *run = &level0->runs[i];
        TRY(job_spec_add(out, 0, run, 0, run->count));
    }
    if (below.count)
        TRY(job_spec_add(out, picker->base, base, below.first, below.count));
    status = BYRON_OK;
out:
    return status;
}

static byron_status choose_level0(const struct picker *picker,
                                  struct job_spec *out)
{
    const struct level *level0 = &picker->version->levels[0];
    const struct run *oldest = &level0->runs[level0->count - 1];
    if (run_has_corrupt(oldest) || run_is_long(picker, oldest) ||
        run_is_movable(picker, oldest)) {
        struct descent descent = {.version = picker->version,
                                  .level = 0,
                                  .run = oldest,
                                  .end = oldest->count,
                                  .output_level = picker->base,
                                  .job_bytes = job_bytes(picker),
                                  .move_bytes = UINT64_MAX};
        return descent_cheapest(&descent, out);
    }
    return merge_level0(picker, out);
}

/*
 * Damage bars the way down: the newest runs become one, or readers had to look
 * through ever more of them. A run much larger than those above it waits for
 * its like, so that each entry is rewritten a few times only.
 */
static byron_status merge_inside_level0(const struct picker *picker,
                                        struct job_spec *out)
{
    const struct level *level0 = &picker->version->levels[0];
    uint64_t bytes = 0;
    size_t count = 0;
    while (count < level0->count) {
        const struct run *run = &level0->runs[count];
        if (run_has_corrupt(run) || (count > 0 && run->bytes / 2 > bytes))
            break;
        bytes += run->bytes;
        count++;
    }
    if (count < picker->options->level0_runs || count < 2)
        return BYRON_OK;

    byron_status status = BYRON_OK;
    out->kind = JOB_MERGE;
    out->output_level = 0;
    for (size_t i = 0; i < count; i++) {
        const struct run *run = &level0->runs[i];
        TRY(job_spec_add(out, 0, run, 0, run->count));
    }
out:
    return status;
}

/* --- Levels that are too large -------------------------------------------- */

static struct descent descent_from(const struct picker *picker, uint32_t level)
{
    const struct run *run = level_run(picker->version, level);
    uint64_t target = picker->targets[level];
    return (struct descent){.version = picker->version,
                            .level = level,
                            .run = run,
                            .end = run->count,
                            .output_level = level + 1,
                            .job_bytes = job_bytes(picker),
                            .move_bytes =
                                run->bytes > target ? run->bytes - target : 0};
}

static byron_status choose_level(const struct picker *picker, uint32_t level,
                                 struct job_spec *out)
{
    if (level > 0) {
        struct descent descent = descent_from(picker, level);
        return descent_cheapest(&descent, out);
    }
    byron_status status = choose_level0(picker, out);
    if (status == BYRON_OK && out->kind == JOB_NONE)
        status = merge_inside_level0(picker, out);
    return status;
}

/* The level that is most due first; the next one where damage bars it. Only
 * scores in [least, most). */
static byron_status choose_by_score(const struct picker *picker, double least,
                                    double most, struct job_spec *out)
{
    bool is_barred[BYRON_LEVELS] = {false};
    for (;;) {
        uint32_t best = LAST_LEVEL;
        double best_score = 0;
        for (uint32_t level = 0; level < LAST_LEVEL; level++) {
            double score = picker_score(picker->version, picker->options,
                                        picker->targets, level);
            bool is_due = level == 0 ? score >= 1 : score > 1;
            if (is_due && !is_barred[level] && score > best_score &&
                score >= least && score < most) {
                best = level;
                best_score = score;
            }
        }
        if (best == LAST_LEVEL)
            return BYRON_OK;
        byron_status status = choose_level(picker, best, out);
        if (status != BYRON_OK || out->kind != JOB_NONE)
            return status;
        is_barred[best] = true;
    }
}

/* --- Tombstones ----------------------------------------------------------- */

static bool is_past(const struct picker *picker, uint64_t since_s)
{
    const struct picker_options *options = picker->options;
    return options->tombstone_age_s && options->now_s > since_s &&
           options->now_s - since_s > options->tombstone_age_s;
}

static bool table_is_old(const struct picker *picker,
                         const struct table_meta *table)
{
    const struct table_facts *facts = &table->facts;
    if (table_is_corrupt(table))
        return false;
    return (facts->tombstones + facts->ranges &&
            is_past(picker, table->created_s)) ||
           (facts->timed && facts->earliest_ms <= picker->options->expired_ms &&
            is_past(picker, facts->earliest_ms / 1000));
}

static uint64_t garbage_of(const struct picker *picker,
                           const struct table_meta *table)
{
    return table_garbage(table, picker->options->expired_ms,
                         picker->options->oldest_point);
}

static uint64_t level0_garbage(const struct picker *picker)
{
    const struct level *level0 = &picker->version->levels[0];
    uint64_t garbage = 0;
    if (level0->timed + level0->ranges == 0)
        return level0->tombstones;
    for (size_t i = 0; i < level0->count; i++) {
        const struct run *run = &level0->runs[i];
        for (size_t j = 0; j < run->count; j++)
            garbage += garbage_of(picker, run->tables[j]);
    }
    return garbage;
}

static bool is_dense(uint64_t tombstones, uint64_t entries, uint64_t percent)
{
    return tombstones >= DENSE_COUNT && tombstones * 100 >= entries * percent;
}

static bool level0_is_dense(const struct picker *picker)
{
    const struct level *levels = picker->version->levels;
    uint64_t below = 0;
    for (uint32_t level = 1; level < BYRON_LEVELS; level++)
        below += levels[level].entries;
    uint64_t garbage = level0_garbage(picker);
    return is_dense(garbage, levels[0].entries, DENSE_PERCENT) &&
           is_dense(garbage, below, DENSE_LEVEL0_PERCENT);
}

static bool level0_is_old(const struct picker *picker)
{
    const struct level *level0 = &picker->version->levels[0];
    if (level0->tombstones + level0->timed + level0->ranges == 0)
        return false;
    for (size_t i = 0; i < level0->count; i++) {
        const struct run *run = &level0->runs[i];
        for (size_t j = 0; j < run->count; j++) {
            if (table_is_old(picker, run->tables[j]))
                return true;
        }
    }
    return false;
}

static bool is_bottom_of(const struct picker *picker, uint32_t level,
                         const struct table_meta *table)
{
    for (uint32_t below = level + 1; below < BYRON_LEVELS; below++) {
        if (level_touches(picker->version, below, key_span_of(table)))
            return false;
    }
    return true;
}

/* Whether nothing of table is left but what hides older versions. */
static bool table_is_gone(const struct picker *picker,
                          const struct table_meta *table)
{
    const struct table_facts *facts = &table->facts;
    return facts->tombstones + facts->timed == facts->entries &&
           facts->latest_ms <= picker->options->expired_ms;
}

/*
 * One level down; or, where nothing lies below, rewritten alone, if that is
 * sure to rid it of every tombstone: else it would be chosen again.
 */
static byron_status sink_table(const struct picker *picker, uint32_t level,
                               size_t index, uint64_t most_entries,
                               struct job_spec *out)
{
    const struct run *run = level_run(picker->version, level);
    const struct table_meta *table = run->tables[index];
    if (table_is_corrupt(table))
        return BYRON_OK;
    if (is_bottom_of(picker, level, table)) {
        if (table->facts.max_sequence > picker->options->oldest_point)
            return BYRON_OK;
        if (table_is_gone(picker, table))
            out->kind = JOB_DELETE;
        else
            return choose_rewrite(level, run, index, 1, out);
        return job_spec_add(out, level, run, index, 1);
    }
    struct stretch below = stretch_touching(
        level_run(picker->version, level + 1), key_span_of(table));
    if (below.entries > most_entries)
        return BYRON_OK;
    struct descent descent = descent_from(picker, level);
    return descent_of(&descent, index, out);
}

static byron_status sink_level(const struct picker *picker, uint32_t level,
                               struct job_spec *out)
{
    const struct run *run = level_run(picker->version, level);
    for (size_t i = 0; run && i < run->count; i++) {
        uint64_t garbage = garbage_of(picker, run->tables[i]);
        byron_status status = BYRON_OK;
        if (table_is_old(picker, run->tables[i]))
            status = sink_table(picker, level, i, UINT64_MAX, out);
        else if (is_dense(garbage, run->tables[i]->facts.entries,
                          DENSE_PERCENT))
            status = sink_table(picker, level, i, garbage * DENSE_COST, out);
        if (status != BYRON_OK || out->kind != JOB_NONE)
            return status;
    }
    return BYRON_OK;
}

static byron_status choose_tombstones(const struct picker *picker,
                                      struct job_spec *out)
{
    byron_status status = BYRON_OK;
    if (level0_is_dense(picker) || level0_is_old(picker))
        status = choose_level0(picker, out);
    for (uint32_t level = 1; level < BYRON_LEVELS; level++) {
        if (status != BYRON_OK || out->kind != JOB_NONE)
            break;
        const struct level *at = &picker->version->levels[level];
        if (at->tombstones + at->timed + at->ranges)
            status = sink_level(picker, level, out);
    }
    return status;
}

/* --- Space ---------------------------------------------------------------- */

/* Whether what lies above the largest level, which may all be newer versions of
 * what is there, is more than levels of their target sizes would hold, and
 * level 0 enough of it to be worth a rewrite of the base level. Levels close to
 * each other in size hold more, and level 0 next to nothing of it. */
static bool is_top_heavy(const struct picker *picker)
{
    const struct level *levels = picker->version->levels;
    uint64_t all = levels[0].bytes;
    uint64_t largest = 0;
    for (uint32_t level = 1; level < BYRON_LEVELS; level++) {
        all += levels[level].bytes;
        if (levels[level].bytes > largest)
            largest = levels[level].bytes;
    }
    return levels[0].bytes > 0 && all - largest > largest / QUIET_SHARE &&
           levels[picker->base].bytes / QUIET_SHARE <= levels[0].bytes;
}

/* Whether a rewrite in place would make table smaller by so much that it pays:
 * no reader asks any more for what newer versions hide. */
static bool is_superseded(const struct picker *picker,
                          const struct table_meta *table)
{
    const struct table_facts *facts = &table->facts;
    return facts->superseded > facts->entries / QUIET_SHARE &&
           facts->max_sequence <= picker->options->oldest_point &&
           !table_is_corrupt(table);
}

/* The first tables of run that are worth it, as many as make one job. */
static byron_status rewrite_superseded(const struct picker *picker,
                                       uint32_t level, const struct run *run,
                                       struct job_spec *out)
{
    size_t first = 0;
    while (first < run->count && !is_superseded(picker, run->tables[first]))
        first++;
    size_t end = first;
    uint64_t bytes = 0;
    while (end < run->count && is_superseded(picker, run->tables[end]) &&
           bytes < job_bytes(picker))
        bytes += run->tables[end++]->facts.size;
    if (end == first)
        return BYRON_OK;
    return choose_rewrite(level, run, first, end - first, out);
}

static byron_status choose_space(const struct picker *picker,
                                 struct job_spec *out)
{
    byron_status status = BYRON_OK;
    if (is_top_heavy(picker))
        TRY(choose_level0(picker, out));
    for (uint32_t level = 1; level < BYRON_LEVELS; level++) {
        const struct run *run = level_run(picker->version, level);
        if (out->kind != JOB_NONE)
            break;
        if (run)
            TRY(rewrite_superseded(picker, level, run, out));
    }
out:
    return status;
}

byron_status picker_choose(const struct store_state *state,
                           const struct picker_options *options,
                           struct job_spec *out)
{
    struct picker picker = picker_of(state, options);
    byron_status status;

    *out = (struct job_spec){.kind = JOB_NONE};
    TRY(check_is_leveled(state->version));
    TRY(choose_delete(&picker, out));
    if (out->kind == JOB_NONE)
        TRY(choose_by_score(&picker, URGENT_SCORE, HUGE_VAL, out));
    if (out->kind == JOB_NONE)
        TRY(choose_tombstones(&picker, out));
    if (out->kind == JOB_NONE)
        TRY(choose_by_score(&picker, 1, URGENT_SCORE, out));
    if (out->kind == JOB_NONE)
        TRY(choose_torn(&picker, out));
    if (out->kind == JOB_NONE && options->is_quiet)
        TRY(choose_space(&picker, out));
out:
    if (status != BYRON_OK)
        job_spec_deinit(out);
    return status;
}
