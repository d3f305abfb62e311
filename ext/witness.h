/*
 * witness: did a transaction change anything but byron tables?
 *
 * Known for certain, or else assumed. At PRAGMA synchronous=NORMAL a commit
 * on byron tables alone needs no sync of byron's log; one that changed
 * ordinary tables too does, or a power failure could keep half of it.
 *
 * Three witnesses must agree: no page was written since the last transaction
 * (after sqlite3_db_cacheflush), SQLite counted no more changed rows than
 * byron served, and the header's counters are what they were. Page 1 is never
 * flushed early, so pages alone do not tell.
 */
#ifndef BYRON_EXT_WITNESS_H
#define BYRON_EXT_WITNESS_H

#include "vtab.h"

/* One per SQLite connection, all zeros at first. */
struct witness {
    bool is_known;   /* The next two were read with no transaction open. */
    int page_writes; /* SQLITE_DBSTATUS_CACHE_WRITE. */
    sqlite3_int64 changes; /* sqlite3_total_changes64 */
    sqlite3_int64 served;  /* Rows that byron changed since. */
};

#define WITNESS_COOKIES 3
/* What only PRAGMAs and schema changes alter; one per store and connection. */
struct cookies {
    sqlite3_stmt *statements[WITNESS_COOKIES]; /* Finalized by the owner. */
    int values[WITNESS_COOKIES];               /* As committed at version. */
    int pending[WITNESS_COOKIES];
    bool is_known;
    bool is_pending;
    unsigned version; /* The pager's data version. */
};

/* A transaction begins; in autocommit it is one statement, begun just now. */
void witness_begin(struct witness *witness, sqlite3 *db, bool is_autocommit);
/* Its end. is_sure: nothing failed in it, so the counts are right. */
void witness_end(struct witness *witness, sqlite3 *db, bool is_autocommit,
                 bool is_sure);
/* In xSync, before the host is written to. */
bool witness_is_pure(struct witness *witness, sqlite3 *db, bool is_autocommit);

/* Reads the header's counters; are they as at the last commit? */
bool cookies_are_same(struct cookies *cookies, sqlite3 *db, const char *schema,
                      unsigned version);
/* The transaction that began at version before is committed at after. */
void cookies_commit(struct cookies *cookies, unsigned before, unsigned after);
void cookies_finalize(struct cookies *cookies);

#endif
