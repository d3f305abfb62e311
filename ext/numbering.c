#include "numbering.h"

#include "status.h"

/* Does any key, committed or written by this transaction, bear the number? */
static byron_status holds_keys(struct transaction *transaction, uint32_t id,
                               bool *out)
{
    byron_snapshot *snapshot = NULL;
    byron_cursor *cursor = NULL;
    struct byron_range range;
    uint8_t bytes[8];
    byron_status status = BYRON_OK;

    store_table_range(id, bytes, &range);
    if (!transaction->txn)
        status = byron_snapshot_open(transaction->store->db, &snapshot);
    if (status == BYRON_OK)
        status = byron_cursor_open(snapshot, transaction->txn, &range, &cursor);
    if (status == BYRON_OK)
        status = byron_cursor_first(cursor);
    *out = status == BYRON_OK && byron_cursor_valid(cursor);
    byron_cursor_close(cursor);
    byron_snapshot_close(snapshot);
    return status;
}

/* A rolled-back creation may have left keys under the number that the host's
 * row names as the next. */
int numbering_take(struct table *table, struct store_row *row, uint32_t *out)
{
    struct transaction *transaction = table->transaction;
    bool is_taken = true;

    while (is_taken) {
        byron_status status;
        *out = store_number_table(transaction->store, row->next_table);
        if (*out == UINT32_MAX)
            return table_fail(table, SQLITE_FULL,
                              "byron: the store has no table number left");
        status = holds_keys(transaction, *out, &is_taken);
        if (status != BYRON_OK)
            return status_fail(table, status);
    }
    row->next_table = *out + 1;
    return connection_note_schema(transaction, *out);
}
