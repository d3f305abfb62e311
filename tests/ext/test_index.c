/*
 * Covers: entries, index_catalog, index_check, index_list, interrupt.
 * Covers: numbering, statement.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "connection.h"
#include "index.h"
#include "index_definition.h"
#include "support/host.h"

Suite *test_index_suite(void);

static struct host host;

static void open_host(void)
{
    host_open(&host);
}

static void close_host(void)
{
    host_close(&host);
}

/* --- The layout ---------------------------------------------------------- */

static struct declaration *declare(int count, const char *const *arguments)
{
    struct declaration *table;
    char *message = NULL;

    ck_assert_msg(declaration_parse("t", count, arguments, &table, &message) ==
                      BYRON_OK,
                  "%s", message);
    return table;
}

static void define(struct index *index, struct declaration *table,
                   const char *text)
{
    struct index_definition definition;
    char *message = NULL;

    ck_assert_msg(index_definition_parse(text, table, &definition, &message) ==
                      BYRON_OK,
                  "%s", message);
    ck_assert_int_eq(index_init(index, table, &definition), BYRON_OK);
    index_definition_deinit(&definition);
    index->id = 0x0a0b0c0d;
}

START_TEST(an_entrys_key_is_the_columns_and_the_tables_key)
{
    static const char *const arguments[] = {"a TEXT COLLATE NOCASE", "b INT",
                                            "c", "PRIMARY KEY(c, a)"};
    struct declaration *table = declare(4, arguments);
    struct index index;

    define(&index, table,
           "UNIQUE i(b DESC, a COLLATE BINARY) ON CONFLICT FAIL");
    ck_assert(index.is_unique);
    ck_assert_int_eq(index.conflict, CONFLICT_FAIL);
    ck_assert_int_eq(index.column_count, 2);
    ck_assert_int_eq(index.rowid_column, -1);
    ck_assert_int_eq(index.entry->key_count, 4);
    ck_assert(index.entry->key[0].is_descending);
    ck_assert_int_eq(index.entry->key[3].collation, COLLATION_NOCASE);
    ck_assert_int_eq(index.entry->columns[0].key_index, 1); /* Its first. */
    ck_assert_int_eq(index.entry->slot_count, 3);
    ck_assert(index_holds(&index, 0) && index_holds(&index, 2));
    ck_assert(!index_holds(&index, -1) && !index_holds(&index, 3));
    index_deinit(&index);
    declaration_free(table);
}
END_TEST

START_TEST(an_entry_holds_the_rowid)
{
    static const char *const implicit[] = {"a", "b"};
    static const char *const alias[] = {"a", "id INTEGER PRIMARY KEY", "b"};
    struct declaration *table = declare(2, implicit);
    struct index index;

    define(&index, table, "i(b)");
    ck_assert_int_eq(index.rowid_column, 2);
    ck_assert_int_eq(index.entry->column_count, 3);
    ck_assert(index_holds(&index, -1) && !index_holds(&index, 0));
    index_deinit(&index);
    declaration_free(table);

    table = declare(3, alias);
    define(&index, table, "i(b)");
    ck_assert_int_eq(index.rowid_column, 1);
    ck_assert_int_eq(index.entry->column_count, 3);
    ck_assert(index_holds(&index, -1) && index_holds(&index, 1));
    index_deinit(&index);
    declaration_free(table);
}
END_TEST

/* The format is on people's disks: these bytes stay. */
START_TEST(the_bytes_of_an_entrys_key_stay)
{
    static const char *const arguments[] = {"a", "b TEXT",
                                            "k TEXT PRIMARY KEY"};
    static const uint8_t expected[] = {0x0a, 0x0b, 0x0c, 0x0d, 0x40, 'x',
                                       0x00, 0x00, 0x40, 'k',  'e',  'y'};
    struct declaration *table = declare(3, arguments);
    struct table handle = {.id = 7};
    struct field fields[4] = {
        {.kind = FIELD_NULL},
        {.kind = FIELD_TEXT, .data = "x", .size = 1},
        {.kind = FIELD_TEXT, .data = "key", .size = 3},
    };
    struct bytes key = {0};
    struct bytes row_key = {0};
    struct index index;

    define(&index, table, "i(b)");
    ck_assert_int_eq(index_add_key(&index, fields, &key), BYRON_OK);
    ck_assert_uint_eq(key.size, sizeof expected);
    ck_assert_mem_eq(key.data, expected, sizeof expected);
    ck_assert_int_eq(
        index_table_key(&index, &handle, bytes_view(&key), &row_key), BYRON_OK);
    ck_assert_uint_eq(row_key.size, 4 + 4);
    ck_assert_mem_eq(row_key.data, "\0\0\0\7\x40key", 8);
    bytes_deinit(&key);
    bytes_deinit(&row_key);
    index_deinit(&index);
    declaration_free(table);
}
END_TEST

