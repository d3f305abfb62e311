/*
 * plain_store: opening a store on a memfs and asking for a key, in a line.
 */
#ifndef BYRON_TESTS_PLAIN_STORE_H
#define BYRON_TESTS_PLAIN_STORE_H

#include "byron.h"
#include "support/memfs.h"

/* A call that must succeed, or its words fail the test. */
#define CHECK_OK(call)                                                         \
    do {                                                                       \
        byron_status got = (call);                                             \
        struct byron_error error_;                                             \
        byron_last_error(&error_);                                             \
        ck_assert_msg(got == BYRON_OK, "%s: %s", #call, error_.words);         \
    } while (0)

struct byron_bytes plain_text(const char *bytes);
/* Made where missing, and without a thread. */
struct byron_options plain_options(struct memfs *fs);
/* The store "store". */
byron_db *plain_open(const struct byron_options *options);
void plain_put(byron_db *db, const char *key, const char *value);
/* Where what was written so far lies: in memory (0), in a file (1), in the
 * deepest level (2), in the log of a store that was opened anew (3). */
byron_db *plain_settle(byron_db *db, const struct byron_options *options,
                       int place);
/* wanted NULL: there is none. */
void plain_expect_get(byron_db *db, const char *key, const char *wanted);

#endif
