#include "version/run_iter.h"

#include "base/alloc.h"
#include "base/try.h"
#include "merge/cover_iter.h"
#include "sstable/table_iter.h"

struct run_iter {
    struct iter base;
    struct iter *child; /* Over tables[index]; NULL before the first move. */
    size_t index;
    unsigned flags;
    bool is_covered;
    struct cover cover;        /* Where is_covered. */
    byron_status failed;       /* Sticks. OK: nothing has. */
    struct byron_error *error; /* How; NULL where there was no memory, too. */
    struct run run;            /* Borrowed, or array and not sealed. */
    size_t begin;              /* Only tables [begin, end) of it are read. */
    size_t end;
    struct table_meta **tables; /* What run has: array, or lent. */
    struct table_meta *array[];
};

/* An error is larger than all else here, and seldom: apart. */
static void keep_error(struct run_iter *iter, byron_status status)
{
    struct byron_error last = *error_last();

    iter->failed = status;
    if (!iter->error)
        iter->error = alloc_bytes(sizeof *iter->error);
    if (iter->error) {
        *iter->error = last;
        iter->error->code = status;
    }
    last.code = status;
    (void)error_restore(&last);
}

static byron_status fail_again(const struct run_iter *iter)
{
    if (iter->error)
        return error_restore(iter->error);
    return error_set(iter->failed, NULL, BYRON_NO_OFFSET, 0,
                     "an earlier read of these tables failed");
}

/* Ends every move: takes over where child stands. */
static byron_status settle(struct run_iter *iter, byron_status status)
{
    const struct iter *child = iter->child;

    iter->base.valid = false;
    if (status != BYRON_OK) {
        keep_error(iter, status);
        if (iter->index < iter->run.count)
            status = table_meta_judge(iter->tables[iter->index], status);
        return status;
    }
    if (child && child->valid) {
        iter->base.valid = true;
        iter->base.kind = child->kind;
        iter->base.sequence = child->sequence;
        iter->base.key = child->key;
    }
    return BYRON_OK;
}

/* Makes child one over tables[index]. */
static byron_status open_child(struct run_iter *iter, size_t index)
{
    byron_status status;
    struct table_reader *reader;

    if (iter->child && iter->index == index)
        return BYRON_OK;
    if (iter->is_covered || (iter->flags & TABLE_ITER_BULK)) {
        iter_free(iter->child);
        iter->child = NULL;
    }
    iter->index = index;
    TRY(table_meta_reader(iter->tables[index], &reader));
    if (iter->child) {
        table_iter_switch(iter->child, reader);
        return BYRON_OK;
    }
    TRY(table_reader_iter_new(reader, iter->flags, &iter->child));
    if (iter->is_covered) {
        struct iter *child = iter->child;
        iter->child = NULL;
        TRY(cover_iter_new(child, &iter->cover,
                           iter->tables[index]->facts.max_sequence,
                           &iter->child));
    }
out:
    return status;
}

/* Whether range deletes leave nothing of tables[index]. */
static bool is_hidden(const struct run_iter *iter, size_t index)
{
    const struct table_meta *meta = iter->tables[index];

    return iter->is_covered &&
           cover_hides_all(&iter->cover, table_meta_smallest(meta),
                           table_meta_largest(meta), !meta->facts.is_open,
                           meta->facts.max_sequence);
}

/* The first table from index on of which something is left; or the end. */
static size_t pass_hidden(const struct run_iter *iter, size_t index)
{
    while (index < iter->end && is_hidden(iter, index))
        index++;
    return index;
}

/* One more than the last table before end of which something is left; or the
 * beginning. */
static size_t pass_hidden_back(const struct run_iter *iter, size_t end)
{
    while (end > iter->begin && is_hidden(iter, end - 1))
        end--;
    return end;
}

/* Goes on to later tables until one has an entry. */
static byron_status go_forward(struct run_iter *iter)
{
    byron_status status = BYRON_OK;

    while (!iter->child->valid) {
        size_t index = pass_hidden(iter, iter->index + 1);
        if (index == iter->end)
            break;
        TRY(open_child(iter, index));
        TRY(iter_first(iter->child));
    }
out:
    return status;
}

