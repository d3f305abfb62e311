#include "support/host_expect.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

void host_expect(const struct host *host, const char *sql, const char *expected)
{
    const char *answer = host_ask(host->db, sql);

    ck_assert_msg(strcmp(answer, expected) == 0, "%s: '%s' instead of '%s'",
                  sql, answer, expected);
}

void host_expect_words(const struct host *host, const char *sql,
                       const char *words)
{
    const char *answer = host_ask(host->db, sql);

    ck_assert_msg(strstr(answer, words) != NULL, "%s: '%s' without '%s'", sql,
                  answer, words);
}

void host_expect_failure(const struct host *host, const char *sql,
                         const char *words)
{
    const char *answer = host_ask(host->db, sql);

    ck_assert_msg(strncmp(answer, "error: ", 7) == 0 && strstr(answer, words),
                  "%s: '%s' is no failure with '%s'", sql, answer, words);
}

void host_expect_kept(const struct host *host, const char *sql,
                      const char *change, const char *before, const char *after)
{
    sqlite3 *other = host_connect(host);

    host_run(host->db, "PRAGMA journal_mode = WAL");
    host_run(other, "BEGIN");
    ck_assert_str_eq(host_ask(other, sql), before);
    host_run(host->db, change);
    ck_assert_str_eq(host_ask(other, sql), before);
    host_run(other, "COMMIT");
    ck_assert_str_eq(host_ask(other, sql), after);
    ck_assert_int_eq(sqlite3_close(other), SQLITE_OK);
}

void host_open_kv(struct host *host, int count)
{
    char sql[300];

    host_open(host);
    snprintf(sql, sizeof sql,
             "CREATE VIRTUAL TABLE kv USING byron; "
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
             "WHERE i < %d) INSERT INTO kv SELECT i, 'value ' || i FROM n",
             count);
    host_run(host->db, sql);
}
