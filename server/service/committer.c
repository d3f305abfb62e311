#include "service/committer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOUR_MS          ((uint64_t)60 * 60 * 1000)
#define REQUEST_STAYS_MS (HOUR_MS)
#define LOAD_STAYS_MS    (7 * 24 * HOUR_MS)

/*
 * Those that are to be the next commit. One that has to look at the store first
 * begins a new one, so that it sees what came before it; of all of these only
 * the last is synced, and so are the others with it.
 */
struct batch {
    byron_db *db;
    struct byron_op *ops; /* Room for those of all; NULL: one by one. */
    size_t count;
    struct job *first; /* Of the writes whose ops these are, linked by next, */
    struct job *end;   /* to before this one. */
    bool owes_sync;    /* Somebody waits for the disk. */
};

static struct write *next_of(const struct write *write)
{
    return (struct write *)write->job.next;
}

/* --- What is looked at -----------------------------------------------------*/

static uint64_t unix_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void encode_u64(uint8_t out[8], uint64_t number)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(number >> (8 * i));
}

/* What is remembered under the write's id; false: nothing. */
static byron_status recall(byron_db *db, struct write *write, bool *is_there,
                           uint64_t *out)
{
    struct byron_value value = {0};
    struct byron_bytes key = keys_own(write->is_load ? KEYS_LOAD : KEYS_REQUEST,
                                      write->scope, write->id, write->own_key);
    byron_status status = byron_get(db, NULL, key, &value);
    const uint8_t *bytes;

    *is_there = status == BYRON_OK;
    *out = 0;
    write->own.kind = BYRON_OP_PUT;
    write->own.key = key;
    if (status != BYRON_OK)
        return status == BYRON_NOT_FOUND ? BYRON_OK : status;
    bytes = value.data;
    for (size_t i = 0; i < 8 && i < value.size; i++)
        *out |= (uint64_t)bytes[i] << (8 * i);
    byron_value_release(&value);
    return BYRON_OK;
}

static void remember(struct write *write, uint64_t number, uint64_t stays_ms)
{
    encode_u64(write->own_value, number);
    write->own.value.data = write->own_value;
    write->own.value.size = sizeof write->own_value;
    write->own.expires_ms = unix_ms() + stays_ms;
}

static void refuse(struct write *write, enum grpc_code code, const char *words)
{
    write->outcome.code = code;
    write->outcome.words = words;
}

/* Each of these: false: it is not to be written, and has its outcome. */
static bool passes_request(byron_db *db, struct write *write)
{
    uint64_t digest;
    bool is_there;
    byron_status status = recall(db, write, &is_there, &digest);

    write->outcome = outcome_of(status);
    if (status != BYRON_OK)
        return false;
    remember(write, write->digest, REQUEST_STAYS_MS);
    if (!is_there)
        return true;
    write->is_repeat = true;
    if (digest != write->digest)
        refuse(write, GRPC_INVALID_ARGUMENT,
               "the id has been another request's");
    return false;
}

static bool passes_load(byron_db *db, struct write *write)
{
    bool is_there;
    byron_status status = recall(db, write, &is_there, &write->batches);

    write->outcome = outcome_of(status);
    if (status != BYRON_OK || write->count == 0)
        return false;
    write->is_repeat = write->number <= write->batches;
    if (write->is_repeat)
        return false;
    if (write->number > write->batches + 1) {
        snprintf(write->words, sizeof write->words,
                 "batch %" PRIu64 " is missing", write->batches + 1);
        refuse(write, GRPC_FAILED_PRECONDITION, write->words);
        return false;
    }
    remember(write, write->number, LOAD_STAYS_MS);
    write->batches = write->number;
    return true;
}

static byron_status is_met(byron_db *db, const struct write_condition *wanted,
                           bool *out)
{
    bool is_value = wanted->expect == WRITE_EXPECTS_VALUE;
    struct byron_value value = {0};
    byron_status status =
        byron_get(db, NULL, wanted->key, is_value ? &value : NULL);

    *out = status == BYRON_OK && wanted->expect != WRITE_EXPECTS_ABSENT;
    if (status == BYRON_NOT_FOUND) {
        *out = wanted->expect == WRITE_EXPECTS_ABSENT;
        return BYRON_OK;
    }
    if (is_value)
        *out = *out && value.size == wanted->value.size &&
               (value.size == 0 ||
                memcmp(value.data, wanted->value.data, value.size) == 0);
    byron_value_release(&value);
    return status;
}

