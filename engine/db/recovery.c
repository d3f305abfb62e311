#include "db/recovery.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "db/db_state.h"
#include "db/orphans.h"
#include "db/wal.h"

/* More WALs than this, from opens that wrote little, are worth a flush. */
#define WALS_MAX 8

/* For the WAL of a named table: the table is in a read state. */
#define IN_USE UINT64_MAX

/* Every file of the store's directory. */
struct listing {
    struct byron_db *db;
    struct orphan *files; /* Kind and number. */
    size_t count, capacity;
};

static byron_status list_file(void *context, const char *name)
{
    struct listing *listing = context;
    enum file_kind kind;
    uint64_t number;
    if (strcmp(name, DOUBT_NAME) == 0)
        listing->db->is_log_doubtful = true;
    if (!file_name_parse(name, &kind, &number))
        return BYRON_OK;
    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity ? 2 * listing->capacity : 64;
        struct orphan *files =
            alloc_resize(listing->files, capacity * sizeof *files);
        if (!files)
            return error_no_memory();
        listing->files = files;
        listing->capacity = capacity;
    }
    listing->files[listing->count++] = (struct orphan){kind, number, 0};
    if (number >= listing->db->next_number)
        listing->db->next_number = number + 1;
    return BYRON_OK;
}

static int by_number(const void *a, const void *b)
{
    const struct orphan *left = a;
    const struct orphan *right = b;
    return (left->number > right->number) - (left->number < right->number);
}

/* WALs at or above the floor, ascending. */
static byron_status pick_wals(struct byron_db *db,
                              const struct listing *listing)
{
    for (size_t i = 0; i < listing->count; i++) {
        if (listing->files[i].kind != FILE_WAL ||
            listing->files[i].number < db->state.wal_floor)
            continue;
        byron_status status = db_reserve_wal(db);
        if (status != BYRON_OK)
            return status;
        db_add_wal(db, listing->files[i].number);
    }
    return BYRON_OK;
}

static bool version_has(const struct version *version, uint64_t number)
{
    for (size_t l = 0; l < BYRON_LEVELS; l++)
        for (size_t r = 0; r < version->levels[l].count; r++) {
            const struct run *run = &version->levels[l].runs[r];
            for (size_t t = 0; t < run->count; t++)
                if (run->tables[t]->number == number)
                    return true;
        }
    return false;
}

/* The table's name in a commit record: that WAL, or a read state, keeps it. */
static const struct orphan *find_named(const struct listing *named,
                                       uint64_t number)
{
    for (size_t i = 0; i < named->count; i++)
        if (named->files[i].number == number)
            return &named->files[i];
    return NULL;
}

static byron_status find_orphans(struct byron_db *db,
                                 const struct listing *listing,
                                 const struct listing *named)
{
    for (size_t i = 0; i < listing->count; i++) {
        const struct orphan *file = &listing->files[i];
        const struct orphan *name = NULL;
        bool is_needed = file->kind == FILE_WAL
                             ? file->number >= db->state.wal_floor
                             : file->number == manifest_number(db->manifest);
        if (file->kind == FILE_TABLE) {
            is_needed = version_has(db->state.version, file->number);
            name = find_named(named, file->number);
        }
        if (is_needed || (name && name->wal == IN_USE))
            continue;
        byron_status status =
            db_add_orphan(db, file->kind, file->number, name ? name->wal : 0);
        if (status != BYRON_OK)
            return status;
    }
    return BYRON_OK;
}

/* What replay builds: the live memtable, and sources before it. */
struct replay {
    struct byron_db *db;
    const struct chain *chain;
    struct memtable *live;
    struct frozen **frozen;
    size_t count, capacity;
    uint64_t sequence;
    uint64_t tip;
    uint64_t alias;       /* What the host calls tip, if not that; or 0. */
    bool is_past;         /* The target was reached, or there is none. */
    struct listing named; /* Tables that commit records name. */
};

/* The replay has come to a commit. Those of our own that follow the host's
 * newest go by its name: each of them may be the tables' newest one day. */
static void advance(struct replay *replay, uint64_t id, uint64_t sequence)
{
    const struct chain *chain = replay->chain;
    replay->tip = id;
    replay->sequence = sequence;
    replay->is_past =
        replay->is_past || !chain->has_target || id == chain->target;
    replay->alias = replay->is_past ? chain->alias : 0;
    if (replay->alias == 0 && chain->has_target && replay->is_past &&
        id != chain->target)
        replay->alias = chain->target ? chain->target : HOST_HAS_NONE;
}

static void replay_deinit(struct replay *replay)
{
    memtable_unref(replay->live);
    for (size_t i = 0; i < replay->count; i++)
        frozen_unref(replay->frozen[i]);
    alloc_free(replay->frozen);
    alloc_free(replay->named.files);
}

