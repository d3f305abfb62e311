#include "compaction/older.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/try.h"
#include "compaction/overlap.h"

static bool is_input_of(const struct job_spec *spec, uint32_t level,
                        const struct run *run, const struct table_meta *table)
{
    for (size_t i = 0; i < spec->input_count; i++) {
        const struct job_input *input = &spec->inputs[i];
        if (input->level != level || input->run != run->id)
            continue;
        for (size_t j = 0; j < input->count; j++) {
            if (input->tables[j] == table)
                return true;
        }
    }
    return false;
}

static struct key_span span_of_inputs(const struct job_spec *spec)
{
    struct key_span span = key_span_of(spec->inputs[0].tables[0]);
    for (size_t i = 0; i < spec->input_count; i++) {
        const struct job_input *input = &spec->inputs[i];
        key_span_cover(&span, input->tables[0]);
        key_span_cover(&span, input->tables[input->count - 1]);
    }
    return span;
}

/* Inputs are newest first, so the first tells what is older than all. Its own
 * run is not: tables of a run share no key. */
static bool run_is_older(const struct job_spec *spec, uint32_t level,
                         const struct run *run)
{
    const struct job_input *newest = &spec->inputs[0];
    if (level != newest->level)
        return level > newest->level;
    return run->id < newest->run;
}

static byron_status add_run(struct older *older, const struct job_spec *spec,
                            uint32_t level, const struct run *run)
{
    struct older_run *added = &older->runs[older->count];
    struct stretch stretch = {.count = run->count};
    if (spec)
        stretch = stretch_touching(run, span_of_inputs(spec));
    if (stretch.count == 0)
        return BYRON_OK;
    *added = (struct older_run){0};
    added->tables = alloc_bytes(stretch.count * sizeof(struct table_meta *));
    if (!added->tables)
        return error_no_memory();
    for (size_t i = 0; i < stretch.count; i++) {
        struct table_meta *table = run->tables[stretch.first + i];
        if (!spec || !is_input_of(spec, level, run, table))
            added->tables[added->count++] = table;
    }
    if (added->count)
        older->count++;
    else
        alloc_free(added->tables);
    return BYRON_OK;
}

byron_status older_init(struct older *older, struct version *version,
                        const struct job_spec *spec)
{
    byron_status status = BYRON_OK;
    size_t runs = version_run_count(version);

    *older = (struct older){.version = version_ref(version)};
    if (runs == 0)
        return BYRON_OK;
    older->runs = alloc_zeroed(runs, sizeof *older->runs);
    if (!older->runs)
        TRY(error_no_memory());
    for (uint32_t level = BYRON_LEVELS; level-- > 0;) {
        const struct level *at = &version->levels[level];
        for (size_t i = at->count; i-- > 0;) {
            if (!spec || run_is_older(spec, level, &at->runs[i]))
                TRY(add_run(older, spec, level, &at->runs[i]));
        }
    }
out:
    if (status != BYRON_OK)
        older_deinit(older);
    return status;
}

void older_deinit(struct older *older)
{
    for (size_t i = 0; i < older->count; i++)
        alloc_free(older->runs[i].tables);
    alloc_free(older->runs);
    version_unref(older->version);
    *older = (struct older){0};
}

static bool run_may_hold(struct older_run *run, struct slice key)
{
    while (run->at < run->count &&
           slice_compare(table_meta_largest(run->tables[run->at]), key) < 0)
        run->at++;
    return run->at < run->count &&
           slice_compare(table_meta_smallest(run->tables[run->at]), key) <= 0;
}

bool older_may_hold(struct older *older, struct slice key)
{
    for (size_t i = 0; i < older->count; i++) {
        if (run_may_hold(&older->runs[i], key))
            return true;
    }
    return false;
}

/* The first table that does not end before key. */
static size_t run_from(const struct older_run *run, struct slice key)
{
    size_t low = 0;
    size_t high = run->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (table_meta_ends_before(run->tables[middle], key))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool older_may_touch(const struct older *older, struct slice lower,
                     struct slice upper)
{
    for (size_t i = 0; i < older->count; i++) {
        const struct older_run *run = &older->runs[i];
        size_t at = run_from(run, lower);
        if (at < run->count &&
            slice_compare(table_meta_smallest(run->tables[at]), upper) < 0)
            return true;
    }
    return false;
}

/* Of a table that may reach across an end. */
static uint64_t count_in_table(struct table_meta *table, struct slice lower,
                               struct slice upper)
{
    struct table_reader *reader;
    uint64_t entries = 0;
    uint64_t bytes;
    if (slice_compare(table_meta_smallest(table), lower) >= 0 &&
        table_meta_ends_before(table, upper))
        return table->facts.entries;
    if (table_is_corrupt(table) ||
        table_meta_reader(table, &reader) != BYRON_OK ||
        table_reader_estimate(reader, lower, upper, &entries, &bytes) !=
            BYRON_OK)
        return 0;
    return entries;
}

uint64_t older_count(const struct older *older, struct slice lower,
                     struct slice upper)
{
    uint64_t count = 0;
    for (size_t i = 0; i < older->count; i++) {
        const struct older_run *run = &older->runs[i];
        for (size_t at = run_from(run, lower);
             at < run->count &&
             slice_compare(table_meta_smallest(run->tables[at]), upper) < 0;
             at++)
            count += count_in_table(run->tables[at], lower, upper);
    }
    return count;
}
