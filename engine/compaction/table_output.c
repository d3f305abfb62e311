#include "compaction/table_output.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/try.h"
#include "sstable/file_pool.h"

/* A finished file is read back in such pieces. */
#define PIECE_SIZE ((size_t)256 * 1024)
/* Reading back takes about so much less time than merging the same bytes. */
#define PIECE_DISCOUNT 4
/* What an entry costs beside its bytes, as bytes of the budget. */
#define ENTRY_COST 16

struct finished_table {
    uint64_t number;
    uint64_t created_s;
    struct table_facts facts; /* Owned. */
};

struct table_output {
    struct table_output_options options;
    struct iter *source;
    bool has_begun;
    bool is_drained;

    struct table_writer *writer; /* NULL between two tables. */
    uint64_t number;             /* Of the table that is being written. */
    bool is_full;                /* Closed at the first key after last_key. */
    struct buf last_key;         /* Set when is_full. */
    size_t cut;                  /* The first of cuts beyond the last key. */

    struct finished_table *tables;
    size_t count;
    size_t capacity;
    uint64_t bytes;
    uint64_t entries;

    struct hash_stream *hash; /* Of the last table; NULL: verified. */
    uint64_t hashed;
    uint8_t *piece;
};

byron_status table_output_new(struct iter *source,
                              const struct table_output_options *options,
                              struct table_output **out)
{
    struct table_output *output = alloc_zeroed(1, sizeof *output);
    if (!output) {
        iter_free(source);
        return error_no_memory();
    }
    output->options = *options;
    output->source = source;
    *out = output;
    return BYRON_OK;
}

/* --- Verifying ------------------------------------------------------------ */

static byron_status refuse_table(const struct table_output *output,
                                 uint64_t number, const char *flaw)
{
    char name[OS_NAME_MAX];
    char path[512];
    file_name_format(FILE_TABLE, number, name);
    snprintf(path, sizeof path, "%s/%s",
             output->options.os->dir_path(output->options.dir), name);
    return error_corrupt(path, BYRON_NO_OFFSET, "%s", flaw);
}

static byron_status begin_verify(struct table_output *output)
{
    const struct finished_table *table = &output->tables[output->count - 1];
    uint64_t size;
    byron_status status;

    if (!output->piece)
        output->piece = alloc_bytes(PIECE_SIZE);
    if (!output->piece)
        return error_no_memory();
    TRY(file_pool_size(output->options.pool, table->number, &size));
    if (size != table->facts.size)
        TRY(refuse_table(output, table->number,
                         "the file just written has another size"));
    output->hashed = 0;
    TRY(hash_stream_new(table->facts.uid, &output->hash));
out:
    return status;
}

static byron_status verify_piece(struct table_output *output, uint64_t *spent)
{
    const struct finished_table *table = &output->tables[output->count - 1];
    uint64_t left = table->facts.size - output->hashed;
    size_t size = left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;
    byron_status status;

    TRY(file_pool_read(output->options.pool, table->number, output->hashed,
                       output->piece, size));
    hash_stream_add(output->hash, slice_of(output->piece, size));
    output->hashed += size;
    *spent += size / PIECE_DISCOUNT;
    if (output->hashed < table->facts.size)
        return BYRON_OK;

    uint64_t value = hash_stream_value(output->hash);
    hash_stream_free(output->hash);
    output->hash = NULL;
    if (value != table->facts.file_hash)
        TRY(refuse_table(output, table->number,
                         "the file just written reads back changed"));
out:
    return status;
}

/* --- Writing -------------------------------------------------------------- */

static byron_status start_table(struct table_output *output, struct slice key)
{
    const struct table_output_options *options = &output->options;
    while (output->cut < options->cut_count &&
           slice_compare(key, options->cuts[output->cut]) >= 0)
        output->cut++;
    output->is_full = false;
    output->number = options->take_number(options->context);
    return table_writer_new(options->os, options->dir, output->number,
                            &options->table, &output->writer);
}

static byron_status reserve_table(struct table_output *output)
{
    if (output->count < output->capacity)
        return BYRON_OK;
    size_t capacity = output->capacity ? output->capacity * 2 : 8;
    void *tables =
        alloc_resize(output->tables, capacity * sizeof *output->tables);
    if (!tables)
        return error_no_memory();
    output->tables = tables;
    output->capacity = capacity;
    return BYRON_OK;
}

