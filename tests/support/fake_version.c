#include "support/fake_version.h"

#include <stdlib.h>

/* What a test cannot go on without. */
static void require(bool holds)
{
    if (!holds)
        abort();
}

void fake_version_init(struct fake_version *fake)
{
    memset(fake, 0, sizeof *fake);
    table_env_init(&fake->env, NULL, NULL);
    fake->state.version = &fake->version;
    atomic_init(&fake->version.refs, 1);
    fake->next_number = 1;
}

void fake_version_deinit(struct fake_version *fake)
{
    for (uint32_t i = 0; i < BYRON_LEVELS; i++) {
        while (fake->version.levels[i].count)
            fake_remove(fake,
                        fake->version.levels[i].runs[0].tables[0]->number);
        free(fake->version.levels[i].runs);
    }
    for (size_t i = 0; i < fake->state.drop_count; i++) {
        buf_deinit(&fake->state.drops[i].lower);
        buf_deinit(&fake->state.drops[i].upper);
    }
    free(fake->state.drops);
    table_env_deinit(&fake->env);
}

struct slice fake_key(uint64_t number, uint8_t out[8])
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(number >> (56 - 8 * i));
    return slice_of(out, 8);
}

uint64_t fake_key_number(struct slice key)
{
    return slice_head(key, 0);
}

static struct buf key_buf(uint64_t number)
{
    struct buf buf = {0};
    uint8_t bytes[8];
    struct slice key = fake_key(number, bytes);
    require(buf_add(&buf, key.data, key.size) == BYRON_OK);
    return buf;
}

struct table_meta *fake_table(struct fake_version *fake, uint64_t smallest,
                              uint64_t largest, uint64_t bytes)
{
    struct table_facts facts = {.size = bytes,
                                .entries = bytes / 100,
                                .max_sequence = 1,
                                .smallest = key_buf(smallest),
                                .largest = key_buf(largest)};
    struct table_meta *table;
    require(table_meta_new(&fake->env, fake->next_number++, &facts, 0,
                           &table) == BYRON_OK);
    return table;
}

static struct run *find_run(struct level *level, uint64_t id)
{
    size_t at = 0;
    while (at < level->count && level->runs[at].id > id)
        at++;
    if (at < level->count && level->runs[at].id == id)
        return &level->runs[at];
    level->runs =
        realloc(level->runs, (level->count + 1) * sizeof *level->runs);
    require(level->runs != NULL);
    memmove(&level->runs[at + 1], &level->runs[at],
            (level->count - at) * sizeof *level->runs);
    level->runs[at] = (struct run){.id = id};
    level->count++;
    return &level->runs[at];
}

static void count_table(struct level *level, struct run *run,
                        const struct table_meta *table, int sign)
{
    uint64_t factor = (uint64_t)sign; /* Minus one wraps, as it should. */
    run->bytes += factor * table->facts.size;
    level->bytes += factor * table->facts.size;
    level->entries += factor * table->facts.entries;
    level->tombstones += factor * table->facts.tombstones;
}

void fake_add(struct fake_version *fake, uint32_t level_index, uint64_t id,
              struct table_meta *table)
{
    struct level *level = &fake->version.levels[level_index];
    struct run *run = find_run(level, id);
    size_t at = 0;
    while (at < run->count &&
           slice_compare(table_meta_smallest(run->tables[at]),
                         table_meta_smallest(table)) < 0)
        at++;
    require(at == 0 || slice_compare(table_meta_largest(run->tables[at - 1]),
                                     table_meta_smallest(table)) < 0);
    require(at == run->count ||
            slice_compare(table_meta_largest(table),
                          table_meta_smallest(run->tables[at])) < 0);
    run->tables = realloc(run->tables, (run->count + 1) * sizeof(void *));
    require(run->tables != NULL);
    memmove(&run->tables[at + 1], &run->tables[at],
            (run->count - at) * sizeof(void *));
    run->tables[at] = table;
    run->count++;
    count_table(level, run, table, 1);
}

struct table_meta *fake_fill(struct fake_version *fake, uint32_t level,
                             uint64_t run, uint64_t smallest, uint64_t largest,
                             uint64_t bytes)
{
    struct table_meta *table = fake_table(fake, smallest, largest, bytes);
    fake_add(fake, level, run, table);
    return table;
}

static void remove_at(struct level *level, size_t run_index, size_t index)
{
    struct run *run = &level->runs[run_index];
    struct table_meta *table = run->tables[index];
    count_table(level, run, table, -1);
    run->count--;
    memmove(&run->tables[index], &run->tables[index + 1],
            (run->count - index) * sizeof(void *));
    table_meta_unref(table);
    if (run->count > 0)
        return;
    free(run->tables);
    level->count--;
    memmove(run, run + 1, (level->count - run_index) * sizeof *run);
}

void fake_remove(struct fake_version *fake, uint64_t number)
{
    for (uint32_t l = 0; l < BYRON_LEVELS; l++) {
        struct level *level = &fake->version.levels[l];
        for (size_t r = 0; r < level->count; r++) {
            for (size_t i = 0; i < level->runs[r].count; i++) {
                if (level->runs[r].tables[i]->number == number) {
                    remove_at(level, r, i);
                    return;
                }
            }
        }
    }
    require(false);
}

void fake_drop(struct fake_version *fake, uint64_t lower, uint64_t upper)
{
    struct store_state *state = &fake->state;
    state->drops =
        realloc(state->drops, (state->drop_count + 1) * sizeof *state->drops);
    require(state->drops != NULL);
    state->drops[state->drop_count++] =
        (struct drop_range){.lower = key_buf(lower), .upper = key_buf(upper)};
}
