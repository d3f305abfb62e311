/*
 * store_model: a store's contents in plain arrays, to hold the engine against.
 *
 * A few hundred fixed keys of awkward shapes; a state tells for each key which
 * value it has (0: none). A value is made from its number, so any wrong byte
 * shows.
 */
#ifndef BYRON_TESTS_STORE_MODEL_H
#define BYRON_TESTS_STORE_MODEL_H

#include "byron.h"
#include "support/seed.h"

#define MODEL_KEYS 240

struct model_state {
    uint32_t values[MODEL_KEYS];
    uint64_t expires_ms[MODEL_KEYS]; /* 0: never. */
    uint64_t now_ms; /* Of who reads the state; 0: the model's clock. */
};

struct store_model {
    struct byron_bytes keys[MODEL_KEYS]; /* Ascending. */
    size_t value_max;                    /* Largest value, bytes. */
    uint64_t range_share; /* Of so many writes one deletes a range. */
    uint32_t next_value;
    size_t climb;        /* The next write is of that key, or of one soon after;
                            MODEL_KEYS: of any. */
    struct byron_os *os; /* Whose clock it is; NULL: nothing expires. */
};

void store_model_init(struct store_model *model, struct rng *rng,
                      size_t value_max);
void store_model_deinit(struct store_model *model);
/* The bytes of a value, lent until the next call on this thread. */
struct byron_bytes store_model_value(const struct store_model *model,
                                     uint32_t value);
/* The value that a reader of state finds for key; 0: none, or it expired. */
uint32_t store_model_shown(const struct store_model *model,
                           const struct model_state *state, size_t key);
/* When a value written now should expire: most often never. */
uint64_t store_model_expiry(const struct store_model *model, struct rng *rng);
/* From a random key to before another, most often a few further; or behind it,
 * or from the first key of all, or from the larger to the smaller: nothing. */
struct byron_range store_model_range(const struct store_model *model,
                                     struct rng *rng, size_t *low,
                                     size_t *high);
/* One random write of txn, any kind; where it succeeds state has it too. Some
 * transactions begin with many keys in their order. */
byron_status store_model_write(struct store_model *model, struct rng *rng,
                               byron_txn *txn, struct model_state *state);
/* Tiny sizes, chosen by chance: everything happens often. */
void store_model_options(struct rng *rng, struct byron_options *out);

/* Each compares with state and prints the first difference; false if any. */
bool store_model_check_get(const struct store_model *model, byron_db *db,
                           byron_snapshot *snapshot, byron_txn *txn,
                           const struct model_state *state, size_t key);
/* A whole scan, forward or backward. */
bool store_model_check_scan(const struct store_model *model,
                            byron_snapshot *snapshot, byron_txn *txn,
                            const struct model_state *state, bool is_backward);
/* A walk that rests while its transaction goes on: it shows what was written
 * before it began. All zero: none. Close the cursor at the end. */
struct model_walk {
    byron_cursor *cursor;
    struct model_state state;
    size_t low, high, key;
};
/* Random bounds, then random seeks and steps both ways. A walk (NULL: it is
 * over with the call) begins where none is under way, and goes on else. */
bool store_model_check_walk(const struct store_model *model, struct rng *rng,
                            byron_snapshot *snapshot, byron_txn *txn,
                            const struct model_state *state,
                            struct model_walk *rest);
/* Whether the newest snapshot of db shows exactly state. Prints nothing. */
bool store_model_is(const struct store_model *model, byron_db *db,
                    const struct model_state *state);

#endif
