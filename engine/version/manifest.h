/*
 * manifest: the log of version edits, and HEAD that names it.
 *
 * A manifest is one BASE record, the whole state, then EDIT records. HEAD is
 * two checksummed slots, written by turns; the higher valid epoch wins.
 */
#ifndef BYRON_VERSION_MANIFEST_H
#define BYRON_VERSION_MANIFEST_H

#include "version/version.h"
#include "version/version_edit.h"

/* What the manifest proves. */
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
/* Replaces *state by its successor; on failure it is unchanged. */
BYRON_MUST_CHECK byron_status store_state_apply(struct store_state *state,
                                                const struct version_edit *edit,
                                                struct table_env *env);

struct manifest; /* One thread at a time. */

/*
 * Reads HEAD and the manifest it names; writes nothing. BYRON_MISSING if there
 * is no HEAD. The manifest is open to read only until the first append.
 */
BYRON_MUST_CHECK byron_status manifest_load(struct byron_os *os,
                                            struct os_dir *dir,
                                            struct table_env *env,
                                            struct store_state *state,
                                            struct manifest **out);
/* A new store: takes numbers from 1, writes manifest and HEAD, synced. */
BYRON_MUST_CHECK byron_status manifest_create(struct byron_os *os,
                                              struct os_dir *dir,
                                              struct store_state *state,
                                              struct manifest **out);
void manifest_close(struct manifest *manifest); /* NULL is fine. */
/*
 * Makes edit durable: appended and synced. state is the state before; the
 * caller applies edit to it afterwards. After a load, or when the log has
 * grown beyond max(1 MB, twice its base), a new manifest is written first
 * (BASE, sync, HEAD, sync; then the old file is removed): its number is taken
 * from *next_number, which grows. After an error the manifest is poisoned:
 * every later append answers the same error.
 */
BYRON_MUST_CHECK byron_status manifest_append(struct manifest *manifest,
                                              const struct store_state *state,
                                              const struct version_edit *edit,
                                              uint64_t *next_number);
/* The number of the file in use; its bytes; and of HEAD's epoch. */
uint64_t manifest_number(const struct manifest *manifest);
uint64_t manifest_bytes(const struct manifest *manifest);

#endif
