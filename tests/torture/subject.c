#include "torture/subject.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "torture/report.h"
#include "torture/storage.h"

const char *const subject_schemas[SUBJECT_DATABASES] = {"main", "other"};

/* sqlite3_free'd. */
static char *write_sql(const struct subject *subject, const char *format,
                       va_list arguments)
{
    char *words = sqlite3_vmprintf(format, arguments);
    sqlite3_str *sql = sqlite3_str_new(NULL);

    for (const char *at = words; *at; at++)
        if (*at == '$')
            sqlite3_str_appendall(sql, subject_schemas[subject->current]);
        else
            sqlite3_str_appendchar(sql, 1, *at);
    sqlite3_free(words);
    return sqlite3_str_finish(sql);
}

int subject_try(struct subject *subject, const char *format, ...)
{
    va_list arguments;
    char *sql;
    int rc;

    va_start(arguments, format);
    sql = write_sql(subject, format, arguments);
    va_end(arguments);
    rc = sqlite3_exec(subject->db, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    return rc;
}

void subject_run(struct subject *subject, const char *format, ...)
{
    va_list arguments;
    char *sql;
    int rc = SQLITE_OK;

    va_start(arguments, format);
    sql = write_sql(subject, format, arguments);
    va_end(arguments);
    if (subject->is_verbose)
        printf("%s\n", sql);
    if (subject->failed == SQLITE_OK)
        rc = sqlite3_exec(subject->db, sql, NULL, NULL, NULL);
    if (rc != SQLITE_OK && !subject->is_tolerant)
        report_failure("%s: %s (%d)", sql, sqlite3_errmsg(subject->db), rc);
    if (rc != SQLITE_OK) {
        subject->failed = rc;
        snprintf(subject->words, sizeof subject->words, "%s: %s", sql,
                 sqlite3_errmsg(subject->db));
    }
    sqlite3_free(sql);
}

/* --- beginning -------------------------------------------------------------
 */

void subject_init(struct subject *subject, const char *extension,
                  const char *folder, uint64_t seed)
{
    static const char *const journals[] = {"wal",    "wal",      "wal",
                                           "delete", "truncate", "persist"};

    memset(subject, 0, sizeof *subject);
    rng_init(&subject->rng, seed);
    subject->extension = extension;
    subject->journal = journals[rng_below(&subject->rng, 6)];
    subject->has_thread = rng_one_in(&subject->rng, 3);
    subject->is_aside = rng_one_in(&subject->rng, 4);
    subject->databases = rng_one_in(&subject->rng, 3) ? 2 : 1;
    subject->has_links = !rng_one_in(&subject->rng, 3);
    subject->level =
        strcmp(subject->journal, "wal") == 0 && rng_one_in(&subject->rng, 2)
            ? 1
            : 2;
    snprintf(subject->root, sizeof subject->root, "%s/disk", folder);
    snprintf(subject->path, sizeof subject->path, "%s/t.db", subject->root);
    if (mkdir(subject->root, 0755) != 0)
        report_failure("%s cannot be made", subject->root);
    subject->states = calloc(SUBJECT_STATES_MAX, sizeof *subject->states);
    if (!subject->states)
        report_failure("no memory");
}

void subject_deinit(struct subject *subject)
{
    subject_close(subject);
    free(subject->states);
    rmdir(subject->root);
}

static int set_pragmas(struct subject *subject, int database)
{
    int rc;

    subject->current = database;
    rc = subject_try(subject, "PRAGMA $.synchronous = %d", subject->level);
    /* The file itself remembers no mode but WAL. */
    if (rc == SQLITE_OK && strcmp(subject->journal, "wal") != 0)
        rc = subject_try(subject, "PRAGMA $.journal_mode = %s",
                         subject->journal);
    return rc;
}

int subject_open(struct subject *subject)
{
    char *words = NULL;
    int rc = sqlite3_open(subject->path, &subject->db);

    sqlite3_extended_result_codes(subject->db, 1);
    sqlite3_db_config(subject->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1,
                      NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_load_extension(subject->db, subject->extension, NULL,
                                    &words);
    if (words)
        report_failure("%s: %s", subject->extension, words);
    if (rc == SQLITE_OK && subject->databases > 1)
        rc = subject_try(subject, "ATTACH '%s/other.db' AS other",
                         subject->root);
    if (rc == SQLITE_OK)
        rc = subject_try(subject, "PRAGMA wal_autocheckpoint = 30");
    for (int i = 0; i < subject->databases && rc == SQLITE_OK; i++)
        rc = set_pragmas(subject, i);
    subject->current = 0;
    return rc;
}

void subject_close(struct subject *subject)
{
    if (sqlite3_close(subject->db) != SQLITE_OK)
        report_failure("close: %s", sqlite3_errmsg(subject->db));
    subject->db = NULL;
}

/* --- fingerprints ----------------------------------------------------------
 */

static uint64_t stir(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 29;
}

static uint64_t stir_value(uint64_t hash, sqlite3_stmt *row, int column)
{
    int type = sqlite3_column_type(row, column);
    sqlite3_int64 number = sqlite3_column_int64(row, column);
    const void *bytes;

    hash = stir(hash, &type, sizeof type);
    if (type == SQLITE_INTEGER)
        return stir(hash, &number, sizeof number);
    bytes = sqlite3_column_blob(row, column);
    number = sqlite3_column_bytes(row, column);
    hash = stir(hash, &number, sizeof number);
    return number ? stir(hash, bytes, (size_t)number) : hash;
}

static sqlite3_stmt *prepare(struct subject *subject, const char *sql)
{
    sqlite3_stmt *statement;

    if (sqlite3_prepare_v2(subject->db, sql, -1, &statement, NULL) != SQLITE_OK)
        report_failure("%s: %s", sql, sqlite3_errmsg(subject->db));
    return statement;
}

static bool step(sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);

    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        report_failure("%s: %s (%d)", sqlite3_sql(statement),
                       sqlite3_errmsg(sqlite3_db_handle(statement)), rc);
    return rc == SQLITE_ROW;
}

static uint64_t stir_table(uint64_t hash, struct subject *subject,
                           const char *schema, const char *name)
{
    char *sql =
        sqlite3_mprintf("SELECT * FROM %s.%s ORDER BY 1, 2", schema, name);
    sqlite3_stmt *rows = prepare(subject, sql);

    hash = stir(hash, name, strlen(name));
    while (step(rows))
        for (int i = 0; i < sqlite3_column_count(rows); i++)
            hash = stir_value(hash, rows, i);
    sqlite3_finalize(rows);
    sqlite3_free(sql);
    return hash;
}

/* Of the tables with such names. */
static uint64_t fingerprint(struct subject *subject, const char *schema,
                            const char *pattern)
{
    uint64_t hash = 0;
    char *sql = sqlite3_mprintf("SELECT name FROM %s.sqlite_schema WHERE "
                                "type = 'table' AND name GLOB %Q ORDER BY name",
                                schema, pattern);
    sqlite3_stmt *names = prepare(subject, sql);

    while (step(names))
        hash = stir_table(hash, subject, schema,
                          (const char *)sqlite3_column_text(names, 0));
    sqlite3_finalize(names);
    sqlite3_free(sql);
    return hash;
}

struct subject_state subject_look(struct subject *subject)
{
    struct subject_state state = {0};
    bool is_alone = sqlite3_get_autocommit(subject->db);

    /* All are one moment's. */
    if (is_alone)
        subject_run(subject, "BEGIN");
    for (int i = 0; i < subject->databases; i++) {
        const char *schema = subject_schemas[i];
        state.parts[i].ordinary = fingerprint(subject, schema, "o_*");
        state.parts[i].brief = fingerprint(subject, schema, "b_x");
        state.parts[i].byron = fingerprint(subject, schema, "b_[^x]*");
    }
    if (is_alone)
        subject_run(subject, "COMMIT");
    return state;
}

bool subject_is_same(const struct subject_state *a,
                     const struct subject_state *b)
{
    return memcmp(a->parts, b->parts, sizeof a->parts) == 0;
}

static void expect_ok(struct subject *subject, const char *sql)
{
    sqlite3_stmt *rows = prepare(subject, sql);

    while (step(rows))
        if (strcmp((const char *)sqlite3_column_text(rows, 0), "ok") != 0)
            report_failure("%s: %s", sql, sqlite3_column_text(rows, 0));
    sqlite3_finalize(rows);
}

void subject_check(struct subject *subject)
{
    expect_ok(subject, "PRAGMA integrity_check");
    for (int i = 0; i < subject->databases; i++) {
        const char *schema = subject_schemas[i];
        char *sql = sqlite3_mprintf("SELECT byron_check('%s.' || name) FROM "
                                    "%s.sqlite_schema WHERE type = 'table' AND "
                                    "name GLOB 'b_*'",
                                    schema, schema);
        expect_ok(subject, sql);
        sqlite3_free(sql);
    }
}
