/*
 * read_state: everything that a reader needs, at one moment: the live
 * memtable, the frozen sources, the version. Immutable but for what the
 * writer adds to the live memtable; counted.
 */
#ifndef BYRON_DB_READ_STATE_H
#define BYRON_DB_READ_STATE_H

#include "base/pin.h"
#include "db/frozen.h"
#include "db/idle.h"

struct read_state {
    atomic_uint refs;
    struct memtable *live;
    struct frozen **frozen; /* Oldest first; a reference each. */
    size_t frozen_count;
    size_t room;             /* For so many of them. */
    struct version *version; /* NULL until filled. */
    /* Cursors over it that are closed; they hold no reference to it. */
    struct idle_shelf idle;
};

/* One to be filled later, with room for so many frozen sources. live may be
 * NULL until then. */
BYRON_MUST_CHECK byron_status read_state_new_room(struct memtable *live,
                                                  size_t room,
                                                  struct read_state **out);
/* Fills it with what old has frozen, then first, then second (NULL: none), and
 * old's version. Requires: room. Cannot fail. */
void read_state_refill(struct read_state *state, const struct read_state *old,
                       struct frozen *first, struct frozen *second);
/* Fills it with new references to all it is given. Requires: room. */
void read_state_fill(struct read_state *state, struct memtable *live,
                     struct frozen *const *frozen, size_t frozen_count,
                     struct version *version);
struct read_state *read_state_ref(struct read_state *state);
void read_state_unref(struct read_state *state); /* NULL is fine. */
/* For a get that is to come, while the state is held: starts to fetch what it
 * begins with. */
void read_state_look_ahead(const struct read_state *state, struct slice key,
                           struct version_ahead *out);
/* The newest version at or below sequence, tombstones included, or
 * BYRON_NOT_FOUND. ahead: as read_state_look_ahead found it, or NULL. */
BYRON_MUST_CHECK byron_status read_state_get(struct read_state *state,
                                             struct slice key,
                                             uint64_t sequence,
                                             const struct version_ahead *ahead,
                                             struct table_found *out);
/* Whether any source may have range deletes. */
static inline bool read_state_has_ranges(const struct read_state *state)
{
    return state->version->ranges > 0 || state->frozen_count > 0 ||
           range_set_lists(memtable_ranges(state->live)) != NULL;
}
/* Adds to out the range deletes that touch [lower, upper) (open where data is
 * NULL), as a reader at sequence sees them; bounds are the sources'. */
BYRON_MUST_CHECK byron_status read_state_collect_ranges(
    struct read_state *state, struct slice lower, struct slice upper,
    uint64_t sequence, struct range_deletes *out);

#endif
