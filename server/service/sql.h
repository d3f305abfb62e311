/*
 * sql: Query of byron.v1: SQL on one database, rows at the pace of the client.
 *
 * A few connections, lent to one call each until its statement is over; who
 * comes when none is free waits in a bounded queue.
 */
#ifndef BYROND_SERVICE_SQL_H
#define BYROND_SERVICE_SQL_H

#include "grpc/call.h"
#include "service/sql_session.h"

struct sql;

#define SQL_METHODS 1

struct sql_settings {
    unsigned sessions;        /* Connections, and threads. */
    unsigned max_waiting;     /* Calls, */
    size_t max_waiting_bytes; /* and what they keep in memory. */
    int64_t max_heap;         /* Of all that SQLite does. */
    uint32_t seconds;         /* For a statement and its rows. */
};

/* Sensible ones. */
void sql_default_settings(struct sql_settings *out);
/* Opens or creates the database; else words say why not. */
BYRON_MUST_CHECK byron_status sql_open(const char *path,
                                       const struct sql_settings *settings,
                                       struct sql **out,
                                       char words[SQL_WORDS_SIZE]);
void sql_methods(struct sql *sql, struct method out[SQL_METHODS]);
/* As store_stop and store_close. NULL is fine. */
void sql_stop(struct sql *sql);
void sql_close(struct sql *sql);

#endif
