/*
 * host_expect: what a question answers, and tables to ask about.
 */
#ifndef BYRON_TESTS_SUPPORT_HOST_EXPECT_H
#define BYRON_TESTS_SUPPORT_HOST_EXPECT_H

#include "support/host.h"

/* Asks as host_ask does, and compares. */
void host_expect(const struct host *host, const char *sql,
                 const char *expected);
/* The answer, or the words of the failure, have these words in them. */
void host_expect_words(const struct host *host, const char *sql,
                       const char *words);
/* It fails, with these words among others. */
void host_expect_failure(const struct host *host, const char *sql,
                         const char *words);
/* To a reader that began before `change` sql answers `before` until it ends,
 * and `after` from then on. Sets journal_mode to WAL. */
void host_expect_kept(const struct host *host, const char *sql,
                      const char *change, const char *before,
                      const char *after);
/* Opens; a table kv has the keys 1 to count and the values 'value <key>'. */
void host_open_kv(struct host *host, int count);

#endif
