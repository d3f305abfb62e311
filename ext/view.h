/*
 * view: which of the engine's states a statement reads.
 *
 * Also the road to the store for all of a transaction's calls: it opens the
 * store where that was not possible before.
 */
#ifndef BYRON_EXT_VIEW_H
#define BYRON_EXT_VIEW_H

#include "connection.h"

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
/* An index that was dropped since has no entries even for who began before:
 * then SQLITE_BUSY_SNAPSHOT. */
int view_check_index(struct table *table, const struct view *view,
                     const struct index *index);
void view_close(struct view *view); /* Zeroes it; a zeroed view is fine. */
/* After fork() what the engine lent is the parent's, and so are its locks:
 * nothing of it may be given back. */
bool view_is_forked(const struct view *view);

/* The table's store is open and usable. Else the table's message is set. */
int view_ready(struct table *table);
/* The commit point that the host's snapshot shows. */
int view_host_point(struct table *table, struct byron_commit_point *out);
/* The pager's counter of changes: as long as it stays, so does the host. */
unsigned view_data_version(struct transaction *transaction);
/* The engine's transaction is about to go: its cursors are told. */
void view_end_all(struct transaction *transaction);

#endif