static bool passes_conditions(byron_db *db, struct write *write)
{
    bool met = true;

    for (size_t i = 0; i < write->condition_count && met; i++) {
        byron_status status = is_met(db, &write->conditions[i], &met);
        write->outcome = outcome_of(status);
        if (status != BYRON_OK)
            return false;
        if (met)
            continue;
        snprintf(write->words, sizeof write->words, "condition %lu is not met",
                 (unsigned long)i + 1);
        refuse(write, GRPC_FAILED_PRECONDITION, write->words);
    }
    return met;
}

static bool passes(byron_db *db, struct write *write)
{
    if (write->id.size > 0 &&
        !(write->is_load ? passes_load(db, write) : passes_request(db, write)))
        return false;
    return passes_conditions(db, write);
}

static bool has_to_look(const struct write *write)
{
    return write->id.size > 0 || write->condition_count > 0;
}

/* --- What is written -------------------------------------------------------*/

static byron_status write_one(byron_db *db, const struct write *write)
{
    struct byron_op *ops = write->ops;
    size_t count = write->count;
    byron_status status;

    if (write->own.key.size == 0)
        return byron_write(db, ops, count, write->is_sync);
    ops = calloc(count + 1, sizeof *ops);
    if (!ops)
        return BYRON_NO_MEMORY;
    memcpy(ops, write->ops, count * sizeof *ops);
    ops[count] = write->own;
    status = byron_write(db, ops, count + 1, write->is_sync);
    free(ops);
    return status;
}

/* Each by itself, so that nobody fails for another's sake. */
static void write_each(struct batch *batch)
{
    for (struct job *job = batch->first; job != batch->end; job = job->next) {
        struct write *write = (struct write *)job;
        byron_status status =
            write->count > 0 ? write_one(batch->db, write) : BYRON_OK;
        write->outcome = outcome_of(status);
        if (write->is_sync && write->count > 0 && status == BYRON_OK)
            batch->owes_sync = false;
    }
}

/* What waits is committed; is_last: and on the disk, if anybody asked. */
static void flush(struct batch *batch, bool is_last)
{
    bool is_sync = is_last && batch->owes_sync;

    if (batch->count > 0 && batch->ops &&
        byron_write(batch->db, batch->ops, batch->count, is_sync) == BYRON_OK)
        batch->owes_sync = batch->owes_sync && !is_sync;
    else if (batch->count > 0)
        write_each(batch);
    batch->first = batch->end;
    batch->count = 0;
}

static void add(struct batch *batch, struct write *write)
{
    if (batch->ops && write->count > 0)
        memcpy(batch->ops + batch->count, write->ops,
               write->count * sizeof *write->ops);
    batch->count += write->count;
    if (write->own.key.size == 0)
        return;
    if (batch->ops)
        batch->ops[batch->count] = write->own;
    batch->count++;
}

/* A commit of nothing, for its sync. */
static void sync_all(struct batch *batch, struct job *jobs)
{
    struct byron_bytes none = {NULL, 0};
    uint8_t room[KEYS_OWN_MAX];
    struct byron_op op = {.kind = BYRON_OP_DELETE,
                          .key = keys_own(KEYS_SYNC, 0, none, room)};
    struct outcome outcome = outcome_of(byron_write(batch->db, &op, 1, true));

    for (struct write *write = (struct write *)jobs; write;
         write = next_of(write))
        if (write->is_sync && write->outcome.code == GRPC_OK)
            write->outcome = outcome;
}

void committer_run(void *context, struct job *jobs)
{
    struct batch batch = {.db = context, .first = jobs, .end = jobs};
    size_t count = 0;

    for (struct job *job = jobs; job; job = job->next)
        count += ((struct write *)job)->count + 1;
    batch.ops = calloc(count, sizeof *batch.ops);
    for (struct job *job = jobs; job; job = job->next) {
        struct write *write = (struct write *)job;
        if (!batch.ops || has_to_look(write))
            flush(&batch, false);
        batch.end = job->next;
        batch.owes_sync = batch.owes_sync || write->is_sync;
        if (!has_to_look(write) || passes(batch.db, write))
            add(&batch, write);
        else
            batch.first = job->next;
    }
    flush(&batch, true);
    if (batch.owes_sync)
        sync_all(&batch, jobs);
    free(batch.ops);
}