static byron_status push_frozen(struct replay *replay, struct frozen *frozen,
                                uint64_t wal_floor)
{
    if (replay->count == replay->capacity) {
        size_t capacity = replay->capacity ? 2 * replay->capacity : 8;
        struct frozen **array =
            alloc_resize(replay->frozen, capacity * sizeof *array);
        if (!array) {
            frozen_unref(frozen);
            return error_no_memory();
        }
        replay->frozen = array;
        replay->capacity = capacity;
    }
    frozen->wal_floor = wal_floor;
    frozen->last_sequence = replay->sequence;
    frozen->tip = replay->tip;
    frozen->alias = replay->alias;
    replay->frozen[replay->count++] = frozen;
    return BYRON_OK;
}

/* The live memtable waits for its flush; wal is where the next one starts. */
static byron_status freeze(struct replay *replay, uint64_t wal)
{
    byron_status status;
    struct frozen *frozen;
    struct memtable *fresh = NULL;
    TRY(db_new_live(replay->db, &fresh));
    TRY(frozen_new(memtable_ref(replay->live), NULL, &frozen));
    TRY(push_frozen(replay, frozen, wal));
    memtable_unref(replay->live);
    replay->live = fresh;
    fresh = NULL;
out:
    memtable_unref(fresh);
    return status;
}

static byron_status replay_ranges(struct replay *replay,
                                  const struct wal_record *commit,
                                  struct slice *input, const char *path,
                                  uint64_t offset)
{
    byron_status status;
    struct range_deletes deletes = {0};
    struct range_set *ranges = memtable_ranges(replay->live);
    bool is_sound;
    TRY(wal_record_read_ranges(input, commit->sequence, &deletes, &is_sound));
    if (!is_sound) {
        status = error_corrupt(path, offset, "malformed commit record");
    } else if (deletes.count > 0) {
        TRY(range_set_stage(ranges, &deletes));
        range_set_publish(ranges);
    }
out:
    range_deletes_deinit(&deletes);
    return status;
}

static byron_status replay_entries(struct replay *replay,
                                   const struct wal_record *commit,
                                   const char *path, uint64_t offset)
{
    byron_status status = BYRON_OK;
    struct slice input = commit->body;
    struct buf last = {0};
    bool is_first = true;
    if (commit->has_ranges)
        TRY(replay_ranges(replay, commit, &input, path, offset));
    while (input.size > 0) {
        struct entry entry;
        if (!entry_decode(&input, &entry) ||
            (!is_first && slice_compare(entry.key, buf_slice(&last)) <= 0)) {
            status = error_corrupt(path, offset, "malformed commit record");
            goto out;
        }
        entry.sequence = commit->sequence;
        TRY(memtable_add_later(replay->live, &entry));
        is_first = false;
        buf_clear(&last);
        TRY(buf_add(&last, entry.key.data, entry.key.size));
    }
    memtable_settle(replay->live);
out:
    buf_deinit(&last);
    return status;
}

static byron_status name_tables(struct replay *replay,
                                const struct version_edit *edit, uint64_t wal)
{
    for (size_t i = 0; i < edit->add_count; i++) {
        char name[OS_NAME_MAX];
        file_name_format(FILE_TABLE, edit->adds[i].number, name);
        byron_status status = list_file(&replay->named, name);
        if (status != BYRON_OK)
            return status;
        replay->named.files[replay->named.count - 1].wal = wal;
    }
    return BYRON_OK;
}

static byron_status adopt_tables(struct replay *replay,
                                 struct version_edit *edit, uint64_t wal)
{
    byron_status status;
    struct frozen *frozen = NULL;
    TRY(frozen_new(NULL, NULL, &frozen));
    frozen->run.tables =
        alloc_zeroed(edit->add_count + 1, sizeof *frozen->run.tables);
    if (!frozen->run.tables) {
        status = error_no_memory();
        goto out;
    }
    for (size_t i = 0; i < edit->add_count; i++) {
        struct edit_add *add = &edit->adds[i];
        TRY(table_meta_new(&replay->db->env, add->number, &add->facts,
                           add->created_s, &frozen->run.tables[i]));
        frozen->run.count = i + 1;
        frozen->run.bytes += frozen->run.tables[i]->facts.size;
    }
    TRY(push_frozen(replay, frozen_ref(frozen), wal));
out:
    frozen_unref(frozen);
    return status;
}

/* A commit larger than memory: its tables are finished and only named. */
static byron_status replay_spilled(struct replay *replay,
                                   const struct wal_record *commit, bool counts,
                                   const char *path, uint64_t offset,
                                   uint64_t wal, uint64_t next_wal)
{
    byron_status status;
    struct version_edit edit = {0};
    TRY(version_edit_decode(commit->body, path, offset, &edit));
    TRY(name_tables(replay, &edit, counts ? IN_USE : wal));
    if (counts) {
        /* What came before it in this WAL must get in before it. */
        TRY(freeze(replay, wal));
        advance(replay, commit->id, commit->sequence);
        TRY(adopt_tables(replay, &edit, next_wal));
    }
out:
    version_edit_deinit(&edit);
    return status;
}

