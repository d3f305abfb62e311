#include "upkeep.h"

#include "index.h"
#include "status.h"
#include "view.h"

/* The work waits for the writer to end, and that would be ourselves. */
static int refuse_writer(struct table *table)
{
    int rc = view_ready(table);

    if (rc != SQLITE_OK || !table->transaction->txn)
        return rc;
    return table_fail(table, SQLITE_ERROR,
                      "byron: not while this connection's transaction has "
                      "written to the store; COMMIT first");
}

int upkeep_flush(struct table *table)
{
    int rc = refuse_writer(table);

    if (rc == SQLITE_OK)
        rc = status_fail(table, byron_flush(table->transaction->store->db));
    return rc;
}

static int compact(struct table *table, uint32_t id)
{
    struct byron_range range;
    uint8_t bytes[8];

    store_table_range(id, bytes, &range);
    return status_fail(table,
                       byron_compact(table->transaction->store->db, &range));
}

int upkeep_compact(struct table *table)
{
    int rc = refuse_writer(table);

    if (rc == SQLITE_OK)
        rc = compact(table, table->id);
    for (int i = 0; i < table->index_count && rc == SQLITE_OK; i++)
        rc = compact(table, table->indexes[i].id);
    return rc;
}
