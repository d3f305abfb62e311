/*
 * picker_range: the steps that bring a stretch of keys to one level.
 */
#include "compaction/picker.h"

#include "base/try.h"
#include "compaction/descent.h"
#include "compaction/overlap.h"

/* A merge of neighbours should not read more than so many target tables. */
#define JOB_FILES 20

struct range_pick {
    const struct version *version;
    const struct picker_options *options;
    struct slice lower, upper; /* Open where data is NULL. */
    uint32_t last;             /* The level where all of it should go. */
};

/* Of run: the tables that touch [lower, upper). */
static struct stretch stretch_in_range(const struct range_pick *pick,
                                       const struct run *run)
{
    size_t first = pick->lower.data ? run_find(run, pick->lower) : 0;
    size_t end = first;
    while (
        end < run->count &&
        (!pick->upper.data ||
         slice_compare(table_meta_smallest(run->tables[end]), pick->upper) < 0))
        end++;
    return stretch_of(run, first, end - first);
}

/* --- Level 0 -------------------------------------------------------------- */

static bool cover_stretch(struct key_span *span, const struct run *run,
                          struct stretch stretch)
{
    struct key_span before = *span;
    if (stretch.count == 0)
        return false;
    key_span_cover(span, run->tables[stretch.first]);
    key_span_cover(span, run->tables[stretch.first + stretch.count - 1]);
    return !slice_equal(before.first, span->first) ||
           !slice_equal(before.last, span->last);
}

/* The range, grown until no table of level 0 reaches across its ends: what
 * goes down may not leave an older version of a key above. */
static bool close_span(const struct range_pick *pick, struct key_span *span)
{
    const struct level *level0 = &pick->version->levels[0];
    bool is_empty = true;
    for (size_t i = 0; i < level0->count; i++) {
        const struct run *run = &level0->runs[i];
        struct stretch stretch = stretch_in_range(pick, run);
        if (stretch.count && is_empty)
            *span = key_span_of(run->tables[stretch.first]);
        is_empty &= stretch.count == 0;
        if (stretch.count)
            cover_stretch(span, run, stretch);
    }
    bool has_grown = !is_empty;
    while (has_grown) {
        has_grown = false;
        for (size_t i = 0; i < level0->count; i++) {
            const struct run *run = &level0->runs[i];
            has_grown |= cover_stretch(span, run, stretch_touching(run, *span));
        }
    }
    return !is_empty;
}

static byron_status add_level0(const struct range_pick *pick,
                               struct key_span span, uint32_t output_level,
                               struct job_spec *out)
{
    const struct level *level0 = &pick->version->levels[0];
    const struct run *base = level_run(pick->version, output_level);
    struct stretch below = stretch_touching(base, span);
    byron_status status;

    out->kind = JOB_MERGE;
    out->output_level = output_level;
    for (size_t i = 0; i < level0->count; i++) {
        struct stretch stretch = stretch_touching(&level0->runs[i], span);
        if (stretch.count)
            TRY(job_spec_add(out, 0, &level0->runs[i], stretch.first,
                             stretch.count));
    }
    if (below.count)
        TRY(job_spec_add(out, output_level, base, below.first, below.count));
    status = BYRON_OK;
out:
    return status;
}

static byron_status choose_level0(const struct range_pick *pick,
                                  struct job_spec *out)
{
    const struct level *level0 = &pick->version->levels[0];
    struct key_span span;
    if (!close_span(pick, &span))
        return BYRON_OK;

    uint32_t output_level = 1;
    while (output_level < pick->last &&
           !level_touches(pick->version, output_level, span))
        output_level++;

