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
static byron_status plan_drops(const struct store_state *state,
                               const struct version_edit *edit,
                               struct store_change *change)
{
    byron_status status = BYRON_OK;

    change->kept = state->drop_count - (size_t)edit->forget_drops;
    change->drops = alloc_zeroed(change->kept + edit->drop_count + 1,
                                 sizeof *change->drops);
    if (!change->drops)
        return error_no_memory();
    for (size_t i = 0; i < edit->drop_count; i++) {
        change->coming++;
        TRY(copy_drop(&edit->drops[i], &change->drops[change->kept + i]));
    }
out:
    return status;
}

/* Puts the prepared array in place. */
static void take_drops(struct store_state *state,
                       const struct version_edit *edit,
                       struct store_change *change)
{
    size_t forgotten = (size_t)edit->forget_drops;

    for (size_t i = 0; i < forgotten; i++)
        free_drop(&state->drops[i]);
    if (change->kept > 0)
        memcpy(change->drops, state->drops + forgotten,
               change->kept * sizeof *change->drops);
    alloc_free(state->drops);
    state->drops = change->drops;
    state->drop_count = change->kept + change->coming;
    change->drops = NULL;
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

byron_status store_state_plan(const struct store_state *state,
                              const struct version_edit *edit,
                              struct table_env *env, struct store_change *out)
{
    byron_status status = BYRON_OK;

    *out = (struct store_change){0};
    if (edit->forget_drops > state->drop_count)
        return error_corrupt(
            NULL, BYRON_NO_OFFSET, "an edit forgets %llu drops, there are %zu",
            (unsigned long long)edit->forget_drops, state->drop_count);
    if (edit->drop_count > 0 || edit->forget_drops > 0)
        TRY(plan_drops(state, edit, out));
    if (edit->add_count > 0 || edit->remove_count > 0)
        TRY(version_apply(state->version, edit, env, &out->version));
out:
    if (status != BYRON_OK)
        store_change_deinit(out);
    return status;
}

void store_state_take(struct store_state *state,
                      const struct version_edit *edit,
                      struct store_change *change)
{
    if (change->version) {
        version_unref(state->version);
        state->version = change->version;
        change->version = NULL;
    }
    if (change->drops)
        take_drops(state, edit, change);
    take_numbers(state, edit);
}

void store_change_deinit(struct store_change *change)
{
    version_unref(change->version);
    for (size_t i = 0; change->drops && i < change->coming; i++)
        free_drop(&change->drops[change->kept + i]);
    alloc_free(change->drops);
    *change = (struct store_change){0};
}

byron_status store_state_apply(struct store_state *state,
                               const struct version_edit *edit,
                               struct table_env *env)
{
    byron_status status;
    struct store_change change;

    TRY(store_state_plan(state, edit, env, &change));
    store_state_take(state, edit, &change);
out:
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
