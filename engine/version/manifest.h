/*
 * manifest: the log of version edits, and HEAD that names it.
 *
 * A manifest is one BASE record, the whole state, then EDIT records. HEAD is
 * two checksummed slots, written by turns; the higher valid epoch wins.
 */
#ifndef BYRON_VERSION_MANIFEST_H
#define BYRON_VERSION_MANIFEST_H

#include "version/store_state.h"

struct manifest; /* One thread at a time. */

/*
 * Reads HEAD and the manifest it names; writes nothing. BYRON_MISSING if there
 * is no HEAD, and no table or log either: then that is BYRON_CORRUPT. state is
 * all zero before. The manifest is open to read only
 * until the first append.
 */
BYRON_MUST_CHECK byron_status manifest_load(struct byron_os *os,
                                            struct os_dir *dir,
                                            struct table_env *env,
                                            struct store_state *state,
                                            struct manifest **out);
/*
 * A new, empty store: fills in state (all zero before) with a random store_id,
 * and writes manifest and HEAD, synced. Numbers go on from those of manifests
 * that an unfinished creation left; BYRON_CORRUPT if there are tables or logs.
 */
BYRON_MUST_CHECK byron_status manifest_create(struct byron_os *os,
                                              struct os_dir *dir,
                                              struct store_state *state,
                                              struct manifest **out);
/*
 * The same for a copy of source's store, in another directory where all that
 * state names is on the disk already: writes manifest and HEAD, synced. Takes
 * the manifest's number from state->next_number. *bytes: of both files.
 */
BYRON_MUST_CHECK byron_status manifest_copy(const struct manifest *source,
                                            struct os_dir *dir,
                                            struct store_state *state,
                                            uint64_t *bytes);
void manifest_close(struct manifest *manifest); /* NULL is fine. */
/*
 * Makes edit durable: appended and synced. state is the state before; the
 * caller applies edit to it afterwards. After a load, or when the log has
 * grown beyond max(1 MB, twice its base), a new manifest is written first
 * (BASE, sync, HEAD, sync; then the old file is removed): its number is taken
 * from *next_number, which grows.
 *
 * After BYRON_FULL and BYRON_NO_MEMORY a later append may succeed; any other
 * error poisons the manifest: every later append answers the same. After any
 * error only a later append that succeeds (edit does not hold then), or the
 * next load, settles whether edit holds: until then no file that it adds or
 * removes may be deleted.
 */
BYRON_MUST_CHECK byron_status manifest_append(struct manifest *manifest,
                                              const struct store_state *state,
                                              const struct version_edit *edit,
                                              uint64_t *next_number);
/*
 * Whether a power cut leaves all of what was loaded or appended. It may not
 * where whoever wrote it was stopped in the middle: an append settles that.
 */
bool manifest_is_safe(const struct manifest *manifest);
/* False where the store has a feature that forbids this library to write;
 * manifest_append answers BYRON_READ_ONLY then. */
bool manifest_is_writable(const struct manifest *manifest);
uint64_t manifest_number(const struct manifest *manifest); /* Of its file. */
uint64_t manifest_bytes(const struct manifest *manifest);  /* Of its file. */
/* Tests: rewrites beyond max(bytes, twice the base) of edits. */
void manifest_set_rewrite_size(struct manifest *manifest, uint64_t bytes);

#endif
