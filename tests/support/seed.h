/*
 * seed: the seed of this run's random tests, and numbers drawn from it.
 *
 * BYRON_SEED in the environment repeats a run; else the clock decides. The
 * runner prints the seed at its start.
 */
#ifndef BYRON_TESTS_SEED_H
#define BYRON_TESTS_SEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t test_seed(void); /* The same all through the run. */

struct rng {
    uint64_t state;
};

void rng_init(struct rng *rng, uint64_t seed);
uint64_t rng_next(struct rng *rng);
/* Evenly in [0, n). Requires: n > 0. */
uint64_t rng_below(struct rng *rng, uint64_t n);
/* True once in n times. */
bool rng_one_in(struct rng *rng, uint64_t n);
void rng_bytes(struct rng *rng, void *out, size_t size);

#endif
