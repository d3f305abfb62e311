/*
 * host: SQLite databases with byron, in a folder of their own, for tests.
 */
#ifndef BYRON_TESTS_SUPPORT_HOST_H
#define BYRON_TESTS_SUPPORT_HOST_H

#include <sqlite3.h>
#include <stdbool.h>

struct host {
    char folder[256];
    char path[300]; /* Of the database file. */
    sqlite3 *db;
};

/* A fresh folder, and a connection to x.db in it (NULL: not opened). */
void host_open(struct host *host);
/* One more connection to the same file. */
sqlite3 *host_connect(const struct host *host);
/* Closes, and checks that SQLite let go; removes the folder. */
void host_close(struct host *host);
/* Closes and opens the connection. */
void host_reopen(struct host *host);

/* Runs sql; a failure fails the test. */
void host_run(sqlite3 *db, const char *sql);
/* Runs sql that must fail; the extended code. */
int host_fail(sqlite3 *db, const char *sql);
/* The rows, columns by '|', rows by '\n'; "error: words" on failure. Lent
 * until the next call but three. */
const char *host_ask(sqlite3 *db, const char *sql);
/* Does the file or folder exist, named inside the host's folder? */
bool host_has(const struct host *host, const char *name);
/* Where a name inside the folder is. Lent until the next call but three. */
const char *host_at(const struct host *host, const char *name);

#endif
