/*
 * field_model: random SQL values, and SQL's own order of them, told slowly
 * and plainly. For tests of the codecs.
 */
#ifndef BYRON_TESTS_FIELD_MODEL_H
#define BYRON_TESTS_FIELD_MODEL_H

#include "field.h"
#include "support/seed.h"

/* Text and blob borrow from bytes. Extremes and near misses are frequent. */
#define FIELD_MODEL_BYTES 24
struct field field_model_random(struct rng *rng,
                                uint8_t bytes[FIELD_MODEL_BYTES]);
/* Below, at or above 0, as SQLite compares. */
int field_model_compare(const struct field *a, const struct field *b,
                        enum collation collation);
/* The same kind and the same bits. */
bool field_model_is_same(const struct field *a, const struct field *b);

#endif
