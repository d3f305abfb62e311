#include "support/table_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/try.h"
#include "sstable/file_pool.h"

/* --- the model ---------------------------------------------------------- */

static const uint8_t *copy_bytes(struct slice bytes)
{
    uint8_t *copy = malloc(bytes.size ? bytes.size : 1);

    if (!copy)
        abort();
    if (bytes.size)
        memcpy(copy, bytes.data, bytes.size);
    return copy;
}

static void free_entry(struct entry *entry)
{
    free((void *)(uintptr_t)entry->key.data);
    free((void *)(uintptr_t)entry->value.data);
}

void table_model_add(struct table_model *model, struct slice key,
                     struct slice value, uint64_t sequence,
                     enum entry_kind kind)
{
    struct entry *entry;

    if (model->count == model->capacity) {
        model->capacity = model->capacity ? model->capacity * 2 : 256;
        model->entries =
            realloc(model->entries, model->capacity * sizeof *model->entries);
        if (!model->entries)
            abort();
    }
    entry = &model->entries[model->count++];
    entry->key = slice_of(copy_bytes(key), key.size);
    entry->value = slice_of(copy_bytes(value), value.size);
    entry->sequence = sequence;
    entry->kind = kind;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    return entry_compare(left->key, left->sequence, right->key,
                         right->sequence);
}

void table_model_sort(struct table_model *model)
{
    size_t kept = 0;

    if (model->count)
        qsort(model->entries, model->count, sizeof *model->entries,
              compare_entries);
    for (size_t i = 0; i < model->count; i++) {
        if (kept &&
            compare_entries(&model->entries[kept - 1], &model->entries[i]) == 0)
            free_entry(&model->entries[i]);
        else
            model->entries[kept++] = model->entries[i];
    }
    model->count = kept;
}

void table_model_deinit(struct table_model *model)
{
    for (size_t i = 0; i < model->count; i++)
        free_entry(&model->entries[i]);
    free(model->entries);
    memset(model, 0, sizeof *model);
}

static void add_tricky(struct rng *rng, struct buf *out)
{
    static const uint8_t letters[] = {0, 1, 255};
    size_t size = rng_below(rng, 13);

    for (size_t i = 0; i < size; i++)
        out->data[out->size++] = letters[rng_below(rng, 3)];
}

void table_model_key(struct rng *rng, enum model_keys keys, struct buf *out)
{
    buf_clear(out);
    if (buf_reserve(out, 66000) != BYRON_OK)
        abort();
    switch (keys) {
    case MODEL_KEYS_RANDOM:
        rng_bytes(rng, out->data, 16);
        out->size = 16;
        break;
    case MODEL_KEYS_COUNTED:
        out->size = (size_t)snprintf((char *)out->data, 32, "%012u",
                                     (unsigned)rng_below(rng, 1000000));
        break;
    case MODEL_KEYS_PREFIXED:
        memset(out->data, 'p', 40);
        out->size = 40;
        add_tricky(rng, out);
        break;
    case MODEL_KEYS_LONG:
        add_tricky(rng, out);
        if (rng_one_in(rng, 4)) {
            size_t size = rng_below(rng, 65000);
            memset(out->data + out->size, 'a', size);
            out->size += size;
        }
        add_tricky(rng, out);
        break;
    default:
        add_tricky(rng, out);
    }
}

static size_t choose_value_size(struct rng *rng, enum model_values values)
{
    if (values == MODEL_VALUES_FIXED)
        return 100;
    if (values == MODEL_VALUES_MIXED && rng_one_in(rng, 10))
        return rng_below(rng, 20000);
    return rng_below(rng, 300);
}

/* Half of a value repeats, so that there is something to compress. */
static void random_value(struct rng *rng, enum model_values values,
                         struct buf *out)
{
    size_t size = choose_value_size(rng, values);

