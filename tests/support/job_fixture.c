#include "support/job_fixture.h"

#include <check.h>

#include "support/memfs_inspect.h"
#include "version/run_iter.h"

static uint64_t take_number(void *context)
{
    struct job_fixture *fixture = context;
    return fixture->next_number++;
}

void job_fixture_init(struct job_fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    table_fixture_init(&fixture->disk, 1 << 20);
    table_env_init(&fixture->env, fixture->disk.pool, fixture->disk.cache);
    ck_assert_int_eq(version_new_empty(&fixture->state.version), BYRON_OK);
    fixture->next_number = 100;
    fixture->output =
        (struct table_output_options){.os = fixture->disk.os,
                                      .dir = fixture->disk.dir,
                                      .pool = fixture->disk.pool,
                                      .cache = fixture->disk.cache,
                                      .table = {512, 10, CODEC_LZ4},
                                      .file_size = 4096,
                                      .take_number = take_number,
                                      .context = fixture};
}

void job_fixture_deinit(struct job_fixture *fixture)
{
    store_state_deinit(&fixture->state);
    table_env_deinit(&fixture->env);
    table_fixture_deinit(&fixture->disk);
}

void job_fixture_install(struct job_fixture *fixture,
                         const struct version_edit *edit)
{
    ck_assert_int_eq(store_state_apply(&fixture->state, edit, &fixture->env),
                     BYRON_OK);
    ck_assert_int_eq(version_check(fixture->state.version, "test"), BYRON_OK);
}

void job_fixture_add_run(struct job_fixture *fixture, uint32_t level,
                         uint64_t run, const struct entry_list *list)
{
    struct table_output_options options = fixture->output;
    struct table_output *output;
    struct version_edit edit = {0};
    bool done = false;

    options.level = level;
    options.run = run;
    ck_assert_int_eq(table_output_new(entry_list_iter(list), &options, &output),
                     BYRON_OK);
    ck_assert_int_eq(table_output_step(output, UINT64_MAX, &done), BYRON_OK);
    ck_assert(done);
    ck_assert_int_eq(table_output_take(output, &edit), BYRON_OK);
    table_output_free(output);
    job_fixture_install(fixture, &edit);
    version_edit_deinit(&edit);
}

void job_fixture_drop(struct job_fixture *fixture, struct slice lower,
                      struct slice upper)
{
    struct version_edit edit = {0};
    ck_assert_int_eq(version_edit_drop(&edit, 1, lower, upper), BYRON_OK);
    job_fixture_install(fixture, &edit);
    version_edit_deinit(&edit);
}

static void read_run(const struct run *run, struct entry_list *out)
{
    struct iter *iter;
    ck_assert_int_eq(run_iter_new(run->tables, run->count, 0, &iter), BYRON_OK);
    ck_assert_int_eq(iter_first(iter), BYRON_OK);
    while (iter->valid) {
        struct entry entry = {
            .key = iter->key, .sequence = iter->sequence, .kind = iter->kind};
        ck_assert_int_eq(iter_value(iter, &entry.value), BYRON_OK);
        entry_list_append(out, &entry);
        ck_assert_int_eq(iter_next(iter), BYRON_OK);
    }
    iter_free(iter);
}

void job_fixture_read_level(struct job_fixture *fixture, uint32_t level,
                            struct entry_list *out)
{
    const struct level *at = &fixture->state.version->levels[level];
    for (size_t i = 0; i < at->count; i++)
        read_run(&at->runs[i], out);
}

static void count_file(void *context, const char *path)
{
    const char *name = strrchr(path, '/');
    size_t *count = context;
    *count += name && name[1] == 'S';
}

size_t job_fixture_files(struct job_fixture *fixture)
{
    size_t count = 0;
    memfs_list(fixture->disk.fs, count_file, &count);
    return count;
}

size_t job_fixture_tables(const struct job_fixture *fixture)
{
    size_t count = 0;
    for (uint32_t l = 0; l < BYRON_LEVELS; l++) {
        const struct level *level = &fixture->state.version->levels[l];
        for (size_t i = 0; i < level->count; i++)
            count += level->runs[i].count;
    }
    return count;
}

static void add_level(struct job_fixture *fixture, uint32_t level,
                      struct job_spec *spec)
{
    const struct level *at = &fixture->state.version->levels[level];
    for (size_t i = 0; i < at->count; i++)
        ck_assert_int_eq(
            job_spec_add(spec, level, &at->runs[i], 0, at->runs[i].count),
            BYRON_OK);
}

void job_fixture_spec(struct job_fixture *fixture, uint32_t upper,
                      uint32_t lower, struct job_spec *out)
{
    *out = (struct job_spec){.kind = JOB_MERGE, .output_level = lower};
    add_level(fixture, upper, out);
    add_level(fixture, lower, out);
}
