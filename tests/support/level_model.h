/*
 * level_model: a store whose tables are arrays, to try out the picker: it
 * flushes, carries out the jobs chosen and counts what they would write.
 */
#ifndef BYRON_TESTS_LEVEL_MODEL_H
#define BYRON_TESTS_LEVEL_MODEL_H

#include "compaction/picker.h"
#include "support/fake_version.h"

#define MODEL_ENTRY_BYTES 100

struct model_entry {
    uint32_t key;
    uint32_t sequence;
    bool is_tombstone;
};

struct model_table {
    struct model_entry *entries;
    size_t count;
};

struct level_model {
    struct fake_version fake;
    struct picker_options options;
    struct model_table *tables; /* By number. */
    size_t table_capacity;
    uint64_t next_run;
    uint32_t sequence;
    uint64_t flushed_bytes;
    uint64_t written_bytes; /* By merges. */
    uint64_t largest_job;
    uint64_t jobs;
    uint64_t moves;
};

void level_model_init(struct level_model *model, uint64_t memtable_bytes,
                      uint64_t file_size);
void level_model_deinit(struct level_model *model);
/* A run of level 0; entries are sorted and unique, and get one sequence. */
void level_model_flush(struct level_model *model, struct model_entry *entries,
                       size_t count);
/* Does what spec says; aborts where an older entry would get above a newer. */
void level_model_run(struct level_model *model, const struct job_spec *spec);
/* Chooses and runs once; false if nothing is due. */
bool level_model_step(struct level_model *model);
/* Until nothing is due; false if that takes more than most jobs. */
bool level_model_settle(struct level_model *model, size_t most);
/* The newest entry of key; NULL if there is none. */
const struct model_entry *level_model_get(const struct level_model *model,
                                          uint32_t key);
/* Checks that runs are in order, and newer entries above older ones. */
bool level_model_is_sound(const struct level_model *model);
uint64_t level_model_bytes(const struct level_model *model);

#endif
