#include "rowid.h"

#include "connection.h"
#include "key_codec.h"
#include "status.h"
#include "try.h"

#define MOST_TRIES 100 /* As many as SQLite's. */

/*
 * Whether SQLite takes -2^63, given as a real number, for an integer: newer
 * versions do. LIMIT reads its number as a rowid is read.
 */
static bool takes_smallest(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    bool takes;

    sqlite3_prepare_v2(db, "SELECT 1 LIMIT -9223372036854775808.0", -1,
                       &statement, NULL);
    takes = statement && sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_finalize(statement);
    return takes;
}

int rowid_read(struct table *table, sqlite3_value *value, int64_t *out)
{
    struct field field;
    bool is_real = sqlite3_value_type(value) == SQLITE_FLOAT;
    int rc = field_read(value, AFFINITY_INTEGER, &field);

    if (rc != SQLITE_OK)
        return rc;
    if (is_real && field.kind == FIELD_REAL &&
        field.real == -9223372036854775808.0 && takes_smallest(table->db)) {
        *out = INT64_MIN;
        return SQLITE_OK;
    }
    if (field.kind != FIELD_INTEGER)
        return table_fail(table, SQLITE_MISMATCH, "datatype mismatch");
    *out = field.integer;
    return SQLITE_OK;
}

static byron_status make_key(struct bytes *key, uint32_t id, int64_t rowid)
{
    byron_status status;

    key->size = 0;
    TRY(key_codec_add_id(key, id));
    TRY(key_codec_add_rowid(key, rowid));
out:
    return status;
}

/* BYRON_NOT_FOUND if the table is empty. */
static byron_status find_last(byron_txn *txn, uint32_t id, int64_t *out)
{
    byron_cursor *cursor = NULL;
    struct bytes first = {0};
    struct bytes last = {0};
    struct byron_range range = {{0}, {0}};
    struct byron_bytes key;
    byron_status status;

    TRY(make_key(&first, id, INT64_MIN));
    TRY(make_key(&last, id, INT64_MAX));
    TRY(bytes_add_u8(&last, 0)); /* Behind the last rowid there is. */
    range.lower = bytes_view(&first);
    range.upper = bytes_view(&last);
    TRY(byron_cursor_open(NULL, txn, &range, &cursor));
    TRY(byron_cursor_last(cursor));
    if (!byron_cursor_valid(cursor)) {
        status = BYRON_NOT_FOUND;
        goto out;
    }
    key = byron_cursor_key(cursor);
    key.data = (const uint8_t *)key.data + KEY_ID_SIZE;
    key.size -= KEY_ID_SIZE;
    status = key_codec_read_rowid(key, out);
out:
    byron_cursor_close(cursor);
    bytes_deinit(&first);
    bytes_deinit(&last);
    return status;
}

/* BYRON_NOT_FOUND if no free number was met. */
static byron_status find_random(byron_txn *txn, uint32_t id, int64_t *out)
{
    struct bytes key = {0};
    byron_status status = BYRON_OK;

    for (int i = 0; i < MOST_TRIES && status == BYRON_OK; i++) {
        uint64_t random;

        sqlite3_randomness(sizeof random, &random);
        *out = (int64_t)(random & INT64_MAX >> 1) + 1;
        TRY(make_key(&key, id, *out));
        status = byron_txn_get(txn, bytes_view(&key), NULL);
        if (status == BYRON_NOT_FOUND) {
            status = BYRON_OK;
            goto out;
        }
    }
    if (status == BYRON_OK)
        status = BYRON_NOT_FOUND;
out:
    bytes_deinit(&key);
    return status;
}

static bool is_known(const struct table *table, uint64_t mark)
{
    return table->rowid.epoch == table->transaction->epoch &&
           table->rowid.mark == mark;
}

void rowid_note(struct table *table, byron_txn *txn, uint64_t mark,
                int64_t rowid, uint64_t expires_ms)
{
    bool is_there = expires_ms == 0 || expires_ms > byron_time(NULL, txn);

    if (!is_known(table, mark) || !is_there)
        return;
    table->rowid.mark = byron_txn_mark(txn);
    if (table->rowid.last < rowid)
        table->rowid.last = rowid;
}

int rowid_choose(struct table *table, byron_txn *txn, int64_t *out)
{
    uint64_t mark = byron_txn_mark(txn);
    int64_t last = table->rowid.last;
    byron_status status = BYRON_OK;

    if (!is_known(table, mark))
        status = find_last(txn, table->id, &last);
    if (status == BYRON_NOT_FOUND) {
        *out = 1;
        return SQLITE_OK;
    }
    if (status != BYRON_OK)
        return status_fail(table, status);
    table->rowid = (struct rowid_hint){table->transaction->epoch, mark, last};
    if (last < INT64_MAX) {
        *out = last + 1;
        return SQLITE_OK;
    }
    status = find_random(txn, table->id, out);
    if (status == BYRON_NOT_FOUND)
        return table_fail(table, SQLITE_FULL, "database or disk is full");
    return status_fail(table, status);
}
