#include "kill/checker.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *format, const char *a,
                             const char *b)
{
    char *sql = sqlite3_mprintf(format, a, b);
    sqlite3_stmt *statement;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        subject_fail("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_free(sql);
    return statement;
}

static bool step(sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);

    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        subject_fail("%s: %s (%d)", sqlite3_sql(statement),
                     sqlite3_errmsg(sqlite3_db_handle(statement)), rc);
    return rc == SQLITE_ROW;
}

static bool exists(const struct subject *subject, const char *name)
{
    return subject_number(subject->db,
                          "SELECT count(*) FROM sqlite_schema WHERE name = %Q",
                          name) > 0;
}

/* --- twins --------------------------------------------------------------- */

static bool is_same_value(sqlite3_stmt *a, sqlite3_stmt *b, int column)
{
    int type = sqlite3_column_type(a, column);
    int size;

    if (type != sqlite3_column_type(b, column))
        return false;
    if (type == SQLITE_NULL)
        return true;
    if (type == SQLITE_INTEGER)
        return sqlite3_column_int64(a, column) ==
               sqlite3_column_int64(b, column);
    if (type == SQLITE_FLOAT)
        return sqlite3_column_double(a, column) ==
               sqlite3_column_double(b, column);
    size = sqlite3_column_bytes(a, column);
    return size == sqlite3_column_bytes(b, column) &&
           (size == 0 ||
            memcmp(sqlite3_column_blob(a, column),
                   sqlite3_column_blob(b, column), (size_t)size) == 0);
}

static void fail_row(sqlite3_stmt *plain, bool has_plain, sqlite3_stmt *byron,
                     bool has_byron, uint64_t number)
{
    sqlite3_stmt *row = has_plain ? plain : byron;
    int last = sqlite3_column_count(row) - 1;

    subject_fail("%s: row %llu: %s; the ordinary one is of transaction %lld, "
                 "byron's of %lld (0: there is none)",
                 sqlite3_sql(byron), (unsigned long long)number,
                 has_plain && has_byron ? "they differ"
                 : has_plain            ? "byron has no more rows"
                                        : "byron has more rows",
                 has_plain ? sqlite3_column_int64(plain, last) : 0,
                 has_byron ? sqlite3_column_int64(byron, last) : 0);
}

/* Both tables row by row; how many there are. */
static uint64_t compare_order(sqlite3 *db, const char *name, const char *order)
{
    sqlite3_stmt *plain =
        prepare(db, "SELECT * FROM plain_%s ORDER BY %s", name, order);
    sqlite3_stmt *byron =
        prepare(db, "SELECT * FROM %s ORDER BY %s", name, order);
    uint64_t count = 0;

    for (;; count++) {
        bool has_plain = step(plain);
        bool has_byron = step(byron);
        bool is_same = has_plain == has_byron;
        if (is_same && !has_plain)
            break;
        for (int i = 0; is_same && i < sqlite3_column_count(plain); i++)
            is_same = is_same_value(plain, byron, i);
        if (!is_same)
            fail_row(plain, has_plain, byron, has_byron, count);
    }
    sqlite3_finalize(plain);
    sqlite3_finalize(byron);
    return count;
}

static uint64_t compare(const struct subject *subject, const char *name,
                        const char *order, const char *backwards,
                        const char *join)
{
    sqlite3 *db = subject->db;
    uint64_t count = compare_order(db, name, order);
    sqlite3_int64 missing;

    compare_order(db, name, backwards);
    missing = subject_number(db,
                             "SELECT count(*) FROM plain_%s p WHERE NOT EXISTS"
                             "(SELECT 1 FROM %s b WHERE %s)",
                             name, name, join);
    if (missing > 0)
        subject_fail("%s: %lld of %llu keys are in a scan, but not found one "
                     "by one",
                     name, missing, (unsigned long long)count);
    return count;
}

static uint64_t compare_all(const struct subject *subject)
{
    uint64_t rows = 0;
    bool has_extra = exists(subject, "extra");

    rows += compare(subject, "kv", "k", "k DESC", "b.k = p.k");
    rows += compare(subject, "pair", "a, b DESC", "a DESC, b",
                    "b.a = p.a AND b.b = p.b");
    rows += compare(subject, "log", "n", "n DESC", "b.n = p.n");
    if (has_extra != exists(subject, "plain_extra"))
        subject_fail("the byron table extra %s, its twin does not agree",
                     has_extra ? "exists" : "does not exist");
    if (has_extra)
        rows += compare(subject, "extra", "k", "k DESC", "b.k = p.k");
    if (subject_has_side(subject))
        rows += compare(subject, "far", "n", "n DESC", "b.n = p.n");
    return rows;
}

/* --- transactions -------------------------------------------------------- */

static bool is_solo(enum subject_kind kind)
{
    return kind == SUBJECT_SOLO || kind == SUBJECT_SINGLE;
}

/* Neither of the two logs of transactions has it. */
static bool is_logged(enum subject_kind kind)
{
    return !is_solo(kind) && kind != SUBJECT_FAR;
}

/* Of several databases, in WAL mode, SQLite promises each by itself: one that
 * was not acknowledged may be there in one of them. */
