#include "differ/outcome.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_BYTES 64
#define SHOWN_ROWS  6

const char *verdict_words(enum verdict verdict)
{
    static const char *words[] = {
        "same",           "result codes", "messages",    "rows",
        "order of rows",  "changes",      "last rowids", "autocommit states",
        "one side alone", "crash",        "hang"};
    return words[verdict];
}

/* --- Values as text ------------------------------------------------------- */

static unsigned long long fingerprint(const unsigned char *bytes, int size)
{
    unsigned long long hash = 14695981039346656037ULL;

    for (int i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 1099511628211ULL;
    return hash;
}

/* Folded: NOCASE looks no further than a zero byte. */
static void add_bytes(sqlite3_str *out, const unsigned char *bytes, int size,
                      bool is_text, bool is_folded)
{
    int shown;

    if (is_folded && is_text && size > 0)
        size = (int)strnlen((const char *)bytes, (size_t)size);
    while (is_folded && is_text && size > 0 && bytes[size - 1] == ' ')
        size--;
    shown = size < SHOWN_BYTES ? size : SHOWN_BYTES;
    sqlite3_str_appendall(out, is_text ? "'" : "x'");
    for (int i = 0; i < shown; i++) {
        int byte = is_folded && is_text ? tolower(bytes[i]) : bytes[i];

        if (is_text && byte >= ' ' && byte <= '~' && byte != '\\')
            sqlite3_str_appendchar(out, 1, (char)byte);
        else
            sqlite3_str_appendf(out, is_text ? "\\%02x" : "%02x", byte);
    }
    sqlite3_str_appendall(out, "'");
    if (shown == size)
        return;
    sqlite3_str_appendf(out, "...[%d bytes", size);
    if (!is_folded)
        sqlite3_str_appendf(out, " %016llx", fingerprint(bytes, size));
    sqlite3_str_appendall(out, "]");
}

static void add_value(sqlite3_str *out, sqlite3_stmt *statement, int column,
                      bool is_folded)
{
    int type = sqlite3_column_type(statement, column);
    char words[64];

    if (is_folded && type == SQLITE_INTEGER)
        type = SQLITE_FLOAT;
    switch (type) {
    case SQLITE_NULL:
        sqlite3_str_appendall(out, "NULL");
        break;
    case SQLITE_INTEGER:
        sqlite3_str_appendf(out, "%lld",
                            sqlite3_column_int64(statement, column));
        break;
    case SQLITE_FLOAT:
        /* Zero plus minus zero is zero. */
        snprintf(words, sizeof words, is_folded ? "%.15g" : "%.17g",
                 sqlite3_column_double(statement, column) +
                     (is_folded ? 0.0 : -0.0));
        sqlite3_str_appendf(out, "%s%s", words,
                            strpbrk(words, ".eni") ? "" : ".0");
        break;
    default:
        add_bytes(out, sqlite3_column_blob(statement, column),
                  sqlite3_column_bytes(statement, column), type == SQLITE_TEXT,
                  is_folded);
    }
}

static char *row_text(sqlite3_stmt *statement, int count, bool is_folded)
{
    sqlite3_str *out = sqlite3_str_new(NULL);

    for (int i = 0; i < count && i < sqlite3_column_count(statement); i++) {
        if (i > 0)
            sqlite3_str_appendall(out, "|");
        add_value(out, statement, i, is_folded);
    }
    sqlite3_str_appendall(out, " "); /* Never a NULL. */
    return sqlite3_str_finish(out);
}

/* --- Running -------------------------------------------------------------- */

/* The literals are evaluated by SQLite, and their values bound in turn. */
static void bind_all(sqlite3 *db, const char *binds, sqlite3_stmt *statement)
{
    char *sql = sqlite3_mprintf("SELECT %s", binds);
    sqlite3_stmt *values = NULL;

    if (sqlite3_prepare_v2(db, sql, -1, &values, NULL) == SQLITE_OK &&
        sqlite3_step(values) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(values); i++)
            sqlite3_bind_value(statement, i + 1,
                               sqlite3_column_value(values, i));
    sqlite3_finalize(values);
    sqlite3_free(sql);
}

static void add_row(sqlite3_stmt *statement, const struct step *step,
                    struct outcome *out)
{
    struct outcome_row *row;

    if (out->row_count == out->row_capacity) {
        out->row_capacity = out->row_capacity ? 2 * out->row_capacity : 16;
        out->rows =
            realloc(out->rows, (size_t)out->row_capacity * sizeof *out->rows);
        if (!out->rows)
            abort();
    }
    row = &out->rows[out->row_count++];
    row->text = row_text(statement, SORTED_WHOLE, step->is_folded);
    row->sort = row_text(statement, step->sorted, true);
}

/* What counts changes: other statements leave the last count standing. */
static bool is_change(sqlite3_stmt *statement)
{
    const char *sql = sqlite3_sql(statement);

    return !sqlite3_stmt_readonly(statement) && sql &&
           (sqlite3_strnicmp(sql, "INSERT", 6) == 0 ||
            sqlite3_strnicmp(sql, "REPLACE", 7) == 0 ||
            sqlite3_strnicmp(sql, "UPDATE", 6) == 0 ||
            sqlite3_strnicmp(sql, "DELETE", 6) == 0 ||
            sqlite3_strnicmp(sql, "WITH", 4) == 0);
}

/* To its end, or as far as it is held back. */
static int read_rows(sqlite3_stmt *statement, const struct step *step,
                     struct outcome *out)
{
    int code;

    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        add_row(statement, step, out);
        if (out->row_count == step->hold)
            break;
    }
    return code;
}

