#include "version/version.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/try.h"
#include "version/run_iter.h"

byron_status version_new_empty(struct version **out)
{
    struct version *version = alloc_zeroed(1, sizeof *version);

    if (!version)
        return error_no_memory();
    atomic_init(&version->refs, 1);
    *out = version;
    return BYRON_OK;
}

struct version *version_ref(struct version *version)
{
    atomic_fetch_add_explicit(&version->refs, 1, memory_order_relaxed);
    return version;
}

void version_unref(struct version *version)
{
    if (!version ||
        atomic_fetch_sub_explicit(&version->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t l = 0; l < BYRON_LEVELS; l++) {
        struct level *level = &version->levels[l];
        for (size_t r = 0; r < level->count; r++)
            run_deinit(&level->runs[r]);
        alloc_free(level->runs);
    }
    alloc_free(version);
}

static byron_status ask(const struct version_ahead *tables, struct slice key,
                        uint64_t sequence, struct table_found *out)
{
    for (size_t i = 0; i < tables->count; i++) {
        byron_status status;
        if (tables->metas[i]->facts.min_sequence > sequence)
            continue;
        status = table_reader_get(tables->readers[i], key, tables->hash,
                                  sequence, out);
        if (status != BYRON_NOT_FOUND)
            return table_meta_judge(tables->metas[i], status);
    }
    return BYRON_NOT_FOUND;
}

/*
 * Adds a table. Memory is asked for where each begins, before any of them is
 * asked: that is what a get waits for most. One alone is asked at once.
 */
static void add_table(struct version_ahead *tables, struct table_meta *meta,
                      struct table_reader *reader)
{
    size_t index = tables->count++;

    tables->metas[index] = meta;
    tables->readers[index] = reader;
    if (index == 1)
        table_reader_prefetch(tables->readers[0], tables->hash,
                              TABLE_AHEAD_FIRST);
    if (index > 0)
        table_reader_prefetch(reader, tables->hash, TABLE_AHEAD_FIRST);
}

void version_look_ahead(const struct version *version, struct slice key,
                        uint64_t hash, struct version_ahead *out)
{
    out->hash = hash;
    out->count = 0;
    out->is_whole = true;
    for (size_t l = 0; l < version->depth && out->is_whole; l++)
        for (size_t r = 0; r < version->levels[l].count; r++) {
            struct table_meta *meta =
                run_cover(&version->levels[l].runs[r], key);
            struct table_reader *reader;

            if (!meta)
                continue;
            reader = atomic_load_explicit(&meta->reader, memory_order_acquire);
            out->is_whole = reader && out->count < VERSION_AHEAD_TABLES;
            if (!out->is_whole)
                break;
            out->metas[out->count] = meta;
            out->readers[out->count++] = reader;
        }
    version_ahead_prefetch(out, TABLE_AHEAD_FIRST);
}

void version_ahead_prefetch(const struct version_ahead *ahead,
                            enum table_ahead what)
{
    for (size_t i = 0; i < ahead->count; i++)
        table_reader_prefetch(ahead->readers[i], ahead->hash, what);
}

byron_status version_get(struct version *version, struct slice key,
                         uint64_t sequence, const struct version_ahead *ahead,
                         struct table_found *out)
{
    byron_status status = BYRON_OK;
    byron_status answer;
    struct version_ahead tables; /* Large: filled as far as it is used. */

    if (ahead && ahead->is_whole)
        return ask(ahead, key, sequence, out);
    tables.count = 0;
    for (size_t l = 0; l < version->depth; l++)
        for (size_t r = 0; r < version->levels[l].count; r++) {
            struct table_meta *meta =
                run_cover(&version->levels[l].runs[r], key);
            struct table_reader *reader;

            if (!meta || meta->facts.min_sequence > sequence)
                continue;
            if (tables.count == VERSION_AHEAD_TABLES) {
                answer = ask(&tables, key, sequence, out);
                if (answer != BYRON_NOT_FOUND)
                    return answer;
                tables.count = 0;
            }
            TRY(table_meta_reader(meta, &reader));
            /* Not before: an ascending load asks for keys beyond all tables. */
            if (tables.count == 0)
                tables.hash = ahead ? ahead->hash : table_key_hash(key);
            add_table(&tables, meta, reader);
        }
    status = BYRON_NOT_FOUND;
out:
    /* A table that does not open matters only where no newer one answers. */
    answer = ask(&tables, key, sequence, out);
    return answer == BYRON_NOT_FOUND ? status : answer;
}

/* Those of one run. */
static byron_status collect_run(const struct run *run, struct slice lower,
                                struct slice upper, uint64_t sequence,
                                struct range_deletes *out)
{
    byron_status status = BYRON_OK;
    size_t begin, end;

    run_overlap(run, lower, upper, &begin, &end);
    for (; begin < end; begin++) {
        struct table_meta *meta = run->tables[begin];
        struct table_reader *reader;
        if (meta->facts.ranges == 0 || meta->facts.min_sequence > sequence)
            continue;
        TRY(table_meta_reader(meta, &reader));
        TRY(range_list_collect(table_reader_ranges(reader), lower, upper,
                               sequence, out));
    }
out:
    return status;
}

byron_status version_collect_ranges(struct version *version, struct slice lower,
                                    struct slice upper, uint64_t sequence,
                                    struct range_deletes *out)
{
    byron_status status = BYRON_OK;

    if (version->ranges == 0)
        return BYRON_OK;
    for (size_t l = 0; l < BYRON_LEVELS; l++)
        for (size_t r = 0; r < version->levels[l].count; r++) {
            if (version->levels[l].ranges == 0)
                break;
            TRY(collect_run(&version->levels[l].runs[r], lower, upper, sequence,
                            out));
        }
out:
    return status;
}

byron_status version_add_iters(const struct version *version,
                               struct slice lower, struct slice upper,
                               const struct cover *cover, struct iter **made,
                               struct iter **iters, size_t *count)
{
    byron_status status = BYRON_OK;
    bool touches;

    for (size_t l = 0; l < BYRON_LEVELS; l++)
        for (size_t r = 0; r < version->levels[l].count; r++) {
            TRY(run_iter_stretch(made, &version->levels[l].runs[r], lower,
                                 upper, cover, &touches));
            if (touches)
                iters[(*count)++] = *made;
            made++;
        }
out:
    return status;
}

size_t version_run_count(const struct version *version)
{
    size_t count = 0;

    for (size_t l = 0; l < BYRON_LEVELS; l++)
        count += version->levels[l].count;
    return count;
}

byron_status version_estimate(struct version *version, struct slice lower,
                              struct slice upper,
                              const struct range_list *hidden,
                              uint64_t *entries, uint64_t *bytes)
{
    byron_status status = BYRON_OK;

    *entries = 0;
    *bytes = 0;
    for (size_t l = 0; l < BYRON_LEVELS; l++)
        for (size_t r = 0; r < version->levels[l].count; r++)
            TRY(run_estimate(&version->levels[l].runs[r], lower, upper, hidden,
                             entries, bytes));
out:
    return status;
}

byron_status version_check(const struct version *version, const char *path)
{
    byron_status status = BYRON_OK;

    for (size_t l = 0; l < BYRON_LEVELS; l++) {
        const struct level *level = &version->levels[l];
        for (size_t r = 0; r < level->count; r++) {
            if (r > 0 && level->runs[r - 1].id <= level->runs[r].id)
                return error_corrupt(path, BYRON_NO_OFFSET,
                                     "runs of level %zu are not in order", l);
            TRY(run_check(&level->runs[r], path));
        }
    }
out:
    return status;
}