static bool may_be_half(const struct subject *subject, uint64_t n)
{
    return n > subject->sure && strcmp(subject->journal, "wal") == 0 &&
           subject_kind(subject, n) == SUBJECT_WIDE;
}

/* Those before it have been removed by a later one. */
static uint64_t oldest_solo(const struct subject *subject, uint64_t last)
{
    uint64_t n = last;

    while (n > 0 && subject_kind(subject, n) != SUBJECT_SOLO)
        n--;
    return n > SUBJECT_WINDOW ? n - SUBJECT_WINDOW + 1 : 1;
}

/* Every row of every solo transaction, and no other. */
static void check_solo(const struct subject *subject, uint64_t last)
{
    sqlite3_stmt *rows =
        prepare(subject->db,
                "SELECT n, part, v IS kill_value(n * 100 + part) FROM %s "
                "ORDER BY %s",
                "solo", "n, part");

    for (uint64_t n = oldest_solo(subject, last); n <= last; n++) {
        enum subject_kind kind = subject_kind(subject, n);
        unsigned parts = 0;
        if (is_solo(kind))
            parts = kind == SUBJECT_SOLO ? subject_parts(subject, n) : 1;
        for (unsigned part = 0; part < parts; part++)
            if (!step(rows) || sqlite3_column_int64(rows, 0) != (int64_t)n ||
                sqlite3_column_int64(rows, 1) != part ||
                !sqlite3_column_int(rows, 2))
                subject_fail("solo: row %u of %u of transaction %llu (newest "
                             "%llu) is missing or wrong",
                             part, parts, (unsigned long long)n,
                             (unsigned long long)last);
    }
    if (step(rows))
        subject_fail("solo: a row of transaction %lld should not be there",
                     sqlite3_column_int64(rows, 0));
    sqlite3_finalize(rows);
}

static void check_log(const struct subject *subject, uint64_t last)
{
    sqlite3_stmt *rows =
        prepare(subject->db, "SELECT n FROM plain_%s ORDER BY %s", "log", "n");

    for (uint64_t n = 1; n <= last; n++)
        if (is_logged(subject_kind(subject, n)) &&
            (!step(rows) || sqlite3_column_int64(rows, 0) != (int64_t)n) &&
            !may_be_half(subject, n))
            subject_fail("transaction %llu (newest %llu) is missing",
                         (unsigned long long)n, (unsigned long long)last);
    sqlite3_finalize(rows);
}

/* What the attached database has of them, and nothing else. */
static void check_far(const struct subject *subject, uint64_t last)
{
    sqlite3_stmt *rows =
        prepare(subject->db, "SELECT n, v IS kill_value(n) FROM plain_%s%s",
                "far", " ORDER BY n");
    bool has_row = step(rows);

    for (uint64_t n = 1; n <= last; n++) {
        enum subject_kind kind = subject_kind(subject, n);
        if (kind != SUBJECT_WIDE && kind != SUBJECT_FAR)
            continue;
        if (has_row && sqlite3_column_int64(rows, 0) == (int64_t)n &&
            sqlite3_column_int(rows, 1))
            has_row = step(rows);
        else if (!may_be_half(subject, n))
            subject_fail("far: transaction %llu (newest %llu) is missing",
                         (unsigned long long)n, (unsigned long long)last);
    }
    if (has_row)
        subject_fail("far: a row of transaction %lld should not be there",
                     sqlite3_column_int64(rows, 0));
    sqlite3_finalize(rows);
}

static void expect_ok(const struct subject *subject, const char *sql)
{
    sqlite3_stmt *statement = prepare(subject->db, "%s%s", sql, "");
    const char *words;

    if (!step(statement))
        subject_fail("%s: no answer", sql);
    words = (const char *)sqlite3_column_text(statement, 0);
    if (!words || strcmp(words, "ok") != 0)
        subject_fail("%s: %s", sql, words ? words : "NULL");
    sqlite3_finalize(statement);
}

/* Newest transaction found: an acknowledged one, or the one in flight. */
static uint64_t check_transactions(const struct subject *subject)
{
    uint64_t log =
        (uint64_t)subject_number(subject->db, "SELECT max(n) FROM plain_log");
    uint64_t solo =
        (uint64_t)subject_number(subject->db, "SELECT max(n) FROM solo");
    uint64_t last = log > solo ? log : solo;
    uint64_t far = 0;

    if (subject_has_side(subject))
        far = (uint64_t)subject_number(subject->db,
                                       "SELECT max(n) FROM plain_far");
    last = far > last ? far : last;
    if (last < subject->last)
        subject_fail("transaction %llu was acknowledged, but %llu is the "
                     "newest found",
                     (unsigned long long)subject->last,
                     (unsigned long long)last);
    if (last > subject->last + 1)
        subject_fail("transaction %llu is there, but %llu was acknowledged "
                     "last",
                     (unsigned long long)last,
                     (unsigned long long)subject->last);
    check_log(subject, last);
    check_solo(subject, last);
    if (subject_has_side(subject))
        check_far(subject, last);
    return last;
}

/* --- the three tasks ----------------------------------------------------- */