static byron_status replay_wal(struct replay *replay, size_t wal_index,
                               size_t *index)
{
    byron_status status;
    struct byron_db *db = replay->db;
    const struct chain *chain = replay->chain;
    const struct chain_wal *wal = &chain->wals[wal_index];
    uint64_t next = wal_index + 1 < chain->wal_count
                        ? chain->wals[wal_index + 1].number
                        : wal->number + 1;
    struct log_reader *reader = NULL;
    struct log_record record;
    struct wal_record commit;
    bool found;
    TRY(log_reader_open(db->os, db->dir, FILE_WAL, wal->number,
                        db->state.store_id, wal->end_at, &reader));
    const char *path = log_reader_path(reader);
    while (*index < chain->logged) {
        TRY(log_reader_next(reader, &record, &found));
        if (!found)
            break;
        TRY(wal_record_decode(&record, path, &commit));
        if (commit.type == RECORD_ABORT)
            continue;
        bool counts = chain_counts(chain, *index, replay->tip, replay->is_past);
        ++*index;
        if (commit.is_spilled) {
            TRY(replay_spilled(replay, &commit, counts, path, record.offset,
                               wal->number, next));
        } else if (counts) {
            TRY(replay_entries(replay, &commit, path, record.offset));
            advance(replay, commit.id, commit.sequence);
        }
    }
out:
    log_reader_close(reader);
    return status;
}

/* What only the host's row has, after all that the logs have. */
static byron_status replay_carried(struct replay *replay)
{
    byron_status status = BYRON_OK;
    struct byron_db *db = replay->db;
    const struct chain *chain = replay->chain;
    const char *path = db->os->dir_path(db->dir);
    struct slice rest = chain->carried;
    struct log_record record;
    struct wal_record commit;
    for (size_t i = chain->logged; i < chain->count; i++) {
        TRY(carry_next(&rest, path, &record));
        TRY(wal_record_decode(&record, path, &commit));
        if (!chain_counts(chain, i, replay->tip, replay->is_past))
            continue;
        TRY(replay_entries(replay, &commit, path, record.offset));
        advance(replay, commit.id, commit.sequence);
        db->has_unlogged = true;
    }
out:
    return status;
}

/* The commits that count, into memtables of at most the usual size. */
static byron_status replay_chain(struct replay *replay)
{
    byron_status status = BYRON_OK;
    const struct chain *chain = replay->chain;
    size_t index = 0;
    advance(replay, replay->db->state.tip, replay->db->state.last_sequence);
    for (size_t i = 0; i < chain->wal_count; i++) {
        uint64_t number = chain->wals[i].number;
        if (db_memtable_size(replay->live) >= replay->db->tuning.memtable)
            TRY(freeze(replay, number));
        TRY(replay_wal(replay, i, &index));
    }
    TRY(replay_carried(replay));
    /* Opens that wrote little leave many small WALs. */
    if (chain->wal_count > WALS_MAX && memtable_count(replay->live) > 0)
        TRY(freeze(replay, chain->wals[chain->wal_count - 1].number + 1));
out:
    return status;
}

/* The database stands where the replay ended. */
static byron_status take_over(struct byron_db *db, struct replay *replay,
                              const struct chain *chain)
{
    byron_status status;
    TRY(commit_ring_reserve(&db->ring));
    TRY(read_state_new_room(NULL, replay->count, &db->read_state));
    read_state_fill(db->read_state, replay->live, replay->frozen, replay->count,
                    db->state.version);
    struct commit commit = {.id = replay->tip, .sequence = replay->sequence};
    commit_ring_add(&db->ring, &commit);
    db->ring.alias = replay->alias;
    db->ring.alias_of = replay->tip;
    if (db->options.commit_point)
        db->point = *db->options.commit_point;
    db->point.recent[0] = replay->tip;
    db->live = replay->live;
    db->last_sequence = replay->sequence;
    db->host_commits = db->options.commit_point ? chain->count : 0;
    if (chain->wal_count > 0) {
        db->wal_number = chain->wals[chain->wal_count - 1].number;
        db->wal_end = chain->wals[chain->wal_count - 1].end;
    }
out:
    return status;
}

byron_status db_recover(struct byron_db *db)
{
    byron_status status;
    struct listing listing = {.db = db};
    struct chain chain = {0};
    struct replay replay = {.db = db, .chain = &chain, .named = {.db = db}};
    TRY(db->os->dir_list(db->dir, list_file, &listing));
    if (listing.count > 0)
        qsort(listing.files, listing.count, sizeof *listing.files, by_number);
    TRY(pick_wals(db, &listing));
    TRY(chain_find_wals(db, db->wals, db->wal_count, &chain));
    TRY(chain_read_commits(db, &chain));
    TRY(chain_choose(db, &chain));
    TRY(db_new_live(db, &replay.live));
    TRY(replay_chain(&replay));
    TRY(take_over(db, &replay, &chain));
    TRY(find_orphans(db, &listing, &replay.named));
out:
    replay_deinit(&replay);
    chain_deinit(&chain);
    alloc_free(listing.files);
    return status;
}
