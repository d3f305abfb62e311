/* byron_salvage_*: a merge over all that can be read of a damaged store. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/try.h"
#include "entry/timed.h"
#include "memtable/memtable_iter.h"
#include "salvage/torn_store.h"
#include "salvage/torn_table.h"

#include <stdlib.h>

/* Open files at most; more are closed and opened anew. */
#define FILES_MAX 256

/* One table to be read; opened when its first key is due. */
struct source {
    uint64_t number;
    uint64_t uid;
    struct buf smallest; /* First key, or start of its first range delete. */
    uint64_t damages;    /* That opening it has told. */
    struct torn_table *table;
};

struct byron_salvage {
    struct wreck wreck;
    struct buf lower, upper; /* What wreck borrows. */
    struct byron_patience patience;
    struct torn_store store;
    struct torn_commits commits;
    struct memtable *memtable; /* What the logs have. */
    struct iter *logged;
    struct source *sources; /* By their first keys. */
    size_t source_count;
    size_t next_source;   /* The first that is not open. */
    struct source **open; /* Those that are. */
    size_t open_count;
    uint64_t now_ms;
    struct buf key, value;
    bool has_key; /* key has been dealt with. */
};

/* --- Opening
 * ------------------------------------------------------------------- */

static byron_status copy_bound(struct byron_bytes from, struct buf *to,
                               struct slice *out)
{
    byron_status status = BYRON_OK;

    if (!from.data)
        return BYRON_OK;
    TRY(buf_reserve(to, from.size + 1)); /* A bound of no bytes is one too. */
    TRY(buf_add(to, from.data, from.size));
    *out = buf_slice(to);
out:
    return status;
}

static byron_status open_wreck(struct byron_salvage *salvage, const char *path,
                               const struct byron_salvage_options *options)
{
    byron_status status;
    struct wreck *wreck = &salvage->wreck;

    wreck->os = options->os ? options->os : os_posix();
    wreck->report = options->report;
    wreck->context = options->context;
    if (options->patience) {
        salvage->patience = *options->patience;
        wreck->patience = &salvage->patience;
    }
    wreck->has_id = options->expected_id != NULL;
    if (wreck->has_id)
        memcpy(wreck->store_id, options->expected_id, sizeof wreck->store_id);
    TRY(copy_bound(options->range.lower, &salvage->lower, &wreck->lower));
    TRY(copy_bound(options->range.upper, &salvage->upper, &wreck->upper));
    TRY(wreck->os->dir_open(wreck->os, path, false, &wreck->dir));
    /* Others may read, nobody may write meanwhile. */
    TRY(wreck->os->dir_lock(wreck->dir, false, false));
    TRY(file_pool_new(wreck->os, wreck->dir, FILES_MAX, &wreck->pool));
    salvage->now_ms = wreck->os->wall_ms(wreck->os);
out:
    return status;
}

static byron_status read_logs(struct byron_salvage *salvage,
                              const struct byron_salvage_options *options)
{
    byron_status status;
    struct torn_store *store = &salvage->store;
    struct torn_commits *commits = &salvage->commits;
    const struct byron_commit_point *point = options->commit_point;

    TRY(torn_commits_read(commits, &salvage->wreck, store->wals,
                          store->wal_count, &store->base));
    if (point && options->carried.size > 0 && store->has_id)
        TRY(torn_commits_carry(commits, slice_from(options->carried),
                               store->store_id, point->recent[0]));
    torn_commits_choose(commits, point, &store->base);
    TRY(memtable_new(false, &salvage->memtable));
    TRY(torn_commits_load(commits, salvage->memtable));
    torn_store_adopt(store, commits->spilled, commits->spilled_count,
                     commits->has_gap);
    TRY(memtable_iter_new(salvage->memtable, &salvage->logged));
    status = iter_first(salvage->logged);
out:
    return status;
}

/* Tables do not say whose they are. */
static byron_status check_id(const struct wreck *wreck)
{
    if (!wreck->has_foreign || wreck->has_own)
        return BYRON_OK;
    return error_set(BYRON_FOREIGN, wreck->os->dir_path(wreck->dir),
                     BYRON_NO_OFFSET, 0,
                     "the store in this directory belongs to another "
                     "database, or to another backup of it");
}

