/*
 * sql_guard: what a client's statement may do in the database.
 *
 * SQLite asks it of each thing when it prepares the statement; what SQLite does
 * not ask, it finds in the statement's text and in its program. What a view or
 * a trigger does is asked as if it stood in the statement. Inside service/
 * only.
 */
#ifndef BYROND_SERVICE_SQL_GUARD_H
#define BYROND_SERVICE_SQL_GUARD_H

#include <sqlite3.h>

#include "grpc/rights.h"

struct sql_guard {
    const struct rights *rights;   /* NULL: every one. */
    bool is_ours;                  /* What is prepared is not a client's. */
    bool is_begun;                 /* The statement has been checked. */
    char words[RIGHTS_WORDS_SIZE]; /* What was refused; "": nothing. */
};

/* For a client's next statement. Borrows rights until the next. */
void sql_guard_begin(struct sql_guard *guard, const struct rights *rights);
/* For sqlite3_set_authorizer. */
int sql_guard_authorize(void *guard, int action, const char *first,
                        const char *second, const char *schema,
                        const char *within);
/* NULL, or what no client may do. */
const char *sql_guard_refuses(const char *sql);
/* Of a statement that has been prepared and writes. */
const char *sql_guard_refuses_to_write(const char *sql);
/* The rest of what is to be asked of a statement that has been prepared. OK, or
   SQLite's code; AUTH: words say what is missing. */
int sql_guard_check(struct sql_guard *guard, sqlite3 *db,
                    sqlite3_stmt *statement);
/* The caller may write to some table. */
bool sql_guard_may_write(const struct sql_guard *guard);

#endif