static void run(sqlite3 *db, const struct step *step, sqlite3_stmt *statement,
                struct outcome *out)
{
    if (step->binds)
        bind_all(db, step->binds, statement);
    out->code = read_rows(statement, step, out);
    if (step->again && out->code == SQLITE_DONE) {
        sqlite3_reset(statement);
        bind_all(db, step->again, statement);
        out->code = read_rows(statement, step, out);
    }
    if (out->code == SQLITE_ROW) {
        out->held = statement;
        out->code = SQLITE_DONE;
    }
}

static void keep_message(sqlite3 *db, struct outcome *out)
{
    if (out->code != SQLITE_DONE && out->code != SQLITE_OK)
        out->message = sqlite3_mprintf("%s", sqlite3_errmsg(db));
}

void outcome_run(sqlite3 *db, const struct step *step, const char *sql,
                 struct outcome *out)
{
    int total = sqlite3_total_changes(db);
    sqlite3_stmt *statement = NULL;

    *out = (struct outcome){0};
    out->code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (out->code == SQLITE_OK && statement)
        run(db, step, statement, out);
    keep_message(db, out);
    if (!out->message && is_change(statement))
        out->changes = sqlite3_changes(db);
    /* CREATE and DROP of a virtual table count rows of its own tables. */
    if (statement && is_change(statement))
        out->total_changes = sqlite3_total_changes(db) - total;
    if (!out->held)
        sqlite3_finalize(statement);
    out->last_rowid = sqlite3_last_insert_rowid(db);
    out->is_autocommit = sqlite3_get_autocommit(db) != 0;
}

void outcome_finish(sqlite3_stmt *held, const struct step *step,
                    struct outcome *out)
{
    *out = (struct outcome){.code = SQLITE_DONE};
    if (!held)
        return;
    out->code = read_rows(held, step, out);
    keep_message(sqlite3_db_handle(held), out);
    sqlite3_finalize(held);
}

void outcome_deinit(struct outcome *outcome)
{
    for (int i = 0; i < outcome->row_count; i++) {
        sqlite3_free(outcome->rows[i].text);
        sqlite3_free(outcome->rows[i].sort);
    }
    free(outcome->rows);
    sqlite3_free(outcome->message);
    *outcome = (struct outcome){0};
}

/* --- Comparing ------------------------------------------------------------ */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool are_texts_equal(const struct outcome *a, const struct outcome *b)
{
    for (int i = 0; i < a->row_count && i < b->row_count; i++)
        if (strcmp(a->rows[i].text, b->rows[i].text) != 0)
            return false;
    return a->row_count == b->row_count;
}

static bool are_sorts_equal(const struct outcome *a, const struct outcome *b)
{
    for (int i = 0; i < a->row_count && i < b->row_count; i++)
        if (strcmp(a->rows[i].sort, b->rows[i].sort) != 0)
            return false;
    return a->row_count == b->row_count;
}