/* Finds a table's first key. What is met on the way to its first entry is told
 * when the entries are read. */
static byron_status probe(struct byron_salvage *salvage, struct source *source,
                          bool *is_needed)
{
    byron_status status;
    struct wreck *wreck = &salvage->wreck;
    struct torn_table *table = NULL;
    struct slice first = {0};

    *is_needed = false;
    source->damages = wreck->counts.damages;
    TRY(torn_table_open(wreck, source->number, source->uid, &table));
    source->damages = wreck->counts.damages - source->damages;
    wreck->is_muted = true;
    status = torn_table_next(table);
    wreck->is_muted = false;
    TRY(status);
    /* A block that was passed over may be readable next time: then the table
     * is due from the start. */
    if (table->valid && table->next_place == 1)
        first = table->key;
    if (table->ranges.count > 0 &&
        slice_compare(table->ranges.pieces[0].lower, first) < 0)
        first = table->ranges.pieces[0].lower;
    /* A table of damaged blocks alone is read to have them told. */
    *is_needed = table->place_count > 0 || table->ranges.count > 0;
    wreck->counts.files += *is_needed || !table->is_indexed;
    TRY(buf_add(&source->smallest, first.data, first.size));
out:
    torn_table_close(table);
    return status;
}

static int by_smallest(const void *a, const void *b)
{
    const struct source *left = a;
    const struct source *right = b;
    int order =
        slice_compare(buf_slice(&left->smallest), buf_slice(&right->smallest));

    if (order != 0)
        return order;
    return (left->number > right->number) - (left->number < right->number);
}

static byron_status find_sources(struct byron_salvage *salvage)
{
    byron_status status = BYRON_OK;
    const struct torn_store *store = &salvage->store;

    salvage->sources =
        alloc_zeroed(store->table_count + 1, sizeof *salvage->sources);
    salvage->open =
        alloc_zeroed(store->table_count + 1, sizeof(struct source *));
    if (!salvage->sources || !salvage->open)
        return error_no_memory();
    for (size_t i = 0; i < store->table_count; i++) {
        const struct torn_file *file = &store->tables[i];
        struct source *source = &salvage->sources[salvage->source_count];
        bool is_needed;

        salvage->wreck.counts.ignored +=
            file->is_there && !torn_store_needs(store, file);
        if (!torn_store_needs(store, file))
            continue;
        TRY(patience_ask(salvage->wreck.patience));
        source->number = file->number;
        source->uid = file->uid;
        status = probe(salvage, source, &is_needed);
        salvage->source_count += status == BYRON_OK && is_needed;
        if (status != BYRON_OK || !is_needed)
            buf_deinit(&source->smallest);
        TRY(status);
    }
    if (salvage->source_count > 0)
        qsort(salvage->sources, salvage->source_count, sizeof *salvage->sources,
              by_smallest);
out:
    return status;
}

byron_status byron_salvage_open(const char *path,
                                const struct byron_salvage_options *options,
                                struct byron_salvage **out)
{
    byron_status status;
    static const struct byron_salvage_options none = {0};
    struct byron_salvage *salvage = alloc_zeroed(1, sizeof *salvage);

    if (!salvage)
        return error_no_memory();
    if (!options)
        options = &none;
    TRY(open_wreck(salvage, path, options));
    TRY(torn_store_read(&salvage->store, &salvage->wreck));
    TRY(read_logs(salvage, options));
    TRY(check_id(&salvage->wreck));
    TRY(find_sources(salvage));
    *out = salvage;
    salvage = NULL;
out:
    byron_salvage_close(salvage);
    return status;
}

