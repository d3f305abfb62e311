#include "upkeep.h"

#include "index.h"
#include "interrupt.h"
#include "status.h"
#include "view.h"

/* What is not committed is in no file yet; and once it is prepared, the work
 * would wait for ourselves. */
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
    struct interrupt interrupt = {.db = table->db};
    struct byron_patience patience = interrupt_patience(&interrupt);
    int rc = refuse_writer(table);

    if (rc == SQLITE_OK)
        rc = interrupt_fail(
            &interrupt, table,
            byron_flush_within(table->transaction->store->db, &patience));
    interrupt_deinit(&interrupt);
    return rc;
}

static int compact(struct table *table, uint32_t id,
                   struct interrupt *interrupt)
{
    struct byron_patience patience = interrupt_patience(interrupt);
    struct byron_range range;
    uint8_t bytes[8];

    store_table_range(id, bytes, &range);
    return interrupt_fail(
        interrupt, table,
        byron_compact_within(table->transaction->store->db, &range, &patience));
}

int upkeep_compact(struct table *table)
{
    struct interrupt interrupt = {.db = table->db};
    int rc = refuse_writer(table);

    if (rc == SQLITE_OK)
        rc = compact(table, table->id, &interrupt);
    for (int i = 0; i < table->index_count && rc == SQLITE_OK; i++)
        rc = compact(table, table->indexes[i].id, &interrupt);
    interrupt_deinit(&interrupt);
    return rc;
}
