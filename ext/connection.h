/*
 * connection: what byron keeps for one SQLite connection, and in it, for each
 * store that the connection uses, the transaction.
 *
 * Lives from the loading of the extension until the module's destructor, which
 * SQLite calls after every virtual table is disconnected. Prepared statements
 * are finalized before, with the last table, or sqlite3_close would refuse.
 */
#ifndef BYRON_EXT_CONNECTION_H
#define BYRON_EXT_CONNECTION_H

#include "catalog.h"
#include "savepoints.h"
#include "store.h"
#include "transaction.h"
#include "witness.h"

struct connection {
    sqlite3 *db;
    struct connection *next; /* Of the process. */
    struct transaction *transactions;
    struct table *tables; /* Connected now; newest first. */
    struct witness witness;
};

/* One connection and one store, in one of the connection's schemas. */
struct transaction {
    struct connection *connection;
    struct transaction *next;
    unsigned references; /* Tables and calls that use it. */
    char *schema;
    bool is_main;    /* That schema is SQLite's first. */
    char *database;  /* The file of the schema; NULL: in memory or temporary. */
    char *directory; /* NULL where there is no file. */
    char *options;
    sqlite3_int64 number;      /* Of the row in byron_store. */
    uint8_t id[16];            /* Of the store. */
    struct store *store;       /* NULL until it is needed. */
    int64_t no_wait_before_ms; /* Another process had the store just now. */

    /* The commit point of the host's row, as of data_version. */
    bool has_point;
    bool has_journal_mode;
    bool is_wal;
    bool was_full; /* PRAGMA synchronous, FULL or more when last asked. */
    size_t room;   /* In the host's row, when last written. */
    unsigned data_version;
    struct byron_commit_point point;
    sqlite3_stmt *read_point;
    struct cookies cookies;

    struct view *views;             /* Open on txn. */
    struct shared_snapshot *shared; /* The newest that is open. */
    struct shared_snapshot *spare;  /* Owned; holds nothing. May be NULL. */
    struct pinned pinned; /* In the store's list while that is open. */

    /* Of the transaction that is open now. */
    byron_txn *txn;
    uint64_t epoch; /* Another after each begin and each undoing of writes. */
    bool is_begun;  /* xBegin came. */
    bool is_autocommit;
    bool has_just_begun;    /* Nothing came after xBegin. */
    bool has_schema_change; /* Maybe of one before, whose end was not told. */
    bool is_checked;        /* What is in touched is gone, by xSync. */
    bool has_new_options;   /* Maybe of one before, whose end was not told. */
    char *new_options;      /* As they are being committed; or NULL. */
    bool is_doubtful;       /* Something failed: the counts are not right. */
    bool is_host;           /* A table that is not commit=own was written. */
    bool is_void;           /* The store's creation was rolled back. */
    bool was_prepared;
    bool is_prepared; /* As of prepared_mark. */
    bool is_own;      /* Prepared to commit by itself. */
    unsigned begin_version;
    uint64_t prepared_mark;
    uint64_t empty_mark; /* All writes up to it were undone. */
    struct byron_commit_point prepared;
    struct savepoints savepoints;
    uint32_t *touched; /* Tables created or dropped. */
    size_t touched_count;
};

/* The one of db; made where there is none. *is_new tells. NULL: no memory. */
struct connection *connection_of(sqlite3 *db, bool *is_new);
void connection_free(void *connection);

/* The transaction of the store in row, referenced; made where there is none.
 * NULL: no memory. */
struct transaction *connection_use(struct connection *connection,
                                   const char *schema,
                                   const struct store_row *row);
void connection_release(struct transaction *transaction); /* NULL is fine. */
/* Takes the store, open. */
void connection_set_store(struct transaction *transaction, struct store *store);
/* Opens the store where that has not been done. On failure *message. */
int connection_open_store(struct transaction *transaction, char **message);
/* A table was created or dropped (id), or renamed (id 0). */
int connection_note_schema(struct transaction *transaction, uint32_t id);
/*
 * Leaves in touched only the tables that the host's tables, as this
 * transaction sees them, do not hold, and tells whether the store's own row is
 * there (is_void). may_write: in xSync; numbers that were used are noted.
 */
int connection_check_schema(struct transaction *transaction, bool may_write);
/* Gives up what touched holds. Requires: checked, and the host committed. */
void connection_drop_tables(struct transaction *transaction);
/* The same for what a transaction dropped whose end was not told. */
void connection_settle(struct transaction *transaction);

/* The directory of a store at path in schema; NULL in memory, or without. */
char *connection_directory(sqlite3 *db, const char *schema, const char *path);
bool connection_is_private(sqlite3 *db, const char *schema);

#endif