void byron_salvage_close(struct byron_salvage *salvage)
{
    if (!salvage)
        return;
    for (size_t i = 0; i < salvage->source_count; i++) {
        torn_table_close(salvage->sources[i].table);
        buf_deinit(&salvage->sources[i].smallest);
    }
    alloc_free(salvage->sources);
    alloc_free(salvage->open);
    iter_free(salvage->logged);
    memtable_unref(salvage->memtable);
    torn_commits_deinit(&salvage->commits);
    torn_store_deinit(&salvage->store);
    if (salvage->wreck.pool)
        file_pool_free(salvage->wreck.pool);
    if (salvage->wreck.dir)
        salvage->wreck.os->dir_close(salvage->wreck.dir);
    buf_deinit(&salvage->lower);
    buf_deinit(&salvage->upper);
    buf_deinit(&salvage->key);
    buf_deinit(&salvage->value);
    alloc_free(salvage);
}

void byron_salvage_counts(const struct byron_salvage *salvage,
                          struct byron_salvaged *out)
{
    *out = salvage->wreck.counts;
}

/* --- Merging
 * ------------------------------------------------------------------- */

/* Where the merge stands: the next entry, in a table or (NULL) in the logs. */
struct top {
    bool is_there;
    struct torn_table *table;
    struct slice key;
    uint64_t sequence;
    enum entry_kind kind;
};

/* Of equal entries the tables' come first: what is in a table is committed. */
static struct top find_top(const struct byron_salvage *salvage)
{
    struct top top = {0};

    for (size_t i = 0; i < salvage->open_count; i++) {
        struct torn_table *table = salvage->open[i]->table;
        if (table->valid &&
            (!top.is_there || entry_compare(table->key, table->sequence,
                                            top.key, top.sequence) < 0))
            top = (struct top){true, table, table->key, table->sequence,
                               table->kind};
    }
    const struct iter *logged = salvage->logged;
    if (logged->valid &&
        (!top.is_there || entry_compare(logged->key, logged->sequence, top.key,
                                        top.sequence) < 0))
        top = (struct top){true, NULL, logged->key, logged->sequence,
                           logged->kind};
    return top;
}

/* What probing has met is not told again, but anything beyond is. */
static byron_status open_source(struct byron_salvage *salvage,
                                struct source *source)
{
    byron_status status;
    struct wreck *wreck = &salvage->wreck;
    uint64_t muted = wreck->muted;

    wreck->is_muted = true;
    status =
        torn_table_open(wreck, source->number, source->uid, &source->table);
    wreck->is_muted = false;
    if (status == BYRON_OK && wreck->muted - muted > source->damages)
        wreck_tell(wreck, 0);
    return status;
}

/* Opens the tables that may have a key at or before the next. */
static byron_status open_due(struct byron_salvage *salvage, struct top *top)
{
    byron_status status = BYRON_OK;

    for (;;) {
        struct source *source = &salvage->sources[salvage->next_source];

        *top = find_top(salvage);
        if (salvage->next_source == salvage->source_count ||
            (top->is_there &&
             slice_compare(buf_slice(&source->smallest), top->key) > 0))
            break;
        TRY(open_source(salvage, source));
        TRY(torn_table_next(source->table));
        salvage->open[salvage->open_count++] = source;
        salvage->next_source++;
    }
out:
    return status;
}

/* Tables without an entry, or a range delete, at or behind key. */
static void close_spent(struct byron_salvage *salvage, struct slice key)
{
    size_t kept = 0;

    for (size_t i = 0; i < salvage->open_count; i++) {
        struct source *source = salvage->open[i];
        const struct range_list *ranges = &source->table->ranges;
        bool is_needed =
            source->table->valid ||
            (ranges->count > 0 &&
             slice_compare(ranges->pieces[ranges->count - 1].upper, key) > 0);

        if (is_needed) {
            salvage->open[kept++] = source;
        } else {
            torn_table_close(source->table);
            source->table = NULL;
        }
    }
    salvage->open_count = kept;
}

/* Whether a range delete hides what has this sequence. */
static bool is_hidden(const struct byron_salvage *salvage, struct slice key,
                      uint64_t sequence)
{
    const struct range_lists *lists =
        range_set_lists(memtable_ranges(salvage->memtable));

    if (lists && range_lists_newest(lists, key, SEQUENCE_MAX) > sequence)
        return true;
    for (size_t i = 0; i < salvage->open_count; i++) {
        const struct range_piece *piece =
            range_list_find(&salvage->open[i]->table->ranges, key);
        if (piece && range_piece_newest(piece, SEQUENCE_MAX) > sequence)
            return true;
    }
    return false;
}

