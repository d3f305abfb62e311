/*
 * workload: what must be true after the failures.
 */
#include "support/workload_parts.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "support/memfs_inspect.h"

static byron_status open_copy(struct workload *work, struct memfs *fs,
                              size_t row, byron_db **out)
{
    struct byron_options options = work->options;
    options.os = memfs_os(fs);
    options.create = false;
    options.barrier = NULL;
    if (work->has_host)
        played_row_tell(&work->rows[row], &options);
    return byron_open("store", &options, out);
}

/* Which state db shows: one of [low, newest], or a commit that failed, which
 * is then the newest. */
size_t workload_find_state(struct workload *work, byron_db *db, size_t low)
{
    for (size_t i = work->newest + 1; i-- > low;)
        if (store_model_is(&work->model, db, &work->states[i]))
            return i;
    for (size_t i = work->maybe_count; i-- > 0;)
        if (work->maybe_base[i] >= low &&
            store_model_is(&work->model, db, &work->maybe[i])) {
            work->states[work->newest + 1] = work->maybe[i];
            return work->newest + 1;
        }
    return WORKLOAD_NO_STATE;
}

static size_t find_newest(struct workload *work, byron_db *db, size_t low)
{
    size_t found = workload_find_state(work, db, low);
    if (found != WORKLOAD_NO_STATE)
        return found;
    ck_abort_msg(
        "%s: %s: no commit from %zu to %zu is there; first failure: %s",
        work->name, work->step, low, work->newest, work->first_failure.words);
    return 0;
}

static void check_power_cut(struct workload *work, enum memfs_crash mode)
{
    struct memfs *image =
        memfs_crash_clone(work->fs, mode, rng_next(&work->rng));
    struct byron_error error;
    byron_db *db;
    byron_status status = open_copy(work, image, work->row_safe, &db);
    /* Cut off before the store was made. */
    bool is_empty = status == BYRON_MISSING && work->safe == 0;
    byron_last_error(&error);
    ck_assert_msg(status == BYRON_OK || is_empty,
                  "%s: %s, then power cut (%s): %s; first failure: %s",
                  work->name, work->step, memfs_crash_name(mode), error.words,
                  work->first_failure.words);
    if (status == BYRON_OK) {
        size_t found = find_newest(work, db, work->safe);
        (void)found;
        ck_assert_int_eq(byron_close(db), BYRON_OK);
    }
    memfs_free(image);
}

struct file_count {
    uint64_t tables, manifests, logs;
};

static void count_file(void *context, const char *path)
{
    struct file_count *count = context;
    const char *name = strrchr(path, '/') + 1;
    count->tables += strncmp(name, "S-", 2) == 0;
    count->manifests += strncmp(name, "M-", 2) == 0;
    count->logs += strncmp(name, "W-", 2) == 0;
}

/* Every file of the store is one that the store knows. */
static void check_no_stray_file(struct workload *work)
{
    struct byron_stats stats;
    struct file_count count = {0};
    uint64_t tables = 0;
    byron_stats(work->db, &stats);
    memfs_list(work->fs, count_file, &count);
    for (size_t i = 0; i < BYRON_LEVELS; i++)
        tables += stats.level[i].files;
    bool is_exact = count.tables == tables && count.manifests == 1 &&
                    count.logs == stats.wal_files;
    if (!is_exact)
        memfs_dump(work->fs, stdout);
    ck_assert_msg(
        is_exact,
        "%s: %llu tables for %llu, %llu manifests, %llu logs for "
        "%llu; first failure: %s",
        work->name, (unsigned long long)count.tables,
        (unsigned long long)tables, (unsigned long long)count.manifests,
        (unsigned long long)count.logs, (unsigned long long)stats.wal_files,
        work->first_failure.words);
}

/* The store goes on: writes, flush, compaction, and no damage. */
static void check_goes_on(struct workload *work)
{
    uint64_t damages;
    byron_status status;
    TRY_JUDGED(workload_commit_something(work));
    TRY_JUDGED(byron_flush(work->db));
    TRY_JUDGED(byron_compact(work->db, NULL));
    TRY_JUDGED(byron_settle(work->db));
    workload_check_newest(work);
    TRY_JUDGED(byron_verify(work->db, NULL, NULL, &damages));
    ck_assert_uint_eq(damages, 0);
    check_no_stray_file(work);
out:
    return;
}

void workload_check_aftermath(struct workload *work)
{
    work->expected = BYRON_OK;
    check_power_cut(work, MEMFS_DROP_UNSYNCED);
    check_power_cut(
        work,
        (enum memfs_crash)(2 + rng_below(&work->rng, MEMFS_CRASH_COUNT - 2)));
    work->step = "reopen afterwards";
    byron_status status = workload_open(work);
    ck_assert_int_eq(status, BYRON_OK);
    work->newest = find_newest(work, work->db, work->newest);
    workload_check_newest(work);
    work->step = "going on";
    check_goes_on(work);
    workload_close(work);
    check_power_cut(work, MEMFS_DROP_UNSYNCED);
    ck_assert_uint_eq(memfs_open_count(work->fs), 0);
}
