/*
 * checker: opens the database after a kill and compares all it holds with what
 * was acknowledged. What is wrong ends the program with words and exit code 1.
 */
#ifndef BYRON_TESTS_KILL_CHECKER_H
#define BYRON_TESTS_KILL_CHECKER_H

#include "kill/subject.h"

/* What it tells its parent. */
struct checker_news {
    uint64_t last; /* Newest transaction found. */
    uint64_t is_created;
    uint64_t open_us; /* From loading the extension to the first row. */
    uint64_t table_files;
    uint64_t rows;
};

void checker_run(struct subject *subject);

/* Flushes, compacts, checks, closes: nothing may be left over on disk. */
void checker_finish(struct subject *subject);

/* While a worker is alive: the store is busy, and the message names it. */
void checker_expect_busy(struct subject *subject);
#endif
