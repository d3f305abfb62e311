/*
 * ending: hears how a transaction ends where no byron table is left to be
 * told.
 *
 * SQLite forgets a virtual table at DROP TABLE, and with it, whom to tell of
 * COMMIT and ROLLBACK. So a table of ours that needs no CREATE takes part in
 * the transaction as well.
 */
#ifndef BYRON_EXT_ENDING_H
#define BYRON_EXT_ENDING_H

#include "connection.h"

int ending_register(struct connection *connection);
/* From now on the transaction's end is told. In a schema other than main it
 * may be that nothing depends on it, and then it is not. */
int ending_watch(struct transaction *transaction);

#endif
