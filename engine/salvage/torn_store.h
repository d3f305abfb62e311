/*
 * torn_store: which files of a damaged store hold its data, by what can be
 * read of HEAD and manifest and by what is in the directory.
 *
 * A manifest that is whole, and whose files are all there, is believed: what it
 * does not name was never committed, or is older than what replaced it. Else
 * every table counts that no edit is known to have removed.
 */
#ifndef BYRON_SALVAGE_TORN_STORE_H
#define BYRON_SALVAGE_TORN_STORE_H

#include "salvage/torn_commits.h"

struct torn_file {
    uint64_t number;
    uint64_t uid;    /* 0: not known. */
    bool is_there;   /* In the directory. */
    bool is_named;   /* By the manifest, or a commit that counts. */
    bool is_removed; /* By the manifest, or of a commit that does not count. */
    bool is_wanted;  /* May hold keys that are wanted. */
};

struct torn_store {
    struct wreck *wreck;
    struct torn_file *tables; /* By number. */
    size_t table_count;
    uint64_t *wals; /* Numbers, as they are named. */
    size_t wal_count;
    struct torn_base base;
    uint8_t store_id[16];
    bool has_id;
    bool is_believed; /* The manifest, as far as itself and its files tell. */
};

/* store is all zero before. BYRON_MISSING where there is no store at all. */
BYRON_MUST_CHECK byron_status torn_store_read(struct torn_store *store,
                                              struct wreck *wreck);
/* What the logs tell of tables. has_gap: a log is missing, so that the manifest
 * may be an older one. */
void torn_store_adopt(struct torn_store *store,
                      const struct torn_spilled *spilled, size_t count,
                      bool has_gap);
/* Whether the table is to be read. */
bool torn_store_needs(const struct torn_store *store,
                      const struct torn_file *file);
void torn_store_deinit(struct torn_store *store);

#endif
