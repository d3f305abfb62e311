#include "db/recovery.h"

#include <stdlib.h>

#include "base/alloc.h"

void chain_deinit(struct chain *chain)
{
    alloc_free(chain->wals);
    alloc_free(chain->commits);
    *chain = (struct chain){0};
}

/* What the headers say. */
struct wal_header {
    struct log_header header;
    bool is_whole;   /* Its creation finished. */
    bool has_record; /* And something was written to it. */
};

static byron_status read_header(struct byron_db *db, uint64_t number,
                                struct wal_header *out)
{
    struct log_reader *reader = NULL;
    struct log_record record;
    byron_status status =
        log_reader_open(db->os, db->dir, FILE_WAL, number, db->state.store_id,
                        UINT64_MAX, &reader);
    out->is_whole = status == BYRON_OK;
    out->has_record = false;
    if (status == BYRON_NOT_FOUND)
        return BYRON_OK;
    if (status != BYRON_OK)
        return status;
    out->header = *log_reader_header(reader);
    /* Only a WAL with a record speaks about its predecessor's end; damage in
     * it is found when its commits are read. */
    status = log_reader_next(reader, &record, &out->has_record);
    if (status == BYRON_CORRUPT) {
        out->has_record = true;
        status = BYRON_OK;
    }
    log_reader_close(reader);
    return status;
}

static byron_status missing_wal(struct byron_db *db, uint64_t number,
                                uint64_t successor)
{
    char name[OS_NAME_MAX];
    char next[OS_NAME_MAX];
    file_name_format(FILE_WAL, number, name);
    file_name_format(FILE_WAL, successor, next);
    return error_set(BYRON_CORRUPT, db->os->dir_path(db->dir), BYRON_NO_OFFSET,
                     0, "the log %s is missing; %s continues it", name, next);
}

static size_t find_number(const uint64_t *numbers, size_t count,
                          uint64_t number)
{
    size_t index = 0;
    while (index < count && numbers[index] != number)
        index++;
    return index;
}

static void reverse(struct chain_wal *wals, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct chain_wal swap = wals[i];
        wals[i] = wals[count - 1 - i];
        wals[count - 1 - i] = swap;
    }
}

/* From the newest back. */
static byron_status follow(struct byron_db *db, const uint64_t *numbers,
                           const struct wal_header *headers, size_t count,
                           size_t newest, struct chain *chain)
{
    uint64_t end_at = UINT64_MAX;
    size_t index = newest;
    for (;;) {
        const struct log_header *header = &headers[index].header;
        chain->wals[chain->wal_count++] =
            (struct chain_wal){.number = numbers[index],
                               .end_at = end_at,
                               .tip = header->tip,
                               .alias = header->alias};
        if (header->previous_number == 0 ||
            header->previous_number < db->state.wal_floor)
            break;
        index = find_number(numbers, index, header->previous_number);
        if (index == count || numbers[index] != header->previous_number ||
            !headers[index].is_whole)
            return missing_wal(db, header->previous_number, header->number);
        end_at = header->previous_end;
    }
    reverse(chain->wals, chain->wal_count);
    return BYRON_OK;
}

byron_status chain_find_wals(struct byron_db *db, const uint64_t *numbers,
                             size_t count, struct chain *chain)
{
    byron_status status = BYRON_OK;
    struct wal_header *headers =
        alloc_zeroed(count + 1, sizeof(struct wal_header));
    chain->wals = alloc_zeroed(count + 1, sizeof *chain->wals);
    if (!headers || !chain->wals) {
        status = error_no_memory();
        goto out;
    }
    for (size_t i = 0; i < count; i++)
        TRY(read_header(db, numbers[i], &headers[i]));
    /* A WAL without a record may be one that was made and never used: the one
     * before it may have gone on. It says nothing that others do not. */
    size_t newest = count;
    while (newest > 0 && !headers[newest - 1].has_record)
        newest--;
    if (newest > 0)
        TRY(follow(db, numbers, headers, count, newest - 1, chain));
out:
    alloc_free(headers);
    return status;
}

static byron_status add_commit(struct chain *chain,
                               const struct wal_record *record)
{
    if (chain->count == chain->capacity) {
        size_t capacity = chain->capacity ? 2 * chain->capacity : 256;
        struct chain_commit *commits =
            alloc_resize(chain->commits, capacity * sizeof *commits);
        if (!commits)
            return error_no_memory();
        chain->commits = commits;
        chain->capacity = capacity;
    }
    chain->commits[chain->count++] =
        (struct chain_commit){.id = record->id,
                              .previous = record->previous,
                              .sequence = record->sequence,
                              .type = record->type};
    return BYRON_OK;
}

