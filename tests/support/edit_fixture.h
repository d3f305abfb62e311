/*
 * edit_fixture: edits, and the tables they name, with no file behind them.
 */
#ifndef BYRON_TESTS_EDIT_FIXTURE_H
#define BYRON_TESTS_EDIT_FIXTURE_H

#include "version/store_state.h"

/* Facts of a table with these keys; the rest of them follows from number. */
struct table_facts fixture_facts(uint64_t number, const char *smallest,
                                 const char *largest);
/* Calls that must succeed. */
void fixture_add(struct version_edit *edit, uint32_t level, uint64_t run,
                 uint64_t number, const char *smallest, const char *largest);
void fixture_remove(struct version_edit *edit, uint64_t number);
void fixture_drop(struct version_edit *edit, uint64_t wal, const char *lower,
                  const char *upper);
struct table_meta *fixture_meta(struct table_env *env, uint64_t number,
                                const char *smallest, const char *largest);

/* What a state says, as text: "L0 r9 7[a,c] 8[d,d] | L6 r0 3[a,z] | drop
 * 5[k,l) | floor 1 seq 2 next 3 tip 4/5". Lent until the next call. */
const char *fixture_text(const struct store_state *state);
const char *fixture_version_text(const struct version *version);

#endif
