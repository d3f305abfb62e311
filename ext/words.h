/*
 * words: a choice in words, for EXPLAIN QUERY PLAN.
 */
#ifndef BYRON_EXT_WORDS_H
#define BYRON_EXT_WORDS_H

#include "choice.h"

/* The caller's to sqlite3_free; NULL if out of memory. */
char *words_of(const struct choice *choice);

#endif
