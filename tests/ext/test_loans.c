#include <check.h>
#include <stdio.h>
#include <string.h>

#include "loans.h"
#include "support/host_expect.h"

Suite *test_loans_suite(void);

static struct host host;

static void open_host(void)
{
    host_open(&host);
}

static void close_host(void)
{
    host_close(&host);
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *statement = NULL;

    ck_assert_int_eq(sqlite3_prepare_v2(host.db, sql, -1, &statement, NULL),
                     SQLITE_OK);
    return statement;
}

/* Steps to the next row and compares its first column. */
static void expect_row(sqlite3_stmt *statement, int expected)
{
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int(statement, 0), expected);
}

START_TEST(a_piece_is_a_copy_with_a_zero_behind_it)
{
    struct loans *loans = loans_new();
    char bytes[] = "text";
    char *piece = loans_copy(loans, bytes, 3);

    bytes[0] = 'n';
    ck_assert_mem_eq(piece, "tex", 4);
    loans_give_back(piece);
    loans_free(loans);
}
END_TEST

START_TEST(what_was_given_back_is_lent_again)
{
    struct loans *loans = loans_new();
    void *first = loans_copy(loans, "a", 1);
    void *second = loans_copy(loans, "b", 1);

    ck_assert_ptr_ne(first, second);
    loans_give_back(first);
    ck_assert_ptr_eq(loans_copy(loans, "c", 1), first);
    ck_assert_mem_eq(second, "b", 1);
    loans_give_back(first);
    loans_give_back(second);
    loans_free(loans);
}
END_TEST

START_TEST(what_is_large_is_not_lent)
{
    static const char zeros[1000];
    struct loans *loans = loans_new();
    char *piece = loans_copy(loans, zeros, 0);

    ck_assert_ptr_null(loans_copy(loans, zeros, sizeof zeros));
    ck_assert_int_eq(*piece, 0);
    loans_give_back(piece);
    loans_free(loans);
}
END_TEST

/* More than are kept, some of them given back when nobody else has the list. */
START_TEST(pieces_outlive_their_table)
{
    struct loans *loans = loans_new();
    char *pieces[40];

    for (int i = 0; i < 40; i++)
        pieces[i] = loans_copy(loans, "piece", 6);
    for (int i = 0; i < 20; i++)
        loans_give_back(pieces[i]);
    loans_free(loans);
    for (int i = 20; i < 40; i++) {
        ck_assert_str_eq(pieces[i], "piece");
        loans_give_back(pieces[i]);
    }
    loans_free(NULL);
}
END_TEST

/* --- Through SQL ---------------------------------------------------------- */

/* What one row alone holds is lent, up to some size; each row is another. */
START_TEST(a_row_found_by_its_key_is_what_was_written)
{
    static const int sizes[] = {0, 1, 100, 494, 495, 496, 497, 3000};
    static const char *const values[] = {
        "CAST(printf('%.*c', ?1, 'b') AS BLOB)", "zeroblob(?1)",
        "substr(printf('%.*c', ?1 + 1, 'x'), 1, ?1)",
        "CAST(zeroblob(?1) AS TEXT)"};
    char sql[200];

    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron(k INT PRIMARY KEY, "
                      "a, b)");
    host_run(host.db, "CREATE TABLE o(k INT PRIMARY KEY, a, b)");
    for (int i = 0; i < 32; i++) {
        sqlite3_stmt *insert;

        snprintf(sql, sizeof sql, "INSERT INTO o VALUES(?2, %s, %s)",
                 values[i / 8], values[(i + 1) % 4]);
        insert = prepare(sql);
        sqlite3_bind_int(insert, 1, sizes[i % 8]);
        sqlite3_bind_int(insert, 2, i);
        ck_assert_int_eq(sqlite3_step(insert), SQLITE_DONE);
        sqlite3_finalize(insert);
    }
    host_run(host.db, "INSERT INTO t SELECT * FROM o");
    for (int i = 0; i < 32; i++) {
        sqlite3_stmt *select;

        snprintf(sql, sizeof sql,
                 "SELECT t.a IS o.a AND t.b IS o.b AND typeof(t.a) = "
                 "typeof(o.a) AND length(t.b) = length(o.b) AND hex(t.a) = "
                 "hex(o.a) FROM t CROSS JOIN o WHERE t.k = %d AND o.k = %d",
                 i, i);
        select = prepare(sql);
        expect_row(select, 1);
        sqlite3_finalize(select);
    }
}
END_TEST

START_TEST(values_of_rows_found_by_their_keys_last)
{
    sqlite3_stmt *select;

    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron(k INT PRIMARY KEY, "
                      "v)");
    host_run(host.db, "INSERT INTO t VALUES(1, 'v1'), (2, 'v2'), (3, 'v3')");
    select = prepare("SELECT group_concat(v) || max(v) FROM (SELECT v FROM t "
                     "WHERE k = 1 UNION ALL SELECT v FROM t WHERE k = 3 UNION "
                     "ALL SELECT v FROM t WHERE k = 2)");
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(sqlite3_step(select), SQLITE_ROW);
        ck_assert_str_eq((const char *)sqlite3_column_text(select, 0),
                         "v1,v3,v2v3");
        sqlite3_reset(select);
    }
    sqlite3_finalize(select);
}
END_TEST

Suite *test_loans_suite(void)
{
    Suite *suite = suite_create("loans");
    TCase *tcase = tcase_create("loans");

    tcase_add_test(tcase, a_piece_is_a_copy_with_a_zero_behind_it);
    tcase_add_test(tcase, what_was_given_back_is_lent_again);
    tcase_add_test(tcase, what_is_large_is_not_lent);
    tcase_add_checked_fixture(tcase, open_host, close_host);
    tcase_add_test(tcase, pieces_outlive_their_table);
    tcase_add_test(tcase, a_row_found_by_its_key_is_what_was_written);
    tcase_add_test(tcase, values_of_rows_found_by_their_keys_last);
    suite_add_tcase(suite, tcase);
    return suite;
}
