#include "salvage/torn_commits.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/try.h"
#include "db/carry.h"
#include "version/version_edit.h"

#define NONE SIZE_MAX

/* --- Reading -----------------------------------------------------------------
 */

static byron_status add_commit(struct torn_commits *commits,
                               const struct torn_commit *commit)
{
    if (commits->count == commits->capacity) {
        size_t capacity = commits->capacity ? 2 * commits->capacity : 256;
        struct torn_commit *grown =
            alloc_resize(commits->commits, capacity * sizeof *grown);
        if (!grown)
            return error_no_memory();
        commits->commits = grown;
        commits->capacity = capacity;
    }
    commits->commits[commits->count++] = *commit;
    return BYRON_OK;
}

static byron_status note_record(struct torn_commits *commits,
                                const struct log_record *record,
                                const char *path, size_t log, uint64_t offset)
{
    byron_status status;
    struct wal_record decoded;

    TRY(wal_record_decode(record, path, &decoded));
    /* An ABORT is noted like a commit, and goes when all are known. */
    struct torn_commit commit = {
        .id = decoded.id,
        .previous = decoded.previous,
        .sequence = decoded.sequence,
        .offset = offset,
        .log = log,
        .is_batch = decoded.type == RECORD_BATCH,
        .is_spilled = decoded.is_spilled,
        .is_aborted = decoded.type == RECORD_ABORT,
    };
    TRY(add_commit(commits, &commit));
out:
    return status;
}

static byron_status read_log(struct torn_commits *commits, size_t index)
{
    byron_status status;
    struct torn_log *log = commits->logs[index];
    struct log_record record;
    bool found;

    for (;;) {
        TRY(torn_log_next(log, &record, &found));
        if (!found)
            break;
        TRY(wreck_take(commits->wreck,
                       note_record(commits, &record, torn_log_path(log), index,
                                   record.offset),
                       record.end - record.offset));
    }
out:
    return status;
}

static int by_header(const void *a, const void *b)
{
    uint64_t left = torn_log_header(*(struct torn_log *const *)a)->number;
    uint64_t right = torn_log_header(*(struct torn_log *const *)b)->number;

    return (left > right) - (left < right);
}

/* Ascending; of two with one id the first one that is a commit's comes first:
 * an ABORT behind it. */
static int by_id(const void *a, const void *b)
{
    const struct torn_commit *left = a;
    const struct torn_commit *right = b;

    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    return (int)left->is_aborted - (int)right->is_aborted;
}

/* One commit an id, whichever copy of its log it came from. */
static void unite(struct torn_commits *commits)
{
    size_t kept = 0;

    if (commits->count > 0)
        qsort(commits->commits, commits->count, sizeof *commits->commits,
              by_id);
    for (size_t i = 0; i < commits->count; i++) {
        struct torn_commit *commit = &commits->commits[i];
        struct torn_commit *last = kept ? &commits->commits[kept - 1] : NULL;
        if (last && last->id == commit->id)
            last->is_aborted = last->is_aborted || commit->is_aborted;
        else
            commits->commits[kept++] = *commit;
    }
    commits->count = kept;
}

static byron_status open_logs(struct torn_commits *commits,
                              const uint64_t *numbers, size_t count,
                              const struct torn_base *base)
{
    byron_status status = BYRON_OK;

    commits->logs = alloc_zeroed(count + 1, sizeof(struct torn_log *));
    if (!commits->logs)
        return error_no_memory();
    for (size_t i = 0; i < count; i++) {
        struct torn_log **log = &commits->logs[commits->log_count];

        if (numbers[i] < base->wal_floor)
            continue;
        status = torn_log_open(commits->wreck, FILE_WAL, numbers[i], log);
        if (status == BYRON_NOT_FOUND) {
            status = BYRON_OK;
            continue;
        }
        TRY(status);
        if (*log)
            commits->log_count++;
    }
    if (commits->log_count > 1)
        qsort(commits->logs, commits->log_count, sizeof(struct torn_log *),
              by_header);
out:
    return status;
}

/* The log before says where it ends, if the header can be believed. */
static void note_end(struct torn_commits *commits, size_t index,
                     const struct torn_base *base)
{
    const struct log_header *header = torn_log_header(commits->logs[index]);
    bool found = false;

    if (!torn_log_has_header(commits->logs[index]) ||
        header->previous_number < base->wal_floor ||
        header->previous_number == 0)
        return;
    for (size_t i = 0; i < commits->log_count; i++) {
        struct torn_log *log = commits->logs[i];
        if (torn_log_header(log)->number != header->previous_number)
            continue;
        torn_log_set_end(log, header->previous_end);
        found = true;
    }
    if (!found) {
        byron_status status =
            error_corrupt(torn_log_path(commits->logs[index]), 0,
                          "the log before this one, W-%016llx, is missing",
                          (unsigned long long)header->previous_number);
        if (status == BYRON_CORRUPT)
            wreck_tell(commits->wreck, 0);
    }
    commits->has_gap = commits->has_gap || !found;
}

