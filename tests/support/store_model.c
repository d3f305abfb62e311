#include "support/store_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/os.h"

#define MANY 9 /* Entries at once, at most. */

static int compare_keys(const void *a, const void *b)
{
    const struct byron_bytes *left = a;
    const struct byron_bytes *right = b;
    size_t shorter = left->size < right->size ? left->size : right->size;
    int order = shorter ? memcmp(left->data, right->data, shorter) : 0;
    if (order != 0)
        return order;
    return (left->size > right->size) - (left->size < right->size);
}

/* Shared prefixes, equal heads, embedded zeros, one empty, a few long. */
static size_t make_key(struct rng *rng, size_t index, uint8_t out[400])
{
    size_t size = 0;
    if (index == 0)
        return 0;
    if (index % 3 == 0) {
        memcpy(out, "a common prefix/", 16);
        size = 16;
    }
    if (index % 5 == 0) {
        memset(out + size, 0, 9);
        size += 9;
    }
    size_t tail = 1 + (size_t)rng_below(rng, index % 11 == 0 ? 300 : 12);
    rng_bytes(rng, out + size, tail);
    if (index % 2 == 0)
        out[size] = 'x';
    return size + tail;
}

void store_model_init(struct store_model *model, struct rng *rng,
                      size_t value_max)
{
    memset(model, 0, sizeof *model);
    model->value_max = value_max;
    model->next_value = 1;
    model->range_share = rng_one_in(rng, 4) ? 4 : 50;
    for (size_t i = 0; i < MODEL_KEYS;) {
        uint8_t bytes[400];
        size_t size = make_key(rng, i, bytes);
        uint8_t *key = malloc(size + 1);
        memcpy(key, bytes, size);
        key[size] = 0; /* With it, the first key behind. */
        model->keys[i] = (struct byron_bytes){key, size};
        bool is_new = true;
        for (size_t j = 0; j < i; j++)
            is_new =
                is_new && compare_keys(&model->keys[j], &model->keys[i]) != 0;
        if (is_new)
            i++;
        else
            free(key);
    }
    qsort(model->keys, MODEL_KEYS, sizeof model->keys[0], compare_keys);
}

void store_model_deinit(struct store_model *model)
{
    for (size_t i = 0; i < MODEL_KEYS; i++)
        free((void *)(uintptr_t)model->keys[i].data);
}

struct byron_bytes store_model_value(const struct store_model *model,
                                     uint32_t value)
{
    static _Thread_local uint8_t bytes[1 << 16];
    struct rng rng;
    rng_init(&rng, value);
    size_t limit =
        model->value_max < sizeof bytes ? model->value_max : sizeof bytes;
    /* Mostly small, now and then of any size, some empty. */
    size_t size = (size_t)rng_below(&rng, value % 7 == 0 ? limit : 40);
    if (size > limit)
        size = limit;
    if (value % 3 == 0)
        memset(bytes, (int)(value % 251), size);
    else
        rng_bytes(&rng, bytes, size);
    if (size >= 4)
        memcpy(bytes, &value, 4);
    return (struct byron_bytes){bytes, size};
}

void store_model_options(struct rng *rng, struct byron_options *out)
{
    static const uint32_t blocks[] = {64, 100, 256, 1024, 8192};
    static const uint32_t bits[] = {1, 4, 10, 16};
    memset(out, 0, sizeof *out);
    out->create = true;
    out->memory = (uint64_t)64 << 10 << rng_below(rng, 6);
    out->memtable = (uint64_t)4096 << rng_below(rng, 5);
    out->cache = 1 + rng_below(rng, 1 << 18);
    out->file_size = (uint64_t)4096 << rng_below(rng, 4);
    out->block_size = blocks[rng_below(rng, 5)];
    out->bloom_bits = bits[rng_below(rng, 4)];
    out->no_bloom = rng_one_in(rng, 4);
    out->hash_index = (enum byron_hash_index)rng_below(rng, 4);
    out->fanout = 2 + (uint32_t)rng_below(rng, 4);
    out->compression = (enum byron_compression)rng_below(rng, 4);
    out->map_files = rng_one_in(rng, 2);
    out->inline_work = rng_one_in(rng, 2);
    out->retain_ms = 1 + (uint32_t)rng_below(rng, 20);
}

uint32_t store_model_shown(const struct store_model *model,
                           const struct model_state *state, size_t key)
{
    uint64_t now_ms = state->now_ms;
    if (state->expires_ms[key] == 0 || state->values[key] == 0)
        return state->values[key];
    if (now_ms == 0)
        now_ms = model->os->wall_ms(model->os);
    return now_ms < state->expires_ms[key] ? state->values[key] : 0;
}

