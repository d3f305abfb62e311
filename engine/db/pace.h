/*
 * pace: writers slow down with debt. docs/decisions/0006-pace.md says how.
 */
#ifndef BYRON_DB_PACE_H
#define BYRON_DB_PACE_H

#include "db/db.h"

/* Slows the writer, or makes it work, as the debt demands. */
void db_pace(struct byron_db *db, uint64_t bytes);
void db_pace_measure(struct byron_db *db); /* Needs mutex; after an install. */

#endif
