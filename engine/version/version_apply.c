#include "version/version.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/try.h"
#include "version/version_edit.h"

/* A table and the run it belongs to. */
struct placed {
    uint64_t run;
    struct table_meta *meta; /* A reference. */
};

/* What becomes of one edit_add. */
struct arrival {
    const struct edit_add *add;
    struct table_meta *meta; /* A reference; NULL until it is known. */
};

/* An edit, in the order that questions about it are asked. */
struct plan {
    uint64_t *removes; /* Ascending. */
    size_t remove_count;
    size_t removed;           /* So many of them were found. */
    struct arrival *arrivals; /* Ascending numbers. */
    size_t arrival_count;
    bool is_touched[BYRON_LEVELS];
};

static int compare_numbers(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a;
    uint64_t second = *(const uint64_t *)b;
    return (first > second) - (first < second);
}

static int compare_arrivals(const void *a, const void *b)
{
    return compare_numbers(&((const struct arrival *)a)->add->number,
                           &((const struct arrival *)b)->add->number);
}

/* Newest run first, then by key. */
static int compare_placed(const void *a, const void *b)
{
    const struct placed *first = a;
    const struct placed *second = b;
    if (first->run != second->run)
        return first->run > second->run ? -1 : 1;
    return slice_compare(table_meta_smallest(first->meta),
                         table_meta_smallest(second->meta));
}

static byron_status does_not_fit(uint64_t number, const char *why)
{
    return error_corrupt(NULL, BYRON_NO_OFFSET,
                         "an edit does not fit: table %llu %s",
                         (unsigned long long)number, why);
}

static void plan_deinit(struct plan *plan)
{
    for (size_t i = 0; i < plan->arrival_count; i++)
        table_meta_unref(plan->arrivals[i].meta);
    alloc_free(plan->arrivals);
    alloc_free(plan->removes);
}

static byron_status plan_init(struct plan *plan,
                              const struct version_edit *edit)
{
    size_t removes = edit->remove_count;
    size_t adds = edit->add_count;

    plan->removes = alloc_bytes((removes + 1) * sizeof *plan->removes);
    plan->arrivals = alloc_zeroed(adds + 1, sizeof *plan->arrivals);
    if (!plan->removes || !plan->arrivals)
        return error_no_memory();
    if (removes > 0)
        memcpy(plan->removes, edit->removes, removes * sizeof *plan->removes);
    for (size_t i = 0; i < adds; i++)
        plan->arrivals[i].add = &edit->adds[i];
    plan->remove_count = removes;
    plan->arrival_count = adds;
    qsort(plan->removes, removes, sizeof *plan->removes, compare_numbers);
    qsort(plan->arrivals, adds, sizeof *plan->arrivals, compare_arrivals);
    for (size_t i = 1; i < removes; i++)
        if (plan->removes[i] == plan->removes[i - 1])
            return does_not_fit(plan->removes[i], "is removed twice");
    for (size_t i = 1; i < adds; i++)
        if (compare_arrivals(&plan->arrivals[i - 1], &plan->arrivals[i]) == 0)
            return does_not_fit(plan->arrivals[i].add->number,
                                "is added twice");
    return BYRON_OK;
}

static bool is_removed(const struct plan *plan, uint64_t number)
{
    return plan->remove_count > 0 &&
           bsearch(&number, plan->removes, plan->remove_count,
                   sizeof *plan->removes, compare_numbers);
}

static struct arrival *find_arrival(const struct plan *plan, uint64_t number)
{
    struct edit_add add = {.number = number};
    struct arrival wanted = {.add = &add};

    if (plan->arrival_count == 0)
        return NULL;
    return bsearch(&wanted, plan->arrivals, plan->arrival_count,
                   sizeof *plan->arrivals, compare_arrivals);
}

/* Meets the edit with one table of the base. */
static byron_status plan_table(struct plan *plan, size_t level,
                               struct table_meta *meta)
{
    struct arrival *arrival = find_arrival(plan, meta->number);