uint64_t store_model_expiry(const struct store_model *model, struct rng *rng)
{
    if (!model->os || !rng_one_in(rng, 4))
        return 0;
    uint64_t now_ms = model->os->wall_ms(model->os);
    /* Some have expired when they are written. */
    return now_ms - 5 + rng_below(rng, rng_one_in(rng, 2) ? 2000 : 200000);
}

/* A test's hook looks at values too, in the middle of the put: so a copy. */
static byron_status put(const struct store_model *model, byron_txn *txn,
                        size_t key, uint32_t number, uint64_t expires_ms)
{
    struct byron_bytes bytes = store_model_value(model, number);
    uint8_t *copy = malloc(bytes.size + 1);
    byron_status status;
    memcpy(copy, bytes.data, bytes.size);
    bytes.data = copy;
    status = expires_ms == 0 ? byron_txn_put(txn, model->keys[key], bytes)
                             : byron_txn_put_until(txn, model->keys[key], bytes,
                                                   expires_ms);
    free(copy);
    return status;
}

struct byron_range store_model_range(const struct store_model *model,
                                     struct rng *rng, size_t *low, size_t *high)
{
    size_t most = rng_one_in(rng, 8) ? MODEL_KEYS : 24;
    struct byron_range range;
    *low = (size_t)rng_below(rng, MODEL_KEYS);
    *high = *low + (size_t)rng_below(rng, most);
    if (*high >= MODEL_KEYS)
        *high = MODEL_KEYS - 1;
    range = (struct byron_range){model->keys[*low], model->keys[*high]};
    switch (rng_below(rng, 10)) {
    case 0:
        ++*high;
        range.upper.size++;
        break;
    case 1:
        *low = 0;
        range.lower = (struct byron_bytes){0};
        break;
    case 2:
        range = (struct byron_range){range.upper, range.lower};
        *high = *low;
        break;
    default:
        break;
    }
    return range;
}

static byron_status delete_range(const struct store_model *model,
                                 struct rng *rng, byron_txn *txn,
                                 struct model_state *state)
{
    size_t low, high;
    struct byron_range range = store_model_range(model, rng, &low, &high);
    byron_status status = byron_txn_delete_range(txn, &range);
    for (size_t i = low; i < high && status == BYRON_OK; i++)
        state->values[i] = 0;
    return status;
}

/* The key of the next write. */
static size_t choose_key(struct store_model *model, struct rng *rng,
                         const byron_txn *txn)
{
    if (byron_txn_mark(txn) == 0)
        model->climb =
            rng_one_in(rng, 2) ? (size_t)rng_below(rng, 20) : MODEL_KEYS;
    if (rng_one_in(rng, 300))
        model->climb = (size_t)rng_below(rng, MODEL_KEYS);
    if (model->climb >= MODEL_KEYS)
        return (size_t)rng_below(rng, MODEL_KEYS);
    size_t key = model->climb++;
    if (rng_one_in(rng, 8))
        model->climb += (size_t)rng_below(rng, 8);
    return key;
}

byron_status store_model_write(struct store_model *model, struct rng *rng,
                               byron_txn *txn, struct model_state *state)
{
    bool is_climbing = byron_txn_mark(txn) > 0 && model->climb < MODEL_KEYS;
    if (rng_one_in(rng, model->range_share) &&
        (!is_climbing || rng_one_in(rng, 8)))
        return delete_range(model, rng, txn, state);
    size_t key = choose_key(model, rng, txn);
    /* What climbs is large. */
    if (model->climb < MODEL_KEYS && rng_one_in(rng, 2))
        model->next_value += 6 - (model->next_value + 6) % 7;
    uint32_t number = rng_one_in(rng, 4) ? 0 : model->next_value++;
    uint64_t expires_ms = number ? store_model_expiry(model, rng) : 0;
    byron_status status = number == 0
                              ? byron_txn_delete(txn, model->keys[key])
                              : put(model, txn, key, number, expires_ms);
    if (status == BYRON_OK) {
        state->values[key] = number;
        state->expires_ms[key] = expires_ms;
    }
    return status;
}

static bool differ(const struct store_model *model, const char *what,
                   size_t key, uint32_t wanted)
{
    (void)model;
    struct byron_error error;
    byron_last_error(&error);
    printf("%s differs at key %zu, which should have value %u (last error: "
           "%s)\n",
           what, key, wanted, error.words);
    return false;
}

static bool is_value(const struct store_model *model, uint32_t value,
                     const void *data, size_t size)
{
    struct byron_bytes wanted = store_model_value(model, value);
    return wanted.size == size &&
           (size == 0 || memcmp(wanted.data, data, size) == 0);
}

