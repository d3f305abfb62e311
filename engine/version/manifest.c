#include "version/manifest.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/try.h"
#include "log/log_reader.h"
#include "log/log_writer.h"
#include "version/head.h"
#include "version/replay.h"

#define REWRITE_SIZE ((uint64_t)1024 * 1024)

struct manifest {
    struct byron_os *os;
    struct os_dir *dir;
    struct head head;          /* The newest that is surely on the disk. */
    uint64_t number;           /* Of the file that head names; 0 = none. */
    uint64_t base_end;         /* Where its BASE ends. */
    uint64_t end;              /* Where its last edit ends. */
    uint64_t sequence;         /* Of its last record: edits ever, plus one. */
    struct log_writer *writer; /* NULL: the next append starts a new file. */
    bool is_sealed;            /* As it was loaded. */
    uint64_t rewrite_size;
    struct byron_error poison; /* code OK: none. */
};

static byron_status manifest_new(struct byron_os *os, struct os_dir *dir,
                                 struct manifest **out)
{
    struct manifest *manifest = alloc_zeroed(1, sizeof *manifest);

    if (!manifest)
        return error_no_memory();
    manifest->os = os;
    manifest->dir = dir;
    manifest->rewrite_size = REWRITE_SIZE;
    *out = manifest;
    return BYRON_OK;
}

/* --- Loading --- */

/* Files that no unfinished creation leaves; and the highest manifest. */
struct survey {
    uint64_t highest;
    bool has_content;
};

static byron_status survey_name(void *context, const char *name)
{
    struct survey *survey = context;
    enum file_kind kind;
    uint64_t number;

    if (!file_name_parse(name, &kind, &number))
        return BYRON_OK;
    if (kind != FILE_MANIFEST)
        survey->has_content = true;
    else if (number > survey->highest)
        survey->highest = number;
    return BYRON_OK;
}

/*
 * BYRON_MISSING only where no store ever was: *highest is then the number of
 * the last manifest that an unfinished creation left, or 0.
 */
static byron_status load_head(struct byron_os *os, struct os_dir *dir,
                              struct head *out, uint64_t *highest)
{
    struct survey survey = {0};
    struct byron_error first;
    byron_status status = head_load(os, dir, out);

    if (status != BYRON_MISSING)
        return status;
    first = *error_last();
    status = os->dir_list(dir, survey_name, &survey);
    if (status != BYRON_OK)
        return status;
    *highest = survey.highest;
    if (survey.has_content)
        return error_corrupt(os->dir_path(dir), BYRON_NO_OFFSET,
                             "HEAD is gone, yet tables or logs are there; if "
                             "this is a copy, it was broken off");
    return error_restore(&first);
}

/* The first record is the BASE, all others are edits that count up. */
static byron_status check_record(const struct manifest *manifest,
                                 const struct log_record *record,
                                 const char *path)
{
    bool is_first = manifest->base_end == 0;

    if (record->type != (is_first ? RECORD_BASE : RECORD_EDIT))
        return error_corrupt(path, record->offset,
                             "record of type %d is out of place in a manifest",
                             (int)record->type);
    if (!is_first && record->sequence != manifest->sequence + 1)
        return error_corrupt(path, record->offset,
                             "edit %llu follows %llu in a manifest",
                             (unsigned long long)record->sequence,
                             (unsigned long long)manifest->sequence);
    return BYRON_OK;
}

static byron_status read_records(struct manifest *manifest,
                                 struct log_reader *reader,
                                 struct replay *replay)
{
    byron_status status;
    const char *path = log_reader_path(reader);
    struct log_record record;
    struct version_edit edit = {0};
    bool found;

    for (;;) {
        TRY(log_reader_next(reader, &record, &found));
        if (!found)
            break;
        TRY(check_record(manifest, &record, path));
        TRY(version_edit_decode(record.payload, path, record.offset, &edit));
        TRY(replay_edit(replay, &edit, path, record.offset));
        version_edit_deinit(&edit);
        if (manifest->base_end == 0)
            manifest->base_end = record.end;
        manifest->sequence = record.sequence;
    }
    manifest->end = log_reader_end(reader);
    manifest->is_sealed = log_reader_is_sealed(reader);
    if (manifest->base_end == 0)
        return error_corrupt(path, manifest->end,
                             "HEAD names this manifest, yet it has no base");
out:
    version_edit_deinit(&edit);
    return status;
}

static byron_status open_named(const struct manifest *manifest,
                               struct log_reader **out)
{
    const struct head *head = &manifest->head;
    char name[OS_NAME_MAX];
    char path[sizeof((struct byron_error *)NULL)->path];
    byron_status status =
        log_reader_open(manifest->os, manifest->dir, FILE_MANIFEST,
                        head->manifest, head->store_id, UINT64_MAX, out);

