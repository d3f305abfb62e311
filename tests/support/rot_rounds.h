/*
 * rot_rounds: rounds of damage on a rot_store, and how many were noticed.
 */
#ifndef BYRON_TESTS_ROT_ROUNDS_H
#define BYRON_TESTS_ROT_ROUNDS_H

#include "support/rot_store.h"

struct rot_tally {
    uint64_t rounds;
    uint64_t refused; /* To open. */
    uint64_t noticed; /* By a reader or by verify. */
};

void rot_tally_count(struct rot_tally *tally,
                     const struct rot_findings *findings);
/* Fails where there was no round. */
void rot_tally_print(const char *name, const struct rot_tally *tally);

/* damage damages a file in one way after the other, and puts it back: here each
 * file; then the store is whole. Returns how much was noticed. */
uint64_t rot_damage_all(struct rot_store *rot, const char *name,
                        void (*damage)(struct rot_store *rot,
                                       const struct rot_file *file,
                                       struct rot_tally *tally));
/* The same on a store of its own; something must be noticed. is_cut: the end of
 * the last log may be lost. */
void rot_rounds(const char *name, bool has_host, bool is_cut,
                void (*damage)(struct rot_store *rot,
                               const struct rot_file *file,
                               struct rot_tally *tally));

#endif
