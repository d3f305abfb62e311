#include "compaction/job.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/try.h"
#include "compaction/dropped.h"
#include "compaction/older.h"
#include "merge/merge_iter.h"
#include "merge/retain_iter.h"
#include "version/run_iter.h"

struct job {
    struct job_spec spec; /* JOB_NONE: a flush. */
    uint64_t *points;
    size_t point_count;
    uint64_t expired_ms;
    struct dropped dropped;
    struct older older;
    uint64_t entries; /* In the input tables, as their facts say. */
    struct table_output *output;
    const struct iter *retain; /* Inside output. */
};

/* --- Making --------------------------------------------------------------- */

static bool deeper_may_hold(void *context, struct slice key)
{
    struct job *job = context;
    return older_may_hold(&job->older, key);
}

static bool is_dropped(void *context, struct slice key)
{
    struct job *job = context;
    return dropped_has(&job->dropped, key);
}

static byron_status copy_points(struct job *job,
                                const struct job_points *points)
{
    assert(points->count > 0);
    job->points = alloc_bytes(points->count * sizeof *job->points);
    if (!job->points)
        return error_no_memory();
    memcpy(job->points, points->points, points->count * sizeof *job->points);
    job->point_count = points->count;
    job->expired_ms = points->expired_ms;
    return BYRON_OK;
}

/* Takes source, even on failure. */
static byron_status build_output(struct job *job, struct iter *source,
                                 const struct table_output_options *options)
{
    struct table_output_options own = *options;
    struct retain_rules rules = {.points = job->points,
                                 .point_count = job->point_count,
                                 .expired_ms = job->expired_ms,
                                 .deeper_may_hold = deeper_may_hold,
                                 .is_dropped = is_dropped,
                                 .context = job};
    struct iter *retain;
    byron_status status;

    if (job->spec.kind == JOB_MERGE) {
        /* Inside level 0 the result takes the place of the newest input. */
        own.level = job->spec.output_level;
        own.run = own.level == 0 ? job->spec.inputs[0].run : 0;
    }
    own.cuts = job->dropped.uppers;
    own.cut_count = job->dropped.count;
    TRY(retain_iter_new(source, &rules, &retain));
    TRY(table_output_new(retain, &own, &job->output));
    job->retain = retain;
out:
    return status;
}

/* The part that flush and merge share. job->spec is set. Takes source, even on
 * failure; then job is freed too. */
static byron_status job_build(struct job *job, struct iter *source,
                              const struct store_state *state,
                              const struct job_points *points,
                              const struct table_output_options *options)
{
    byron_status status;
    bool is_flush = job->spec.kind == JOB_NONE;

    TRY(copy_points(job, points));
    TRY(dropped_init(&job->dropped, state->drops, state->drop_count));
    TRY(older_init(&job->older, state->version, is_flush ? NULL : &job->spec));
    status = build_output(job, source, options);
    source = NULL;
    TRY(status);
out:
    iter_free(source);
    if (status != BYRON_OK)
        job_free(job);
    return status;
}

byron_status job_new_flush(struct iter *source, const struct store_state *state,
                           const struct job_points *points,
                           const struct table_output_options *output,
                           struct job **out)
{
    struct job *job = alloc_zeroed(1, sizeof *job);
    if (!job) {
        iter_free(source);
        return error_no_memory();
    }
    byron_status status = job_build(job, source, state, points, output);
    if (status == BYRON_OK)
        *out = job;
    return status;
}

/* One iterator over all that spec names. */
static byron_status open_inputs(const struct job_spec *spec, struct iter **out)
{
    size_t count = 0;
    byron_status status;
    struct iter **children =
        alloc_zeroed(spec->input_count, sizeof(struct iter *));
    if (!children)
        return error_no_memory();
    for (size_t i = 0; i < spec->input_count; i++) {
        const struct job_input *input = &spec->inputs[i];
        TRY(run_iter_new(input->tables, input->count, TABLE_ITER_BULK,
                         &children[count]));
        count++;
    }
    status = BYRON_OK;
    if (count == 1) {
        *out = children[0];
        count = 0;
    } else {
        size_t taken = count;
        count = 0;
        TRY(merge_iter_new(children, taken, out));
    }
out:
    while (count > 0)
        iter_free(children[--count]);
    alloc_free(children);
    return status;
}

