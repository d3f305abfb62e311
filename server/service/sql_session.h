/*
 * sql_session: one connection to the database, and the statement that it runs.
 *
 * All connections of the process share the one engine under their byron tables.
 * Knows no calls; its functions may wait for a disk. One thread at a time.
 */
#ifndef BYROND_SERVICE_SQL_SESSION_H
#define BYROND_SERVICE_SQL_SESSION_H

#include <stdatomic.h>

#include "byron/v1/byron.pb-c.h"
#include "grpc/rights.h"
#include "net/bytes.h"
#include "service/outcome.h"

struct sql_session;

#define SQL_WORDS_SIZE 256

/* Opens or creates the database. Else words say why not. */
BYRON_MUST_CHECK byron_status sql_session_open(const char *path,
                                               struct sql_session **out,
                                               char words[SQL_WORDS_SIZE]);
void sql_session_close(struct sql_session *session); /* NULL is fine. */
/*
 * Begins the request's statement, as far as rights (NULL: all) go; once it is
 * true, stop interrupts it. Borrows all three until sql_session_end. The
 * outcome's words are lent until then as well.
 */
struct outcome sql_session_begin(struct sql_session *session,
                                 const Byron__V1__QueryRequest *request,
                                 const struct rights *rights,
                                 const atomic_bool *stop);
/* Adds the next rows as a QueryResponse. Requires: begun, not at its end. */
struct outcome sql_session_fill(struct sql_session *session, struct bytes *out,
                                bool *is_end);
/* The statement is over; without all its rows, it is undone. */
void sql_session_end(struct sql_session *session);

#endif
