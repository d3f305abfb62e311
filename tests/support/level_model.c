#include "support/level_model.h"

#include <stdlib.h>

#include "compaction/overlap.h"

#define MOST_INPUTS 4096

static void require(bool holds)
{
    if (!holds)
        abort();
}

void level_model_init(struct level_model *model, uint64_t memtable_bytes,
                      uint64_t file_size)
{
    memset(model, 0, sizeof *model);
    fake_version_init(&model->fake);
    model->options = (struct picker_options){.memtable_bytes = memtable_bytes,
                                             .file_size = file_size,
                                             .fanout = 8,
                                             .level0_runs = 4,
                                             .oldest_point = UINT64_MAX};
}

void level_model_deinit(struct level_model *model)
{
    fake_version_deinit(&model->fake);
    for (size_t i = 0; i < model->table_capacity; i++)
        free(model->tables[i].entries);
    free(model->tables);
}

/* --- Tables --------------------------------------------------------------- */

static void add_table(struct level_model *model, uint32_t level, uint64_t run,
                      const struct model_entry *entries, size_t count)
{
    struct table_meta *table =
        fake_table(&model->fake, entries[0].key, entries[count - 1].key,
                   count * MODEL_ENTRY_BYTES);
    table->facts.max_sequence = 0;
    for (size_t i = 0; i < count; i++) {
        table->facts.tombstones += entries[i].is_tombstone;
        if (entries[i].sequence > table->facts.max_sequence)
            table->facts.max_sequence = entries[i].sequence;
    }
    fake_add(&model->fake, level, run, table);

    if (table->number >= model->table_capacity) {
        size_t capacity = (size_t)table->number * 2 + 64;
        model->tables =
            realloc(model->tables, capacity * sizeof *model->tables);
        require(model->tables != NULL);
        memset(&model->tables[model->table_capacity], 0,
               (capacity - model->table_capacity) * sizeof *model->tables);
        model->table_capacity = capacity;
    }
    struct model_table *copy = &model->tables[table->number];
    copy->entries = malloc(count * sizeof *entries);
    require(copy->entries != NULL);
    memcpy(copy->entries, entries, count * sizeof *entries);
    copy->count = count;
}

static void remove_table(struct level_model *model, uint64_t number)
{
    free(model->tables[number].entries);
    model->tables[number].entries = NULL;
    fake_remove(&model->fake, number);
}

/* The dropped range that lies between two keys, as a job cuts there. */
static bool drop_lies_between(const struct level_model *model, uint32_t a,
                              uint32_t b)
{
    const struct store_state *state = &model->fake.state;
    for (size_t i = 0; i < state->drop_count; i++) {
        if (a < fake_key_number(buf_slice(&state->drops[i].lower)) &&
            b >= fake_key_number(buf_slice(&state->drops[i].upper)))
            return true;
    }
    return false;
}

static void add_tables(struct level_model *model, uint32_t level, uint64_t run,
                       const struct model_entry *entries, size_t count)
{
    size_t most = (size_t)model->options.file_size / MODEL_ENTRY_BYTES;
    size_t first = 0;
    for (size_t i = 1; i <= count; i++) {
        if (i < count && i - first < most &&
            !drop_lies_between(model, entries[i - 1].key, entries[i].key))
            continue;
        add_table(model, level, run, &entries[first], i - first);
        first = i;
    }
}

void level_model_flush(struct level_model *model, struct model_entry *entries,
                       size_t count)
{
    model->sequence++;
    for (size_t i = 0; i < count; i++)
        entries[i].sequence = model->sequence;
    add_tables(model, 0, ++model->next_run, entries, count);
    model->flushed_bytes += count * MODEL_ENTRY_BYTES;
}

/* --- Jobs ----------------------------------------------------------------- */

static bool lies_deeper(const struct level_model *model, uint32_t level,
                        uint32_t key)
{
    if (level == 0)
        return true; /* In an older run of level 0, perhaps. */

    uint8_t bytes[8];
    struct key_span span;
    span.first = span.last = fake_key(key, bytes);
    for (uint32_t below = level + 1; below < BYRON_LEVELS; below++) {
        if (level_touches(&model->fake.version, below, span))
            return true;
    }
    return false;
}

static bool is_dropped(const struct level_model *model, uint32_t key)
{
    const struct store_state *state = &model->fake.state;
    for (size_t i = 0; i < state->drop_count; i++) {
        if (key >= fake_key_number(buf_slice(&state->drops[i].lower)) &&
            key < fake_key_number(buf_slice(&state->drops[i].upper)))
            return true;
    }
    return false;
}

/* An input as one array. */
static struct model_table input_entries(const struct level_model *model,
                                        const struct job_input *input)
{
    struct model_table all = {0};
    for (size_t i = 0; i < input->count; i++)
        all.count += model->tables[input->tables[i]->number].count;
    all.entries = malloc(all.count * sizeof *all.entries);
    require(all.entries != NULL);
    size_t at = 0;
    for (size_t i = 0; i < input->count; i++) {
        const struct model_table *table =
            &model->tables[input->tables[i]->number];
        memcpy(&all.entries[at], table->entries,
               table->count * sizeof *all.entries);
        at += table->count;
    }
    return all;
}