START_TEST(a_damaged_entry_has_no_row)
{
    static const char *const arguments[] = {"a"};
    static const char *const damaged[] = {
        "", "\1\2\3", "\1\2\3\4", "\1\2\3\4\x21\1", "\1\2\3\4\x21\1\x40x"};
    struct declaration *table = declare(1, arguments);
    struct table handle = {.id = 7};
    struct bytes row_key = {0};
    struct index index;

    define(&index, table, "i(a)");
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        struct byron_bytes key = {damaged[i], strlen(damaged[i])};

        ck_assert_int_eq(index_table_key(&index, &handle, key, &row_key),
                         BYRON_CORRUPT);
    }
    bytes_deinit(&row_key);
    index_deinit(&index);
    declaration_free(table);
}
END_TEST

/* --- Entries and rows ---------------------------------------------------- */

static struct connection *connection(void)
{
    bool is_new;

    return connection_of(host.db, &is_new);
}

/* The keys of a table or index as the store has them now. */
static int count_keys(uint32_t id)
{
    byron_db *db = connection()->transactions->store->db;
    byron_snapshot *snapshot;
    byron_cursor *cursor;
    struct byron_range range;
    uint8_t bytes[8];
    int count = 0;

    store_table_range(id, bytes, &range);
    ck_assert_int_eq(byron_snapshot_open(db, &snapshot), BYRON_OK);
    ck_assert_int_eq(byron_cursor_open(snapshot, NULL, &range, &cursor),
                     BYRON_OK);
    ck_assert_int_eq(byron_cursor_first(cursor), BYRON_OK);
    while (byron_cursor_valid(cursor)) {
        count++;
        ck_assert_int_eq(byron_cursor_next(cursor), BYRON_OK);
    }
    byron_cursor_close(cursor);
    byron_snapshot_close(snapshot);
    return count;
}

static bool is_dropped(uint32_t id)
{
    return store_is_dropped(connection()->transactions->store, id);
}

static uint32_t index_id(const char *name)
{
    char sql[200];

    snprintf(sql, sizeof sql, "SELECT id FROM byron_index WHERE name = '%s'",
             name);
    return (uint32_t)atoi(host_ask(host.db, sql));
}

static void expect_check(const char *words)
{
    const char *answer = host_ask(host.db, "SELECT byron_check('t')");

    ck_assert_msg(strstr(answer, words) != NULL, "%s: %s", words, answer);
}

static void create_rows(void)
{
    host_run(host.db,
             "CREATE VIRTUAL TABLE t USING byron(k TEXT PRIMARY KEY, a INT, b, "
             "INDEX by_a(a), INDEX by_b(b DESC, a), UNIQUE(b));"
             "WITH RECURSIVE s(n) AS (VALUES(1) UNION ALL SELECT n + 1 FROM s "
             "WHERE n < 100) INSERT INTO t SELECT 'k' || n, n % 10, n FROM s");
}

START_TEST(every_row_has_one_entry_in_each_index)
{
    create_rows();
    ck_assert_int_eq(count_keys(index_id("by_a")), 100);
    host_run(host.db, "DELETE FROM t WHERE a = 3; UPDATE t SET a = 30 "
                      "WHERE a = 4; UPDATE t SET k = k || 'x' WHERE a = 5;"
                      "REPLACE INTO t VALUES('k10', 7, 20)");

    /* k20 had the 20. */
    ck_assert_int_eq(count_keys(index_id("by_a")), 89);
    ck_assert_int_eq(count_keys(index_id("by_b")), 89);
    ck_assert_int_eq(count_keys(index_id("unique_b")), 89);
    expect_check("ok");
    host_reopen(&host);
    expect_check("ok");
}
END_TEST

START_TEST(conflict_replace_deletes_the_old_entries)
{
    host_run(host.db,
             "CREATE VIRTUAL TABLE t USING byron(k PRIMARY KEY, a, INDEX "
             "by_a(a), UNIQUE(a), conflict=replace);"
             "INSERT INTO t VALUES(1, 'x'), (2, 'y'), (1, 'z'), (2, 'y')");

    ck_assert_int_eq(count_keys(index_id("by_a")), 2);
    ck_assert_int_eq(host_fail(host.db, "INSERT INTO t VALUES(3, 'z')"),
                     SQLITE_CONSTRAINT_UNIQUE);
    expect_check("ok");
}
END_TEST

