/*
 * picker_range: the steps that bring a stretch of keys to one level.
 */
#include "compaction/picker.h"

#include "base/try.h"
#include "compaction/descent.h"
#include "compaction/overlap.h"

struct range_pick {
    const struct version *version;
    const struct picker_options *options;
    struct slice lower, upper; /* Open where data is NULL. */
    size_t newest;             /* Of level 0: the first run that goes. */
    uint64_t piece;            /* Bytes of one job. */
    uint32_t last;             /* The level where all of it should go. */
};

static uint64_t below_bytes(const struct range_pick *pick)
{
    return pick->piece / 2;
}

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
    for (size_t i = pick->newest; i < level0->count; i++) {
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
        for (size_t i = pick->newest; i < level0->count; i++) {
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
    for (size_t i = pick->newest; i < level0->count; i++) {
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

/* Where it meets something, or one above if that is too much for one job: there
 * it gets tables that go on in pieces. */
static uint32_t level_under(const struct range_pick *pick, struct key_span span)
{
    uint32_t level = 1;
    while (level < pick->last && !level_touches(pick->version, level, span))
        level++;
    if (level > 1 &&
        stretch_touching(level_run(pick->version, level), span).bytes >
            pick->piece)
        level--;
    return level;
}

static byron_status choose_level0(const struct range_pick *pick,
                                  struct job_spec *out)
{
    const struct level *level0 = &pick->version->levels[0];
    struct key_span span;
    if (!close_span(pick, &span))
        return BYRON_OK;

    uint32_t output_level = level_under(pick, span);
    size_t runs = 0;
    size_t only = 0;
    bool is_barred =
        stretch_touching(level_run(pick->version, output_level), span)
            .has_corrupt;
    for (size_t i = pick->newest; i < level0->count; i++) {
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
                                  .job_bytes = pick->piece,
                                  .move_bytes = UINT64_MAX,
                                  .below_bytes = below_bytes(pick)};
        return descent_cheapest(&descent, out);
    }
    return is_barred ? BYRON_OK : add_level0(pick, span, output_level, out);
}

/* --- The levels below ----------------------------------------------------- */

static void sink(struct picker_sweep *sweep)
{
    sweep->level++;
    buf_clear(&sweep->from);
}

/* Behind what was chosen, which began one before descent does now. */
static byron_status advance(struct picker_sweep *sweep,
                            const struct descent *descent,
                            const struct job_spec *chosen)
{
    size_t next = descent->begin - 1 + chosen->inputs[0].count;
    if (next >= descent->end) {
        sink(sweep);
        return BYRON_OK;
    }
    struct slice from = table_meta_smallest(descent->run->tables[next]);
    buf_clear(&sweep->from);
    return buf_add(&sweep->from, from.data, from.size);
}

/* The first piece of the range that the sweep has not passed. */
static byron_status choose_level(const struct range_pick *pick,
                                 struct picker_sweep *sweep,
                                 struct job_spec *out)
{
    const struct run *run = level_run(pick->version, sweep->level);
    byron_status status = BYRON_OK;
    if (!run)
        return BYRON_OK;
    struct stretch stretch = stretch_in_range(pick, run);
    struct descent descent = {.version = pick->version,
                              .level = sweep->level,
                              .run = run,
                              .begin = stretch.first,
                              .end = stretch.first + stretch.count,
                              .output_level = sweep->level + 1,
                              .job_bytes = pick->piece,
                              .move_bytes = UINT64_MAX,
                              .below_bytes = below_bytes(pick)};
    size_t from = run_find(run, buf_slice(&sweep->from));
    if (descent.begin < from)
        descent.begin = from;
    for (; descent.begin < descent.end && out->kind == JOB_NONE;
         descent.begin++)
        TRY(descent_piece(&descent, out));
    if (out->kind == JOB_NONE)
        return BYRON_OK;
    TRY(advance(sweep, &descent, out));
out:
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

/* The first run of level 0 that is not newer than newest_run. */
static size_t find_newest(const struct version *version, uint64_t newest_run)
{
    const struct level *level0 = &version->levels[0];
    size_t index = 0;
    while (index < level0->count && level0->runs[index].id > newest_run)
        index++;
    return index;
}

static struct range_pick pick_of(const struct store_state *state,
                                 const struct picker_options *options,
                                 const struct picker_sweep *sweep)
{
    uint64_t targets[BYRON_LEVELS];
    struct range_pick pick = {
        .version = state->version,
        .options = options,
        .lower = sweep->lower,
        .upper = sweep->upper,
        .newest = find_newest(state->version, sweep->newest_run),
        .piece = picker_piece(state->version, options),
        .last = BYRON_LEVELS - 1};
    uint32_t base = picker_targets(state->version, options, targets);
    while (pick.last > base && !level_has_range(&pick, pick.last))
        pick.last--;
    return pick;
}

byron_status picker_choose_range(const struct store_state *state,
                                 const struct picker_options *options,
                                 struct picker_sweep *sweep,
                                 struct job_spec *out)
{
    struct range_pick pick;
    byron_status status;

    *out = (struct job_spec){.kind = JOB_NONE};
    TRY(check_is_leveled(state->version));
    pick = pick_of(state, options, sweep);
    if (sweep->level == 0)
        TRY(choose_level0(&pick, out));
    while (out->kind == JOB_NONE && sweep->level < pick.last) {
        if (sweep->level > 0)
            TRY(choose_level(&pick, sweep, out));
        if (out->kind == JOB_NONE)
            sink(sweep);
    }
    if (out->kind == JOB_NONE)
        TRY(clean_last_level(&pick, out));
    out->below_bytes = below_bytes(&pick);
out:
    if (status != BYRON_OK)
        job_spec_deinit(out);
    return status;
}