/* Of each key the entry of the newest input; returns how many. */
static size_t merge(struct model_table *inputs, size_t count,
                    struct model_entry *out)
{
    size_t at[MOST_INPUTS] = {0};
    size_t merged = 0;
    for (;;) {
        const struct model_entry *best = NULL;
        for (size_t i = 0; i < count; i++) {
            if (at[i] < inputs[i].count &&
                (!best || inputs[i].entries[at[i]].key < best->key))
                best = &inputs[i].entries[at[i]];
        }
        if (!best)
            return merged;
        for (size_t i = 0; i < count; i++) {
            if (at[i] == inputs[i].count ||
                inputs[i].entries[at[i]].key != best->key)
                continue;
            require(inputs[i].entries[at[i]].sequence <= best->sequence);
            at[i]++;
        }
        out[merged++] = *best;
    }
}

static void run_merge(struct level_model *model, const struct job_spec *spec)
{
    static struct model_table inputs[MOST_INPUTS];
    size_t total = 0;
    require(spec->input_count <= MOST_INPUTS);
    for (size_t i = 0; i < spec->input_count; i++) {
        inputs[i] = input_entries(model, &spec->inputs[i]);
        total += inputs[i].count;
    }
    struct model_entry *out = malloc(total * sizeof *out);
    require(out != NULL);
    size_t merged = merge(inputs, spec->input_count, out);
    size_t kept = 0;
    for (size_t i = 0; i < merged; i++) {
        bool is_dead = is_dropped(model, out[i].key) ||
                       (out[i].is_tombstone &&
                        out[i].sequence <= model->options.oldest_point &&
                        !lies_deeper(model, spec->output_level, out[i].key));
        if (!is_dead)
            out[kept++] = out[i];
    }
    for (size_t i = 0; i < spec->input_count; i++) {
        free(inputs[i].entries);
        for (size_t j = 0; j < spec->inputs[i].count; j++)
            remove_table(model, spec->inputs[i].tables[j]->number);
    }
    uint64_t run = spec->output_level == 0 ? spec->inputs[0].run : 0;
    add_tables(model, spec->output_level, run, out, kept);
    model->written_bytes += kept * MODEL_ENTRY_BYTES;
    free(out);
}

static void run_move(struct level_model *model, const struct job_spec *spec)
{
    require(spec->input_count == 1);
    const struct job_input *input = &spec->inputs[0];
    for (size_t i = 0; i < input->count; i++) {
        struct table_meta *table = input->tables[i];
        table_meta_ref(table);
        fake_remove(&model->fake, table->number);
        fake_add(&model->fake, spec->output_level, 0, table);
    }
    model->moves++;
}

void level_model_run(struct level_model *model, const struct job_spec *spec)
{
    for (size_t i = 0; i < spec->input_count; i++) {
        for (size_t j = 0; j < spec->inputs[i].count; j++)
            require(!table_is_corrupt(spec->inputs[i].tables[j]));
    }
    model->jobs++;
    if (spec->kind == JOB_MOVE) {
        run_move(model, spec);
    } else if (spec->kind == JOB_MERGE) {
        if (spec->input_bytes > model->largest_job)
            model->largest_job = spec->input_bytes;
        run_merge(model, spec);
    } else {
        for (size_t i = 0; i < spec->input_count; i++) {
            for (size_t j = 0; j < spec->inputs[i].count; j++)
                remove_table(model, spec->inputs[i].tables[j]->number);
        }
    }
}

bool level_model_step(struct level_model *model)
{
    struct job_spec spec;
    require(picker_choose(&model->fake.state, &model->options, &spec) ==
            BYRON_OK);
    bool is_due = spec.kind != JOB_NONE;
    if (is_due)
        level_model_run(model, &spec);
    job_spec_deinit(&spec);
    return is_due;
}

bool level_model_settle(struct level_model *model, size_t most)
{
    while (most-- > 0) {
        if (!level_model_step(model))
            return true;
    }
    return false;
}

/* --- Looking -------------------------------------------------------------- */

static const struct model_entry *find(const struct level_model *model,
                                      const struct run *run, uint32_t key)
{
    uint8_t bytes[8];
    size_t at = run_find(run, fake_key(key, bytes));
    if (at == run->count)
        return NULL;
    const struct model_table *table = &model->tables[run->tables[at]->number];
    size_t low = 0;
    size_t high = table->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (table->entries[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < table->count && table->entries[low].key == key;
    return found ? &table->entries[low] : NULL;
}

const struct model_entry *level_model_get(const struct level_model *model,
                                          uint32_t key)
{
    for (uint32_t l = 0; l < BYRON_LEVELS; l++) {
        const struct level *level = &model->fake.version.levels[l];
        for (size_t i = 0; i < level->count; i++) {
            const struct model_entry *entry = find(model, &level->runs[i], key);
            if (entry)
                return entry;
        }
    }
    return NULL;
}

static bool run_is_sound(const struct level_model *model, const struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        const struct model_table *table =
            &model->tables[run->tables[i]->number];
        for (size_t j = 0; j < table->count; j++) {
            const struct model_entry *newest =
                level_model_get(model, table->entries[j].key);
            if (newest->sequence < table->entries[j].sequence)
                return false;
        }
    }
    return true;
}

bool level_model_is_sound(const struct level_model *model)
{
    for (uint32_t l = 0; l < BYRON_LEVELS; l++) {
        const struct level *level = &model->fake.version.levels[l];
        if (l > 0 && level->count > 1)
            return false;
        for (size_t i = 0; i < level->count; i++) {
            if (!run_is_sound(model, &level->runs[i]))
                return false;
        }
    }
    return true;
}

uint64_t level_model_bytes(const struct level_model *model)
{
    uint64_t bytes = 0;
    for (uint32_t l = 0; l < BYRON_LEVELS; l++)
        bytes += model->fake.version.levels[l].bytes;
    return bytes;
}
