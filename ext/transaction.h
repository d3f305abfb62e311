/*
 * transaction: what one SQLite connection does to one store: the engine's
 * transaction and its savepoints. What statements read: view.h.
 *
 * Follows docs/decisions: the host database is the commit point.
 */
#ifndef BYRON_EXT_TRANSACTION_H
#define BYRON_EXT_TRANSACTION_H

#include "vtab.h"

struct shared_snapshot; /* Private. */

/* The open engine transaction of this connection, begun if need be. */
int transaction_write(struct table *table, byron_txn **out);
/* Call before each xUpdate that is to succeed and after each that failed, so
 * that a commit knows whether ordinary tables changed too. */
void transaction_count_change(struct table *table);
void transaction_note_failure(struct table *table);

/* xBegin, xSync, xCommit, xRollback, xSavepoint, xRelease, xRollbackTo. */
int transaction_begin(sqlite3_vtab *base);
int transaction_sync(sqlite3_vtab *base);
int transaction_commit(sqlite3_vtab *base);
int transaction_rollback(sqlite3_vtab *base);
int transaction_savepoint(sqlite3_vtab *base, int number);
int transaction_release(sqlite3_vtab *base, int number);
int transaction_rollback_to(sqlite3_vtab *base, int number);

#endif
