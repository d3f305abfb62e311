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
/* wanted NULL: there is none. */
void plain_expect_get(byron_db *db, const char *key, const char *wanted);

#endif
