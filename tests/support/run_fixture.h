/*
 * run_fixture: real tables in a memfs, and what they need to be read.
 */
#ifndef BYRON_TESTS_RUN_FIXTURE_H
#define BYRON_TESTS_RUN_FIXTURE_H

#include "support/entry_list.h"
#include "support/memfs.h"
#include "version/table_meta.h"
#include "version/version_edit.h"

struct run_fixture {
    struct memfs *fs;
    struct byron_os *os;
    struct os_dir *dir; /* "store" */
    struct file_pool *pool;
    struct block_cache *cache;
    struct table_env env;
    uint64_t next_number;
};

void run_fixture_init(struct run_fixture *fixture);
void run_fixture_deinit(struct run_fixture *fixture);
/* Writes entries [begin, end) of list as the table next_number. */
struct table_facts run_fixture_write(struct run_fixture *fixture,
                                     const struct entry_list *list,
                                     size_t begin, size_t end);
struct table_meta *run_fixture_table(struct run_fixture *fixture,
                                     const struct entry_list *list,
                                     size_t begin, size_t end);
/* Writes all of list as a run of tables of about so many entries each, no key
 * in two of them, and adds them to edit. */
void run_fixture_add(struct run_fixture *fixture, const struct entry_list *list,
                     size_t per_table, uint32_t level, uint64_t run,
                     struct version_edit *edit);
/* Path of table number. Lent until the next call. */
const char *run_fixture_path(uint64_t number);

/* About count entries on shared keys, with sequences in [low, high]. */
void run_fixture_fill(struct entry_list *list, struct rng *rng, size_t count,
                      uint64_t low, uint64_t high);

#endif
