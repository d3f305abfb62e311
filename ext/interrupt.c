#include "interrupt.h"

#include "pragma.h"
#include "status.h"

#define CALLS_BETWEEN 1024

/* Some hundred of the steps that progress handlers count, without a function
 * or a recursion that an authorizer could object to. */
#define EIGHT "(1),(1),(1),(1),(1),(1),(1),(1)"
#define STEPS                                                                  \
    "SELECT 1 FROM (VALUES" EIGHT "," EIGHT "," EIGHT "," EIGHT "," EIGHT      \
    "," EIGHT "," EIGHT "," EIGHT ") WHERE column1 IS NULL"

/*
 * SQLite before 3.41 has no function that tells. But any of its statements,
 * begun while another one runs, tells at its first step; and while it runs,
 * progress handlers are called.
 */
static int look(struct interrupt *interrupt)
{
    int rc = SQLITE_OK;

    if (!interrupt->statement)
        rc = sqlite3_prepare_v2(interrupt->db, STEPS, -1, &interrupt->statement,
                                NULL);
    if (rc == SQLITE_OK) {
        sqlite3_step(interrupt->statement);
        rc = sqlite3_reset(interrupt->statement);
    }
    interrupt->rc = rc;
    return rc;
}

int interrupt_check(struct interrupt *interrupt)
{
    if (++interrupt->calls % CALLS_BETWEEN != 0)
        return SQLITE_OK;
    return look(interrupt);
}

static bool go_on(void *context)
{
    struct interrupt *interrupt = context;

    /* Until the engine has noticed, no is no. */
    return interrupt->rc == SQLITE_OK && look(interrupt) == SQLITE_OK;
}

struct byron_patience interrupt_patience(struct interrupt *interrupt)
{
    int timeout = pragma_integer(interrupt->db, "main", "busy_timeout", 0);

    return (struct byron_patience){.busy_ms =
                                       timeout > 0 ? (uint32_t)timeout : 0,
                                   .go_on = go_on,
                                   .context = interrupt};
}

int interrupt_fail(struct interrupt *interrupt, struct table *table,
                   byron_status status)
{
    if (status != BYRON_INTERRUPTED || interrupt->rc == SQLITE_OK)
        return status_fail(table, status);
    return table_fail(table, interrupt->rc, "%s",
                      sqlite3_errstr(interrupt->rc));
}

void interrupt_deinit(struct interrupt *interrupt)
{
    sqlite3_finalize(interrupt->statement);
    interrupt->statement = NULL;
}
