#include "sweep.h"

#include <string.h>

#include "status.h"

int sweep_open(struct sweep *sweep, struct table *table, uint32_t id)
{
    struct byron_range range;
    uint8_t bytes[8];
    int rc;

    memset(sweep, 0, sizeof *sweep);
    sweep->table = table;
    sweep->interrupt.db = table->db;
    rc = transaction_view(table, &sweep->view);
    if (rc != SQLITE_OK)
        return rc;
    store_table_range(id, bytes, &range);
    return status_fail(table,
                       byron_cursor_open(sweep->view.snapshot, sweep->view.txn,
                                         &range, &sweep->entries));
}

void sweep_close(struct sweep *sweep)
{
    byron_cursor_close(sweep->entries);
    view_close(&sweep->view);
    interrupt_deinit(&sweep->interrupt);
}

int sweep_next(struct sweep *sweep, bool *is_there)
{
    byron_status status;
    int rc = interrupt_check(&sweep->interrupt);

    *is_there = false;
    if (rc != SQLITE_OK)
        return table_fail(sweep->table, rc, "interrupted");
    status = sweep->has_begun ? byron_cursor_next(sweep->entries)
                              : byron_cursor_first(sweep->entries);
    sweep->has_begun = true;
    if (status == BYRON_OK)
        *is_there = byron_cursor_valid(sweep->entries);
    return status_fail(sweep->table, status);
}

struct byron_bytes sweep_key(const struct sweep *sweep)
{
    return byron_cursor_key(sweep->entries);
}

int sweep_value(struct sweep *sweep, struct byron_bytes *out)
{
    return status_fail(sweep->table, byron_cursor_value(sweep->entries, out));
}
