#include "support/run_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "sstable/table_writer.h"

/* What a test cannot go on without. */
static void require(bool holds)
{
    if (!holds)
        abort();
}

void run_fixture_init(struct run_fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->fs = memfs_new(1);
    fixture->os = memfs_os(fixture->fs);
    fixture->next_number = 1;
    require(fixture->os->dir_open(fixture->os, "store", true, &fixture->dir) ==
            BYRON_OK);
    require(file_pool_new(fixture->os, fixture->dir, 4, &fixture->pool) ==
            BYRON_OK);
    require(block_cache_new(1 << 20, &fixture->cache) == BYRON_OK);
    table_env_init(&fixture->env, fixture->pool, fixture->cache);
}

void run_fixture_deinit(struct run_fixture *fixture)
{
    table_env_deinit(&fixture->env);
    block_cache_free(fixture->cache);
    file_pool_free(fixture->pool);
    fixture->os->dir_close(fixture->dir);
    memfs_free(fixture->fs);
}

struct table_facts run_fixture_write(struct run_fixture *fixture,
                                     const struct entry_list *list,
                                     size_t begin, size_t end)
{
    /* Every other table has a hash index. */
    struct table_options options = {.block_size = 256,
                                    .bloom_bits = 10,
                                    .hash_index = fixture->next_number % 2};
    struct table_writer *writer;
    struct table_facts facts;

    require(table_writer_new(fixture->os, fixture->dir, fixture->next_number++,
                             &options, &writer) == BYRON_OK);
    for (size_t i = begin; i < end; i++)
        require(table_writer_add(writer, &list->entries[i]) == BYRON_OK);
    require(table_writer_finish(writer, &facts) == BYRON_OK);
    return facts;
}

struct table_meta *run_fixture_table(struct run_fixture *fixture,
                                     const struct entry_list *list,
                                     size_t begin, size_t end)
{
    struct table_facts facts = run_fixture_write(fixture, list, begin, end);
    struct table_meta *meta;

    require(table_meta_new(&fixture->env, fixture->next_number - 1, &facts, 0,
                           &meta) == BYRON_OK);
    return meta;
}

void run_fixture_add(struct run_fixture *fixture, const struct entry_list *list,
                     size_t per_table, uint32_t level, uint64_t run,
                     struct version_edit *edit)
{
    for (size_t begin = 0; begin < list->count;) {
        size_t end = begin + per_table;
        struct table_facts facts;
        if (end > list->count)
            end = list->count;
        while (end < list->count &&
               slice_equal(list->entries[end - 1].key, list->entries[end].key))
            end++;
        facts = run_fixture_write(fixture, list, begin, end);
        require(version_edit_add(edit, level, run, fixture->next_number - 1, 0,
                                 &facts) == BYRON_OK);
        begin = end;
    }
}

const char *run_fixture_path(uint64_t number)
{
    static char path[64];
    snprintf(path, sizeof path, "store/S-%016llx", (unsigned long long)number);
    return path;
}

void run_fixture_fill(struct entry_list *list, struct rng *rng, size_t count,
                      uint64_t low, uint64_t high)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t space[32];
        uint8_t value[40];
        struct entry entry = {.key = any_key(rng, space, sizeof space),
                              .sequence = low + rng_below(rng, high - low + 1),
                              .kind = ENTRY_PUT};
        rng_bytes(rng, value, sizeof value);
        entry.value = slice_of(value, (size_t)rng_below(rng, sizeof value));
        if (rng_one_in(rng, 5)) {
            entry.kind = ENTRY_DELETE;
            entry.value.size = 0;
        }
        (void)entry_list_add(list, &entry);
    }
}
