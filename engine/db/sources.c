#include "db/sources.h"

#include "base/try.h"
#include "memtable/memtable_iter.h"
#include "merge/cover_iter.h"

size_t sources_count(const struct read_state *state)
{
    return 1 + state->frozen_count + version_run_count(state->version);
}

static byron_status add_memtable(struct memtable *memtable,
                                 const struct cover *cover, uint64_t newest,
                                 struct iter **made, struct iter **iters,
                                 size_t *count)
{
    byron_status status = BYRON_OK;
    struct iter *iter;
    if (!*made) {
        TRY(memtable_iter_new(memtable, &iter));
        if (cover)
            TRY(cover_iter_new(iter, cover, newest, &iter));
        *made = iter;
    }
    iters[(*count)++] = *made;
out:
    return status;
}

byron_status sources_add_iters(const struct read_state *state,
                               struct slice lower, struct slice upper,
                               const struct cover *cover, struct iter **made,
                               struct iter **iters, size_t *count)
{
    byron_status status = BYRON_OK;
    size_t before = *count;
    bool touches;
    struct iter **live = made++;
    for (size_t i = state->frozen_count; i-- > 0; made++) {
        const struct frozen *frozen = state->frozen[i];
        if (frozen->memtable) {
            TRY(add_memtable(frozen->memtable, cover, frozen->last_sequence,
                             made, iters, count));
            continue;
        }
        TRY(run_iter_stretch(made, &frozen->run, lower, upper, cover,
                             &touches));
        if (touches)
            iters[(*count)++] = *made;
    }
    TRY(version_add_iters(state->version, lower, upper, cover, made, iters,
                          count));
    /* What is added to an empty memtable from now on, no snapshot of this
     * state shows. */
    if (memtable_count(state->live) > 0 || *count == before)
        TRY(add_memtable(state->live, cover, COVER_ANY_SEQUENCE, live, iters,
                         count));
out:
    return status;
}

void sources_rest(const struct read_state *state, struct iter *const *made,
                  size_t count)
{
    size_t frozen = state->frozen_count;
    for (size_t i = 1; i < count; i++)
        if (made[i] && (i > frozen || !state->frozen[frozen - i]->memtable))
            run_iter_rest(made[i]);
}