static byron_status go_back(struct run_iter *iter)
{
    byron_status status = BYRON_OK;

    while (!iter->child->valid) {
        size_t end = pass_hidden_back(iter, iter->index);
        if (end == iter->begin)
            break;
        TRY(open_child(iter, end - 1));
        TRY(iter_last(iter->child));
    }
out:
    return status;
}

/* The first table that does not end before key; or the end. The beginning is
 * most often where a range begins. */
static size_t find(const struct run_iter *iter, struct slice key)
{
    size_t index = iter->begin;

    if (index == iter->end || !table_meta_ends_before(iter->tables[index], key))
        return index;
    index = run_find(&iter->run, key);
    return index < iter->end ? index : iter->end;
}

static byron_status seek(struct iter *base, struct slice key, uint64_t sequence)
{
    byron_status status = BYRON_OK;
    struct run_iter *iter = (struct run_iter *)base;

    if (iter->failed != BYRON_OK)
        return fail_again(iter);
    base->valid = false;
    size_t index = pass_hidden(iter, find(iter, key));
    if (index == iter->end)
        return BYRON_OK;
    TRY(open_child(iter, index));
    if (slice_compare(table_meta_smallest(iter->tables[index]), key) > 0)
        TRY(iter_first(iter->child));
    else
        TRY(iter_seek(iter->child, key, sequence));
    TRY(go_forward(iter));
out:
    return settle(iter, status);
}

/* One more than the last table that begins before key; or the beginning. The
 * end is most often where a range ends. */
static size_t find_back(const struct run_iter *iter, struct slice key)
{
    size_t end = iter->end;

    if (end == iter->begin ||
        slice_compare(table_meta_smallest(iter->tables[end - 1]), key) < 0)
        return end;
    end = run_find(&iter->run, key);
    if (end < iter->begin)
        end = iter->begin;
    return end +
           (slice_compare(table_meta_smallest(iter->tables[end]), key) < 0);
}

static byron_status seek_before(struct iter *base, struct slice key)
{
    byron_status status = BYRON_OK;
    struct run_iter *iter = (struct run_iter *)base;

    if (iter->failed != BYRON_OK)
        return fail_again(iter);
    base->valid = false;
    size_t end = pass_hidden_back(iter, find_back(iter, key));
    if (end == iter->begin)
        return BYRON_OK;
    TRY(open_child(iter, end - 1));
    if (table_meta_ends_before(iter->tables[end - 1], key))
        TRY(iter_last(iter->child));
    else
        TRY(iter_seek_before(iter->child, key));
    TRY(go_back(iter));
out:
    return settle(iter, status);
}

static byron_status first(struct iter *base)
{
    byron_status status = BYRON_OK;
    struct run_iter *iter = (struct run_iter *)base;

    if (iter->failed != BYRON_OK)
        return fail_again(iter);
    size_t index = pass_hidden(iter, iter->begin);

    base->valid = false;
    if (index == iter->end)
        return BYRON_OK;
    TRY(open_child(iter, index));
    TRY(iter_first(iter->child));
    TRY(go_forward(iter));
out:
    return settle(iter, status);
}

static byron_status last(struct iter *base)
{
    byron_status status = BYRON_OK;
    struct run_iter *iter = (struct run_iter *)base;

    if (iter->failed != BYRON_OK)
        return fail_again(iter);
    size_t end = pass_hidden_back(iter, iter->end);

    base->valid = false;
    if (end == iter->begin)
        return BYRON_OK;
    TRY(open_child(iter, end - 1));
    TRY(iter_last(iter->child));
    TRY(go_back(iter));
out:
    return settle(iter, status);
}