byron_status torn_commits_read(struct torn_commits *commits,
                               struct wreck *wreck, const uint64_t *numbers,
                               size_t count, const struct torn_base *base)
{
    byron_status status;

    commits->wreck = wreck;
    TRY(open_logs(commits, numbers, count, base));
    wreck->counts.files += commits->log_count;
    /* Newest first: one that was made and never used says nothing. */
    for (size_t i = commits->log_count; i-- > 0;) {
        size_t before = commits->count;
        TRY(read_log(commits, i));
        if (commits->count > before)
            note_end(commits, i, base);
    }
    unite(commits);
out:
    return status;
}

byron_status torn_commits_carry(struct torn_commits *commits,
                                struct slice bytes, const uint8_t store_id[16],
                                uint64_t tip)
{
    byron_status status;
    static const char path[] = "the host's row";
    struct slice rest;
    struct log_record record;

    TRY(carry_open(bytes, store_id, tip, path, &commits->carried));
    rest = commits->carried;
    while (rest.size > 0) {
        uint64_t offset = commits->carried.size - rest.size;
        TRY(carry_next(&rest, path, &record));
        TRY(note_record(commits, &record, path, TORN_CARRIED, offset));
    }
out:
    unite(commits);
    return wreck_take(commits->wreck, status, bytes.size);
}

/* --- Choosing
 * ------------------------------------------------------------------ */