static byron_status finish_table(struct table_output *output)
{
    struct byron_os *os = output->options.os;
    byron_status status;

    TRY(reserve_table(output));
    struct finished_table *table = &output->tables[output->count];
    TRY(table_writer_finish(output->writer, &table->facts));
    output->writer = NULL;
    table->number = output->number;
    table->created_s = os->wall_ms(os) / 1000;
    output->count++;
    output->bytes += table->facts.size;
    output->entries += table->facts.entries;
    TRY(begin_verify(output));
out:
    return status;
}

/* Whether key has to go into a table of its own. Requires: a writer. */
static bool must_cut(const struct table_output *output, struct slice key)
{
    const struct table_output_options *options = &output->options;
    if (output->is_full && !slice_equal(key, buf_slice(&output->last_key)))
        return true;
    return output->cut < options->cut_count &&
           slice_compare(key, options->cuts[output->cut]) >= 0;
}

static byron_status add_entry(struct table_output *output, uint64_t *spent)
{
    struct iter *source = output->source;
    struct entry entry = {
        .key = source->key, .sequence = source->sequence, .kind = source->kind};
    byron_status status;

    if (entry.kind != ENTRY_DELETE)
        TRY(iter_value(source, &entry.value));
    TRY(table_writer_add(output->writer, &entry));
    *spent += entry.key.size + entry.value.size + ENTRY_COST;
    if (!output->is_full &&
        table_writer_size(output->writer) >= output->options.file_size) {
        output->is_full = true;
        buf_clear(&output->last_key);
        TRY(buf_add(&output->last_key, entry.key.data, entry.key.size));
    }
    TRY(iter_next(source));
out:
    return status;
}

/* Until a table is finished, the budget is spent or the source is drained. */
static byron_status drain(struct table_output *output, uint64_t budget,
                          uint64_t *spent)
{
    const struct iter *source = output->source;
    byron_status status = BYRON_OK;

    while (source->valid) {
        if (!output->writer)
            TRY(start_table(output, source->key));
        else if (must_cut(output, source->key))
            return finish_table(output);
        TRY(add_entry(output, spent));
        if (*spent >= budget)
            return BYRON_OK;
    }
    output->is_drained = true;
    if (output->writer)
        TRY(finish_table(output));
out:
    return status;
}

byron_status table_output_step(struct table_output *output, uint64_t budget,
                               bool *done)
{
    uint64_t spent = 0;
    byron_status status;

    *done = false;
    if (!output->has_begun) {
        TRY(iter_first(output->source));
        output->has_begun = true;
    }
    do {
        if (output->hash) {
            TRY(verify_piece(output, &spent));
        } else if (!output->is_drained) {
            TRY(drain(output, budget, &spent));
        } else {
            /* The names too: an edit may only speak of files that are there. */
            if (output->count)
                TRY(output->options.os->dir_sync(output->options.dir));
            *done = true;
        }
    } while (!*done && spent < budget);
    status = BYRON_OK;
out:
    return status;
}

byron_status table_output_take(struct table_output *output,
                               struct version_edit *edit)
{
    byron_status status = BYRON_OK;
    for (size_t i = 0; i < output->count; i++) {
        struct finished_table *table = &output->tables[i];
        TRY(version_edit_add(edit, output->options.level, output->options.run,
                             table->number, table->created_s, &table->facts));
    }
    output->count = 0;
out:
    return status;
}

uint64_t table_output_bytes(const struct table_output *output)
{
    return output->bytes;
}

uint64_t table_output_entries(const struct table_output *output)
{
    return output->entries;
}

static void remove_table(struct table_output *output,
                         struct finished_table *table)
{
    struct byron_error first = *error_last();
    char name[OS_NAME_MAX];
    file_pool_forget(output->options.pool, table->number);
    file_name_format(FILE_TABLE, table->number, name);
    /* Where that fails the next open removes it: no version names it. */
    byron_status ignored =
        output->options.os->file_remove(output->options.dir, name);
    (void)ignored;
    (void)error_restore(&first);
    table_facts_deinit(&table->facts);
}

void table_output_free(struct table_output *output)
{
    if (!output)
        return;
    table_writer_abandon(output->writer);
    for (size_t i = 0; i < output->count; i++)
        remove_table(output, &output->tables[i]);
    alloc_free(output->tables);
    alloc_free(output->piece);
    hash_stream_free(output->hash);
    buf_deinit(&output->last_key);
    iter_free(output->source);
    alloc_free(output);
}