    if (is_removed(plan, meta->number)) {
        plan->removed++;
        plan->is_touched[level] = true;
        if (arrival)
            arrival->meta = table_meta_ref(meta);
    } else if (arrival) {
        return does_not_fit(meta->number, "is added again");
    }
    return BYRON_OK;
}

static byron_status plan_removes(struct plan *plan, const struct version *base)
{
    byron_status status = BYRON_OK;

    for (size_t l = 0; l < BYRON_LEVELS; l++) {
        const struct level *level = &base->levels[l];
        for (size_t r = 0; r < level->count; r++)
            for (size_t t = 0; t < level->runs[r].count; t++)
                TRY(plan_table(plan, l, level->runs[r].tables[t]));
    }
    if (plan->removed != plan->remove_count)
        return error_corrupt(NULL, BYRON_NO_OFFSET,
                             "an edit does not fit: %zu of the tables that it "
                             "removes are not there",
                             plan->remove_count - plan->removed);
out:
    return status;
}

static byron_status meta_from_add(const struct edit_add *add,
                                  struct table_env *env,
                                  struct table_meta **out)
{
    byron_status status;
    struct table_facts facts = add->facts;

    memset(&facts.smallest, 0, sizeof facts.smallest);
    memset(&facts.largest, 0, sizeof facts.largest);
    TRY(buf_add(&facts.smallest, add->facts.smallest.data,
                add->facts.smallest.size));
    TRY(buf_add(&facts.largest, add->facts.largest.data,
                add->facts.largest.size));
    TRY(table_meta_new(env, add->number, &facts, add->created_s, out));
out:
    table_facts_deinit(&facts);
    return status;
}

static byron_status plan_adds(struct plan *plan, struct table_env *env)
{
    byron_status status = BYRON_OK;

    for (size_t i = 0; i < plan->arrival_count; i++) {
        struct arrival *arrival = &plan->arrivals[i];
        if (arrival->add->level >= BYRON_LEVELS)
            return does_not_fit(arrival->add->number, "has no such level");
        if (!arrival->meta && arrival->add->meta)
            arrival->meta = table_meta_ref(arrival->add->meta);
        if (!arrival->meta)
            TRY(meta_from_add(arrival->add, env, &arrival->meta));
        plan->is_touched[arrival->add->level] = true;
    }
out:
    return status;
}

/* Makes runs of count > 0 tables in order; takes what becomes NULL. */
static byron_status fill_level(struct level *level, struct placed *placed,
                               size_t count)
{
    byron_status status = BYRON_OK;
    size_t runs = 0;

    for (size_t i = 0; i < count; i++)
        runs += i == 0 || placed[i].run != placed[i - 1].run;
    level->runs = alloc_zeroed(runs, sizeof *level->runs);
    if (!level->runs)
        return error_no_memory();
    for (size_t i = 0; i < count;) {
        struct run *run = &level->runs[level->count++];
        size_t end = i;
        while (end < count && placed[end].run == placed[i].run)
            end++;
        run->id = placed[i].run;
        run->tables = alloc_bytes((end - i) * sizeof(struct table_meta *));
        if (!run->tables)
            return error_no_memory();
        for (; i < end; i++) {
            run->tables[run->count++] = placed[i].meta;
            placed[i].meta = NULL;
        }
        TRY(run_check(run, NULL));
        TRY(run_seal(run));
    }
out:
    return status;
}

/* Lays what stays at a level end to end; its order stays. */
static size_t gather_kept(const struct plan *plan, const struct level *base,
                          struct placed *out)
{
    size_t count = 0;

    for (size_t r = 0; r < base->count; r++)
        for (size_t t = 0; t < base->runs[r].count; t++) {
            struct table_meta *meta = base->runs[r].tables[t];
            if (is_removed(plan, meta->number))
                continue;
            out[count].run = base->runs[r].id;
            out[count++].meta = table_meta_ref(meta);
        }
    return count;
}

