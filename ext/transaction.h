/*
 * transaction: what one SQLite connection does to one store: the engine's
 * transaction, its savepoints, and the snapshot that statements read.
 *
 * Follows docs/decisions: the host database is the commit point.
 */
#ifndef BYRON_EXT_TRANSACTION_H
#define BYRON_EXT_TRANSACTION_H

#include "vtab.h"

struct shared_snapshot; /* Private. */

/*
 * What a statement reads: a snapshot, or the connection's own transaction with
 * its writes so far. Stays where it is in memory until view_close.
 */
struct view {
    byron_snapshot *snapshot; /* Lent; NULL with a txn. */
    byron_txn *txn;           /* Lent; NULL outside a write transaction. */
    byron_db *db;             /* Lent. */
    /*
     * SQLite lets a COMMIT or ROLLBACK end the transaction under an open
     * cursor. Called before txn goes away: the holder remembers its place,
     * closes its byron_cursor and the view, and opens both anew when it is
     * asked to go on. NULL where the view does not outlive one call of SQLite.
     * Set it after transaction_view.
     */
    void (*ended)(struct view *view);
    struct transaction *owner;      /* Private. */
    struct shared_snapshot *shared; /* Private. */
    struct view *next;              /* Private. */
    struct view **link;             /* Private. */
};

/* The state that the host's snapshot shows. On failure the table's message is
 * set and the result is SQLite's code. Views of one connection that are open
 * at the same time share a snapshot: a holder that moves on opens the new
 * view before it closes the old one. */
int transaction_view(struct table *table, struct view *out);
void view_close(struct view *view); /* Zeroes it; a zeroed view is fine. */
/* After fork() what the engine lent is the parent's, and so are its locks:
 * nothing of it may be given back. */
bool view_is_forked(const struct view *view);

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
