/*
 * rows: the rows that the benchmarks write and check, and the few calls of
 * SQLite that they share. Row i has a random 16-byte key and a 100-byte value
 * that compresses by half, both computed from i, so nothing needs remembering.
 */
#ifndef BYRON_TESTS_BENCH_ROWS_H
#define BYRON_TESTS_BENCH_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#define KEY_BYTES   16
#define VALUE_BYTES 100

uint64_t mix(uint64_t number); /* A bijection that looks random. */
void row_key(uint64_t i, uint8_t out[KEY_BYTES]);
void row_value(uint64_t i, uint8_t out[VALUE_BYTES]);
/* Of one row; sums of it do not depend on the order. */
uint64_t row_hash(const void *key, size_t key_size, const void *value,
                  size_t value_size);

double seconds(void);
/* Of the files in it whose names start with prefix; 0: no folder. */
uint64_t folder_bytes(const char *path, const char *prefix);

/* All of these end the program with a sentence where SQLite fails. */
void run_sql(sqlite3 *db, const char *sql);
sqlite3_stmt *prepare(sqlite3 *db, const char *sql);
void step_done(sqlite3_stmt *statement);
void insert_row(sqlite3_stmt *insert, uint64_t i);
/* Reads row i; it must be there and right, or absent, as told. */
void read_row(sqlite3_stmt *select, uint64_t i, bool present);
#endif
