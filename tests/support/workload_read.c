/*
 * workload: reading, and what failures may look like.
 */
#include "support/workload_parts.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

/* --- failures ------------------------------------------------------------ */

/* A call answered status: was it to be expected, and does it say enough? */
byron_status workload_judge(struct workload *work, byron_status status)
{
    struct byron_error error;
    if (status == BYRON_OK || status == BYRON_NOT_FOUND)
        return status;
    byron_last_error(&error);
    REQUIRE(status == work->expected && work->expected != BYRON_OK,
            "%s: %s: status %s (%s), first failure: %s", work->name, work->step,
            byron_status_words(status), error.words, work->first_failure.words);
    REQUIRE(error.code == status, "%s: %s: the last error is another one",
            work->name, work->step);
    REQUIRE(error.words[0] != 0, "%s: %s: an error without words", work->name,
            work->step);
    if (status != BYRON_NO_MEMORY)
        REQUIRE(error.path[0] && strstr(error.words, error.path),
                "%s: %s: no path in \"%s\"", work->name, work->step,
                error.words);
    if (work->failures++ == 0)
        work->first_failure = error;
    return status;
}

static void fail_wrong(const struct workload *work, const char *what,
                       size_t key)
{
    ck_abort_msg("%s: %s: %s shows wrong data at key %zu; first failure: %s",
                 work->name, work->step, what, key, work->first_failure.words);
}

/* --- reading ------------------------------------------------------------- */

static bool is_value(const struct workload *work, uint32_t number,
                     const void *bytes, size_t size)
{
    struct byron_bytes wanted = store_model_value(&work->model, number);
    return size == wanted.size &&
           (size == 0 || memcmp(bytes, wanted.data, size) == 0);
}

byron_status workload_read_key(struct workload *work, byron_snapshot *snapshot,
                               byron_txn *txn, const struct model_state *state,
                               size_t key)
{
    struct byron_value value;
    struct byron_bytes bytes = work->model.keys[key];
    byron_status status = workload_judge(
        work, txn ? byron_txn_get(txn, bytes, &value)
                  : byron_get(work->db, snapshot, bytes, &value));
    if (status == BYRON_NOT_FOUND) {
        if (store_model_shown(&work->model, state, key) != 0)
            fail_wrong(work, "get", key);
        return BYRON_OK;
    }
    if (status != BYRON_OK)
        return status;
    if (store_model_shown(&work->model, state, key) == 0 ||
        value.expires_ms != state->expires_ms[key] ||
        !is_value(work, state->values[key], value.data, value.size))
        fail_wrong(work, "get", key);
    byron_value_release(&value);
    return BYRON_OK;
}

static byron_status check_entry(struct workload *work, byron_cursor *cursor,
                                const struct model_state *state, size_t key)
{
    struct byron_bytes found;
    struct byron_bytes value;
    if (!byron_cursor_valid(cursor))
        fail_wrong(work, "a cursor that ended", key);
    found = byron_cursor_key(cursor);
    if (found.size != work->model.keys[key].size ||
        (found.size > 0 &&
         memcmp(found.data, work->model.keys[key].data, found.size) != 0))
        fail_wrong(work, "a cursor's key", key);
    byron_status status =
        workload_judge(work, byron_cursor_value(cursor, &value));
    if (status == BYRON_OK &&
        !is_value(work, state->values[key], value.data, value.size))
        fail_wrong(work, "a cursor's value", key);
    return status;
}

byron_status workload_read_all(struct workload *work, byron_snapshot *snapshot,
                               byron_txn *txn, const struct model_state *state,
                               bool is_backward)
{
    byron_status status;
    byron_cursor *cursor = NULL;
    TRY_JUDGED(byron_cursor_open(snapshot, txn, NULL, &cursor));
    TRY_JUDGED(is_backward ? byron_cursor_last(cursor)
                           : byron_cursor_first(cursor));
    for (size_t i = 0; i < MODEL_KEYS; i++) {
        size_t key = is_backward ? MODEL_KEYS - 1 - i : i;
        if (store_model_shown(&work->model, state, key) == 0)
            continue;
        TRY_JUDGED(check_entry(work, cursor, state, key));
        TRY_JUDGED(is_backward ? byron_cursor_prev(cursor)
                               : byron_cursor_next(cursor));
    }
    if (byron_cursor_valid(cursor))
        fail_wrong(work, "a cursor beyond the end", MODEL_KEYS);
out:
    byron_cursor_close(cursor);
    return status;
}

static byron_status read_many(struct workload *work, byron_snapshot *snapshot,
                              const struct model_state *state)
{
    enum { COUNT = 30 };
    struct byron_bytes keys[COUNT];
    struct byron_value values[COUNT];
    size_t index[COUNT];
    bool is_there[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        index[i] = (size_t)rng_below(&work->rng, MODEL_KEYS);
        keys[i] = work->model.keys[index[i]];
    }
    byron_status status = workload_judge(
        work, byron_multi_get(work->db, snapshot, COUNT, keys, values, NULL));
    for (size_t i = 0; i < COUNT && status == BYRON_OK; i++) {
        uint32_t number = store_model_shown(&work->model, state, index[i]);
        if ((number != 0) != (values[i].data != NULL) ||
            (number != 0 &&
             !is_value(work, number, values[i].data, values[i].size)))
            fail_wrong(work, "multi_get", index[i]);
        byron_value_release(&values[i]);
    }
    if (status == BYRON_OK)
        status = workload_judge(work, byron_multi_get(work->db, snapshot, COUNT,
                                                      keys, NULL, is_there));
    for (size_t i = 0; i < COUNT && status == BYRON_OK; i++)
        if (is_there[i] !=
            (store_model_shown(&work->model, state, index[i]) != 0))
            fail_wrong(work, "multi_get, is_there", index[i]);
    return status;
}

void workload_read_some(struct workload *work)
{
    byron_status status;
    byron_snapshot *snapshot = NULL;
    const struct model_state *state = &work->states[work->newest];
    bool is_backward = rng_one_in(&work->rng, 2);
    work->step = "read";
    TRY_JUDGED(byron_snapshot_open(work->db, &snapshot));
    for (int i = 0; i < 8; i++)
        TRY_JUDGED(
            workload_read_key(work, snapshot, NULL, state,
                              (size_t)rng_below(&work->rng, MODEL_KEYS)));
    TRY_JUDGED(read_many(work, snapshot, state));
    TRY_JUDGED(workload_read_all(work, snapshot, NULL, state, is_backward));
out:
    byron_snapshot_close(snapshot);
}

void workload_check_newest(struct workload *work)
{
    byron_status status;
    byron_snapshot *snapshot = NULL;
    const struct model_state *state = &work->states[work->newest];
    TRY_JUDGED(byron_snapshot_open(work->db, &snapshot));
    for (size_t i = 0; i < MODEL_KEYS; i++)
        TRY_JUDGED(workload_read_key(work, snapshot, NULL, state, i));
    TRY_JUDGED(workload_read_all(work, snapshot, NULL, state, false));
    TRY_JUDGED(workload_read_all(work, snapshot, NULL, state, true));
out:
    byron_snapshot_close(snapshot);
}
