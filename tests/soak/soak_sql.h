/*
 * soak_sql: a connection of the soak, and statements on it.
 */
#ifndef BYRON_TESTS_SOAK_SQL_H
#define BYRON_TESTS_SOAK_SQL_H

#include "soak/soak.h"

sqlite3 *soak_connect(struct soak *soak, const char *path);
/* True where it went well; false where somebody was in the way, the soak is
 * over, or it fails, which ends the soak. */
bool soak_run(struct soak *soak, sqlite3 *db, const char *sql, ...);
/* The number that sql answers; 0 where it answers none. */
int64_t soak_ask(struct soak *soak, sqlite3 *db, const char *sql, ...);

void soak_remove_copy(struct soak *soak); /* What a backup has made. */

#endif
