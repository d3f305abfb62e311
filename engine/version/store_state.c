#include "version/store_state.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/try.h"

static void free_drop(struct drop_range *drop)
{
    buf_deinit(&drop->lower);
    buf_deinit(&drop->upper);
}

void store_state_deinit(struct store_state *state)
{
    version_unref(state->version);
    for (size_t i = 0; i < state->drop_count; i++)
        free_drop(&state->drops[i]);
    alloc_free(state->drops);
    memset(state, 0, sizeof *state);
}

static byron_status copy_drop(const struct drop_range *drop,
                              struct drop_range *out)
{
    byron_status status;

    out->wal = drop->wal;
    TRY(buf_add(&out->lower, drop->lower.data, drop->lower.size));
    TRY(buf_add(&out->upper, drop->upper.data, drop->upper.size));
out:
    return status;
}

/* Room for the drops that stay, then copies of those that come. */
static byron_status make_drops(const struct store_state *state,
                               const struct version_edit *edit,
                               struct drop_range **out)
{
    byron_status status = BYRON_OK;
    size_t kept = state->drop_count - (size_t)edit->forget_drops;
    struct drop_range *drops =
        alloc_zeroed(kept + edit->drop_count + 1, sizeof *drops);

    if (!drops)
        return error_no_memory();
    for (size_t i = 0; i < edit->drop_count; i++)
        TRY(copy_drop(&edit->drops[i], &drops[kept + i]));
    *out = drops;
    drops = NULL;
out:
    for (size_t i = 0; drops && i < edit->drop_count; i++)
        free_drop(&drops[kept + i]);
    alloc_free(drops);
    return status;
}

/* Puts the prepared array in place. */
static void take_drops(struct store_state *state,
                       const struct version_edit *edit,
                       struct drop_range *drops)
{
    size_t forgotten = (size_t)edit->forget_drops;
    size_t kept = state->drop_count - forgotten;

    for (size_t i = 0; i < forgotten; i++)
        free_drop(&state->drops[i]);
    if (kept > 0)
        memcpy(drops, state->drops + forgotten, kept * sizeof *drops);
    alloc_free(state->drops);
    state->drops = drops;
    state->drop_count = kept + edit->drop_count;
}

static void raise_to(uint64_t *value, uint64_t floor)
{
    if (*value < floor)
        *value = floor;
}

static void take_numbers(struct store_state *state,
                         const struct version_edit *edit)
{
    raise_to(&state->wal_floor, edit->wal_floor);
    raise_to(&state->last_sequence, edit->last_sequence);
    raise_to(&state->next_number, edit->next_number);
    for (size_t i = 0; i < edit->add_count; i++)
        raise_to(&state->next_number, edit->adds[i].number + 1);
    if (edit->has_tip) {
        state->tip = edit->tip;
        state->alias = edit->alias;
    }
}

byron_status store_state_apply(struct store_state *state,
                               const struct version_edit *edit,
                               struct table_env *env)
{
    byron_status status;
    struct version *version = NULL;
    struct drop_range *drops = NULL;
    bool has_drops = edit->drop_count > 0 || edit->forget_drops > 0;

    if (edit->forget_drops > state->drop_count)
        return error_corrupt(
            NULL, BYRON_NO_OFFSET, "an edit forgets %llu drops, there are %zu",
            (unsigned long long)edit->forget_drops, state->drop_count);
    if (has_drops)
        TRY(make_drops(state, edit, &drops));
    if (edit->add_count > 0 || edit->remove_count > 0) {
        status = version_apply(state->version, edit, env, &version);
        if (status != BYRON_OK)
            goto out;
        version_unref(state->version);
        state->version = version;
    }
    if (has_drops)
        take_drops(state, edit, drops);
    take_numbers(state, edit);
    return BYRON_OK;
out:
    for (size_t i = 0; drops && i < edit->drop_count; i++)
        free_drop(&drops[state->drop_count - (size_t)edit->forget_drops + i]);
    alloc_free(drops);
    return status;
}

/* The tables of version as adds whose buffers are borrowed. */
static byron_status borrow_adds(const struct version *version,
                                struct edit_add **out, size_t *count)
{
    size_t tables = 0;
    struct edit_add *adds;

    for (size_t l = 0; l < BYRON_LEVELS; l++)
        for (size_t r = 0; r < version->levels[l].count; r++)
            tables += version->levels[l].runs[r].count;
    adds = alloc_zeroed(tables + 1, sizeof *adds);
    if (!adds)
        return error_no_memory();
    *out = adds;
    *count = tables;
    for (size_t l = 0; l < BYRON_LEVELS; l++)
        for (size_t r = 0; r < version->levels[l].count; r++) {
            const struct run *run = &version->levels[l].runs[r];
            for (size_t t = 0; t < run->count; t++) {
                const struct table_meta *meta = run->tables[t];
                *adds++ = (struct edit_add){(uint32_t)l,  run->id,
                                            meta->number, meta->created_s,
                                            meta->facts,  NULL};
            }
        }
    return BYRON_OK;
}

byron_status store_state_encode(const struct store_state *state,
                                struct buf *out)
{
    byron_status status;
    struct version_edit edit = {
        .drops = state->drops,
        .drop_count = state->drop_count,
        .wal_floor = state->wal_floor,
        .last_sequence = state->last_sequence,
        .next_number = state->next_number,
        .has_tip = true,
        .tip = state->tip,
        .alias = state->alias,
    };

    TRY(borrow_adds(state->version, &edit.adds, &edit.add_count));
    TRY(version_edit_encode(&edit, out));
out:
    alloc_free(edit.adds);
    return status;
}