static byron_status note_record(struct chain *chain,
                                const struct wal_record *record)
{
    if (record->type != RECORD_ABORT)
        return add_commit(chain, record);
    for (size_t i = chain->count; i-- > 0;)
        if (chain->commits[i].id == record->id)
            chain->commits[i].is_aborted = true;
    return BYRON_OK;
}

/* *is_synced tells whether any record of the WAL claims synced bytes. */
static byron_status read_wal(struct byron_db *db, struct chain *chain,
                             struct chain_wal *wal, bool *is_synced)
{
    byron_status status;
    struct log_reader *reader = NULL;
    struct log_record record;
    struct wal_record commit;
    char name[OS_NAME_MAX];
    bool found;
    *is_synced = false;
    file_name_format(FILE_WAL, wal->number, name);
    TRY(log_reader_open(db->os, db->dir, FILE_WAL, wal->number,
                        db->state.store_id, wal->end_at, &reader));
    for (;;) {
        TRY(log_reader_next(reader, &record, &found));
        if (!found)
            break;
        TRY(wal_record_decode(&record, name, &commit));
        TRY(note_record(chain, &commit));
        *is_synced = *is_synced || record.is_synced;
    }
    wal->end = log_reader_end(reader);
out:
    log_reader_close(reader);
    return status;
}

byron_status chain_read_commits(struct byron_db *db, struct chain *chain)
{
    for (size_t i = 0; i < chain->wal_count; i++) {
        bool is_synced;
        size_t before = chain->count;
        const struct chain_wal *last = i > 0 ? &chain->wals[i - 1] : NULL;
        byron_status status = read_wal(db, chain, &chain->wals[i], &is_synced);
        if (status != BYRON_OK)
            return status;
        if (!last || last->end == last->end_at)
            continue;
        /* The end of the WAL before is lost. A sync in this one would have
         * made it safe first: then it is damage. Otherwise power failed
         * before anything of either was promised: a prefix counts. */
        if (is_synced)
            return error_corrupt(db->os->dir_path(db->dir), last->end,
                                 "log W-%016llx ends too early",
                                 (unsigned long long)last->number);
        chain->count = before;
        chain->wal_count = i;
        break;
    }
    return BYRON_OK;
}

/* The last commit of that id before index; index is then its place. */
static bool find_commit(const struct chain *chain, uint64_t id, size_t *index)
{
    while (*index > 0)
        if (chain->commits[--*index].id == id)
            return true;
    return false;
}

static bool is_known(const struct byron_db *db, const struct chain *chain,
                     uint64_t id)
{
    size_t index = chain->count;
    return id == db->state.tip || (id != 0 && find_commit(chain, id, &index));
}

/* What an id of the host stands for: itself, or what it was resolved to when
 * its own record was found lost. */
static uint64_t resolve(const struct byron_db *db, const struct chain *chain,
                        uint64_t id)
{
    uint64_t name = id == 0 ? HOST_HAS_NONE : id;
    if (name == db->state.alias)
        return db->state.tip;
    for (size_t i = chain->wal_count; i-- > 0;)
        if (name == chain->wals[i].alias)
            return chain->wals[i].tip;
    return id;
}

static byron_status not_ours(struct byron_db *db, const char *words)
{
    return error_set(BYRON_FOREIGN, db->os->dir_path(db->dir), BYRON_NO_OFFSET,
                     0,
                     "%s; restore the database file and this directory from "
                     "the same backup",
                     words);
}

/*
 * What the log proves by itself. The last record's predecessor did commit, and
 * so did the last one if it is the synced one. A log that was kept for a commit
 * that the host gave up may end with records that the tables have already.
 */
static uint64_t newest_proven(const struct byron_db *db,
                              const struct chain *chain, uint64_t synced)
{
    if (chain->count == 0)
        return db->state.tip;
    const struct chain_commit *last = &chain->commits[chain->count - 1];
    if (last->sequence <= db->state.last_sequence)
        return db->state.tip;
    /* The host's row carries only what the host has committed. */
    if (last->id == synced || chain->count > chain->logged)
        return last->id;
    return last->previous;
}

static byron_status not_whole(struct byron_db *db)
{
    return error_corrupt(db->os->dir_path(db->dir), BYRON_NO_OFFSET,
                         "a synced commit is missing from the log; if this "
                         "directory is older than the database file, restore "
                         "both from the same backup");
}

/* The sequence of a commit that is_known. */
static uint64_t sequence_of(const struct byron_db *db,
                            const struct chain *chain, uint64_t id)
{
    size_t index = chain->count;
    if (id != db->state.tip && find_commit(chain, id, &index))
        return chain->commits[index].sequence;
    return db->state.last_sequence;
}

