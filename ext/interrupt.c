#include "interrupt.h"

#define CALLS_BETWEEN 1024

/*
 * SQLite before 3.41 has no function that tells. But any of its statements,
 * begun while another one runs, tells at its first step.
 */
int interrupt_check(struct interrupt *interrupt)
{
    int rc = SQLITE_OK;

    if (interrupt->calls++ % CALLS_BETWEEN != 0)
        return SQLITE_OK;
    if (!interrupt->statement)
        rc = sqlite3_prepare_v2(interrupt->db, "SELECT 1", -1,
                                &interrupt->statement, NULL);
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_step(interrupt->statement);
    sqlite3_reset(interrupt->statement);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

void interrupt_deinit(struct interrupt *interrupt)
{
    sqlite3_finalize(interrupt->statement);
    interrupt->statement = NULL;
}
