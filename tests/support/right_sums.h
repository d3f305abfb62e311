/*
 * right_sums: puts the checksums of damaged bytes right, for fuzzers: so that
 * what lies behind them is reached. Whatever the bytes are, nothing beyond
 * them is touched.
 */
#ifndef BYRON_TESTS_RIGHT_SUMS_H
#define BYRON_TESTS_RIGHT_SUMS_H

#include <stddef.h>
#include <stdint.h>

/* Both slots, as far as they are there. */
void right_head(uint8_t *bytes, size_t size);
/* Header and records, up to the first that cannot be whole. */
void right_log(uint8_t *bytes, size_t size);
/* Header and footer; those of blocks pass in a fuzzer's build. */
void right_table(uint8_t *bytes, size_t size);
/* Of what a host's row carries. */
void right_carry(uint8_t *bytes, size_t size, const uint8_t store_id[16]);

#endif
