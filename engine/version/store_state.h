/*
 * store_state: everything that the manifest proves, at one moment.
 */
#ifndef BYRON_VERSION_STORE_STATE_H
#define BYRON_VERSION_STORE_STATE_H

#include "version/version.h"
#include "version/version_edit.h"

struct store_state {
    uint8_t store_id[16];
    struct version *version;  /* A reference. */
    struct drop_range *drops; /* Owned, oldest first. */
    size_t drop_count;
    uint64_t wal_floor;
    uint64_t last_sequence; /* Newest sequence inside the tables. */
    uint64_t next_number;   /* No file of this number or above exists,
                               as far as the manifest knows. */
    uint64_t tip;           /* Newest commit inside the tables. */
    uint64_t alias;
};
void store_state_deinit(struct store_state *state);
/*
 * Replaces *state by its successor; on failure it is unchanged. wal_floor,
 * last_sequence and next_number never go back, whatever edit says.
 */
BYRON_MUST_CHECK byron_status store_state_apply(struct store_state *state,
                                                const struct version_edit *edit,
                                                struct table_env *env);
/* What an edit makes of a state, all memory for it taken. All zero: nothing. */
struct store_change {
    struct version *version;  /* NULL: as it was. */
    struct drop_range *drops; /* NULL: as they were. The kept ones come in. */
    size_t kept, coming;
};
/* The first half of store_state_apply: all that can fail. */
BYRON_MUST_CHECK byron_status store_state_plan(const struct store_state *state,
                                               const struct version_edit *edit,
                                               struct table_env *env,
                                               struct store_change *out);
/* The second half. Takes change. Requires: it was planned for both. */
void store_state_take(struct store_state *state,
                      const struct version_edit *edit,
                      struct store_change *change);
/* Gives up what was not taken. */
void store_change_deinit(struct store_change *change);
/* Appends the edit that makes state out of nothing. */
BYRON_MUST_CHECK byron_status
store_state_encode(const struct store_state *state, struct buf *out);

#endif