    size_t runs = 0;
    size_t only = 0;
    bool is_barred =
        stretch_touching(level_run(pick->version, output_level), span)
            .has_corrupt;
    for (size_t i = 0; i < level0->count; i++) {
        struct stretch stretch = stretch_touching(&level0->runs[i], span);
        is_barred |= stretch.has_corrupt;
        if (stretch.count) {
            runs++;
            only = i;
        }
    }
    if (runs == 1) {
        const struct run *run = &level0->runs[only];
        struct stretch stretch = stretch_touching(run, span);
        struct descent descent = {.version = pick->version,
                                  .run = run,
                                  .begin = stretch.first,
                                  .end = stretch.first + stretch.count,
                                  .output_level = output_level,
                                  .job_bytes =
                                      pick->options->file_size * JOB_FILES,
                                  .move_bytes = UINT64_MAX};
        return descent_cheapest(&descent, out);
    }
    return is_barred ? BYRON_OK : add_level0(pick, span, output_level, out);
}

/* --- The levels below ----------------------------------------------------- */

static byron_status choose_level(const struct range_pick *pick, uint32_t level,
                                 struct job_spec *out)
{
    const struct run *run = level_run(pick->version, level);
    if (!run)
        return BYRON_OK;
    struct stretch stretch = stretch_in_range(pick, run);
    struct descent descent = {.version = pick->version,
                              .level = level,
                              .run = run,
                              .begin = stretch.first,
                              .end = stretch.first + stretch.count,
                              .output_level = level + 1,
                              .job_bytes = pick->options->file_size * JOB_FILES,
                              .move_bytes = UINT64_MAX};
    byron_status status = BYRON_OK;
    for (size_t i = descent.begin; i < descent.end; i++) {
        status = descent_of(&descent, i, out);
        if (status != BYRON_OK || out->kind != JOB_NONE)
            break;
    }
    return status;
}

/* Whether a rewrite of table where it is would surely rid it of tombstones. */
static bool can_be_cleaned(const struct range_pick *pick, uint32_t level,
                           const struct table_meta *table)
{
    if (table_garbage(table, pick->options->expired_ms,
                      pick->options->oldest_point) == 0 ||
        table_is_corrupt(table) ||
        table->facts.max_sequence > pick->options->oldest_point)
        return false;
    for (uint32_t below = level + 1; below < BYRON_LEVELS; below++) {
        if (level_touches(pick->version, below, key_span_of(table)))
            return false;
    }
    return true;
}

static byron_status clean_last_level(const struct range_pick *pick,
                                     struct job_spec *out)
{
    const struct run *run = level_run(pick->version, pick->last);
    if (!run)
        return BYRON_OK;
    struct stretch stretch = stretch_in_range(pick, run);
    for (size_t i = stretch.first; i < stretch.first + stretch.count; i++) {
        if (!can_be_cleaned(pick, pick->last, run->tables[i]))
            continue;
        out->kind = JOB_MERGE;
        out->output_level = pick->last;
        return job_spec_add(out, pick->last, run, i, 1);
    }
    return BYRON_OK;
}

static bool level_has_range(const struct range_pick *pick, uint32_t level)
{
    const struct run *run = level_run(pick->version, level);
    return run && stretch_in_range(pick, run).count > 0;
}

byron_status picker_choose_range(const struct store_state *state,
                                 const struct picker_options *options,
                                 struct slice lower, struct slice upper,
                                 struct job_spec *out)
{
    uint64_t targets[BYRON_LEVELS];
    struct range_pick pick = {state->version, options, lower, upper, 0};
    uint32_t base = picker_targets(state->version, options, targets);
    byron_status status;

    *out = (struct job_spec){.kind = JOB_NONE};
    TRY(check_is_leveled(state->version));
    pick.last = BYRON_LEVELS - 1;
    while (pick.last > base && !level_has_range(&pick, pick.last))
        pick.last--;
    TRY(choose_level0(&pick, out));
    for (uint32_t level = 1; level < pick.last; level++) {
        if (out->kind == JOB_NONE)
            TRY(choose_level(&pick, level, out));
    }
    if (out->kind == JOB_NONE)
        TRY(clean_last_level(&pick, out));
    status = BYRON_OK;
out:
    if (status != BYRON_OK)
        job_spec_deinit(out);
    return status;
}
