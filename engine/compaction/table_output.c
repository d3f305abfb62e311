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
/* What it adds at most to the size of a table, if it has a block for itself,
 * beside its value and twice its key: once is for the index. */
#define ENTRY_MOST 256

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
    bool has_entries;   /* The table that is being written. */
    uint64_t stand_ins; /* Entries that the source did not have. */

    struct table_writer *writer; /* NULL between two tables. */
    /* It cannot be full before so many bytes are added: need not be asked. */
    uint64_t room;
    uint64_t number;     /* Of the table that is being written. */
    bool is_full;        /* Closed at the first key after last_key. */
    struct buf last_key; /* Set when is_full. */
    size_t cut;          /* The first of cuts beyond the last key. */

    /* Of ranges: what lies before range_at is written; of that one, what lies
     * before range_from. The table has to take all before range_next. */
    size_t range_at;
    bool has_range_from;
    struct buf range_from;
    size_t range_next;
    uint64_t range_bytes; /* Of those that the table has to take. */

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
    output->room = 0;
    output->number = options->take_number(options->context);
    return table_writer_new(options->os, options->dir, output->number,
                            &options->table, &output->writer);
}

/* --- Range deletes -------------------------------------------------------- */

static const struct range_piece *next_range(const struct table_output *output)
{
    const struct range_list *ranges = output->options.ranges;
    if (!ranges || output->range_next == ranges->count)
        return NULL;
    return &ranges->pieces[output->range_next];
}

static byron_status add_range(struct table_output *output,
                              const struct range_piece *piece, uint64_t *hidden)
{
    const struct table_output_options *options = &output->options;
    if (options->count_hidden)
        *hidden += options->count_hidden(options->hidden_context, piece->lower,
                                         piece->upper);
    return table_writer_add_range(output->writer, piece);
}

/* Every table has an entry: where there is none, one that says of the first
 * key what its range says anyway. */
static byron_status add_stand_in(struct table_output *output,
                                 const struct range_piece *piece)
{
    struct entry entry = {.key = piece->lower,
                          .sequence = piece->sequences[0],
                          .kind = ENTRY_DELETE};
    byron_status status = BYRON_OK;
    if (output->has_entries)
        return BYRON_OK;
    TRY(table_writer_add(output->writer, &entry));
    output->has_entries = true;
    output->stand_ins++;
out:
    return status;
}

/* The table takes its ranges, as far as end (NULL: all of them). */
static byron_status add_ranges(struct table_output *output,
                               const struct slice *end, uint64_t *hidden)
{
    const struct range_list *ranges = output->options.ranges;
    byron_status status = BYRON_OK;
    while (ranges && output->range_at < output->range_next) {
        struct range_piece piece = ranges->pieces[output->range_at];
        bool is_cut = end && slice_compare(piece.upper, *end) > 0;
        if (output->has_range_from)
            piece.lower = buf_slice(&output->range_from);
        if (is_cut)
            piece.upper = *end;
        TRY(add_stand_in(output, &piece));
        TRY(add_range(output, &piece, hidden));
        output->has_range_from = is_cut;
        if (is_cut) {
            buf_clear(&output->range_from);
            TRY(buf_add(&output->range_from, end->data, end->size));
            break;
        }
        output->range_at++;
    }
    output->range_bytes = 0;
out:
    return status;
}

/* --- Tables --------------------------------------------------------------- */

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

/* end: where the next table begins; NULL: there is none. */
static byron_status finish_table(struct table_output *output,
                                 const struct slice *end)
{
    struct byron_os *os = output->options.os;
    uint64_t hidden = 0;
    byron_status status;

    TRY(add_ranges(output, end, &hidden));
    TRY(reserve_table(output));
    struct finished_table *table = &output->tables[output->count];
    TRY(table_writer_finish(output->writer, &table->facts));
    output->writer = NULL;
    output->has_entries = false;
    table->facts.hidden = hidden;
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

/* The table ends at the first key after key, if it has grown enough: by so
 * many bytes at most since the last look. */
static byron_status look_at_size(struct table_output *output, struct slice key,
                                 uint64_t grown)
{
    byron_status status = BYRON_OK;
    uint64_t size;
    if (output->is_full)
        return BYRON_OK;
    if (output->room > grown) {
        output->room -= grown;
        return BYRON_OK;
    }
    size = table_writer_size(output->writer) + output->range_bytes;
    if (size < output->options.file_size) {
        output->room = output->options.file_size - size;
        return BYRON_OK;
    }
    output->is_full = true;
    buf_clear(&output->last_key);
    TRY(buf_add(&output->last_key, key.data, key.size));
out:
    return status;
}

/* The table has to take one more range. */
static byron_status begin_range(struct table_output *output, uint64_t *spent)
{
    const struct range_piece *piece = next_range(output);
    uint64_t bytes = piece->lower.size + piece->upper.size +
                     piece->count * sizeof *piece->sequences + ENTRY_COST;
    output->range_next++;
    output->range_bytes += bytes;
    *spent += bytes;
    return look_at_size(output, piece->lower, bytes);
}

/* What comes next: false at the end. */
static bool next_key(const struct table_output *output, struct slice *key,
                     bool *is_range)
{
    const struct iter *source = output->source;
    const struct range_piece *piece = next_range(output);
    *is_range = piece && (!source->valid ||
                          slice_compare(piece->lower, source->key) <= 0);
    if (*is_range)
        *key = piece->lower;
    else if (source->valid)
        *key = source->key;
    return *is_range || source->valid;
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
    output->has_entries = true;
    *spent += entry.key.size + entry.value.size + ENTRY_COST;
    TRY(look_at_size(output, entry.key,
                     2 * entry.key.size + entry.value.size + ENTRY_MOST));
    TRY(iter_next(source));
out:
    return status;
}

/* Until a table is finished, the budget is spent or the source is drained. */
static byron_status drain(struct table_output *output, uint64_t budget,
                          uint64_t *spent)
{
    byron_status status = BYRON_OK;
    struct slice key;
    bool is_range;

    while (next_key(output, &key, &is_range)) {
        if (!output->writer)
            TRY(start_table(output, key));
        else if (must_cut(output, key))
            return finish_table(output, &key);
        TRY(is_range ? begin_range(output, spent) : add_entry(output, spent));
        if (*spent >= budget)
            return BYRON_OK;
    }
    output->is_drained = true;
    if (output->writer)
        TRY(finish_table(output, NULL));
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
            if (output->count && !output->options.table.is_passing)
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
    return output->entries - output->stand_ins;
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
    buf_deinit(&output->range_from);
    iter_free(output->source);
    alloc_free(output);
}