/* One commit that the host's row carries, and the log has lost. */
static byron_status add_carried(struct byron_db *db, struct chain *chain,
                                const struct wal_record *record)
{
    uint64_t newest = chain->count > chain->logged
                          ? chain->commits[chain->count - 1].id
                          : record->previous;
    if (!is_known(db, chain, record->previous))
        return not_whole(db);
    if (record->id >> 32 >= db->next_number)
        return not_ours(db, "the store is older than its database file");
    if (record->is_spilled || record->previous != newest ||
        record->sequence <= sequence_of(db, chain, newest))
        return error_corrupt(db->os->dir_path(db->dir), BYRON_NO_OFFSET,
                             "the commits that the database file carries in "
                             "its table byron_store do not follow each other");
    return add_commit(chain, record);
}

/*
 * The host's row brings its last commits along, for the log may have lost them:
 * that was not synced for their sake. Those that the tables have, or the log,
 * are passed over.
 */
static byron_status read_carried(struct byron_db *db, struct chain *chain)
{
    byron_status status;
    const char *path = db->os->dir_path(db->dir);
    struct slice rest;
    struct log_record record;
    struct wal_record commit;
    TRY(carry_open(slice_from(db->options.carried), db->state.store_id,
                   db->options.commit_point->recent[0], path, &rest));
    while (rest.size > 0) {
        struct slice from = rest;
        TRY(carry_next(&rest, path, &record));
        TRY(wal_record_decode(&record, path, &commit));
        if (chain->count == chain->logged) {
            if (commit.sequence <= db->state.last_sequence ||
                is_known(db, chain, commit.id))
                continue;
            chain->carried = from;
        }
        TRY(add_carried(db, chain, &commit));
    }
out:
    return status;
}

/*
 * The host's newest commit is not in the logs. If its WAL is there, its record
 * was never synced and power failed: the newest commit that is proven counts.
 */
static byron_status choose_lost(struct byron_db *db, struct chain *chain,
                                const struct byron_commit_point *point)
{
    uint64_t lost = point->recent[0];
    uint64_t synced = point->synced ? resolve(db, chain, point->synced) : 0;
    if (lost == 0 || lost >> 32 < db->state.wal_floor)
        return not_ours(db, "the store is ahead of its database file");
    if (lost >> 32 >= db->next_number)
        return not_ours(db, "the store is older than its database file");
    if (synced == lost || (synced != 0 && synced >> 32 >= db->state.wal_floor &&
                           !is_known(db, chain, synced)))
        return not_whole(db);
    chain->alias = lost;
    for (size_t i = 1; i < BYRON_RECENT_COMMITS; i++) {
        if (point->recent[i] == 0)
            break;
        uint64_t id = resolve(db, chain, point->recent[i]);
        if (is_known(db, chain, id)) {
            chain->target = id;
            return BYRON_OK;
        }
    }
    /* More were lost than the host remembers. */
    chain->target = newest_proven(db, chain, synced);
    return BYRON_OK;
}

/* Marks what leads from the tables' newest commit to the target. */
static byron_status mark(struct byron_db *db, struct chain *chain)
{
    uint64_t id = chain->target;
    size_t index = chain->count;
    /* A predecessor stands before its successor, so one pass finds all. */
    while (id != db->state.tip) {
        if (!find_commit(chain, id, &index))
            return not_ours(db, "the store is ahead of its database file");
        chain->commits[index].is_chosen = true;
        id = chain->commits[index].previous;
    }
    return BYRON_OK;
}

static byron_status refuse_host_store(struct byron_db *db,
                                      const struct chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        if (chain->commits[i].type == RECORD_PREPARE)
            return error_set(BYRON_FOREIGN, db->os->dir_path(db->dir),
                             BYRON_NO_OFFSET, 0,
                             "the store belongs to a database file that knows "
                             "which of its commits count; open it through "
                             "that");
    return BYRON_OK;
}

byron_status chain_choose(struct byron_db *db, struct chain *chain)
{
    const struct byron_commit_point *point = db->options.commit_point;
    byron_status status = BYRON_OK;
    chain->logged = chain->count;
    chain->target = db->state.tip;
    if (!point)
        return refuse_host_store(db, chain);
    chain->has_target = true;
    chain->target = resolve(db, chain, point->recent[0]);
    if (chain->target != point->recent[0])
        chain->alias = point->recent[0] ? point->recent[0] : HOST_HAS_NONE;
    if (!is_known(db, chain, chain->target))
        status = read_carried(db, chain);
    if (status == BYRON_OK && !is_known(db, chain, chain->target))
        status = choose_lost(db, chain, point);
    if (status == BYRON_OK)
        status = mark(db, chain);
    return status;
}

bool chain_counts(const struct chain *chain, size_t index, uint64_t tip,
                  bool is_past)
{
    const struct chain_commit *commit = &chain->commits[index];
    if (commit->previous != tip || commit->is_aborted)
        return false;
    /* Beyond the host's commit only what commits by itself goes on. */
    return commit->is_chosen || (commit->type == RECORD_BATCH && is_past);
}
