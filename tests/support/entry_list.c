#include "support/entry_list.h"

#include <stdlib.h>

static void *own(size_t size)
{
    void *bytes = malloc(size ? size : 1);
    must(bytes != NULL);
    return bytes;
}

static struct slice copy_of(struct slice bytes)
{
    uint8_t *copy = own(bytes.size);
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    return slice_of(copy, bytes.size);
}

void entry_list_deinit(struct entry_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free((void *)(uintptr_t)list->entries[i].key.data);
        free((void *)(uintptr_t)list->entries[i].value.data);
    }
    free(list->entries);
    memset(list, 0, sizeof *list);
}

static void insert_at(struct entry_list *list, size_t at,
                      const struct entry *entry)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->entries =
            realloc(list->entries, list->capacity * sizeof *list->entries);
        must(list->entries != NULL);
    }
    memmove(list->entries + at + 1, list->entries + at,
            (list->count - at) * sizeof *list->entries);
    list->entries[at] = *entry;
    list->entries[at].key = copy_of(entry->key);
    list->entries[at].value = copy_of(entry->value);
    list->count++;
}

size_t entry_list_find(const struct entry_list *list, struct slice key,
                       uint64_t sequence)
{
    size_t low = 0;
    size_t high = list->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct entry *entry = &list->entries[middle];
        if (entry_compare(entry->key, entry->sequence, key, sequence) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool entry_list_add(struct entry_list *list, const struct entry *entry)
{
    size_t at = entry_list_find(list, entry->key, entry->sequence);

    if (at < list->count && list->entries[at].sequence == entry->sequence &&
        slice_equal(list->entries[at].key, entry->key))
        return false;
    insert_at(list, at, entry);
    return true;
}

void entry_list_append(struct entry_list *list, const struct entry *entry)
{
    insert_at(list, list->count, entry);
}

/* --- Iterator ------------------------------------------------------------ */

struct list_iter {
    struct iter base;
    const struct entry_list *list;
    size_t at; /* count where it is invalid. */
    struct slice key;
    struct slice value;
    size_t moves_left; /* Before it fails; 0 = never. */
    byron_status error;
    struct rng *rng; /* Lends many; or NULL. */
    struct slice *lent;
    size_t lent_count;
};

static struct list_iter *self(struct iter *iter)
{
    return (struct list_iter *)iter;
}

static void spoil(struct slice bytes)
{
    uint8_t *data = (uint8_t *)(uintptr_t)bytes.data;
    if (data)
        memset(data, 0xdb, bytes.size);
    free(data);
}

/* What was lent is not to be looked at any more. */
static void let_go(struct list_iter *iter)
{
    for (size_t i = 0; i < iter->lent_count; i++)
        spoil(iter->lent[i]);
    free(iter->lent);
    iter->lent = NULL;
    iter->lent_count = 0;
    spoil(iter->key);
    spoil(iter->value);
    iter->key = iter->value = slice_of(NULL, 0);
    iter->base.valid = false;
}

static void show_at(struct list_iter *iter, size_t at)
{
    const struct entry *entry;

    iter->at = at < iter->list->count ? at : iter->list->count;
    if (iter->at == iter->list->count)
        return;
    entry = &iter->list->entries[iter->at];
    iter->key = copy_of(entry->key);
    iter->value = copy_of(entry->value);
    iter->base.valid = true;
    iter->base.kind = entry->kind;
    iter->base.sequence = entry->sequence;
    iter->base.key = iter->key;
}

static byron_status stand_at(struct iter *base, size_t at)
{
    struct list_iter *iter = self(base);

    let_go(iter);
    if (iter->moves_left > 0 && --iter->moves_left == 0)
        iter->error = error_set(BYRON_IO, NULL, BYRON_NO_OFFSET, 0, "told to");
    if (iter->error != BYRON_OK)
        return iter->error;
    show_at(iter, at);
    return BYRON_OK;
}

static byron_status seek(struct iter *base, struct slice key, uint64_t sequence)
{
    return stand_at(base, entry_list_find(self(base)->list, key, sequence));
}

/* SIZE_MAX stands for the end, where nothing is before. */
static byron_status seek_before(struct iter *base, struct slice key)
{
    return stand_at(base,
                    entry_list_find(self(base)->list, key, SEQUENCE_MAX) - 1);
}

static byron_status first(struct iter *base)
{
    return stand_at(base, 0);
}

static byron_status last(struct iter *base)
{
    return stand_at(base, self(base)->list->count - 1);
}

static byron_status next(struct iter *base)
{
    must(base->valid || self(base)->error != BYRON_OK);
    return stand_at(base, self(base)->at + 1);
}

static byron_status prev(struct iter *base)
{
    must(base->valid || self(base)->error != BYRON_OK);
    return stand_at(base, self(base)->at - 1);
}

static byron_status value(struct iter *base, struct slice *out)
{
    must(base->valid);
    *out = self(base)->value;
    return BYRON_OK;
}

static bool is_within(const struct entry *entry,
                      const struct skip_limits *limits)
{
    return entry->kind == ENTRY_PUT && entry->sequence <= limits->sequence &&
           (!limits->key.data || slice_compare(entry->key, limits->key) < 0);
}

/* How many entries from the current one on may be skipped, at most most. */
static size_t plain_ahead(const struct list_iter *iter,
                          const struct skip_limits *limits, size_t most)
{
    const struct entry *entry = &iter->list->entries[iter->at];
    size_t left = iter->list->count - iter->at - 1;
    size_t count = 0;

    if (iter->error != BYRON_OK || entry->kind != ENTRY_PUT)
        return 0;
    while (count < most && count < left &&
           is_within(entry + count + 1, limits) &&
           !slice_equal(entry[count].key, entry[count + 1].key))
        count++;
    return count;
}

static uint64_t skip(struct iter *base, const struct skip_limits *limits)
{
    struct list_iter *iter = self(base);
    size_t most = (size_t)rng_below(iter->rng, limits->most + 1);
    size_t count = plain_ahead(iter, limits, most);
    const struct entry *ahead = &iter->list->entries[iter->at] + 1;
    size_t at = iter->at + count;

    if (count == 0)
        return 0;
    let_go(iter);
    iter->lent = own(2 * count * sizeof *iter->lent);
    for (size_t i = 0; i < count; i++) {
        struct slice key = copy_of(ahead[i].key);
        struct slice value = copy_of(ahead[i].value);

        iter->lent[iter->lent_count++] = key;
        iter->lent[iter->lent_count++] = value;
        if (limits->pairs)
            limits->pairs[i] =
                (struct byron_pair){slice_bytes(key), slice_bytes(value)};
        if (limits->sequences)
            limits->sequences[i] = ahead[i].sequence;
    }
    show_at(iter, at);
    return count;
}

static void release(struct iter *base)
{
    let_go(self(base));
    free(base);
}

static struct iter *make(const struct entry_list *list,
                         const struct iter_ops *ops, struct rng *rng)
{
    struct list_iter *iter = own(sizeof *iter);

    memset(iter, 0, sizeof *iter);
    iter->base.ops = ops;
    iter->list = list;
    iter->at = list->count;
    iter->rng = rng;
    return &iter->base;
}

#define MOVES                                                                  \
    .seek = seek, .seek_before = seek_before, .first = first, .last = last,    \
    .next = next, .prev = prev, .value = value, .free = release

struct iter *entry_list_iter(const struct entry_list *list)
{
    static const struct iter_ops ops = {MOVES};

    return make(list, &ops, NULL);
}

struct iter *entry_list_iter_lending(const struct entry_list *list,
                                     struct rng *rng)
{
    static const struct iter_ops ops = {MOVES, .skip = skip};

    return make(list, &ops, rng);
}

void entry_list_iter_fail_after(struct iter *iter, size_t nth)
{
    self(iter)->moves_left = nth;
}

/* --- Checks -------------------------------------------------------------- */

struct slice any_key(struct rng *rng, uint8_t *space, size_t capacity)
{
    size_t size = rng_below(rng, capacity + 1);

    for (size_t i = 0; i < size; i++)
        space[i] = i < capacity / 2 ? (uint8_t)(rng_one_in(rng, 16) ? 1 : 0)
                                    : (uint8_t)(rng_below(rng, 3) * 127);
    return slice_of(space, size);
}

void check_shows(struct iter *iter, const struct entry *entry)
{
    struct slice shown;

    must(iter->valid == (entry != NULL));
    if (!entry)
        return;
    must(slice_equal(iter->key, entry->key));
    must(iter->sequence == entry->sequence);
    must(iter->kind == entry->kind);
    must(iter_value(iter, &shown) == BYRON_OK);
    must(slice_equal(shown, entry->value));
    must(slice_equal(iter->key, entry->key));
}

static void check_lent(const struct entry_list *list, size_t at, size_t index,
                       const struct skip_limits *limits)
{
    const struct entry *entry = &list->entries[at];

    must(is_within(entry, limits));
    must(!slice_equal(entry->key, entry[-1].key));
    if (limits->pairs) {
        must(slice_equal(slice_from(limits->pairs[index].key), entry->key));
        must(slice_equal(slice_from(limits->pairs[index].value), entry->value));
    }
    if (limits->sequences)
        must(limits->sequences[index] == entry->sequence);
}

size_t check_skip(struct iter *iter, const struct entry_list *list, size_t at,
                  const struct skip_limits *limits)
{
    size_t count = (size_t)iter_skip(iter, limits);

    must(count <= limits->most);
    for (size_t i = 0; i < count; i++) {
        at++;
        while (limits->passes_older && at < list->count &&
               slice_equal(list->entries[at].key, list->entries[at - 1].key))
            at++;
        must(at < list->count);
        check_lent(list, at, i, limits);
    }
    check_shows(iter, &list->entries[at]);
    return at;
}

static size_t random_jump(struct iter *iter, const struct entry_list *list,
                          struct rng *rng)
{
    uint8_t space[24];
    struct slice key = any_key(rng, space, sizeof space);
    uint64_t sequence = rng_one_in(rng, 2) ? SEQUENCE_MAX : rng_below(rng, 50);
    size_t at;

    if (list->is_by_key)
        sequence = SEQUENCE_MAX;
    if (list->count > 0 && rng_one_in(rng, 2)) {
        const struct entry *entry = &list->entries[rng_below(rng, list->count)];
        key = entry->key;
    }
    at = entry_list_find(list, key, SEQUENCE_MAX);
    switch (rng_below(rng, 4)) {
    case 0:
        must(iter_first(iter) == BYRON_OK);
        return 0;
    case 1:
        must(iter_last(iter) == BYRON_OK);
        return list->count - 1;
    case 2:
        must(iter_seek_before(iter, key) == BYRON_OK);
        return at - 1;
    default:
        must(iter_seek(iter, key, sequence) == BYRON_OK);
        return entry_list_find(list, key, sequence);
    }
}

void check_moves(struct iter *iter, const struct entry_list *list,
                 struct rng *rng, size_t moves)
{
    size_t at = random_jump(iter, list, rng);
    bool is_forth = true;

    for (size_t i = 0; i < moves; i++) {
        bool is_valid = at < list->count;
        check_shows(iter, is_valid ? &list->entries[at] : NULL);
        if (rng_one_in(rng, 6))
            is_forth = !is_forth;
        if (!is_valid || rng_one_in(rng, 12)) {
            at = random_jump(iter, list, rng);
        } else if (is_forth) {
            must(iter_next(iter) == BYRON_OK);
            at++;
        } else {
            must(iter_prev(iter) == BYRON_OK);
            at--;
        }
    }
}