    /* A store whose manifest is lost must not pass for no store. */
    if (status != BYRON_MISSING && status != BYRON_NOT_FOUND)
        return status;
    file_name_format(FILE_MANIFEST, head->manifest, name);
    snprintf(path, sizeof path, "%s/%s", manifest->os->dir_path(manifest->dir),
             name);
    return error_corrupt(path, BYRON_NO_OFFSET,
                         "HEAD names this manifest, yet it is not there");
}

/* Makes state of what was read. state: all zero before and after failure. */
static byron_status build_state(const struct manifest *manifest,
                                struct replay *replay, struct table_env *env,
                                const char *path, struct store_state *state)
{
    byron_status status;
    const struct head *head = &manifest->head;

    TRY(version_new_empty(&state->version));
    memcpy(state->store_id, head->store_id, sizeof state->store_id);
    state->next_number = head->next_number;
    if (state->next_number <= head->manifest)
        state->next_number = head->manifest + 1;
    status = store_state_apply(state, replay_sum(replay), env);
    if (status == BYRON_CORRUPT)
        status =
            error_corrupt(path, BYRON_NO_OFFSET, "%s", error_last()->words);
out:
    if (status != BYRON_OK)
        store_state_deinit(state);
    return status;
}

byron_status manifest_load(struct byron_os *os, struct os_dir *dir,
                           struct table_env *env, struct store_state *state,
                           struct manifest **out)
{
    byron_status status;
    struct manifest *manifest = NULL;
    struct log_reader *reader = NULL;
    struct replay replay = {0};
    uint64_t highest;

    TRY(manifest_new(os, dir, &manifest));
    TRY(load_head(os, dir, &manifest->head, &highest));
    manifest->number = manifest->head.manifest;
    TRY(open_named(manifest, &reader));
    TRY(read_records(manifest, reader, &replay));
    TRY(build_state(manifest, &replay, env, log_reader_path(reader), state));
    *out = manifest;
    manifest = NULL;
out:
    replay_deinit(&replay);
    log_reader_close(reader);
    manifest_close(manifest);
    return status;
}

/* --- Writing --- */

static void remove_file(const struct manifest *manifest, uint64_t number)
{
    struct byron_error first = *error_last();
    char name[OS_NAME_MAX];

    file_name_format(FILE_MANIFEST, number, name);
    /* Best effort: what stays is an orphan that HEAD does not name. */
    (void)manifest->os->file_remove(manifest->dir, name);
    (void)error_restore(&first);
}

/* A whole manifest of state in a file of that number, synced. */
static byron_status write_base(const struct manifest *manifest,
                               const struct store_state *state, uint64_t number,
                               struct log_writer **out)
{
    byron_status status;
    struct buf payload = {0};
    struct slice part;
    struct log_writer *writer = NULL;
    struct log_header header = {
        .kind = FILE_MANIFEST,
        .number = number,
        .first_sequence = manifest->sequence,
        .previous_number = manifest->number,
        .previous_end = manifest->end,
        .previous_sequence = manifest->sequence,
    };

    memcpy(header.store_id, state->store_id, sizeof header.store_id);
    TRY(store_state_encode(state, &payload));
    part = buf_slice(&payload);
    TRY(log_writer_create(manifest->os, manifest->dir, &header, &writer));
    TRY(log_writer_append(writer, RECORD_BASE, manifest->sequence, &part, 1));
    TRY(log_writer_sync(writer));
    *out = writer;
    writer = NULL;
out:
    if (writer) {
        log_writer_close(writer);
        remove_file(manifest, number);
    }
    buf_deinit(&payload);
    return status;
}

/* Goes over to a new file. On failure the old one is still in force, or one
 * that says the same. */
static byron_status rewrite(struct manifest *manifest,
                            const struct store_state *state,
                            uint64_t *next_number)
{
    byron_status status;
    struct log_writer *writer = NULL;
    struct head head = manifest->head;
    struct store_state next = *state;
    uint64_t number = (*next_number)++;

    if (next.next_number < *next_number)
        next.next_number = *next_number;
    TRY(write_base(manifest, &next, number, &writer));
    memcpy(head.store_id, state->store_id, sizeof head.store_id);
    head.epoch++;
    head.manifest = number;
    head.next_number = next.next_number;
    /* Should this fail, HEAD may name the new file all the same: it stays.
     * The next try writes the same slot, so that the other one is safe. */
    TRY(head_store(manifest->os, manifest->dir, &head));
    log_writer_close(manifest->writer);
    if (manifest->number != 0)
        remove_file(manifest, manifest->number);
    manifest->writer = writer;
    manifest->head = head;
    manifest->number = number;
    manifest->base_end = log_writer_end(writer);
    manifest->end = manifest->base_end;
    writer = NULL;
out:
    log_writer_close(writer);
    return status;
}

static bool is_due(const struct manifest *manifest)
{
    uint64_t twice_base = 2 * manifest->base_end;
    uint64_t edits = manifest->end - manifest->base_end;

    return !manifest->writer ||
           (edits > manifest->rewrite_size && edits > twice_base);
}

