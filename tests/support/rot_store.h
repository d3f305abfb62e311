/*
 * rot_store: a store of several levels, logs and a manifest, on a memfs, to be
 * damaged; and reading all of it, so that nothing wrong gets through.
 */
#ifndef BYRON_TESTS_ROT_STORE_H
#define BYRON_TESTS_ROT_STORE_H

#include "base/buf.h"
#include "support/memfs.h"
#include "support/store_model.h"

#define ROT_STATES 5
#define ROT_FILES  128
#define ROT_WRITES 4096

struct rot_file {
    char path[96];
    struct buf bytes; /* Whole. */
    struct buf older; /* As it was once before; empty: not there then. */
    uint64_t used;    /* Beyond are only zeros. */
};

struct rot_store {
    struct memfs *fs;
    struct byron_options options;
    struct store_model model;
    struct rot_file files[ROT_FILES];
    size_t file_count;
    bool has_host;
    struct byron_commit_point point;
    /* What may be seen, newest first: with a host one state. Without, the last
     * commits may be missing, for nothing claims that they ever reached the
     * disk; and if a whole end of the last log is gone, all of its commits. */
    struct model_state states[ROT_STATES];
    size_t state_count;
    size_t state_count_cut;
    uint16_t written[ROT_WRITES]; /* By value: the key that it was put to. */
};

void rot_store_init(struct rot_store *rot, bool has_host);
void rot_store_deinit(struct rot_store *rot);

/* What reading met. */
struct rot_findings {
    byron_status open_status;
    uint64_t errors;
    uint64_t damages; /* As verify tells; only where opening succeeded. */
    bool is_readable[MODEL_KEYS];
};
/*
 * Opens fs, gets each key, scans both ways and verifies; closes. Fails the
 * test where anything read is wrong, an error is of another kind, or anything
 * is written. what: for messages.
 */
void rot_store_read(struct rot_store *rot, struct memfs *fs, const char *what,
                    struct rot_findings *out);
byron_status rot_store_open(struct rot_store *rot, struct memfs *fs,
                            byron_db **out);
/* Every key by get; errors are counted, wrong data fails the test. */
void rot_store_get_all(struct rot_store *rot, byron_db *db, const char *what,
                       struct rot_findings *out);
void rot_store_remove(struct memfs *fs, const char *path);
/* Whether these bytes were once put to the key. */
bool rot_store_was_put(const struct rot_store *rot, size_t key,
                       struct byron_bytes value);

#endif
