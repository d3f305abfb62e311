#include "fetch.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_CAPACITY 65536 /* Bytes of a buffer for the next rows. */

static void release_values(struct fetch *fetch)
{
    for (int i = fetch->read_from; i < fetch->read_to; i++)
        byron_value_release(&fetch->values[i]);
    fetch->read_from = 0;
    fetch->read_to = 0;
}

void fetch_abandon(struct fetch *fetch)
{
    fetch->read_from = 0;
    fetch->read_to = 0;
}

void fetch_deinit(struct fetch *fetch)
{
    release_values(fetch);
    bytes_deinit(&fetch->keys);
    bytes_deinit(&fetch->next_key);
    bytes_deinit(&fetch->kept);
    free(fetch->values);
    memset(fetch, 0, sizeof *fetch);
}

static void forget(struct bytes *bytes)
{
    bytes->size = 0;
    if (bytes->capacity > KEPT_CAPACITY)
        bytes_deinit(bytes);
}

void fetch_clear(struct fetch *fetch)
{
    if (fetch->count == 0)
        return; /* As it was left. */
    release_values(fetch);
    forget(&fetch->keys);
    forget(&fetch->next_key);
    forget(&fetch->kept);
    fetch->count = 0;
    fetch->at = 0;
    fetch->is_kept = false;
}

/* --- Keys ---------------------------------------------------------------- */

byron_status fetch_add(struct fetch *fetch, const struct table *table,
                       const struct index *index, struct byron_bytes entry)
{
    byron_status status =
        index_table_key(index, table, entry, &fetch->next_key);

    if (status == BYRON_OK)
        status =
            bytes_add(&fetch->keys, fetch->next_key.data, fetch->next_key.size);
    if (status != BYRON_OK)
        return status;
    fetch->ends[fetch->count++] = fetch->keys.size;
    return BYRON_OK;
}

static struct byron_bytes key_at(const struct fetch *fetch, int index)
{
    size_t start = index > 0 ? fetch->ends[index - 1] : 0;

    return (struct byron_bytes){fetch->keys.data + start,
                                fetch->ends[index] - start};
}

struct byron_bytes fetch_key(const struct fetch *fetch)
{
    return key_at(fetch, fetch->at);
}

/* --- Values -------------------------------------------------------------- */

/* Absent is data NULL; an empty value is not. */
static byron_status settle(struct byron_value *value, byron_status status)
{
    if (status == BYRON_NOT_FOUND) {
        memset(value, 0, sizeof *value);
        return BYRON_OK;
    }
    if (status == BYRON_OK && !value->data)
        value->data = "";
    return status;
}

static byron_status read_own_writes(struct fetch *fetch, byron_txn *txn)
{
    for (int i = fetch->at; i < fetch->count; i++) {
        byron_status status =
            byron_txn_get(txn, key_at(fetch, i), &fetch->values[i]);

        status = settle(&fetch->values[i], status);
        if (status != BYRON_OK)
            return status;
        fetch->read_to = i + 1;
    }
    return BYRON_OK;
}

static byron_status read_values(struct fetch *fetch, const struct view *view)
{
    struct byron_bytes keys[FETCH_MOST];
    int count = fetch->count - fetch->at;
    byron_status status;

    release_values(fetch);
    if (!fetch->values)
        fetch->values = calloc(FETCH_MOST, sizeof *fetch->values);
    if (!fetch->values)
        return BYRON_NO_MEMORY;
    fetch->read_from = fetch->at;
    fetch->read_to = fetch->at;
    if (view->txn)
        return read_own_writes(fetch, view->txn);
    for (int i = 0; i < count; i++)
        keys[i] = key_at(fetch, fetch->at + i);
    if (count == 1) {
        status = byron_get(view->db, view->snapshot, keys[0],
                           &fetch->values[fetch->at]);
        status = settle(&fetch->values[fetch->at], status);
    } else {
        status = byron_multi_get(view->db, view->snapshot, (size_t)count, keys,
                                 fetch->values + fetch->at, NULL);
    }
    if (status == BYRON_OK)
        fetch->read_to = fetch->count;
    return status;
}

byron_status fetch_read(struct fetch *fetch, const struct view *view,
                        bool *is_at_row)
{
    *is_at_row = false;
    for (; fetch->at < fetch->count; fetch->at++) {
        if (fetch->at >= fetch->read_to) {
            byron_status status = read_values(fetch, view);

            if (status != BYRON_OK)
                return status;
        }
        if (fetch->values[fetch->at].data) {
            *is_at_row = true;
            return BYRON_OK;
        }
        if (!fetch->may_miss)
            return BYRON_CORRUPT;
    }
    return BYRON_OK;
}

byron_status fetch_next(struct fetch *fetch, const struct view *view,
                        bool *is_at_row)
{
    fetch->at++;
    fetch->is_kept = false;
    return fetch_read(fetch, view, is_at_row);
}

struct byron_bytes fetch_value(const struct fetch *fetch)
{
    const struct byron_value *value = &fetch->values[fetch->at];

    if (fetch->is_kept)
        return bytes_view(&fetch->kept);
    return (struct byron_bytes){value->data, value->size};
}

byron_status fetch_keep(struct fetch *fetch)
{
    byron_status status = BYRON_OK;

    if (!fetch->is_kept && fetch->at >= fetch->read_from &&
        fetch->at < fetch->read_to) {
        const struct byron_value *value = &fetch->values[fetch->at];

        fetch->kept.size = 0;
        status = bytes_add(&fetch->kept, value->data, value->size);
        fetch->is_kept = true;
    }
    release_values(fetch);
    fetch->may_miss = true;
    return status;
}