/* And what comes to it, in its own order. */
static size_t gather_coming(const struct plan *plan, size_t level,
                            struct placed *out)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->arrival_count; i++) {
        const struct arrival *arrival = &plan->arrivals[i];
        if (arrival->add->level != level)
            continue;
        out[count].run = arrival->add->run;
        out[count++].meta = table_meta_ref(arrival->meta);
    }
    qsort(out, count, sizeof *out, compare_placed);
    return count;
}

/* Merges the coming into the kept, from the back, where there is room. */
static void merge_placed(struct placed *kept, size_t kept_count,
                         const struct placed *coming, size_t coming_count)
{
    while (coming_count > 0) {
        struct placed *to = &kept[kept_count + coming_count - 1];
        if (kept_count > 0 && compare_placed(&kept[kept_count - 1],
                                             &coming[coming_count - 1]) > 0)
            *to = kept[--kept_count];
        else
            *to = coming[--coming_count];
    }
}

static byron_status rebuild_level(const struct plan *plan,
                                  const struct level *base, size_t index,
                                  struct level *out)
{
    byron_status status = BYRON_OK;
    struct placed *placed;
    struct placed *coming;
    size_t room = plan->arrival_count;
    size_t kept_count;
    size_t coming_count;

    for (size_t r = 0; r < base->count; r++)
        room += base->runs[r].count;
    /* The second half of the room is where the coming wait. */
    placed = alloc_zeroed(room + plan->arrival_count, sizeof *placed);
    if (!placed)
        return error_no_memory();
    coming = placed + room;
    kept_count = gather_kept(plan, base, placed);
    coming_count = gather_coming(plan, index, coming);
    merge_placed(placed, kept_count, coming, coming_count);
    if (kept_count + coming_count > 0)
        status = fill_level(out, placed, kept_count + coming_count);
    for (size_t i = 0; i < kept_count + coming_count; i++)
        table_meta_unref(placed[i].meta);
    alloc_free(placed);
    return status;
}

static byron_status copy_level(const struct level *base, struct level *out)
{
    byron_status status = BYRON_OK;

    if (base->count == 0)
        return BYRON_OK;
    out->runs = alloc_zeroed(base->count, sizeof *out->runs);
    if (!out->runs)
        return error_no_memory();
    for (; out->count < base->count; out->count++)
        TRY(run_copy(&base->runs[out->count], &out->runs[out->count]));
out:
    return status;
}

static void sum_level(struct level *level)
{
    for (size_t r = 0; r < level->count; r++) {
        const struct run *run = &level->runs[r];
        level->bytes += run->bytes;
        for (size_t t = 0; t < run->count; t++) {
            level->entries += run->tables[t]->facts.entries;
            level->tombstones += run->tables[t]->facts.tombstones;
            level->timed += run->tables[t]->facts.timed;
            level->ranges += run->tables[t]->facts.ranges;
        }
    }
}

byron_status version_apply(struct version *base,
                           const struct version_edit *edit,
                           struct table_env *env, struct version **out)
{
    byron_status status;
    struct version *version = NULL;
    struct plan plan = {0};

    TRY(plan_init(&plan, edit));
    TRY(plan_removes(&plan, base));
    TRY(plan_adds(&plan, env));
    TRY(version_new_empty(&version));
    for (size_t l = 0; l < BYRON_LEVELS; l++) {
        if (plan.is_touched[l])
            TRY(rebuild_level(&plan, &base->levels[l], l, &version->levels[l]));
        else
            TRY(copy_level(&base->levels[l], &version->levels[l]));
        sum_level(&version->levels[l]);
        if (version->levels[l].count > 0)
            version->depth = l + 1;
        version->ranges += version->levels[l].ranges;
    }
    *out = version;
    version = NULL;
out:
    version_unref(version);
    plan_deinit(&plan);
    return status;
}
