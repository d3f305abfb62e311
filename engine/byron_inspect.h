/*
 * byron_inspect: what tools and hosts want of a store, beyond byron.h: to know
 * it, and to salvage it.
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

/* --- Salvage ------------------------------------------------------------ */

struct byron_salvage; /* Owned by one thread. */

/* What a salvage has met so far. */
struct byron_salvaged {
    uint64_t rows;        /* Handed out. */
    uint64_t deleted;     /* Keys whose newest version is a delete. */
    uint64_t expired;     /* Keys that are past their time. */
    uint64_t lost_values; /* Keys whose newest value cannot be read. */
    uint64_t entries;     /* Versions of keys that were read. */
    uint64_t files;       /* Manifests, logs and tables that were read. */
    uint64_t ignored;     /* Tables that hold nothing committed, or nothing
                             that others have not replaced. */
    uint64_t blocks;      /* Of the tables' data, that were read. */
    uint64_t lost_blocks; /* Whose place is known, and no more. */
    uint64_t lost_bytes;  /* Of all damage whose extent is known. */
    uint64_t left_out;    /* Commits of the logs that nothing proves: prepared
                             and given up, or not decided. */
    uint64_t damages;     /* Reported. */
};

struct byron_salvage_options {
    struct byron_range range; /* Keys that are wanted. */
    /* What the host knows, as in byron_options. NULL: nothing. */
    const struct byron_commit_point *commit_point;
    struct byron_bytes carried;
    const uint8_t *expected_id;            /* As in byron_options. Copied. */
    const struct byron_patience *patience; /* Copied. May be NULL. */
    /* Called for each damage, which cost so many bytes (0: unknown); error is
     * lent for the call. May be NULL. */
    void (*report)(void *context, const struct byron_error *error,
                   uint64_t bytes);
    void *context;
    struct byron_os *os; /* NULL: the operating system. */
};

struct byron_salvaged_row {
    struct byron_bytes key; /* Both lent until the next call. */
    struct byron_bytes value;
    uint64_t expires_ms; /* Unix time; 0: never. */
};

/*
 * Reads a store that may be damaged anywhere, and that nobody has open, without
 * writing into its directory: what byron_open would refuse, too. Then hands
 * out, in the order of keys, the newest version of each key that can be read,
 * deletes and expiries honoured as far as they can be read. Damage is reported
 * and no error; BYRON_MISSING: there is no file of a store. BYRON_BUSY:
 * somebody has it open. HEAD, manifests and logs of another store than the
 * expected one are damage; BYRON_FOREIGN: all that tell are. options may be
 * NULL.
 */
BYRON_MUST_CHECK byron_status byron_salvage_open(
    const char *path, const struct byron_salvage_options *options,
    struct byron_salvage **out);
/* *found is false at the end; only then is all damage reported. */
BYRON_MUST_CHECK byron_status byron_salvage_next(struct byron_salvage *salvage,
                                                 struct byron_salvaged_row *out,
                                                 bool *found);
void byron_salvage_counts(const struct byron_salvage *salvage,
                          struct byron_salvaged *out);
void byron_salvage_close(struct byron_salvage *salvage); /* NULL is fine. */

#ifdef __cplusplus
}
#endif

#endif
