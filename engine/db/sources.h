/*
 * sources: the memtables and runs of a read state as iterators, which are used
 * by one reader after the other.
 */
#ifndef BYRON_DB_SOURCES_H
#define BYRON_DB_SOURCES_H

#include "db/read_state.h"

size_t sources_count(const struct read_state *state);
/*
 * Adds to iters the iterators of every source that may touch the range, without
 * what cover (copied; NULL: nothing) hides; there must be room for
 * sources_count. The iterators are those of made, which has as many
 * places and is the caller's: what is NULL there is made when it is needed,
 * what is not is used again, with the cover it was made with. state must
 * outlive them.
 */
BYRON_MUST_CHECK byron_status
sources_add_iters(const struct read_state *state, struct slice lower,
                  struct slice upper, const struct cover *cover,
                  struct iter **made, struct iter **iters, size_t *count);
/* All count of them will not be moved until they are added anew, and have no
 * cover: they let go of what is large. */
void sources_rest(const struct read_state *state, struct iter *const *made,
                  size_t count);

#endif