/* The entries of a write that fails inside xUpdate go with it. */
START_TEST(an_entry_that_is_too_long_undoes_its_row)
{
    create_rows();
    host_run(host.db, "BEGIN; INSERT INTO t VALUES('new', 1, 'short')");
    ck_assert_int_eq(host_fail(host.db,
                               "INSERT INTO t VALUES('long', 1, hex(zeroblob("
                               "600000)))") &
                         0xff,
                     SQLITE_TOOBIG);
    ck_assert_str_eq(sqlite3_errmsg(host.db),
                     "byron: index by_b cannot hold a row whose columns take "
                     "1200014 bytes there; the limit is 1048576");
    host_fail(host.db, "UPDATE t SET b = zeroblob(700000) WHERE k = 'k1'");
    expect_check("ok");
    host_run(host.db, "COMMIT");
    expect_check("ok");
    ck_assert_str_eq(host_ask(host.db, "SELECT count(*) FROM t"), "101");
}
END_TEST

/* Each allocation of the engine in turn; what fails changes nothing. */
START_TEST(without_memory_row_and_entries_stay_together)
{
    static const char *const statements[] = {
        "UPDATE OR REPLACE t SET b = 20, k = 'k3' WHERE k GLOB 'k[1-3]*'",
        "REPLACE INTO t VALUES('k40', 7, 50)",
        "INSERT INTO t SELECT max(k) || '0', 1, max(k) FROM t",
        "DELETE FROM t WHERE k IN (SELECT min(k) FROM t)",
        "INSERT INTO t(t, arg) VALUES('add-index', 'later(a, b)')",
    };
    const char *const sum = "SELECT count(*), total(a), total(b) FROM t";
    bool was_hit = true;
    char before[200];
    int failures = 0;

    host_run(host.db, "CREATE VIRTUAL TABLE small USING byron(a, threads=0)");
    create_rows();
    snprintf(before, sizeof before, "%s", host_ask(host.db, sum));
    for (size_t nth = 1; was_hit; nth++) {
        int rc;

        alloc_fail_after(nth);
        rc = sqlite3_exec(host.db, statements[_i], NULL, NULL, NULL);
        was_hit = alloc_fail_pending() == 0;
        alloc_fail_after(0);
        failures += rc != SQLITE_OK;
        expect_check("ok");
        if (rc != SQLITE_OK)
            ck_assert_str_eq(host_ask(host.db, sum), before);
        snprintf(before, sizeof before, "%s", host_ask(host.db, sum));
    }
    ck_assert_int_gt(failures, 3);
    host_reopen(&host);
    expect_check("ok");
}
END_TEST

/* --- byron_check --------------------------------------------------------- */

static struct table *find_table(void)
{
    host_ask(host.db, "SELECT 1 FROM t");
    ck_assert_ptr_nonnull(connection()->tables);
    return connection()->tables;
}

/* The first entry of an index, in the transaction that is open. */
static void read_first(const struct index *index, struct bytes *out)
{
    byron_txn *txn = connection()->transactions->txn;
    byron_cursor *cursor;
    struct byron_range range;
    struct byron_bytes key;
    uint8_t bytes[8];

    store_table_range(index->id, bytes, &range);
    ck_assert_int_eq(byron_cursor_open(NULL, txn, &range, &cursor), BYRON_OK);
    ck_assert_int_eq(byron_cursor_first(cursor), BYRON_OK);
    key = byron_cursor_key(cursor);
    ck_assert_int_eq(bytes_add(out, key.data, key.size), BYRON_OK);
    byron_cursor_close(cursor);
}