static void stop_writing(struct manifest *manifest)
{
    log_writer_close(manifest->writer);
    manifest->writer = NULL;
}

/* The last edit is durable, and the file says so: its loss would be noticed.
 * Should this fail, the edit holds all the same. */
static void seal(struct manifest *manifest)
{
    if (log_writer_seal(manifest->writer) != BYRON_OK)
        stop_writing(manifest);
}

static byron_status append_edit(struct manifest *manifest,
                                const struct version_edit *edit)
{
    byron_status status;
    struct buf payload = {0};
    struct slice part;

    TRY(version_edit_encode(edit, &payload));
    part = buf_slice(&payload);
    TRY(log_writer_append(manifest->writer, RECORD_EDIT, manifest->sequence + 1,
                          &part, 1));
    TRY(log_writer_sync(manifest->writer));
    manifest->sequence++;
    manifest->end = log_writer_end(manifest->writer);
    seal(manifest);
out:
    buf_deinit(&payload);
    return status;
}

static byron_status check_writable(const struct manifest *manifest)
{
    if (manifest_is_writable(manifest))
        return BYRON_OK;
    return error_set(BYRON_READ_ONLY, manifest->os->dir_path(manifest->dir),
                     BYRON_NO_OFFSET, 0,
                     "store has features %#x, which this library may only "
                     "read",
                     (unsigned)manifest->head.ro_compat);
}

byron_status manifest_append(struct manifest *manifest,
                             const struct store_state *state,
                             const struct version_edit *edit,
                             uint64_t *next_number)
{
    byron_status status;

    if (manifest->poison.code != BYRON_OK)
        return error_restore(&manifest->poison);
    status = check_writable(manifest);
    if (status != BYRON_OK)
        return status;
    if (is_due(manifest))
        TRY(rewrite(manifest, state, next_number));
    TRY(append_edit(manifest, edit));
    return BYRON_OK;
out:
    if (status != BYRON_FULL && status != BYRON_NO_MEMORY) {
        manifest->poison = *error_last();
        manifest->poison.code = status;
        return status;
    }
    /* Bytes of the edit may be in the file: go on in another one. */
    if (manifest->writer && log_writer_poison(manifest->writer) != BYRON_OK)
        stop_writing(manifest);
    return status;
}

/* No store, or the start of one, is there. */
static byron_status check_vacant(struct byron_os *os, struct os_dir *dir,
                                 uint64_t *highest)
{
    struct head head;
    byron_status status = load_head(os, dir, &head, highest);

    if (status == BYRON_OK)
        return error_set(BYRON_MISUSE, os->dir_path(dir), BYRON_NO_OFFSET, 0,
                         "there is a store already");
    return status == BYRON_MISSING ? BYRON_OK : status;
}

byron_status manifest_create(struct byron_os *os, struct os_dir *dir,
                             struct store_state *state, struct manifest **out)
{
    byron_status status;
    struct manifest *manifest = NULL;
    uint64_t highest = 0;

    TRY(check_vacant(os, dir, &highest));
    TRY(manifest_new(os, dir, &manifest));
    TRY(version_new_empty(&state->version));
    TRY(os->random(os, state->store_id, sizeof state->store_id));
    state->next_number = highest + 1;
    TRY(rewrite(manifest, state, &state->next_number));
    *out = manifest;
    return BYRON_OK;
out:
    manifest_close(manifest);
    store_state_deinit(state);
    return status;
}

void manifest_close(struct manifest *manifest)
{
    if (!manifest)
        return;
    log_writer_close(manifest->writer);
    alloc_free(manifest);
}

bool manifest_is_safe(const struct manifest *manifest)
{
    /* A seal follows an edit, and that a HEAD that was synced. A writer has
     * begun with all that was loaded. */
    return manifest->is_sealed || manifest->writer;
}

bool manifest_is_writable(const struct manifest *manifest)
{
    return manifest->head.ro_compat == 0;
}

uint64_t manifest_number(const struct manifest *manifest)
{
    return manifest->number;
}

uint64_t manifest_bytes(const struct manifest *manifest)
{
    return manifest->end;
}

void manifest_set_rewrite_size(struct manifest *manifest, uint64_t bytes)
{
    manifest->rewrite_size = bytes;
}

byron_status manifest_copy(const struct manifest *source, struct os_dir *dir,
                           struct store_state *state, uint64_t *bytes)
{
    byron_status status;
    struct manifest *manifest = NULL;

    TRY(check_writable(source));
    TRY(manifest_new(source->os, dir, &manifest));
    manifest->head.compat = source->head.compat;
    TRY(rewrite(manifest, state, &state->next_number));
    *bytes = manifest->end + (uint64_t)2 * OS_HEAD_SLOT_SIZE;
out:
    manifest_close(manifest);
    return status;
}