static uint64_t table_files(const struct subject *subject)
{
    return (uint64_t)subject_number(
        subject->db,
        "SELECT value FROM byron_stats('kv') WHERE name = 'files'");
}

/* A backup is there as a whole or not at all, in a state of its own. */
static void check_backup(const struct subject *subject, unsigned number,
                         uint64_t last)
{
    struct subject backup = *subject;
    char *file = subject_backup(number);
    char *path = sqlite3_mprintf("%s/%s", subject->directory, file);
    uint64_t log;
    uint64_t solo;

    if (access(path, F_OK) == 0) {
        backup.file = file;
        backup.db = subject_open(&backup);
        log =
            (uint64_t)subject_number(backup.db, "SELECT max(n) FROM plain_log");
        solo = (uint64_t)subject_number(backup.db, "SELECT max(n) FROM solo");
        if (log > last || solo > last)
            subject_fail("%s has transactions %llu and %llu, newer than %llu",
                         path, (unsigned long long)log,
                         (unsigned long long)solo, (unsigned long long)last);
        check_log(&backup, log > solo ? log : solo);
        check_solo(&backup, log > solo ? log : solo);
        compare_all(&backup);
        expect_ok(&backup, "SELECT byron_check('kv')");
        expect_ok(&backup, "PRAGMA integrity_check");
        if (sqlite3_close(backup.db) != SQLITE_OK)
            subject_fail("close: %s", sqlite3_errmsg(backup.db));
    }
    sqlite3_free(path);
    sqlite3_free(file);
}

static void check_all(struct subject *subject, struct checker_news *news)
{
    news->last = check_transactions(subject);
    news->rows = compare_all(subject);
    expect_ok(subject, "SELECT byron_check('kv')");
    expect_ok(subject, "SELECT byron_check('pair')");
    if (subject_has_side(subject))
        expect_ok(subject, "SELECT byron_check('side.far')");
    expect_ok(subject, "PRAGMA integrity_check");
    news->table_files = table_files(subject);
    for (unsigned i = 0; i < SUBJECT_BACKUPS; i++)
        check_backup(subject, i, news->last);
}

void checker_run(struct subject *subject)
{
    struct checker_news news = {0};
    uint64_t begun = now_us();

    subject->db = subject_open(subject);
    news.is_created = exists(subject, "log");
    if (subject->is_created && !news.is_created)
        subject_fail("the tables were created, and are gone");
    if (news.is_created) {
        subject_number(subject->db, "SELECT max(n) FROM log");
        news.open_us = now_us() - begun;
        check_all(subject, &news);
    }
    if (subject->is_closing && sqlite3_close(subject->db) != SQLITE_OK)
        subject_fail("close: %s", sqlite3_errmsg(subject->db));
    if (subject->pipe < 0)
        printf("kill: ok, transaction %llu is the newest\n",
               (unsigned long long)news.last);
    else if (write(subject->pipe, &news, sizeof news) != sizeof news)
        subject_fail("the checker's parent is gone");
}

/* Tables of the store in the file system. */
static uint64_t count_files(const struct subject *subject)
{
    char *path = sqlite3_mprintf("%s/kill.db-byron", subject->directory);
    DIR *directory = opendir(path);
    struct dirent *entry;
    uint64_t count = 0;

    while (directory && (entry = readdir(directory)) != NULL)
        count += strncmp(entry->d_name, "S-", 2) == 0;
    if (directory)
        closedir(directory);
    sqlite3_free(path);
    return count;
}

void checker_finish(struct subject *subject)
{
    struct checker_news news = {0};
    uint64_t files = 0;

    subject->db = subject_open(subject);
    if (!exists(subject, "log"))
        return;
    subject_run(subject->db, "UPDATE kv SET n = n + 1 WHERE k > x'f000'");
    subject_run(subject->db, "UPDATE plain_kv SET n = n + 1 WHERE k > x'f000'");
    subject_run(subject->db, "SELECT byron_flush('kv')");
    subject_run(subject->db, "SELECT byron_compact('kv')");
    check_all(subject, &news);
    /* The first opening may give up whole files of what was dropped. */
    for (int i = 0; i < 2; i++) {
        if (sqlite3_close(subject->db) != SQLITE_OK)
            subject_fail("close: %s", sqlite3_errmsg(subject->db));
        files = count_files(subject);
        subject->db = subject_open(subject);
        subject_number(subject->db, "SELECT max(n) FROM log");
    }
    if (files != table_files(subject))
        subject_fail("%llu tables are on disk after a clean end, %llu of them "
                     "belong to the store",
                     (unsigned long long)files,
                     (unsigned long long)table_files(subject));
    sqlite3_close(subject->db);
}

void checker_expect_busy(struct subject *subject)
{
    sqlite3 *db = subject_open(subject);
    int rc = sqlite3_exec(db, "SELECT max(n) FROM log", NULL, NULL, NULL);

    if (rc != SQLITE_BUSY || !strstr(sqlite3_errmsg(db), "kill.db-byron"))
        subject_fail("a second process is told: %s (%d)", sqlite3_errmsg(db),
                     rc);
    sqlite3_close(db);
}
