/*
 * version: the tables of every level at one moment. Immutable, counted.
 *
 * A level is a list of runs, newest first; a run is a list of tables in key
 * order that share no key. Level 0 has a run per flush, deeper levels have one
 * run (the picker may make more of them one day). For any key, whatever a run
 * holds is newer than all that later runs and deeper levels hold.
 */
#ifndef BYRON_VERSION_VERSION_H
#define BYRON_VERSION_VERSION_H

#include "merge/cover.h"
#include "version/run.h"

struct level {
    struct run *runs; /* Newest first. */
    size_t count;
    uint64_t bytes;
    uint64_t entries;
    uint64_t tombstones;
    uint64_t timed;  /* Entries that expire. */
    uint64_t ranges; /* Pieces of range deletes. */
};

struct version {
    atomic_uint refs;
    struct level levels[BYRON_LEVELS];
    size_t depth;    /* Behind the last level that has runs. */
    uint64_t ranges; /* Pieces of range deletes, at all levels. */
};

struct version_edit;

BYRON_MUST_CHECK byron_status version_new_empty(struct version **out);
struct version *version_ref(struct version *version);
void version_unref(struct version *version); /* NULL is fine. */
/*
 * A new version; tables that edit removes are not marked obsolete here. A
 * table that it removes and adds again keeps its table_meta. BYRON_CORRUPT, in
 * words without a path, where edit does not fit: a number to remove that is not
 * there or to add that is, or tables of a run that overlap.
 */
BYRON_MUST_CHECK byron_status version_apply(struct version *base,
                                            const struct version_edit *edit,
                                            struct table_env *env,
                                            struct version **out);
/* The tables that a get has to ask, newest first. */
#define VERSION_AHEAD_TABLES 8
struct version_ahead {
    uint64_t hash;
    bool is_whole; /* These are all: every one is open, and has a place. */
    size_t count;
    struct table_meta *metas[VERSION_AHEAD_TABLES];
    struct table_reader *readers[VERSION_AHEAD_TABLES];
};
/* For a get that is to come, while the version stays: starts to fetch what it
 * begins with; and then what it goes on with. hash: table_key_hash(key). */
void version_look_ahead(const struct version *version, struct slice key,
                        uint64_t hash, struct version_ahead *out);
void version_ahead_prefetch(const struct version_ahead *ahead,
                            enum table_ahead what);
/* Newest to oldest until found; BYRON_NOT_FOUND if nowhere. ahead: what the
 * look ahead has found for key, or NULL. */
BYRON_MUST_CHECK byron_status version_get(struct version *version,
                                          struct slice key, uint64_t sequence,
                                          const struct version_ahead *ahead,
                                          struct table_found *out);
/* Adds to out the range deletes that touch [lower, upper): of each piece the
 * newest at or below sequence. Their bounds are the tables'. */
BYRON_MUST_CHECK byron_status version_collect_ranges(struct version *version,
                                                     struct slice lower,
                                                     struct slice upper,
                                                     uint64_t sequence,
                                                     struct range_deletes *out);
/*
 * Adds to iters (room for version_run_count more) one iterator per run that
 * touches [lower, upper), without what cover hides (copied; NULL: nothing);
 * open bounds have data NULL. *count grows. The iterators are those of made,
 * which has a place for each run and is the caller's: what is NULL there is
 * made when it is needed, what is not is used again (see run_iter_stretch).
 * version must outlive them.
 */
BYRON_MUST_CHECK byron_status
version_add_iters(const struct version *version, struct slice lower,
                  struct slice upper, const struct cover *cover,
                  struct iter **made, struct iter **iters, size_t *count);
size_t version_run_count(const struct version *version);
/* Entries (minus tombstones, and what hidden hides, or NULL) and file bytes
 * with keys in the range, about. */
BYRON_MUST_CHECK byron_status version_estimate(
    struct version *version, struct slice lower, struct slice upper,
    const struct range_list *hidden, uint64_t *entries, uint64_t *bytes);
/* Checks the order of runs and tables; CORRUPT says what is wrong. */
BYRON_MUST_CHECK byron_status version_check(const struct version *version,
                                            const char *path);

#endif