bool store_model_check_get(const struct store_model *model, byron_db *db,
                           byron_snapshot *snapshot, byron_txn *txn,
                           const struct model_state *state, size_t key)
{
    struct byron_value value;
    uint32_t wanted = store_model_shown(model, state, key);
    byron_status status =
        txn ? byron_txn_get(txn, model->keys[key], &value)
            : byron_get(db, snapshot, model->keys[key], &value);
    if (wanted == 0)
        return status == BYRON_NOT_FOUND || differ(model, "get", key, wanted);
    if (status != BYRON_OK)
        return differ(model, "get", key, wanted);
    bool is_same = is_value(model, wanted, value.data, value.size) &&
                   value.expires_ms == state->expires_ms[key];
    byron_value_release(&value);
    return is_same || differ(model, "get", key, wanted);
}

/* Whether the cursor stands on key with its value, or is invalid for
 * MODEL_KEYS. */
static bool stands_at(const struct store_model *model, byron_cursor *cursor,
                      const struct model_state *state, size_t key)
{
    if (key >= MODEL_KEYS)
        return !byron_cursor_valid(cursor) ||
               differ(model, "cursor (not at its end)", key, 0);
    struct byron_bytes value;
    if (!byron_cursor_valid(cursor))
        return differ(model, "cursor (at its end)", key, state->values[key]);
    struct byron_bytes found = byron_cursor_key(cursor);
    if (compare_keys(&found, &model->keys[key]) != 0 ||
        byron_cursor_value(cursor, &value) != BYRON_OK ||
        !is_value(model, state->values[key], value.data, value.size) ||
        byron_cursor_expiry(cursor) != state->expires_ms[key])
        return differ(model, "cursor", key, state->values[key]);
    return true;
}

/* The next key with a value from key on, stepping by 1 or -1, in
 * [low, high); MODEL_KEYS if none. */
static size_t present(const struct store_model *model,
                      const struct model_state *state, size_t key, int step,
                      size_t low, size_t high)
{
    while (key >= low && key < high && key < MODEL_KEYS) {
        if (store_model_shown(model, state, key) != 0)
            return key;
        if (step < 0 && key == 0)
            break;
        key = step < 0 ? key - 1 : key + 1;
    }
    return MODEL_KEYS;
}

bool store_model_check_scan(const struct store_model *model,
                            byron_snapshot *snapshot, byron_txn *txn,
                            const struct model_state *state, bool is_backward)
{
    byron_cursor *cursor;
    bool is_same = true;
    if (byron_cursor_open(snapshot, txn, NULL, &cursor) != BYRON_OK)
        return differ(model, "opening a cursor", 0, 0);
    byron_status status =
        is_backward ? byron_cursor_last(cursor) : byron_cursor_first(cursor);
    for (size_t i = 0; i < MODEL_KEYS && is_same; i++) {
        size_t key = is_backward ? MODEL_KEYS - 1 - i : i;
        if (store_model_shown(model, state, key) == 0)
            continue;
        is_same = status == BYRON_OK && stands_at(model, cursor, state, key);
        if (is_same)
            status = is_backward ? byron_cursor_prev(cursor)
                                 : byron_cursor_next(cursor);
    }
    is_same = is_same && status == BYRON_OK &&
              stands_at(model, cursor, state, MODEL_KEYS);
    byron_cursor_close(cursor);
    return is_same;
}

/* Some entries at once: each is the model's next one. */
static byron_status step_many(const struct store_model *model, struct rng *rng,
                              byron_cursor *cursor,
                              const struct model_state *state, size_t low,
                              size_t high, size_t *key)
{
    struct byron_pair pairs[MANY];
    size_t count =
        byron_cursor_next_many(cursor, (size_t)rng_below(rng, MANY) + 1, pairs);
    for (size_t i = 0; i < count; i++) {
        *key = present(model, state, *key + 1, 1, low, high);
        if (*key == MODEL_KEYS ||
            compare_keys(&pairs[i].key, &model->keys[*key]) != 0 ||
            !is_value(model, state->values[*key], pairs[i].value.data,
                      pairs[i].value.size)) {
            (void)differ(model, "many entries", *key, 0);
            return BYRON_CORRUPT;
        }
    }
    return BYRON_OK;
}

