#include "compaction/descent.h"

#include <assert.h>

#include "base/try.h"
#include "compaction/overlap.h"

/* Neighbouring tables, and what lies under them in the output level. */
struct pairing {
    struct stretch source;
    struct stretch below;
};

static struct pairing pairing_of(const struct descent *descent, size_t first,
                                 size_t count)
{
    struct table_meta **tables = &descent->run->tables[first];
    struct key_span span = key_span_of(tables[0]);
    key_span_cover(&span, tables[count - 1]);
    return (struct pairing){
        stretch_of(descent->run, first, count),
        stretch_touching(level_run(descent->version, descent->output_level),
                         span)};
}

/* Bytes that are rewritten for each byte that goes down. */
static double pairing_cost(const struct pairing *pairing)
{
    return (double)pairing->below.bytes / (double)pairing->source.bytes;
}

static bool pairing_is_barred(const struct pairing *pairing)
{
    return pairing->source.has_corrupt || pairing->below.has_corrupt;
}

/* Takes wider if it costs no more, and stays within the size of a job. */
static bool pairing_widen(const struct descent *descent,
                          struct pairing *pairing, size_t first)
{
    struct pairing wider =
        pairing_of(descent, first, pairing->source.count + 1);
    uint64_t bytes = wider.source.bytes + wider.below.bytes;
    if (pairing_is_barred(&wider) || bytes > descent->job_bytes ||
        pairing_cost(&wider) > pairing_cost(pairing))
        return false;
    *pairing = wider;
    return true;
}

static byron_status choose_merge(const struct descent *descent,
                                 struct pairing pairing, struct job_spec *out)
{
    struct stretch *source = &pairing.source;
    byron_status status;

    while (source->first + source->count < descent->end &&
           pairing_widen(descent, &pairing, source->first))
        ;
    while (source->first > descent->begin &&
           pairing_widen(descent, &pairing, source->first - 1))
        ;
    out->kind = JOB_MERGE;
    out->output_level = descent->output_level;
    TRY(job_spec_add(out, descent->level, descent->run, source->first,
                     source->count));
    TRY(job_spec_add(out, descent->output_level,
                     level_run(descent->version, descent->output_level),
                     pairing.below.first, pairing.below.count));
out:
    return status;
}

/* Whether nothing from the output level to deepest touches table. */
static bool is_free(const struct descent *descent,
                    const struct table_meta *table, uint32_t deepest)
{
    for (uint32_t level = descent->output_level; level <= deepest; level++) {
        if (level_touches(descent->version, level, key_span_of(table)))
            return false;
    }
    return true;
}

static byron_status choose_move(const struct descent *descent, size_t index,
                                struct job_spec *out)
{
    const struct run *run = descent->run;
    uint32_t deepest = descent->output_level;
    while (deepest + 1 < BYRON_LEVELS &&
           is_free(descent, run->tables[index], deepest + 1))
        deepest++;

    uint64_t bytes = run->tables[index]->facts.size;
    size_t after = index + 1;
    while (after < descent->end && !table_is_corrupt(run->tables[after]) &&
           bytes + run->tables[after]->facts.size <= descent->move_bytes &&
           is_free(descent, run->tables[after], deepest))
        bytes += run->tables[after++]->facts.size;

    out->kind = JOB_MOVE;
    out->output_level = deepest;
    return job_spec_add(out, descent->level, run, index, after - index);
}

byron_status descent_of(const struct descent *descent, size_t index,
                        struct job_spec *out)
{
    assert(descent->begin <= index && index < descent->end);
    assert(descent->end <= descent->run->count);
    struct pairing pairing = pairing_of(descent, index, 1);
    if (pairing_is_barred(&pairing))
        return BYRON_OK;
    byron_status status = pairing.below.count == 0
                              ? choose_move(descent, index, out)
                              : choose_merge(descent, pairing, out);
    if (status != BYRON_OK)
        job_spec_deinit(out);
    return status;
}

byron_status descent_cheapest(const struct descent *descent,
                              struct job_spec *out)
{
    size_t best = descent->end;
    double best_cost = 0;
    for (size_t i = descent->begin; i < descent->end; i++) {
        struct pairing pairing = pairing_of(descent, i, 1);
        if (pairing_is_barred(&pairing))
            continue;
        double cost = pairing_cost(&pairing);
        if (best == descent->end || cost < best_cost) {
            best = i;
            best_cost = cost;
        }
    }
    return best == descent->end ? BYRON_OK : descent_of(descent, best, out);
}
