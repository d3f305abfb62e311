/*
 * sides: runs a script on byron tables and on ordinary ones, in two databases.
 *
 * Each run is a process of its own, so that a crash or a hang is a result
 * like any other.
 */
#ifndef BYRON_TESTS_SIDES_H
#define BYRON_TESTS_SIDES_H

#include "differ/outcome.h"
#include "differ/script.h"

struct sides_settings {
    const char *extension;
    const char *folder; /* Where the databases are made. */
    int timeout_seconds;
    bool is_verbose; /* Prints each statement before it runs. */
};

struct sides_result {
    enum verdict verdict;
    bool is_cut;     /* From some statement on nothing can be compared. */
    int step;        /* The one that differed. */
    int statements;  /* That ran on both sides. */
    int answers;     /* Of these, with rows. */
    int errors;      /* Of these, refused. */
    bool is_refused; /* The ordinary side refused the one that differed. */
    char words[4096];
};

void sides_run(const struct script *script,
               const struct sides_settings *settings, struct sides_result *out);

#endif