    buf_clear(out);
    if (buf_reserve(out, size + 1) != BYRON_OK)
        abort();
    memset(out->data, 'v', size);
    rng_bytes(rng, out->data, size / 2);
    out->size = size;
}

void table_model_fill(struct table_model *model, struct rng *rng, size_t count,
                      enum model_keys keys, enum model_values values,
                      unsigned versions)
{
    struct buf key = {0}, value = {0};
    uint64_t sequence = 1 + (rng_next(rng) >> rng_below(rng, 60));

    while (model->count < count) {
        uint64_t of_key = 1 + rng_below(rng, versions);
        table_model_key(rng, keys, &key);
        for (uint64_t i = 0; i < of_key; i++) {
            bool dead = rng_one_in(rng, 8);
            enum entry_kind kind = dead ? ENTRY_DELETE : ENTRY_PUT;
            random_value(rng, values, &value);
            if (dead)
                buf_clear(&value);
            else if (versions > 1 && value.size >= 8 && rng_one_in(rng, 4))
                kind = ENTRY_TIMED; /* Its first bytes are the expiry. */
            if (versions > 1 && sequence < UINT64_MAX - 1)
                sequence += rng_below(rng, 2);
            table_model_add(model, buf_slice(&key), buf_slice(&value), sequence,
                            kind);
        }
    }
    buf_deinit(&key);
    buf_deinit(&value);
    table_model_sort(model);
}

size_t table_model_seek(const struct table_model *model, struct slice key,
                        uint64_t sequence)
{
    size_t low = 0, high = model->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct entry *entry = &model->entries[middle];
        if (entry_compare(entry->key, entry->sequence, key, sequence) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* --- the table ---------------------------------------------------------- */

static bool is_mapping;

static void map_tables(void)
{
    is_mapping = true;
}

static void map_no_tables(void)
{
    is_mapping = false;
}

void table_fixture_add_mapped(Suite *suite, void (*add)(TCase *cases))
{
    TCase *cases = tcase_create("mapped");

    tcase_add_checked_fixture(cases, map_tables, map_no_tables);
    add(cases);
    suite_add_tcase(suite, cases);
}

void table_fixture_init(struct table_fixture *fixture, size_t cache_capacity)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->fs = memfs_new(test_seed());
    fixture->os = memfs_os(fixture->fs);
    if (fixture->os->dir_open(fixture->os, "store", true, &fixture->dir) !=
            BYRON_OK ||
        file_pool_new(fixture->os, fixture->dir, 4, &fixture->pool) !=
            BYRON_OK ||
        block_cache_new(cache_capacity, &fixture->cache) != BYRON_OK)
        abort();
    file_pool_set_mapping(fixture->pool, is_mapping);
}

void table_fixture_deinit(struct table_fixture *fixture)
{
    table_reader_unref(fixture->reader);
    file_pool_free(fixture->pool);
    block_cache_free(fixture->cache);
    table_facts_deinit(&fixture->facts);
    fixture->os->dir_close(fixture->dir);
    memfs_free(fixture->fs);
}

byron_status table_fixture_write(struct table_fixture *fixture,
                                 const struct table_model *model,
                                 const struct table_options *options)
{
    byron_status status;
    struct table_writer *writer = NULL;

    TRY(table_writer_new(fixture->os, fixture->dir, TABLE_FIXTURE_NUMBER,
                         options, &writer));
    for (size_t i = 0; i < model->count; i++)
        TRY(table_writer_add(writer, &model->entries[i]));
    TRY(table_writer_finish(writer, &fixture->facts));
    writer = NULL;
out:
    table_writer_abandon(writer);
    return status;
}

byron_status table_fixture_open(struct table_fixture *fixture)
{
    return table_reader_open(fixture->pool, fixture->cache,
                             TABLE_FIXTURE_NUMBER, &fixture->facts,
                             &fixture->reader);
}

const char *table_fixture_path(void)
{
    return "store/S-000000000000002a";
}
