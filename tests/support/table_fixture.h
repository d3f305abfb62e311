/*
 * table_fixture: entries in a sorted array, and the table that must hold them.
 *
 * Model memory is not counted by base/alloc.
 */
#ifndef BYRON_TESTS_TABLE_FIXTURE_H
#define BYRON_TESTS_TABLE_FIXTURE_H

#include <check.h>

#include "sstable/table_reader.h"
#include "sstable/table_writer.h"
#include "support/memfs.h"
#include "support/seed.h"

struct table_model {
    struct entry *entries; /* Sorted once table_model_sort was called. */
    size_t count;
    size_t capacity;
};

enum model_keys {
    MODEL_KEYS_RANDOM,   /* 16 random bytes */
    MODEL_KEYS_COUNTED,  /* 4 bytes and a big-endian number */
    MODEL_KEYS_TRICKY,   /* 0 to 12 bytes of 0, 1 and 255 */
    MODEL_KEYS_PREFIXED, /* 40 shared bytes, then tricky */
    MODEL_KEYS_LONG,     /* tricky, 'a' up to 64 KB, tricky */
    MODEL_KEYS_COUNT
};
enum model_values {
    MODEL_VALUES_FIXED, /* 100 bytes */
    MODEL_VALUES_SMALL, /* 0 to 300 bytes */
    MODEL_VALUES_MIXED, /* now and then up to 20 KB */
    MODEL_VALUES_COUNT
};

void table_model_add(struct table_model *model, struct slice key,
                     struct slice value, uint64_t sequence,
                     enum entry_kind kind);
/* Sorts, and drops entries of equal (key, sequence). */
void table_model_sort(struct table_model *model);
void table_model_deinit(struct table_model *model);
/* About count random entries, sorted; of each key up to versions. */
void table_model_fill(struct table_model *model, struct rng *rng, size_t count,
                      enum model_keys keys, enum model_values values,
                      unsigned versions);
void table_model_key(struct rng *rng, enum model_keys keys, struct buf *out);
/* Index of the first entry at or after (key, sequence). */
size_t table_model_seek(const struct table_model *model, struct slice key,
                        uint64_t sequence);

#define TABLE_FIXTURE_NUMBER 42

struct table_fixture {
    struct memfs *fs;
    struct byron_os *os;
    struct os_dir *dir;
    struct file_pool *pool;
    struct block_cache *cache;
    struct table_facts facts;
    struct table_reader *reader;
};

/* A second test case for the tests that add adds: fixtures map their tables. */
void table_fixture_add_mapped(Suite *suite, void (*add)(TCase *cases));
void table_fixture_init(struct table_fixture *fixture, size_t cache_capacity);
void table_fixture_deinit(struct table_fixture *fixture);
/* Writes the model as table TABLE_FIXTURE_NUMBER; facts are the fixture's. */
BYRON_MUST_CHECK byron_status table_fixture_write(
    struct table_fixture *fixture, const struct table_model *model,
    const struct table_options *options);
BYRON_MUST_CHECK byron_status table_fixture_open(struct table_fixture *fixture);
/* Path of the table's file. */
const char *table_fixture_path(void);

#endif
