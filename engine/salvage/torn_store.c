#include "salvage/torn_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/try.h"
#include "version/head.h"
#include "version/version_edit.h"

/* What is known of a table, in the order in which it came to be known. */
struct event {
    uint64_t number;
    uint64_t uid;
    size_t order;
    enum { EVENT_IS_THERE, EVENT_ADD, EVENT_REMOVE } kind;
    bool is_wanted;
};

struct events {
    struct event *items;
    size_t count, capacity;
};

static byron_status add_event(struct events *events, struct event event)
{
    if (events->count == events->capacity) {
        size_t capacity = events->capacity ? 2 * events->capacity : 64;
        struct event *items =
            alloc_resize(events->items, capacity * sizeof *items);
        if (!items)
            return error_no_memory();
        events->items = items;
        events->capacity = capacity;
    }
    event.order = events->count;
    events->items[events->count++] = event;
    return BYRON_OK;
}

static int by_number(const void *a, const void *b)
{
    const struct event *left = a;
    const struct event *right = b;

    if (left->number != right->number)
        return left->number < right->number ? -1 : 1;
    return (left->order > right->order) - (left->order < right->order);
}

static int by_value(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

/* --- The directory
 * ------------------------------------------------------------ */

struct numbers {
    uint64_t *items;
    size_t count, capacity;
};

static byron_status add_number(struct numbers *numbers, uint64_t number)
{
    if (numbers->count == numbers->capacity) {
        size_t capacity = numbers->capacity ? 2 * numbers->capacity : 16;
        uint64_t *items =
            alloc_resize(numbers->items, capacity * sizeof *items);
        if (!items)
            return error_no_memory();
        numbers->items = items;
        numbers->capacity = capacity;
    }
    numbers->items[numbers->count++] = number;
    return BYRON_OK;
}

struct listing {
    struct events events;
    struct numbers wals;
    struct numbers manifests;
};

static byron_status list_file(void *context, const char *name)
{
    struct listing *listing = context;
    enum file_kind kind;
    uint64_t number;

    if (!file_name_parse(name, &kind, &number))
        return BYRON_OK;
    if (kind == FILE_TABLE)
        return add_event(&listing->events,
                         (struct event){.number = number,
                                        .kind = EVENT_IS_THERE,
                                        .is_wanted = true});
    return add_number(kind == FILE_WAL ? &listing->wals : &listing->manifests,
                      number);
}

/* --- The manifest
 * -------------------------------------------------------------- */

/* How good a manifest is; the highest is taken. */
struct rank {
    bool has_base;
    bool is_itself; /* Its header has the number of its name. */
    uint64_t number;
};

static bool is_better(const struct rank *a, const struct rank *b)
{
    if (a->has_base != b->has_base)
        return a->has_base;
    if (a->is_itself != b->is_itself)
        return a->is_itself;
    return a->number > b->number;
}

static byron_status rank_manifest(struct wreck *wreck, uint64_t number,
                                  struct rank *out)
{
    byron_status status;
    struct torn_log *log = NULL;
    struct log_record record;
    bool found = false;

    *out = (struct rank){.number = number};
    TRY(torn_log_open(wreck, FILE_MANIFEST, number, &log));
    if (!log)
        return BYRON_OK;
    out->is_itself =
        torn_log_has_header(log) && torn_log_header(log)->number == number;
    out->number = torn_log_header(log)->number;
    TRY(torn_log_next(log, &record, &found));
    out->has_base = found && record.type == RECORD_BASE;
out:
    torn_log_close(log);
    return status == BYRON_NOT_FOUND ? BYRON_OK : status;
}

static byron_status choose_manifest(struct wreck *wreck,
                                    const struct numbers *manifests,
                                    struct rank *best, uint64_t *name)
{
    byron_status status = BYRON_OK;
    bool was_muted = wreck->is_muted;

    wreck->is_muted = true;
    for (size_t i = 0; i < manifests->count; i++) {
        struct rank rank;

        TRY(rank_manifest(wreck, manifests->items[i], &rank));
        if (i == 0 || is_better(&rank, best)) {
            *best = rank;
            *name = manifests->items[i];
        }
    }
out:
    wreck->is_muted = was_muted;
    return status;
}

static bool may_be_wanted(const struct wreck *wreck,
                          const struct table_facts *facts)
{
    return (!wreck->lower.data ||
            slice_compare(buf_slice(&facts->largest), wreck->lower) >= 0) &&
           (!wreck->upper.data ||
            slice_compare(buf_slice(&facts->smallest), wreck->upper) < 0);
}

static byron_status note_edit(struct torn_store *store, struct events *events,
                              const struct version_edit *edit)
{
    byron_status status = BYRON_OK;
    struct torn_base *base = &store->base;

    for (size_t i = 0; i < edit->remove_count; i++)
        TRY(add_event(events, (struct event){.number = edit->removes[i],
                                             .kind = EVENT_REMOVE}));
    for (size_t i = 0; i < edit->add_count; i++) {
        const struct edit_add *add = &edit->adds[i];
        struct event event = {.number = add->number,
                              .uid = add->facts.uid,
                              .kind = EVENT_ADD,
                              .is_wanted =
                                  may_be_wanted(store->wreck, &add->facts)};
        TRY(add_event(events, event));
    }
    if (edit->wal_floor > base->wal_floor)
        base->wal_floor = edit->wal_floor;
    if (edit->last_sequence > base->last_sequence)
        base->last_sequence = edit->last_sequence;
    if (edit->has_tip) {
        base->tip = edit->tip;
        base->alias = edit->alias;
    }
out:
    return status;
}

static byron_status read_edits(struct torn_store *store, struct events *events,
                               struct torn_log *log)
{
    byron_status status;
    struct version_edit edit = {0};
    struct log_record record;
    bool found;

    for (;;) {
        TRY(torn_log_next(log, &record, &found));
        if (!found)
            break;
        status = version_edit_decode(record.payload, torn_log_path(log),
                                     record.offset, &edit);
        if (status == BYRON_OK)
            status = note_edit(store, events, &edit);
        version_edit_deinit(&edit);
        edit = (struct version_edit){0};
        TRY(wreck_take(store->wreck, status, record.end - record.offset));
    }
out:
    return status;
}

static byron_status read_manifest(struct torn_store *store,
                                  struct events *events, uint64_t name)
{
    byron_status status;
    struct torn_log *log = NULL;

    status = torn_log_open(store->wreck, FILE_MANIFEST, name, &log);
    if (status == BYRON_NOT_FOUND)
        return BYRON_OK;
    if (status == BYRON_OK && log) {
        store->wreck->counts.files++;
        if (torn_log_has_header(log)) {
            memcpy(store->store_id, torn_log_header(log)->store_id, 16);
            store->has_id = true;
        }
        status = read_edits(store, events, log);
    }
    torn_log_close(log);
    return status;
}

/* HEAD, if it can be read, says whether there was a later manifest. */
static byron_status read_head(struct torn_store *store, uint64_t manifest,
                              bool *is_older)
{
    byron_status status;
    struct wreck *wreck = store->wreck;
    struct head head;
    char path[sizeof((struct byron_error *)NULL)->path];

    *is_older = false;
    status = head_load(wreck->os, wreck->dir, &head);
    if (status != BYRON_OK)
        return wreck_take(wreck, status, 0);
    if (!wreck_is_own(wreck, head.store_id)) {
        snprintf(path, sizeof path, "%s/HEAD", wreck->os->dir_path(wreck->dir));
        status = error_corrupt(path, 0, "HEAD belongs to another store");
        return wreck_take(wreck, status, 0);
    }
    memcpy(store->store_id, head.store_id, sizeof head.store_id);
    store->has_id = true;
    *is_older = head.manifest > manifest;
    if (*is_older || manifest == 0) {
        wreck_path(wreck, FILE_MANIFEST, head.manifest, path, sizeof path);
        status = error_corrupt(path, BYRON_NO_OFFSET,
                               "the manifest that HEAD names cannot be read");
        wreck_tell(wreck, 0);
        status = BYRON_OK;
    }
    return status;
}

static void tell_no_manifest(struct wreck *wreck)
{
    byron_status status =
        error_corrupt(wreck->os->dir_path(wreck->dir), BYRON_NO_OFFSET,
                      "no manifest can be read: all tables are taken, in the "
                      "order of the sequences inside them");

    if (status == BYRON_CORRUPT)
        wreck_tell(wreck, 0);
}

/* --- The tables
 * ------------------------------------------------------------------ */

static byron_status fold_events(struct torn_store *store, struct events *events)
{
    struct torn_file *file = NULL;

    store->tables = alloc_zeroed(events->count + 1, sizeof *store->tables);
    if (!store->tables)
        return error_no_memory();
    if (events->count > 0)
        qsort(events->items, events->count, sizeof *events->items, by_number);
    for (size_t i = 0; i < events->count; i++) {
        const struct event *event = &events->items[i];

        if (!file || file->number != event->number) {
            file = &store->tables[store->table_count++];
            file->number = event->number;
        }
        file->is_there = file->is_there || event->kind == EVENT_IS_THERE;
        file->is_wanted = file->is_wanted || event->is_wanted;
        if (event->kind == EVENT_IS_THERE)
            continue;
        file->is_named = event->kind == EVENT_ADD;
        file->is_removed = event->kind == EVENT_REMOVE;
        if (event->kind == EVENT_ADD) {
            file->uid = event->uid;
            file->is_wanted = event->is_wanted;
        }
    }
    return BYRON_OK;
}

static void check_missing(struct torn_store *store)
{
    struct wreck *wreck = store->wreck;
    char path[sizeof((struct byron_error *)NULL)->path];

    for (size_t i = 0; i < store->table_count; i++) {
        const struct torn_file *file = &store->tables[i];
        byron_status status;

        if (file->is_there || !file->is_named)
            continue;
        store->is_believed = false;
        if (!file->is_wanted)
            continue;
        wreck_path(wreck, FILE_TABLE, file->number, path, sizeof path);
        status = error_set(BYRON_CORRUPT, path, BYRON_NO_OFFSET, 0,
                           "table is missing");
        if (status == BYRON_CORRUPT)
            wreck_tell(wreck, 0);
    }
}

static byron_status no_store(const struct wreck *wreck)
{
    return error_set(BYRON_MISSING, wreck->os->dir_path(wreck->dir),
                     BYRON_NO_OFFSET, 0, "there is no file of a store");
}

byron_status torn_store_read(struct torn_store *store, struct wreck *wreck)
{
    byron_status status;
    struct listing listing = {0};
    struct rank best = {0};
    uint64_t name = 0;
    uint64_t damages;
    bool is_older;

    store->wreck = wreck;
    store->has_id = wreck->has_id;
    memcpy(store->store_id, wreck->store_id, sizeof store->store_id);
    TRY(wreck->os->dir_list(wreck->dir, list_file, &listing));
    if (listing.events.count + listing.wals.count + listing.manifests.count ==
        0) {
        status = no_store(wreck);
        goto out;
    }
    TRY(choose_manifest(wreck, &listing.manifests, &best, &name));
    damages = wreck->counts.damages;
    if (listing.manifests.count > 0)
        TRY(read_manifest(store, &listing.events, name));
    if (!best.has_base)
        tell_no_manifest(wreck);
    store->is_believed = best.has_base && wreck->counts.damages == damages;
    TRY(read_head(store, best.has_base ? best.number : 0, &is_older));
    store->is_believed = store->is_believed && !is_older;
    TRY(fold_events(store, &listing.events));
    check_missing(store);
    store->wals = listing.wals.items;
    store->wal_count = listing.wals.count;
    listing.wals.items = NULL;
    if (store->wal_count > 0)
        qsort(store->wals, store->wal_count, sizeof *store->wals, by_value);
out:
    alloc_free(listing.events.items);
    alloc_free(listing.wals.items);
    alloc_free(listing.manifests.items);
    return status;
}

static struct torn_file *find_file(struct torn_store *store, uint64_t number)
{
    for (size_t i = 0; i < store->table_count; i++)
        if (store->tables[i].number == number)
            return &store->tables[i];
    return NULL;
}

void torn_store_adopt(struct torn_store *store,
                      const struct torn_spilled *spilled, size_t count,
                      bool has_gap)
{
    store->is_believed = store->is_believed && !has_gap;
    for (size_t i = 0; i < count; i++) {
        struct torn_file *file = find_file(store, spilled[i].number);
        char path[sizeof((struct byron_error *)NULL)->path];
        byron_status status;

        if (file && !file->is_named && !file->is_removed) {
            file->is_named = spilled[i].counts;
            file->is_removed = !spilled[i].counts;
            file->uid = spilled[i].uid;
        }
        if (!spilled[i].counts ||
            (file && (file->is_there || file->is_removed)))
            continue;
        wreck_path(store->wreck, FILE_TABLE, spilled[i].number, path,
                   sizeof path);
        status = error_corrupt(path, BYRON_NO_OFFSET,
                               "table of a commit is missing");
        if (status == BYRON_CORRUPT)
            wreck_tell(store->wreck, 0);
    }
}

bool torn_store_needs(const struct torn_store *store,
                      const struct torn_file *file)
{
    return file->is_there && !file->is_removed &&
           (file->is_named || !store->is_believed);
}

void torn_store_deinit(struct torn_store *store)
{
    alloc_free(store->tables);
    alloc_free(store->wals);
    *store = (struct torn_store){0};
}
