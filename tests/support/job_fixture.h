/*
 * job_fixture: a small store of real tables on a disk in memory, without the
 * database: what outputs and jobs need around them.
 */
#ifndef BYRON_TESTS_JOB_FIXTURE_H
#define BYRON_TESTS_JOB_FIXTURE_H

#include "compaction/job.h"
#include "support/entry_list.h"
#include "support/table_fixture.h"

struct job_fixture {
    struct table_fixture disk; /* Its own table is not used. */
    struct table_env env;
    struct store_state state;
    struct table_output_options output; /* Small files and blocks. */
    uint64_t next_number;
};

void job_fixture_init(struct job_fixture *fixture);
void job_fixture_deinit(struct job_fixture *fixture);
/* Writes list as tables of a run and installs them. */
void job_fixture_add_run(struct job_fixture *fixture, uint32_t level,
                         uint64_t run, const struct entry_list *list);
void job_fixture_install(struct job_fixture *fixture,
                         const struct version_edit *edit);
void job_fixture_drop(struct job_fixture *fixture, struct slice lower,
                      struct slice upper);
/* All of level, in its order; runs one after the other. */
void job_fixture_read_level(struct job_fixture *fixture, uint32_t level,
                            struct entry_list *out);
/* Table files on the disk. */
size_t job_fixture_files(struct job_fixture *fixture);
/* Tables that the version names. */
size_t job_fixture_tables(const struct job_fixture *fixture);
/* A JOB_MERGE of every run of two levels into the lower one. */
void job_fixture_spec(struct job_fixture *fixture, uint32_t upper,
                      uint32_t lower, struct job_spec *out);

#endif