static byron_status next(struct iter *base)
{
    byron_status status = BYRON_OK;
    struct run_iter *iter = (struct run_iter *)base;

    if (iter->failed != BYRON_OK)
        return fail_again(iter);
    TRY(iter_next(iter->child));
    if (!iter->child->valid)
        TRY(go_forward(iter));
out:
    return settle(iter, status);
}

static byron_status prev(struct iter *base)
{
    byron_status status = BYRON_OK;
    struct run_iter *iter = (struct run_iter *)base;

    if (iter->failed != BYRON_OK)
        return fail_again(iter);
    TRY(iter_prev(iter->child));
    if (!iter->child->valid)
        TRY(go_back(iter));
out:
    return settle(iter, status);
}

static uint64_t skip(struct iter *base, const struct skip_limits *limits)
{
    struct run_iter *iter = (struct run_iter *)base;
    uint64_t count = 0;

    if (iter->failed == BYRON_OK)
        count = iter_skip(iter->child, limits);
    if (count > 0) {
        base->key = iter->child->key;
        base->sequence = iter->child->sequence;
    }
    return count;
}

static byron_status value(struct iter *base, struct slice *out)
{
    struct run_iter *iter = (struct run_iter *)base;

    return table_meta_judge(iter->tables[iter->index],
                            iter_value(iter->child, out));
}

static void free_iter(struct iter *base)
{
    struct run_iter *iter = (struct run_iter *)base;

    iter_free(iter->child);
    if (!(iter->flags & TABLE_ITER_LENT))
        for (size_t i = 0; i < iter->run.count; i++)
            table_meta_unref(iter->array[i]);
    alloc_free(iter->error);
    alloc_free(iter);
}

static const struct iter_ops run_iter_ops = {
    .seek = seek,
    .seek_before = seek_before,
    .first = first,
    .last = last,
    .next = next,
    .prev = prev,
    .value = value,
    .free = free_iter,
    .skip = skip,
};

/* With room for so many tables of its own. */
static struct run_iter *make(size_t count, unsigned table_iter_flags)
{
    struct run_iter *iter =
        alloc_bytes(sizeof *iter + count * sizeof *iter->array);

    if (!iter)
        return NULL;
    iter->base = (struct iter){.ops = &run_iter_ops};
    iter->child = NULL;
    iter->index = 0;
    iter->flags = table_iter_flags;
    iter->is_covered = false;
    iter->failed = BYRON_OK;
    iter->error = NULL;
    return iter;
}

byron_status run_iter_new(struct table_meta *const *tables, size_t count,
                          unsigned table_iter_flags, struct iter **out)
{
    struct run_iter *iter = make(count, table_iter_flags);

    if (!iter)
        return error_no_memory();
    iter->tables = iter->array;
    iter->run = (struct run){.tables = iter->tables, .count = count};
    iter->begin = 0;
    iter->end = count;
    for (size_t i = 0; i < count; i++)
        iter->array[i] = table_meta_ref(tables[i]);
    *out = &iter->base;
    return BYRON_OK;
}

byron_status run_iter_stretch(struct iter **iter, const struct run *run,
                              struct slice lower, struct slice upper,
                              const struct cover *cover, bool *touches)
{
    struct run_iter *own = (struct run_iter *)*iter;
    size_t begin;
    size_t end;

    run_overlap(run, lower, upper, &begin, &end);
    *touches = begin < end;
    if (begin == end)
        return BYRON_OK;
    if (!own) {
        own = make(0, TABLE_ITER_LENT);
        if (!own)
            return error_no_memory();
        own->tables = run->tables;
        own->run = *run;
        own->is_covered = cover != NULL;
        if (cover)
            own->cover = *cover;
        *iter = &own->base;
    }
    own->base.valid = false;
    own->begin = begin;
    own->end = end;
    return BYRON_OK;
}

uint64_t run_iter_ordinal(const struct iter *base)
{
    return table_iter_ordinal(((const struct run_iter *)base)->child);
}

void run_iter_rest(struct iter *base)
{
    struct run_iter *iter = (struct run_iter *)base;

    base->valid = false;
    if (iter->child)
        table_iter_rest(iter->child);
}
