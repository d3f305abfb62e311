/*
 * keys: the rows of a comparison, and which of them comes next. Row i has a
 * 16-byte key; its value is made of i and of how often it was written, and
 * compresses by half. Nothing is remembered but one byte a row.
 */
#ifndef BYRON_TESTS_BENCH_KEYS_H
#define BYRON_TESTS_BENCH_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROW_KEY_BYTES 16

enum key_order { KEYS_RANDOM, KEYS_ASCENDING };

void key_of(enum key_order order, uint64_t row, uint8_t out[ROW_KEY_BYTES]);
/* size is at least 16 and a multiple of 4. */
void value_of(const uint8_t key[ROW_KEY_BYTES], uint8_t version, size_t size,
              uint8_t *out);
/*
 * Whether a value is one of key's, as far as its first and last bytes tell;
 * the version is its own.
 */
bool value_begins_right(const void *key, const void *value, size_t size);

/* Some rows often, most of them seldom, as YCSB has it (0.99). */
struct zipf {
    uint64_t count;
    double alpha, zeta, eta;
};
void zipf_init(struct zipf *zipf, uint64_t count);
/* The rank of a row, 0 the most popular, for a random number. */
uint64_t zipf_rank(const struct zipf *zipf, uint64_t random);
#endif
