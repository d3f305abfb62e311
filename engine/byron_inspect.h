/*
 * byron_inspect: what tools and hosts want to know of a store, beyond byron.h.
 */
#ifndef BYRON_INSPECT_H
#define BYRON_INSPECT_H

#include "byron.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What byron_open would make of given: every zero filled in, or BYRON_MISUSE.
 */
BYRON_MUST_CHECK byron_status byron_derive_options(
    const struct byron_options *given, struct byron_options *out);

/* Whether a host's commit of what txn has would surely travel in such a room
 * (see byron_txn_prepare_in), in which case it costs no sync to ask for one.
 * False: perhaps. */
bool byron_txn_is_carried(const byron_txn *txn, size_t room);

/* One SSTable. Keys are lent for the call. */
struct byron_table {
    int level;       /* -1: of a large transaction, not in a level yet. */
    uint64_t run;    /* Tables of one run share no key; later is higher. */
    uint64_t number; /* Names the file: S-<number, 16 hexadecimal digits>. */
    uint64_t bytes;
    uint64_t entries; /* Puts and tombstones. */
    uint64_t tombstones;
    bool has_hash_index; /* False too where the file cannot be opened. */
    struct byron_bytes smallest;
    struct byron_bytes largest;
};
/*
 * Tells of every table that may hold keys of the range (NULL: of any): level by
 * level, new runs before old ones, in key order. Stops where visit fails, and
 * answers that.
 */
BYRON_MUST_CHECK byron_status byron_list_tables(
    byron_db *db, const struct byron_range *range,
    byron_status (*visit)(void *context, const struct byron_table *table),
    void *context);

#ifdef __cplusplus
}
#endif

#endif
