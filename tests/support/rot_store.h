/*
 * rot_store: a store of several levels, logs and a manifest, on a memfs, to be
 * damaged; and reading all of it, so that nothing wrong gets through.
 */
#ifndef BYRON_TESTS_ROT_STORE_H
#define BYRON_TESTS_ROT_STORE_H

#include "base/buf.h"
#include "support/memfs.h"
#include "support/store_model.h"

#define ROT_STATES   5
#define ROT_FILES    256
#define ROT_VERSIONS 1024
#define ROT_WRITES   4096

struct rot_file {
    char path[96];
    struct buf bytes; /* Whole. */
    uint64_t used;    /* Beyond are only zeros. */
};

/* What a file held at an earlier moment. */
struct rot_version {
    char path[96];
    struct buf bytes;
};

struct rot_store {
    struct memfs *fs;
    struct byron_options options;
    struct store_model model;
    struct rot_file files[ROT_FILES];
    size_t file_count;
    /* In the order of time; each is another than what came next. Of files that
     * are gone as well. */
    struct rot_version versions[ROT_VERSIONS];
    size_t version_count;
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
/* Puts the bytes of the file back. */
void rot_store_restore(struct rot_store *rot, const struct rot_file *file);
/* An earlier version of the file, the newest first; NULL: there are no more. */
const struct rot_version *rot_store_older(const struct rot_store *rot,
                                          const struct rot_file *file,
                                          size_t nth);
/* NULL: it is gone. */
const struct rot_file *rot_store_find(const struct rot_store *rot,
                                      const char *path);
/* More commits and flushes: the manifest, HEAD and logs get older versions. No
 * commit may be missing from then on, but for the last where there is no host
 * and the end of the last log is gone. */
void rot_store_write_on(struct rot_store *rot);
/*
 * From here on there are two of the store, as when a copy of the directory is
 * written on: this one, and the one that is returned. Each makes files of its
 * own, under the same names.
 */
struct memfs *rot_store_fork(struct rot_store *rot);
/* Whether these bytes were once put to the key. */
bool rot_store_was_put(const struct rot_store *rot, size_t key,
                       struct byron_bytes value);

#endif
