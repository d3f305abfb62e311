#include "compaction/job.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/try.h"
#include "compaction/job_ranges.h"
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
    struct job_ranges ranges;
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

static uint64_t count_hidden(void *context, struct slice lower,
                             struct slice upper)
{
    struct job *job = context;
    return older_count(&job->older, lower, upper);
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
    if (job->ranges.all.count > 0) {
        rules.ranges = &job->ranges.all;
        rules.kept = own.ranges = &job->ranges.kept;
        own.count_hidden = count_hidden;
        own.hidden_context = job;
    }
    TRY(retain_iter_new(source, &rules, &retain));
    TRY(table_output_new(retain, &own, &job->output));
    job->retain = retain;
out:
    return status;
}

/* What flush and merge share, but for the source. job->spec is set. */
static byron_status job_init(struct job *job, const struct store_state *state,
                             const struct range_deletes *deletes,
                             const struct job_points *points)
{
    byron_status status;
    bool is_flush = job->spec.kind == JOB_NONE;

    TRY(copy_points(job, points));
    TRY(dropped_init(&job->dropped, state->drops, state->drop_count));
    TRY(older_init(&job->older, state->version, is_flush ? NULL : &job->spec));
    TRY(job_ranges_init(&job->ranges, deletes, job->points, job->point_count,
                        &job->dropped, &job->older));
out:
    return status;
}

byron_status
job_new_flush(struct iter *source, const struct range_deletes *deletes,
              const struct store_state *state, const struct job_points *points,
              const struct table_output_options *output, struct job **out)
{
    static const struct range_deletes none;
    byron_status status;
    struct job *job = alloc_zeroed(1, sizeof *job);
    if (!job) {
        iter_free(source);
        return error_no_memory();
    }
    TRY(job_init(job, state, deletes ? deletes : &none, points));
    status = build_output(job, source, output);
    source = NULL;
    TRY(status);
    *out = job;
out:
    iter_free(source);
    if (status != BYRON_OK)
        job_free(job);
    return status;
}

/* The range deletes of all that spec names. */
static byron_status collect_deletes(const struct job_spec *spec,
                                    struct range_deletes *out)
{
    byron_status status = BYRON_OK;
    for (size_t i = 0; i < spec->input_count; i++) {
        for (size_t j = 0; j < spec->inputs[i].count; j++)
            TRY(job_ranges_collect(spec->inputs[i].tables[j], out));
    }
out:
    return status;
}

/* An iterator over the tables of input of which something may be left; NULL
 * where there is none. */
static byron_status open_input(struct job *job, const struct job_input *input,
                               struct iter **out)
{
    size_t count = 0;
    byron_status status = BYRON_OK;
    struct table_meta **tables =
        alloc_bytes(input->count * sizeof(struct table_meta *));
    if (!tables)
        return error_no_memory();
    for (size_t i = 0; i < input->count; i++) {
        struct table_meta *table = input->tables[i];
        if (job_ranges_hide(&job->ranges, table, job->points[0]))
            continue;
        tables[count++] = table;
        job->entries += table->facts.entries;
    }
    *out = NULL;
    if (count > 0)
        status = run_iter_new(tables, count, TABLE_ITER_BULK, out);
    alloc_free(tables);
    return status;
}

/* One iterator over all inputs. */
static byron_status open_inputs(struct job *job, struct iter **out)
{
    const struct job_spec *spec = &job->spec;
    size_t count = 0;
    byron_status status = BYRON_OK;
    struct iter **children =
        alloc_zeroed(spec->input_count, sizeof(struct iter *));
    if (!children)
        return error_no_memory();
    for (size_t i = 0; i < spec->input_count; i++) {
        TRY(open_input(job, &spec->inputs[i], &children[count]));
        count += children[count] != NULL;
    }
    size_t taken = count;
    count = 0; /* The merge takes them, even if it fails. */
    if (taken == 0)
        TRY(run_iter_new(NULL, 0, TABLE_ITER_BULK, out));
    else
        TRY(merge_iter_new(children, taken, out));
out:
    while (count > 0)
        iter_free(children[--count]);
    alloc_free(children);
    return status;
}

byron_status job_new_merge(struct job_spec *spec,
                           const struct store_state *state,
                           const struct job_points *points,
                           const struct table_output_options *output,
                           struct job **out)
{
    assert(spec->kind == JOB_MERGE);
    struct range_deletes deletes = {0};
    struct iter *source;
    byron_status status;
    struct job *job = alloc_zeroed(1, sizeof *job);
    if (!job) {
        job_spec_deinit(spec);
        return error_no_memory();
    }
    job->spec = *spec;
    *spec = (struct job_spec){.kind = JOB_NONE};
    TRY(collect_deletes(&job->spec, &deletes));
    TRY(job_init(job, state, &deletes, points));
    TRY(open_inputs(job, &source));
    TRY(build_output(job, source, output));
    *out = job;
out:
    range_deletes_deinit(&deletes);
    if (status != BYRON_OK)
        job_free(job);
    return status;
}

/* --- Running -------------------------------------------------------------- */

/* Counts do not match: the table that is to blame is found by reading them
 * all, marked, and told. BYRON_OK: none of them is. */
static byron_status blame_inputs(const struct job_spec *spec)
{
    struct byron_error first = {.code = BYRON_OK};

    for (size_t i = 0; i < spec->input_count; i++) {
        for (size_t j = 0; j < spec->inputs[i].count; j++) {
            struct table_meta *table = spec->inputs[i].tables[j];
            struct table_reader *reader;
            byron_status status = table_meta_reader(table, &reader);
            if (status == BYRON_OK)
                status =
                    table_meta_judge(table, table_reader_verify(reader, NULL));
            /* One that cannot be read now is not to blame for that. */
            if (status == BYRON_CORRUPT && first.code == BYRON_OK)
                first = *error_last();
        }
    }
    return first.code == BYRON_OK ? BYRON_OK : error_restore(&first);
}

/* No entry came from nowhere, and none was lost but those retain let go. */
static byron_status check_counts(const struct job *job)
{
    byron_status status;
    struct retain_counts counts;
    retain_iter_counts(job->retain, &counts);
    uint64_t written = table_output_entries(job->output);
    bool is_flush = job->spec.kind == JOB_NONE;

    if (counts.in == counts.out + counts.dropped && counts.out == written &&
        (is_flush || counts.in == job->entries))
        return BYRON_OK;
    status = blame_inputs(&job->spec);
    if (status != BYRON_OK)
        return status;
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
    job_ranges_deinit(&job->ranges);
    older_deinit(&job->older);
    dropped_deinit(&job->dropped);
    alloc_free(job->points);
    job_spec_deinit(&job->spec);
    alloc_free(job);
}