static size_t find(const struct torn_commits *commits, uint64_t id)
{
    size_t low = 0;
    size_t high = commits->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (commits->commits[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < commits->count && commits->commits[low].id == id ? low : NONE;
}

static void name(struct torn_commits *commits, uint64_t id)
{
    size_t index = find(commits, id);

    if (index != NONE)
        commits->commits[index].is_named = true;
}

static void name_all(struct torn_commits *commits,
                     const struct byron_commit_point *point,
                     const struct torn_base *base)
{
    for (size_t i = 0; i < commits->count; i++)
        name(commits, commits->commits[i].previous);
    for (size_t i = 0; i < commits->log_count; i++)
        if (torn_log_has_header(commits->logs[i]))
            name(commits, torn_log_header(commits->logs[i])->tip);
    name(commits, base->tip);
    for (size_t i = 0; point && i < BYRON_RECENT_COMMITS; i++)
        name(commits, point->recent[i]);
    if (point)
        name(commits, point->synced);
}

/* The one behind it proves it: had it been given up, its sequence would have
 * been used again, and too few are left for the records between. */
static bool is_proven(const struct torn_commits *commits, size_t index)
{
    const struct torn_commit *commit = &commits->commits[index];
    const struct torn_commit *next = commit + 1;

    return index + 1 < commits->count && next->id >> 32 == commit->id >> 32 &&
           next->sequence > commit->sequence &&
           next->sequence - commit->sequence == next->id - commit->id;
}

/* Those of [from, to), as far as they themselves tell, below ceiling. */
static void guess(struct torn_commits *commits, size_t from, size_t to,
                  uint64_t ceiling)
{
    for (size_t i = to; i-- > from;) {
        struct torn_commit *commit = &commits->commits[i];

        commit->counts =
            !commit->is_aborted && commit->sequence < ceiling &&
            (commit->is_batch || commit->is_named || is_proven(commits, i));
        if (!commit->is_aborted && commit->sequence < ceiling)
            ceiling = commit->sequence;
    }
}

/* Whether what this commit follows is in the tables. */
static bool is_rooted(const struct torn_commit *commit,
                      const struct torn_base *base)
{
    return commit->previous == 0 || commit->previous == base->tip ||
           commit->previous == base->alias ||
           commit->previous >> 32 < base->wal_floor ||
           commit->sequence <= base->last_sequence;
}

/* Marks what leads to the commit at index; returns the oldest of it. */
static size_t follow_back(struct torn_commits *commits, size_t index,
                          const struct torn_base *base)
{
    for (;;) {
        struct torn_commit *commit = &commits->commits[index];
        size_t before = find(commits, commit->previous);

        commit->counts = !commit->is_aborted;
        if (before != NONE && before < index) {
            index = before;
            continue;
        }
        if (!is_rooted(commit, base)) {
            byron_status status = error_corrupt(
                commits->wreck->os->dir_path(commits->wreck->dir),
                BYRON_NO_OFFSET,
                "commit %#llx, which commit %#llx follows, cannot be read",
                (unsigned long long)commit->previous,
                (unsigned long long)commit->id);
            if (status == BYRON_CORRUPT)
                wreck_tell(commits->wreck, 0);
        }
        return index;
    }
}

/* What commits by itself, behind the host's newest. */
static void follow_on(struct torn_commits *commits, size_t from, uint64_t tip)
{
    for (size_t i = from; i < commits->count; i++) {
        struct torn_commit *commit = &commits->commits[i];

        if (!commit->is_batch || commit->is_aborted ||
            (commit->previous != tip &&
             find(commits, commit->previous) != NONE))
            continue;
        commit->counts = true;
        tip = commit->id;
    }
}

/* The id by which the logs know what the host calls id. */
static uint64_t true_name(const struct torn_commits *commits,
                          const struct torn_base *base, uint64_t id)
{
    if (id != 0 && id == base->alias)
        return base->tip;
    for (size_t i = 0; id != 0 && i < commits->log_count; i++) {
        const struct log_header *header = torn_log_header(commits->logs[i]);
        if (torn_log_has_header(commits->logs[i]) && header->alias == id)
            return header->tip;
    }
    return id;
}

static size_t first_above(const struct torn_commits *commits, uint64_t id)
{
    size_t index = 0;

    while (index < commits->count && commits->commits[index].id <= id)
        index++;
    return index;
}

static void tell_lost_target(struct torn_commits *commits, uint64_t id)
{
    byron_status status = error_corrupt(
        commits->wreck->os->dir_path(commits->wreck->dir), BYRON_NO_OFFSET,
        "the database's newest commit, %#llx, cannot be read",
        (unsigned long long)id);

    if (status == BYRON_CORRUPT)
        wreck_tell(commits->wreck, 0);
}

/* The newest of the host's commits that is there; *is_newest: all of it. */
static size_t find_target(struct torn_commits *commits,
                          const struct byron_commit_point *point,
                          const struct torn_base *base, bool *is_newest)
{
    for (size_t i = 0; i < BYRON_RECENT_COMMITS; i++) {
        size_t index =
            find(commits, true_name(commits, base, point->recent[i]));
        *is_newest = i == 0;
        if (point->recent[i] != 0 && index != NONE)
            return index;
    }
    *is_newest = false;
    return NONE;
}

static bool is_in_tables(const struct torn_base *base, uint64_t id)
{
    return id == 0 || id == base->tip || id == base->alias ||
           id >> 32 < base->wal_floor;
}

void torn_commits_choose(struct torn_commits *commits,
                         const struct byron_commit_point *point,
                         const struct torn_base *base)
{
    bool is_newest;
    size_t target;
    size_t oldest;

    name_all(commits, point, base);
    if (!point) {
        guess(commits, 0, commits->count, UINT64_MAX);
        return;
    }
    target = find_target(commits, point, base, &is_newest);
    if (!is_newest && is_in_tables(base, point->recent[0])) {
        size_t from = first_above(commits, point->recent[0]);
        guess(commits, 0, from, UINT64_MAX);
        follow_on(commits, from, base->tip);
        return;
    }
    if (!is_newest)
        tell_lost_target(commits, point->recent[0]);
    if (target == NONE) {
        guess(commits, 0, commits->count, UINT64_MAX);
        return;
    }
    oldest = follow_back(commits, target, base);
    guess(commits, 0, oldest, commits->commits[oldest].sequence);
    if (is_newest)
        follow_on(commits, target + 1, commits->commits[target].id);
    else
        guess(commits, target + 1, commits->count, UINT64_MAX);
}

/* --- Loading
 * ---------------------------------------------------------------------- */

static byron_status load_ranges(struct memtable *memtable,
                                const struct wal_record *commit,
                                struct slice *input, bool *is_sound)
{
    byron_status status;
    struct range_deletes deletes = {0};
    struct range_set *ranges = memtable_ranges(memtable);

    TRY(wal_record_read_ranges(input, commit->sequence, &deletes, is_sound));
    if (*is_sound && deletes.count > 0) {
        TRY(range_set_stage(ranges, &deletes));
        range_set_publish(ranges);
    }
out:
    range_deletes_deinit(&deletes);
    return status;
}

static byron_status load_entries(struct torn_commits *commits,
                                 struct memtable *memtable,
                                 const struct wal_record *commit,
                                 bool *is_sound)
{
    byron_status status = BYRON_OK;
    struct slice input = commit->body;
    struct buf last = {0};
    bool is_first = true;

    *is_sound = true;
    if (commit->has_ranges)
        TRY(load_ranges(memtable, commit, &input, is_sound));
    while (*is_sound && input.size > 0) {
        struct entry entry;

        *is_sound =
            entry_decode(&input, &entry) &&
            (is_first || slice_compare(entry.key, buf_slice(&last)) > 0);
        if (!*is_sound)
            break;
        entry.sequence = commit->sequence;
        if (wreck_wants(commits->wreck, entry.key))
            TRY(memtable_add_later(memtable, &entry));
        is_first = false;
        buf_clear(&last);
        TRY(buf_add(&last, entry.key.data, entry.key.size));
    }
    memtable_settle(memtable);
out:
    buf_deinit(&last);
    return status;
}

static byron_status add_spilled(struct torn_commits *commits,
                                const struct edit_add *add, bool counts)
{
    if (commits->spilled_count == commits->spilled_capacity) {
        size_t capacity =
            commits->spilled_capacity ? 2 * commits->spilled_capacity : 16;
        struct torn_spilled *grown =
            alloc_resize(commits->spilled, capacity * sizeof *grown);
        if (!grown)
            return error_no_memory();
        commits->spilled = grown;
        commits->spilled_capacity = capacity;
    }
    commits->spilled[commits->spilled_count++] =
        (struct torn_spilled){add->number, add->facts.uid, counts};
    return BYRON_OK;
}

static byron_status load_spilled(struct torn_commits *commits,
                                 const struct wal_record *record, bool counts,
                                 const char *path, uint64_t offset)
{
    byron_status status;
    struct version_edit edit = {0};

    TRY(version_edit_decode(record->body, path, offset, &edit));
    for (size_t i = 0; i < edit.add_count; i++)
        TRY(add_spilled(commits, &edit.adds[i], counts));
out:
    version_edit_deinit(&edit);
    return status;
}

static byron_status read_commit(struct torn_commits *commits,
                                const struct torn_commit *commit,
                                const char **path, struct log_record *record)
{
    struct slice rest = commits->carried;

    if (commit->log != TORN_CARRIED) {
        *path = torn_log_path(commits->logs[commit->log]);
        return torn_log_read(commits->logs[commit->log], commit->offset,
                             record);
    }
    *path = "the host's row";
    rest.data += commit->offset;
    rest.size -= (size_t)commit->offset;
    return carry_next(&rest, *path, record);
}

static byron_status load_commit(struct torn_commits *commits,
                                const struct torn_commit *commit,
                                struct memtable *memtable)
{
    byron_status status;
    const char *path = NULL;
    struct log_record record;
    struct wal_record decoded;
    bool is_sound = true;

    TRY(read_commit(commits, commit, &path, &record));
    TRY(wal_record_decode(&record, path, &decoded));
    if (decoded.is_spilled)
        return load_spilled(commits, &decoded, commit->counts, path,
                            record.offset);
    if (commit->counts)
        TRY(load_entries(commits, memtable, &decoded, &is_sound));
    if (!is_sound)
        status = error_corrupt(path, record.offset, "malformed commit record");
out:
    return status;
}

byron_status torn_commits_load(struct torn_commits *commits,
                               struct memtable *memtable)
{
    byron_status status = BYRON_OK;
    uint64_t last = 0;

    for (size_t i = 0; i < commits->count; i++) {
        struct torn_commit *commit = &commits->commits[i];

        TRY(patience_ask(commits->wreck->patience));
        /* A memtable wants newer versions later. */
        commit->counts = commit->counts && commit->sequence > last;
        commits->wreck->counts.left_out +=
            !commit->counts && !commit->is_aborted;
        if (!commit->counts && !commit->is_spilled)
            continue;
        TRY(wreck_take(commits->wreck, load_commit(commits, commit, memtable),
                       0));
        if (commit->counts)
            last = commit->sequence;
    }
out:
    return status;
}

void torn_commits_deinit(struct torn_commits *commits)
{
    for (size_t i = 0; i < commits->log_count; i++)
        torn_log_close(commits->logs[i]);
    alloc_free(commits->logs);
    alloc_free(commits->commits);
    alloc_free(commits->spilled);
    *commits = (struct torn_commits){0};
}