START_TEST(check_finds_entries_that_are_wrong)
{
    static const struct byron_bytes none = {"", 0};
    struct bytes key = {0};
    byron_txn *txn;

    create_rows();
    host_run(host.db, "BEGIN; INSERT INTO t VALUES('new', 1, 'new')");
    txn = connection()->transactions->txn;
    read_first(&find_table()->indexes[_i == 3 ? 2 : 0], &key);
    switch (_i) {
    case 0:
        ck_assert_int_eq(byron_txn_delete(txn, bytes_view(&key)), BYRON_OK);
        expect_check("has no entry in index by_a");
        break;
    case 1:
        ck_assert_int_eq(byron_txn_put(txn, bytes_view(&key),
                                       (struct byron_bytes){"\1\1\0", 3}),
                         BYRON_OK);
        expect_check("has a wrong entry in index by_a");
        break;
    case 2:
        key.data[key.size - 1]++;
        ck_assert_int_eq(bytes_add(&key, "xyz", 3), BYRON_OK);
        ck_assert_int_eq(byron_txn_put(txn, bytes_view(&key), none), BYRON_OK);
        expect_check("index by_a of t has an entry without a row");
        break;
    default:
        ck_assert_int_eq(bytes_add(&key, "0", 1), BYRON_OK);
        ck_assert_int_eq(byron_txn_put(txn, bytes_view(&key), none), BYRON_OK);
        expect_check("index unique_b of t has two rows that are alike");
        break;
    }
    bytes_deinit(&key);
    host_run(host.db, "ROLLBACK");
    expect_check("ok");
}
END_TEST

START_TEST(integrity_check_reaches_the_indexes)
{
    if (sqlite3_libversion_number() < 3044000)
        return;
    create_rows();
    ck_assert_str_eq(host_ask(host.db, "PRAGMA integrity_check"), "ok");
    host_run(host.db, "UPDATE byron_index SET id = id + 10; "
                      "UPDATE byron_store SET next_table = 50");
    host_reopen(&host);
    ck_assert_ptr_nonnull(strstr(host_ask(host.db, "PRAGMA integrity_check"),
                                 "row 1 of t has no entry in index by_a"));
}
END_TEST

/* --- The host's table ---------------------------------------------------- */

START_TEST(only_who_has_indexes_has_byron_index)
{
    host_run(host.db, "CREATE VIRTUAL TABLE t USING byron(a)");
    ck_assert_str_eq(host_ask(host.db, "SELECT name FROM sqlite_schema WHERE "
                                       "name = 'byron_index'"),
                     "");
    ck_assert_str_eq(host_ask(host.db, "SELECT format FROM byron_catalog"),
                     "1");
    host_fail(host.db, "CREATE VIRTUAL TABLE byron_index USING byron(a)");
    ck_assert_str_eq(sqlite3_errmsg(host.db),
                     "byron: the name byron_index is byron's own");
    host_run(host.db, "CREATE VIRTUAL TABLE u USING byron(a UNIQUE)");
    ck_assert_str_eq(host_ask(host.db, "SELECT table_name, name, is_declared, "
                                       "definition FROM byron_index"),
                     "u|unique_a|1|UNIQUE INDEX \"unique_a\"(\"a\" COLLATE "
                     "BINARY)");
    ck_assert_str_eq(host_ask(host.db, "SELECT format FROM byron_catalog "
                                       "WHERE name = 'u'"),
                     "2");
}
END_TEST

START_TEST(rows_follow_rename_drop_and_rollback)
{
    create_rows();
    host_run(host.db, "ALTER TABLE t RENAME TO u");
    ck_assert_str_eq(
        host_ask(host.db, "SELECT DISTINCT table_name FROM byron_index"), "u");
    ck_assert_int_eq(host_fail(host.db, "INSERT INTO u VALUES('x', 1, 1)"),
                     SQLITE_CONSTRAINT_UNIQUE);
    host_run(host.db, "BEGIN; DROP TABLE u");
    ck_assert_str_eq(host_ask(host.db, "SELECT count(*) FROM byron_index"),
                     "0");
    host_run(host.db, "ROLLBACK; ALTER TABLE u RENAME TO t");
    expect_check("ok");
    ck_assert_int_eq(host_fail(host.db, "INSERT INTO t VALUES('x', 1, 1)"),
                     SQLITE_CONSTRAINT_UNIQUE);
    host_run(host.db, "BEGIN; CREATE VIRTUAL TABLE v USING byron(a UNIQUE);"
                      "INSERT INTO v VALUES(1), (2); ROLLBACK;"
                      "CREATE VIRTUAL TABLE v USING byron(a UNIQUE, b UNIQUE);"
                      "INSERT INTO v VALUES(1, 2), (2, 1)");
    ck_assert_str_eq(host_ask(host.db, "SELECT byron_check('v')"), "ok");
}
END_TEST

START_TEST(a_dropped_tables_entries_are_given_up)
{
    uint32_t by_a;

    create_rows();
    host_run(host.db, "CREATE VIRTUAL TABLE u USING byron(a UNIQUE);"
                      "INSERT INTO u VALUES(1), (2)");
    by_a = index_id("by_a");
    host_run(host.db, "DROP TABLE t");
    ck_assert(is_dropped(by_a));
    ck_assert_int_eq(count_keys(index_id("unique_a")), 2);
}
END_TEST

