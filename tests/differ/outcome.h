/*
 * outcome: what one statement did on one side, and how two outcomes differ.
 */
#ifndef BYRON_TESTS_OUTCOME_H
#define BYRON_TESTS_OUTCOME_H

#include <stdbool.h>

#include <sqlite3.h>

#include "differ/script.h"

struct outcome_row {
    char *text; /* Every column. */
    char *sort; /* The columns whose order is defined, folded. */
};

struct outcome {
    int code; /* Extended; SQLITE_DONE if the statement ended well. */
    char *message;
    struct outcome_row *rows;
    int row_count;
    int row_capacity;
    int changes;
    int total_changes; /* By this statement. */
    sqlite3_int64 last_rowid;
    bool is_autocommit;
    sqlite3_stmt *held; /* The caller's, for outcome_finish; or NULL. */
};

enum verdict {
    VERDICT_SAME,
    VERDICT_CODE,
    VERDICT_MESSAGE,
    VERDICT_ROWS,
    VERDICT_ORDER,
    VERDICT_CHANGES,
    VERDICT_LAST_ROWID,
    VERDICT_AUTOCOMMIT,
    VERDICT_ONE_SIDED, /* A step for one side alone failed. */
    VERDICT_CRASH,
    VERDICT_HANG
};

const char *verdict_words(enum verdict verdict);

/* Runs sql as step says; binds may be NULL. */
void outcome_run(sqlite3 *db, const struct step *step, const char *sql,
                 struct outcome *out);
/* Reads the rest of what is held, and finalizes it; NULL is fine. */
void outcome_finish(sqlite3_stmt *held, const struct step *step,
                    struct outcome *out);
void outcome_deinit(struct outcome *outcome);
enum verdict outcome_compare(const struct step *step,
                             const struct outcome *plain,
                             const struct outcome *byron);
/* A few lines about it; the caller frees with sqlite3_free. */
char *outcome_describe(const struct outcome *outcome, enum verdict verdict,
                       const struct outcome *other);

#endif
