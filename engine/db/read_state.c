#include "db/read_state.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/try.h"
#include "memtable/memtable_get.h"

byron_status read_state_new_room(struct memtable *live, size_t room,
                                 struct read_state **out)
{
    struct read_state *state = alloc_zeroed(1, sizeof *state);
    struct frozen **frozen = alloc_zeroed(room + 1, sizeof(struct frozen *));
    if (!state || !frozen) {
        alloc_free(state);
        alloc_free(frozen);
        return error_no_memory();
    }
    atomic_init(&state->refs, 1);
    state->live = live ? memtable_ref(live) : NULL;
    state->frozen = frozen;
    state->room = room;
    *out = state;
    return BYRON_OK;
}

void read_state_fill(struct read_state *state, struct memtable *live,
                     struct frozen *const *frozen, size_t frozen_count,
                     struct version *version)
{
    assert(frozen_count <= state->room);
    state->live = memtable_ref(live);
    for (size_t i = 0; i < frozen_count; i++)
        state->frozen[i] = frozen_ref(frozen[i]);
    state->frozen_count = frozen_count;
    state->version = version_ref(version);
}

void read_state_refill(struct read_state *state, const struct read_state *old,
                       struct frozen *first, struct frozen *second)
{
    size_t count = 0;
    for (size_t i = 0; i < old->frozen_count; i++)
        state->frozen[count++] = frozen_ref(old->frozen[i]);
    state->frozen[count++] = frozen_ref(first);
    if (second)
        state->frozen[count++] = frozen_ref(second);
    state->frozen_count = count;
    state->version = version_ref(old->version);
}

struct read_state *read_state_ref(struct read_state *state)
{
    atomic_fetch_add_explicit(&state->refs, 1, memory_order_relaxed);
    return state;
}

void read_state_unref(struct read_state *state)
{
    if (!state || atomic_fetch_sub(&state->refs, 1) != 1)
        return;
    idle_shelf_deinit(&state->idle);
    memtable_unref(state->live);
    for (size_t i = 0; i < state->frozen_count; i++)
        frozen_unref(state->frozen[i]);
    alloc_free(state->frozen);
    version_unref(state->version); /* NULL is fine. */
    alloc_free(state);
}

static void release_memtable(void *owner)
{
    memtable_unref(owner);
}

static bool get_from_memtable(struct memtable *memtable, struct slice key,
                              uint64_t hash, uint64_t sequence,
                              struct table_found *out)
{
    struct entry entry;
    if (!memtable_get(memtable, key, hash, sequence, &entry))
        return false;
    out->kind = entry.kind;
    out->sequence = entry.sequence;
    out->value =
        (struct pin){entry.value, release_memtable, memtable_ref(memtable)};
    return true;
}

static byron_status get_from_run(const struct run *run, struct slice key,
                                 uint64_t hash, uint64_t sequence,
                                 struct table_found *out)
{
    struct table_reader *reader;
    struct table_meta *meta = run_cover(run, key);
    if (!meta)
        return BYRON_NOT_FOUND;
    byron_status status = table_meta_reader(meta, &reader);
    if (status != BYRON_OK)
        return status;
    return table_reader_get(reader, key, hash, sequence, out);
}

void read_state_look_ahead(const struct read_state *state, struct slice key,
                           struct version_ahead *out)
{
    uint64_t hash = table_key_hash(key);
    memtable_expect(state->live, hash);
    version_look_ahead(state->version, key, hash, out);
}

byron_status read_state_get(struct read_state *state, struct slice key,
                            uint64_t sequence,
                            const struct version_ahead *ahead,
                            struct table_found *out)
{
    struct version_ahead own; /* Large: filled as far as it is used. */
    /* What is added to an empty one from now on, no snapshot of this state
     * shows. */
    bool has_live = memtable_count(state->live) > 0;
    /* Memory for filters of memtables and of tables comes together. */
    if (!ahead && (has_live || state->frozen_count > 0)) {
        read_state_look_ahead(state, key, &own);
        ahead = &own;
    }
    /* Newest first, so the first answer found is the one that counts. */
    if (has_live &&
        get_from_memtable(state->live, key, ahead->hash, sequence, out))
        return BYRON_OK;
    for (size_t i = state->frozen_count; i-- > 0;) {
        struct frozen *frozen = state->frozen[i];
        if (frozen->memtable) {
            if (get_from_memtable(frozen->memtable, key, ahead->hash, sequence,
                                  out))
                return BYRON_OK;
        } else {
            byron_status status =
                get_from_run(&frozen->run, key, ahead->hash, sequence, out);
            if (status != BYRON_NOT_FOUND)
                return status;
        }
    }
    return version_get(state->version, key, sequence, ahead, out);
}

static byron_status collect_lists(const struct range_lists *lists,
                                  struct slice lower, struct slice upper,
                                  uint64_t sequence, struct range_deletes *out)
{
    byron_status status = BYRON_OK;
    for (size_t i = 0; lists && i < lists->count; i++)
        TRY(range_list_collect(lists->lists[i], lower, upper, sequence, out));
out:
    return status;
}

byron_status read_state_collect_ranges(struct read_state *state,
                                       struct slice lower, struct slice upper,
                                       uint64_t sequence,
                                       struct range_deletes *out)
{
    byron_status status = BYRON_OK;
    TRY(collect_lists(range_set_lists(memtable_ranges(state->live)), lower,
                      upper, sequence, out));
    for (size_t i = 0; i < state->frozen_count; i++) {
        struct frozen *frozen = state->frozen[i];
        if (frozen->memtable)
            TRY(collect_lists(
                range_set_lists(memtable_ranges(frozen->memtable)), lower,
                upper, sequence, out));
        for (size_t t = 0; t < frozen->run.count; t++) {
            struct table_reader *reader;
            if (frozen->run.tables[t]->facts.ranges == 0)
                continue;
            TRY(table_meta_reader(frozen->run.tables[t], &reader));
            TRY(range_list_collect(table_reader_ranges(reader), lower, upper,
                                   sequence, out));
        }
    }
    TRY(version_collect_ranges(state->version, lower, upper, sequence, out));
out:
    return status;
}
