#include "byron_inspect.h"

#include "db/db.h"

struct listing {
    struct slice lower, upper;
    byron_status (*visit)(void *context, const struct byron_table *table);
    void *context;
};

static struct byron_bytes bytes_of(const struct buf *buf)
{
    return (struct byron_bytes){buf->data, buf->size};
}

static bool has_hash_index(struct table_meta *meta)
{
    struct table_reader *reader;
    return table_meta_reader(meta, &reader) == BYRON_OK &&
           table_reader_has_hash_index(reader);
}

static byron_status list_run(const struct listing *listing, int level,
                             const struct run *run)
{
    byron_status status = BYRON_OK;
    size_t begin, end;
    run_overlap(run, listing->lower, listing->upper, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        struct table_meta *meta = run->tables[i];
        struct byron_table table = {
            .level = level,
            .run = run->id,
            .number = meta->number,
            .bytes = meta->facts.size,
            .entries = meta->facts.entries,
            .tombstones = meta->facts.tombstones,
            .has_hash_index = has_hash_index(meta),
            .smallest = bytes_of(&meta->facts.smallest),
            .largest = bytes_of(&meta->facts.largest),
        };
        TRY(listing->visit(listing->context, &table));
    }
out:
    return status;
}

static byron_status list_all(const struct listing *listing,
                             const struct read_state *state)
{
    byron_status status = BYRON_OK;
    for (size_t i = state->frozen_count; i-- > 0;)
        if (!state->frozen[i]->memtable)
            TRY(list_run(listing, -1, &state->frozen[i]->run));
    for (int l = 0; l < BYRON_LEVELS; l++) {
        const struct level *level = &state->version->levels[l];
        for (size_t r = 0; r < level->count; r++)
            TRY(list_run(listing, l, &level->runs[r]));
    }
out:
    return status;
}

byron_status byron_list_tables(
    byron_db *db, const struct byron_range *range,
    byron_status (*visit)(void *context, const struct byron_table *table),
    void *context)
{
    struct listing listing = {.visit = visit, .context = context};
    if (range) {
        listing.lower = slice_from(range->lower);
        listing.upper = slice_from(range->upper);
    }
    mutex_lock(&db->mutex);
    struct read_state *state = read_state_ref(db->read_state);
    mutex_unlock(&db->mutex);
    byron_status status = list_all(&listing, state);
    read_state_unref(state);
    return status;
}
