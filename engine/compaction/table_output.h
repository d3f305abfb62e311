/*
 * table_output: drains an iterator into tables of the target size, for flush,
 * compaction and spilled transactions alike. Stepped in bytes.
 *
 * A user key never spans two tables. Every finished table is read back and
 * compared with what was written before it is reported.
 */
#ifndef BYRON_COMPACTION_TABLE_OUTPUT_H
#define BYRON_COMPACTION_TABLE_OUTPUT_H

#include "base/file_name.h"
#include "entry/iter.h"
#include "sstable/table_reader.h"
#include "sstable/table_writer.h"
#include "version/version_edit.h"

struct table_output_options {
    struct byron_os *os;
    struct os_dir *dir;
    struct file_pool *pool;
    struct block_cache *cache;
    struct table_options table;
    uint64_t file_size; /* A table is closed at the first new key beyond. */
    uint32_t level;     /* Where the adds go. */
    uint64_t run;
    uint64_t (*take_number)(void *context); /* A fresh file number. */
    void *context;
    /* Ascending keys; no table reaches across one. Borrowed all along. */
    const struct slice *cuts;
    size_t cut_count;
    /* Range deletes, which go into the tables along with the source's entries;
     * none of them reaches across a cut. NULL: none. Borrowed all along. */
    const struct range_list *ranges;
    /* How many older entries they hide in [lower, upper), about. NULL: nobody
     * knows. */
    uint64_t (*count_hidden)(void *context, struct slice lower,
                             struct slice upper);
    void *hidden_context;
};

struct table_output;

/* Takes source (even on failure), which must not have been moved yet: the
 * output calls first. Copies options. */
BYRON_MUST_CHECK byron_status table_output_new(
    struct iter *source, const struct table_output_options *options,
    struct table_output **out);
/* Goes on for about budget bytes of input. *done when source is drained and
 * every table is finished, verified and, unless it is passing, synced (files
 * and directory). */
BYRON_MUST_CHECK byron_status table_output_step(struct table_output *output,
                                                uint64_t budget, bool *done);
/* Adds the finished tables to edit; they are the edit's from then on. On
 * failure they are still the output's, whatever edit holds. */
BYRON_MUST_CHECK byron_status table_output_take(struct table_output *output,
                                                struct version_edit *edit);
/* Of the finished tables. */
uint64_t table_output_bytes(const struct table_output *output);
uint64_t
table_output_entries(const struct table_output *output); /* Source's. */
/* Removes every file that was not taken; NULL is fine. */
void table_output_free(struct table_output *output);

#endif