/* Many steps forth, so that rows lie ready for the next moves, too. */
static byron_status step_far(const struct store_model *model, struct rng *rng,
                             byron_cursor *cursor,
                             const struct model_state *state, size_t low,
                             size_t high, size_t *key)
{
    for (uint64_t left = rng_below(rng, 40); left > 0; left--) {
        byron_status status = byron_cursor_next(cursor);
        *key = present(model, state, *key + 1, 1, low, high);
        if (status != BYRON_OK || *key == MODEL_KEYS)
            return status;
        if (!stands_at(model, cursor, state, *key))
            return BYRON_CORRUPT;
    }
    return BYRON_OK;
}

/* One random move of a walk; *key is where the model stands after it. */
static byron_status step(const struct store_model *model, struct rng *rng,
                         byron_cursor *cursor, const struct model_state *state,
                         size_t low, size_t high, size_t *key)
{
    size_t wanted = (size_t)rng_below(rng, MODEL_KEYS);
    bool is_valid = *key < MODEL_KEYS;
    switch (rng_below(rng, is_valid ? 20 : 4)) {
    case 0:
        *key = present(model, state, low, 1, low, high);
        return byron_cursor_first(cursor);
    case 1:
        *key = high == 0 ? MODEL_KEYS
                         : present(model, state, high - 1, -1, low, high);
        return byron_cursor_last(cursor);
    case 2:
        *key = present(model, state, wanted < low ? low : wanted, 1, low, high);
        return byron_cursor_seek(cursor, model->keys[wanted]);
    case 3:
        *key = high == 0
                   ? MODEL_KEYS
                   : present(model, state, wanted >= high ? high - 1 : wanted,
                             -1, low, high);
        return byron_cursor_seek_back(cursor, model->keys[wanted]);
    case 4:
    case 5:
    case 6:
    case 7:
        *key = present(model, state, *key + 1, 1, low, high);
        return byron_cursor_next(cursor);
    case 8:
    case 9:
    case 10:
        for (uint64_t skipped =
                 byron_cursor_skip(cursor, rng_below(rng, 9) + 1);
             skipped > 0; skipped--)
            *key = present(model, state, *key + 1, 1, low, high);
        return BYRON_OK;
    case 11:
    case 12:
    case 13:
        return step_many(model, rng, cursor, state, low, high, key);
    case 14:
    case 15:
        return step_far(model, rng, cursor, state, low, high, key);
    default:
        *key = *key == 0 ? MODEL_KEYS
                         : present(model, state, *key - 1, -1, low, high);
        return byron_cursor_prev(cursor);
    }
}

static bool open_walk(const struct store_model *model, struct rng *rng,
                      byron_snapshot *snapshot, byron_txn *txn,
                      const struct model_state *state, struct model_walk *out)
{
    struct byron_range range = {0};
    out->state = *state;
    out->low = 0;
    out->high = out->key = MODEL_KEYS;
    if (rng_one_in(rng, 2)) {
        out->low = (size_t)rng_below(rng, MODEL_KEYS);
        range.lower = model->keys[out->low];
    }
    if (rng_one_in(rng, 2)) {
        out->high = (size_t)rng_below(rng, MODEL_KEYS);
        range.upper = model->keys[out->high];
    }
    return byron_cursor_open(snapshot, txn, &range, &out->cursor) == BYRON_OK ||
           differ(model, "opening a cursor", 0, 0);
}

static bool walk_on(const struct store_model *model, struct rng *rng,
                    struct model_walk *walk, int steps)
{
    for (int i = 0; i < steps; i++)
        if (step(model, rng, walk->cursor, &walk->state, walk->low, walk->high,
                 &walk->key) != BYRON_OK ||
            !stands_at(model, walk->cursor, &walk->state, walk->key))
            return false;
    return true;
}

bool store_model_check_walk(const struct store_model *model, struct rng *rng,
                            byron_snapshot *snapshot, byron_txn *txn,
                            const struct model_state *state,
                            struct model_walk *rest)
{
    struct model_walk own = {0};
    struct model_walk *walk = rest ? rest : &own;
    bool is_same =
        walk->cursor || open_walk(model, rng, snapshot, txn, state, walk);
    is_same = is_same && walk_on(model, rng, walk, rest ? 3 : 40);
    byron_cursor_close(own.cursor);
    return is_same;
}

bool store_model_is(const struct store_model *model, byron_db *db,
                    const struct model_state *state)
{
    bool is_same = true;
    for (size_t i = 0; i < MODEL_KEYS && is_same; i++) {
        struct byron_value value;
        uint32_t wanted = store_model_shown(model, state, i);
        byron_status status = byron_get(db, NULL, model->keys[i], &value);
        if (status == BYRON_NOT_FOUND)
            is_same = wanted == 0;
        else
            is_same = status == BYRON_OK && wanted != 0 &&
                      is_value(model, wanted, value.data, value.size);
        byron_value_release(&value);
    }
    return is_same;
}