static char **sorted_texts(const struct outcome *outcome)
{
    char **texts = malloc((size_t)(outcome->row_count + 1) * sizeof *texts);

    if (!texts)
        abort();
    for (int i = 0; i < outcome->row_count; i++)
        texts[i] = outcome->rows[i].text;
    qsort(texts, (size_t)outcome->row_count, sizeof *texts, by_text);
    return texts;
}

/* In whatever order. */
static bool are_rows_equal(const struct outcome *a, const struct outcome *b)
{
    char **left = sorted_texts(a), **right = sorted_texts(b);
    bool is_equal = a->row_count == b->row_count;

    for (int i = 0; is_equal && i < a->row_count; i++)
        is_equal = strcmp(left[i], right[i]) == 0;
    free(left);
    free(right);
    return is_equal;
}

static enum verdict compare_rows(const struct step *step,
                                 const struct outcome *plain,
                                 const struct outcome *byron)
{
    bool is_sequence_equal = step->sorted == SORTED_WHOLE
                                 ? are_texts_equal(plain, byron)
                                 : are_sorts_equal(plain, byron);

    if (step->is_partial)
        return is_sequence_equal ? VERDICT_SAME : VERDICT_ROWS;
    if (step->sorted == SORTED_WHOLE && is_sequence_equal)
        return VERDICT_SAME;
    if (!are_rows_equal(plain, byron))
        return VERDICT_ROWS;
    return is_sequence_equal ? VERDICT_SAME : VERDICT_ORDER;
}

enum verdict outcome_compare(const struct step *step,
                             const struct outcome *plain,
                             const struct outcome *byron)
{
    if (plain->code != byron->code)
        return VERDICT_CODE;
    if (plain->message && strcmp(plain->message, byron->message) != 0)
        return VERDICT_MESSAGE;
    if (plain->is_autocommit != byron->is_autocommit)
        return VERDICT_AUTOCOMMIT;
    if (plain->last_rowid != byron->last_rowid)
        return VERDICT_LAST_ROWID;
    if (!step->is_uncounted && plain->changes != byron->changes)
        return VERDICT_CHANGES;
    if (!step->is_uncounted && !step->is_untotalled &&
        plain->total_changes != byron->total_changes)
        return VERDICT_CHANGES;
    if (plain->message || step->is_mute)
        return VERDICT_SAME;
    return compare_rows(step, plain, byron);
}

/* --- Words ---------------------------------------------------------------- */

static bool has_row(const struct outcome *outcome, const char *text)
{
    for (int i = 0; i < outcome->row_count; i++)
        if (strcmp(outcome->rows[i].text, text) == 0)
            return true;
    return false;
}

static void add_rows(sqlite3_str *out, const struct outcome *outcome,
                     enum verdict verdict, const struct outcome *other)
{
    int shown = 0;

    sqlite3_str_appendf(out, "%d rows", outcome->row_count);
    for (int i = 0; i < outcome->row_count && shown < SHOWN_ROWS; i++) {
        if (verdict == VERDICT_ROWS && outcome->row_count > SHOWN_ROWS &&
            has_row(other, outcome->rows[i].text))
            continue;
        sqlite3_str_appendf(out, "\n    %.400s", outcome->rows[i].text);
        shown++;
    }
}

char *outcome_describe(const struct outcome *outcome, enum verdict verdict,
                       const struct outcome *other)
{
    sqlite3_str *out = sqlite3_str_new(NULL);

    if (outcome->message)
        sqlite3_str_appendf(out, "error %d: %s", outcome->code,
                            outcome->message);
    else
        add_rows(out, outcome, verdict, other);
    if (verdict == VERDICT_CHANGES || verdict == VERDICT_LAST_ROWID ||
        verdict == VERDICT_AUTOCOMMIT)
        sqlite3_str_appendf(out,
                            "; changes %d, in all %d, last rowid %lld, "
                            "autocommit %d",
                            outcome->changes, outcome->total_changes,
                            outcome->last_rowid, outcome->is_autocommit);
    return sqlite3_str_finish(out);
}