/* As a crash between the host's commit and ours leaves it. */
START_TEST(entries_that_no_table_has_are_collected)
{
    uint32_t by_a;
    uint32_t by_b;

    create_rows();
    by_a = index_id("by_a");
    by_b = index_id("by_b");
    host_run(host.db, "DELETE FROM byron_index WHERE name = 'by_a'");
    host_reopen(&host);
    expect_check("ok");
    ck_assert(is_dropped(by_a) && !is_dropped(by_b));
}
END_TEST

START_TEST(damaged_rows_of_byron_index_are_told)
{
    static const char *const damage[] = {
        "UPDATE byron_index SET definition = 'INDEX \"by_a\"(nothing)'",
        "UPDATE byron_index SET definition = NULL || 'x', name = 'x' "
        "WHERE name = 'by_a'",
        "UPDATE byron_index SET id = -1 WHERE name = 'by_a'",
        "UPDATE byron_index SET id = 1 WHERE name = 'by_a'",
        "UPDATE byron_index SET id = 3 WHERE name = 'by_a'",
        "UPDATE byron_index SET definition = 'UNIQUE(a)'",
        "UPDATE byron_index SET definition = zeroblob(5)",
    };
    const char *answer;

    create_rows();
    sqlite3_exec(host.db, damage[_i], NULL, NULL, NULL);
    if (_i == 1)
        host_run(host.db, "UPDATE byron_index SET name = 'by_z' "
                          "WHERE name = 'by_a'");
    host_reopen(&host);
    answer = host_ask(host.db, "SELECT * FROM t");
    ck_assert_msg(strstr(answer, "in byron_index is damaged") != NULL, "%d: %s",
                  _i, answer);
}
END_TEST

START_TEST(indexes_live_in_memory_temp_and_attached_files)
{
    host_run(host.db,
             "CREATE VIRTUAL TABLE temp.t USING byron(a UNIQUE, INDEX i(a));"
             "INSERT INTO t VALUES(1), (2); ATTACH ':memory:' AS m;"
             "CREATE VIRTUAL TABLE m.u USING byron(a UNIQUE, INDEX i(a));"
             "INSERT INTO u VALUES(1), (2)");
    expect_check("ok");
    ck_assert_str_eq(host_ask(host.db, "SELECT byron_check('m.u')"), "ok");
    ck_assert_int_eq(host_fail(host.db, "INSERT INTO u VALUES(2)"),
                     SQLITE_CONSTRAINT_UNIQUE);
    host_run(host.db, "DROP TABLE t; DROP TABLE u; DETACH m");
}
END_TEST

Suite *test_index_suite(void)
{
    Suite *suite = suite_create("index");
    TCase *layout = tcase_create("layout");
    TCase *cases = tcase_create("index");

    tcase_add_test(layout, an_entrys_key_is_the_columns_and_the_tables_key);
    tcase_add_test(layout, an_entry_holds_the_rowid);
    tcase_add_test(layout, the_bytes_of_an_entrys_key_stay);
    tcase_add_test(layout, a_damaged_entry_has_no_row);
    suite_add_tcase(suite, layout);
    tcase_add_checked_fixture(cases, open_host, close_host);
    tcase_add_test(cases, every_row_has_one_entry_in_each_index);
    tcase_add_test(cases, conflict_replace_deletes_the_old_entries);
    tcase_add_test(cases, an_entry_that_is_too_long_undoes_its_row);
    tcase_add_loop_test(cases, without_memory_row_and_entries_stay_together, 0,
                        5);
    tcase_add_loop_test(cases, check_finds_entries_that_are_wrong, 0, 4);
    tcase_add_test(cases, integrity_check_reaches_the_indexes);
    tcase_add_test(cases, only_who_has_indexes_has_byron_index);
    tcase_add_test(cases, rows_follow_rename_drop_and_rollback);
    tcase_add_test(cases, a_dropped_tables_entries_are_given_up);
    tcase_add_test(cases, entries_that_no_table_has_are_collected);
    tcase_add_loop_test(cases, damaged_rows_of_byron_index_are_told, 0, 7);
    tcase_add_test(cases, indexes_live_in_memory_temp_and_attached_files);
    suite_add_tcase(suite, cases);
    return suite;
}
