/*
 * store_pin: the state of a store at the commit which the host shows, held
 * until it is copied.
 *
 * Requires: a transaction of the host is open on the schema.
 */
#ifndef BYRON_EXT_STORE_PIN_H
#define BYRON_EXT_STORE_PIN_H

#include "connection.h"

struct store_pin {
    struct transaction *transaction; /* Referenced. */
    struct byron_commit_point point; /* As the host shows it. */
    uint64_t commit;                 /* The engine's. */
    byron_snapshot *snapshot;
};

/*
 * Of the store in row. SQLITE_BUSY_SNAPSHOT where the store no longer holds
 * all that the host shows: a newer transaction of the host will find it. On
 * failure *message; close it all the same.
 */
int store_pin_open(struct store_pin *pin, struct connection *connection,
                   const char *schema, const struct store_row *row,
                   char **message);
/* A zeroed one is fine. */
void store_pin_close(struct store_pin *pin);
/* The words for SQLITE_BUSY_SNAPSHOT. */
int store_pin_refuse(char **message);

#endif