static byron_status move_on(struct byron_salvage *salvage,
                            const struct top *top)
{
    if (top->table)
        return torn_table_next(top->table);
    return iter_next(salvage->logged);
}

/* Copies the value, since the merge moves on; *is_read is false where it is
 * damaged. */
static byron_status read_value(struct byron_salvage *salvage,
                               const struct top *top, uint64_t *expires_ms,
                               bool *is_read)
{
    byron_status status;
    struct slice value;

    *is_read = false;
    *expires_ms = 0;
    if (top->table)
        status = torn_table_value(top->table, &value);
    else
        status = iter_value(salvage->logged, &value);
    if (status == BYRON_OK && top->kind == ENTRY_TIMED)
        status = timed_split(value, expires_ms, &value);
    TRY(wreck_take(&salvage->wreck, status, 0));
    if (status != BYRON_OK)
        return BYRON_OK;
    buf_clear(&salvage->value);
    TRY(buf_add(&salvage->value, value.data, value.size));
    *is_read = true;
out:
    return status;
}

/* What becomes of the newest version of a key. */
struct verdict {
    bool is_gone; /* Deleted or expired. */
    bool is_read;
    uint64_t expires_ms;
};

static byron_status judge(struct byron_salvage *salvage, const struct top *top,
                          struct verdict *verdict)
{
    byron_status status = BYRON_OK;
    struct byron_salvaged *counts = &salvage->wreck.counts;

    if (top->kind == ENTRY_DELETE ||
        is_hidden(salvage, top->key, top->sequence)) {
        verdict->is_gone = true;
        counts->deleted++;
        return BYRON_OK;
    }
    TRY(read_value(salvage, top, &verdict->expires_ms, &verdict->is_read));
    if (verdict->is_read && top->kind == ENTRY_TIMED &&
        !timed_lives(verdict->expires_ms, salvage->now_ms)) {
        verdict->is_gone = true;
        counts->expired++;
    }
out:
    return status;
}

/* All versions of the next key. The newest decides; where its value cannot be
 * read, a copy of the same sequence may have it, but no older one does. */
static byron_status next_key(struct byron_salvage *salvage, struct top top,
                             struct verdict *verdict)
{
    byron_status status;
    uint64_t newest = top.sequence;

    *verdict = (struct verdict){0};
    buf_clear(&salvage->key);
    TRY(buf_add(&salvage->key, top.key.data, top.key.size));
    while (top.is_there && slice_equal(top.key, buf_slice(&salvage->key))) {
        salvage->wreck.counts.entries++;
        if (top.sequence == newest && !verdict->is_gone && !verdict->is_read)
            TRY(judge(salvage, &top, verdict));
        TRY(move_on(salvage, &top));
        TRY(open_due(salvage, &top));
    }
    salvage->has_key = true;
    close_spent(salvage, buf_slice(&salvage->key));
    if (!verdict->is_gone)
        salvage->wreck.counts.lost_values += !verdict->is_read;
out:
    return status;
}

byron_status byron_salvage_next(struct byron_salvage *salvage,
                                struct byron_salvaged_row *out, bool *found)
{
    byron_status status = BYRON_OK;
    struct verdict verdict;
    struct top top;

    *found = false;
    while (!*found) {
        TRY(open_due(salvage, &top));
        if (!top.is_there)
            break;
        /* Probing could not read what can be read now: too late. */
        if (salvage->has_key &&
            slice_compare(top.key, buf_slice(&salvage->key)) <= 0) {
            TRY(move_on(salvage, &top));
            continue;
        }
        TRY(next_key(salvage, top, &verdict));
        *found = verdict.is_read && !verdict.is_gone;
    }
    if (*found) {
        salvage->wreck.counts.rows++;
        out->key = slice_bytes(buf_slice(&salvage->key));
        out->value = slice_bytes(buf_slice(&salvage->value));
        out->expires_ms = verdict.expires_ms;
    }
out:
    return status;
}
