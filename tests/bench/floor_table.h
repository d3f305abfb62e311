/*
 * floor_table: a virtual table that takes rows and drops them, and answers
 * reads with rows made of nothing. What it costs is what SQLite itself costs.
 */
#ifndef BYRON_TESTS_BENCH_FLOOR_TABLE_H
#define BYRON_TESTS_BENCH_FLOOR_TABLE_H

#include <sqlite3.h>

/* As module "floor": CREATE VIRTUAL TABLE t USING floor. Columns key, value. */
int floor_table_register(sqlite3 *db);
#endif