static uint64_t count_entries(const struct job_spec *spec)
{
    uint64_t entries = 0;
    for (size_t i = 0; i < spec->input_count; i++) {
        for (size_t j = 0; j < spec->inputs[i].count; j++)
            entries += spec->inputs[i].tables[j]->facts.entries;
    }
    return entries;
}

byron_status job_new_merge(struct job_spec *spec,
                           const struct store_state *state,
                           const struct job_points *points,
                           const struct table_output_options *output,
                           struct job **out)
{
    assert(spec->kind == JOB_MERGE);
    struct iter *source = NULL;
    struct job *job = NULL;
    byron_status status;

    TRY(open_inputs(spec, &source));
    job = alloc_zeroed(1, sizeof *job);
    if (!job) {
        iter_free(source);
        TRY(error_no_memory());
    }
    job->spec = *spec;
    *spec = (struct job_spec){.kind = JOB_NONE};
    job->entries = count_entries(&job->spec);
    TRY(job_build(job, source, state, points, output));
    *out = job;
out:
    job_spec_deinit(spec);
    return status;
}

/* --- Running -------------------------------------------------------------- */

/* Counts do not match: the table that is to blame is found by reading them
 * all, and marked. */
static void blame_inputs(const struct job_spec *spec)
{
    for (size_t i = 0; i < spec->input_count; i++) {
        for (size_t j = 0; j < spec->inputs[i].count; j++) {
            struct table_meta *table = spec->inputs[i].tables[j];
            struct table_reader *reader;
            byron_status status = table_meta_reader(table, &reader);
            if (status == BYRON_OK)
                status = table_meta_judge(table, table_reader_verify(reader));
            (void)status; /* What counts is the mark. */
        }
    }
}

/* No entry came from nowhere, and none was lost but those retain let go. */
static byron_status check_counts(const struct job *job)
{
    struct retain_counts counts;
    retain_iter_counts(job->retain, &counts);
    uint64_t written = table_output_entries(job->output);
    bool is_flush = job->spec.kind == JOB_NONE;

    if (counts.in == counts.out + counts.dropped && counts.out == written &&
        (is_flush || counts.in == job->entries))
        return BYRON_OK;
    blame_inputs(&job->spec);
    return error_corrupt(
        NULL, BYRON_NO_OFFSET,
        "a job read %llu entries of %llu, let %llu go and wrote %llu",
        (unsigned long long)counts.in, (unsigned long long)job->entries,
        (unsigned long long)counts.dropped, (unsigned long long)written);
}

byron_status job_step(struct job *job, uint64_t budget, bool *done)
{
    byron_status status;
    TRY(table_output_step(job->output, budget, done));
    if (*done)
        TRY(check_counts(job));
out:
    if (status != BYRON_OK)
        *done = false;
    return status;
}

byron_status job_take_edit(struct job *job, struct version_edit *edit)
{
    byron_status status;
    for (size_t i = 0; i < job->spec.input_count; i++) {
        const struct job_input *input = &job->spec.inputs[i];
        for (size_t j = 0; j < input->count; j++)
            TRY(version_edit_remove(edit, input->tables[j]->number));
    }
    TRY(table_output_take(job->output, edit));
out:
    return status;
}

uint64_t job_bytes_written(const struct job *job)
{
    return table_output_bytes(job->output);
}

uint64_t job_bytes_left(const struct job *job)
{
    struct retain_counts counts;
    retain_iter_counts(job->retain, &counts);
    if (counts.in >= job->entries)
        return 0;
    double share = (double)(job->entries - counts.in) / (double)job->entries;
    return (uint64_t)(share * (double)job->spec.input_bytes);
}

void job_free(struct job *job)
{
    if (!job)
        return;
    table_output_free(job->output);
    older_deinit(&job->older);
    dropped_deinit(&job->dropped);
    alloc_free(job->points);
    job_spec_deinit(&job->spec);
    alloc_free(job);
}
