/*
 * Covers: tokenizer, literal, column_parser, index_definition, option.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "declaration.h"
#include "index_definition.h"

Suite *test_declaration_suite(void);

#define MOST_ARGUMENTS 12

/* One argument for each line of text. */
static byron_status parse(const char *text, struct declaration **out,
                          char **message)
{
    const char *arguments[MOST_ARGUMENTS];
    char *copy = strdup(text);
    char *rest = copy;
    int count = 0;
    byron_status status;

    while (*text && rest && count < MOST_ARGUMENTS)
        arguments[count++] = strsep(&rest, "\n");
    status = declaration_parse("t", count, arguments, out, message);
    free(copy);
    return status;
}

static struct declaration *accept(const char *text)
{
    struct declaration *table;
    char *message;
    byron_status status = parse(text, &table, &message);

    ck_assert_msg(status == BYRON_OK, "%s: %s", text, message);
    return table;
}

static void refuse(const char *text, const char *expected)
{
    struct declaration *table;
    char *message;

    ck_assert_int_eq(parse(text, &table, &message), BYRON_MISUSE);
    ck_assert_ptr_null(table);
    ck_assert_str_eq(message, expected);
    free(message);
}

static void expect_schema(const char *text, const char *expected)
{
    struct declaration *table = accept(text);
    char *schema = declaration_schema(table, "t");

    ck_assert_str_eq(schema, expected);
    free(schema);
    declaration_free(table);
}

#define PREFIX  ", \"prefix\" HIDDEN"
#define COMMAND ", \"t\" HIDDEN, \"arg\" HIDDEN"

START_TEST(no_arguments_mean_key_and_value)
{
    static const char usual[] =
        "CREATE TABLE \"t\"(\"key\" NOT NULL, \"value\"" PREFIX COMMAND
        ", PRIMARY KEY(\"key\" COLLATE BINARY)) WITHOUT ROWID";

    expect_schema("", usual);
    expect_schema(" ", usual);
}
END_TEST

START_TEST(each_shape_is_declared_in_its_own_way)
{
    expect_schema("a\nb TEXT", "CREATE TABLE \"t\"(\"a\", "
                               "\"b\" \"TEXT\"" PREFIX COMMAND ")");
    expect_schema("id INTEGER PRIMARY KEY\nb",
                  "CREATE TABLE \"t\"(\"id\" \"INTEGER\", "
                  "\"b\"" PREFIX COMMAND ", PRIMARY KEY(\"id\"))");
    expect_schema("a INT PRIMARY KEY DESC\nb",
                  "CREATE TABLE \"t\"(\"a\" \"INT\" NOT NULL, "
                  "\"b\"" PREFIX COMMAND
                  ", PRIMARY KEY(\"a\" COLLATE BINARY DESC)) WITHOUT ROWID");
    expect_schema("a\n_key\nPRIMARY KEY(a, _key)",
                  "CREATE TABLE \"t\"(\"a\" NOT NULL, "
                  "\"_key\" NOT NULL" PREFIX ", \"_key_\" BLOB HIDDEN" COMMAND
                  ", PRIMARY KEY(\"_key_\")) WITHOUT ROWID");
}
END_TEST

START_TEST(a_declared_column_wins_over_a_hidden_one)
{
    expect_schema("T\nArg", "CREATE TABLE \"t\"(\"T\", \"Arg\"" PREFIX ")");
    expect_schema("\"Prefix\"", "CREATE TABLE \"t\"(\"Prefix\"" COMMAND ")");
    expect_schema("t\narg\nprefix",
                  "CREATE TABLE \"t\"(\"t\", \"arg\", \"prefix\")");
}
END_TEST

static void expect_hidden(const char *name, const char *text,
                          struct hidden_columns expected)
{
    struct declaration *table = NULL;
    char *message = NULL;

    ck_assert_int_eq(declaration_parse(name, 1, &text, &table, &message),
                     BYRON_OK);
    ck_assert_int_eq(table->hidden.prefix, expected.prefix);
    ck_assert_int_eq(table->hidden.key, expected.key);
    ck_assert_int_eq(table->hidden.command, expected.command);
    ck_assert_int_eq(table->hidden.arg, expected.arg);
    ck_assert_int_eq(table->hidden.count, expected.count);
    declaration_free(table);
}

START_TEST(a_table_may_have_the_name_of_a_hidden_column)
{
    expect_hidden("t", "a", (struct hidden_columns){1, -1, 2, 3, 3});
    expect_hidden("PREFIX", "a", (struct hidden_columns){1, -1, 1, 2, 2});
    expect_hidden("arg", "a", (struct hidden_columns){1, -1, 2, 2, 2});
    expect_hidden("a", "a", (struct hidden_columns){1, -1, -1, 2, 2});
}
END_TEST

START_TEST(the_hidden_key_evades_the_tables_name)
{
    static const char *const arguments[] = {"a", "b", "PRIMARY KEY(a, b)"};
    struct declaration *table = NULL;
    char *message = NULL;

    ck_assert_int_eq(declaration_parse("_KEY", 3, arguments, &table, &message),
                     BYRON_OK);
    ck_assert_str_eq(table->hidden_name, "_key_");
    ck_assert_int_eq(table->hidden.key, 3);
    ck_assert_int_eq(table->hidden.command, 4);
    declaration_free(table);
}
END_TEST

START_TEST(integer_primary_key_is_the_rowid_by_sqlites_rules)
{
    static const struct {
        const char *text;
        enum key_shape shape;
    } cases[] = {
        {"a INTEGER PRIMARY KEY", KEY_ROWID_ALIAS},
        {"a integer primary key asc", KEY_ROWID_ALIAS},
        {"a 'integer' PRIMARY KEY", KEY_ROWID_ALIAS},
        {"a INTEGER PRIMARY KEY DESC", KEY_SINGLE},
        {"a INT PRIMARY KEY", KEY_SINGLE},
        {"a INTEGER(5) PRIMARY KEY", KEY_SINGLE},
        {"a INTEGER\nPRIMARY KEY(a DESC)", KEY_ROWID_ALIAS},
        {"a INTEGER\nb\nPRIMARY KEY(a, b)", KEY_COMPOSITE},
        {"a", KEY_ROWID_IMPLICIT},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct declaration *table = accept(cases[i].text);

        ck_assert_msg(table->shape == cases[i].shape, "%s", cases[i].text);
        declaration_free(table);
    }
}
END_TEST

START_TEST(types_have_sqlites_affinity)
{
    static const struct {
        const char *type;
        enum affinity affinity;
    } cases[] = {
        {"", AFFINITY_BLOB},
        {"BLOB", AFFINITY_BLOB},
        {"INT", AFFINITY_INTEGER},
        {"FLOATING POINT", AFFINITY_INTEGER},
        {"CHARINT", AFFINITY_INTEGER},
        {"VARCHAR(10, 20)", AFFINITY_TEXT},
        {"native character (70)", AFFINITY_TEXT},
        {"CLOB", AFFINITY_TEXT},
        {"BLOBCHAR", AFFINITY_TEXT},
        {"REALBLOB", AFFINITY_BLOB},
        {"DOUBLE PRECISION", AFFINITY_REAL},
        {"float", AFFINITY_REAL},
        {"DECIMAL(-10,+5)", AFFINITY_NUMERIC},
        {"DATE", AFFINITY_NUMERIC},
        {"STRING", AFFINITY_NUMERIC},
        {"[my text]", AFFINITY_TEXT},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        struct declaration *table;

        snprintf(text, sizeof text, "a %s", cases[i].type);
        table = accept(text);
        ck_assert_msg(table->columns[0].affinity == cases[i].affinity, "%s",
                      text);
        declaration_free(table);
    }
}
END_TEST

START_TEST(names_may_be_quoted_in_four_ways)
{
    struct declaration *table =
        accept("\"a \"\"b\"\n[c d]\n`e``f`\n'g''h'\n/* x */ i -- y");
    static const char *const names[] = {"a \"b", "c d", "e`f", "g'h", "i"};

    ck_assert_int_eq(table->column_count, 5);
    for (int i = 0; i < 5; i++)
        ck_assert_str_eq(table->columns[i].name, names[i]);
    declaration_free(table);
}
END_TEST

static struct literal default_of(const char *text)
{
    struct declaration *table = accept(text);
    struct literal literal = table->columns[0].default_value;

    ck_assert(table->columns[0].has_default);
    if (literal.bytes) {
        char *copy = calloc(1, literal.size + 1);

        memcpy(copy, literal.bytes, literal.size);
        literal.bytes = copy;
    }
    declaration_free(table);
    return literal;
}

static void expect_integer(const char *text, int64_t integer)
{
    struct literal literal = default_of(text);

    ck_assert_msg(literal.kind == LITERAL_INTEGER, "%s", text);
    ck_assert_int_eq(literal.integer, integer);
    free(literal.bytes);
}

static void expect_text(const char *text, const char *expected)
{
    struct literal literal = default_of(text);

    ck_assert_msg(literal.kind == LITERAL_TEXT, "%s", text);
    ck_assert_str_eq(literal.bytes, expected);
    free(literal.bytes);
}

START_TEST(defaults_are_literals_with_the_columns_affinity)
{
    struct literal blob = default_of("a DEFAULT x'00fF'");

    ck_assert_int_eq(blob.kind, LITERAL_BLOB);
    ck_assert_uint_eq(blob.size, 2);
    ck_assert_mem_eq(blob.bytes, "\0\xff", 2);
    free(blob.bytes);
    expect_integer("a DEFAULT 5", 5);
    expect_integer("a DEFAULT (-5)", -5);
    expect_integer("a DEFAULT - 0x10", -16);
    expect_integer("a DEFAULT -9223372036854775808", INT64_MIN);
    expect_integer("a DEFAULT true", 1);
    expect_integer("a INT DEFAULT ' 12 '", 12);
    expect_integer("a INT DEFAULT 1e3", 1000);
    expect_text("a INT DEFAULT '12x'", "12x");
    expect_text("a DEFAULT hello", "hello");
    expect_text("a DEFAULT \"x y\"", "x y");
    expect_text("a TEXT DEFAULT 5", "5");
    expect_text("a TEXT DEFAULT 5.", "5.0");
    expect_text("a TEXT DEFAULT 1e20", "1.0e+20");
    ck_assert_int_eq(default_of("a DEFAULT NULL").kind, LITERAL_NULL);
    ck_assert_int_eq(default_of("a REAL DEFAULT 5").kind, LITERAL_REAL);
    ck_assert(default_of("a DEFAULT 99999999999999999999").real == 1e20);
}
END_TEST

START_TEST(clauses_of_a_column_come_in_any_order)
{
    struct declaration *table =
        accept("a TEXT CONSTRAINT x NOT NULL ON CONFLICT IGNORE\n"
               "b COLLATE NOCASE PRIMARY KEY ON CONFLICT REPLACE COLLATE RTRIM "
               "CONSTRAINT y DEFAULT 1 NULL");

    ck_assert(table->columns[0].is_not_null);
    ck_assert_int_eq(table->columns[0].not_null_conflict, CONFLICT_IGNORE);
    ck_assert_int_eq(table->key[0].collation, COLLATION_RTRIM);
    ck_assert_int_eq(table->key_conflict, CONFLICT_REPLACE);
    ck_assert(table->columns[1].is_not_null);
    declaration_free(table);
}
END_TEST

START_TEST(a_key_clause_gives_columns_order_and_collation)
{
    struct declaration *table =
        accept("a TEXT COLLATE RTRIM\nb\nc\nCONSTRAINT pk PRIMARY KEY(c DESC, "
               "a, b COLLATE NOCASE ASC) ON CONFLICT FAIL");

    ck_assert_int_eq(table->key_count, 3);
    ck_assert_int_eq(table->key[0].column, 2);
    ck_assert(table->key[0].is_descending);
    ck_assert_int_eq(table->key[1].collation, COLLATION_RTRIM);
    ck_assert_int_eq(table->key[2].collation, COLLATION_NOCASE);
    ck_assert_int_eq(table->key_conflict, CONFLICT_FAIL);
    ck_assert_int_eq(table->columns[1].key_index, 2);
    declaration_free(table);
}
END_TEST

static void expect_index(const struct declaration *table, int index,
                         const char *expected)
{
    char *text = index_definition_text(&table->indexes[index], table);

    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(indexes_are_declared_in_clauses_and_on_columns)
{
    struct declaration *table = accept(
        "a TEXT UNIQUE ON CONFLICT IGNORE COLLATE NOCASE\n"
        "\"b b\" COLLATE RTRIM CONSTRAINT mine UNIQUE\nc\n"
        "INDEX by_c(c DESC, a, \"b b\" COLLATE BINARY)\nPRIMARY KEY(c)\n"
        "UNIQUE(a, c) ON CONFLICT REPLACE\nCONSTRAINT both UNIQUE(c, a)\n"
        "UNIQUE INDEX x(c, \"b b\")");

    ck_assert_int_eq(table->index_count, 6);
    expect_index(table, 0,
                 "UNIQUE INDEX \"unique_a\"(\"a\" COLLATE NOCASE) "
                 "ON CONFLICT IGNORE");
    expect_index(table, 1, "UNIQUE INDEX \"mine\"(\"b b\" COLLATE RTRIM)");
    expect_index(table, 2,
                 "INDEX \"by_c\"(\"c\" COLLATE BINARY DESC, \"a\" COLLATE "
                 "NOCASE, \"b b\" COLLATE BINARY)");
    expect_index(table, 3,
                 "UNIQUE INDEX \"unique_a_c\"(\"a\" COLLATE NOCASE, \"c\" "
                 "COLLATE BINARY) ON CONFLICT REPLACE");
    expect_index(table, 4,
                 "UNIQUE INDEX \"both\"(\"c\" COLLATE BINARY, \"a\" "
                 "COLLATE NOCASE)");
    ck_assert_str_eq(table->indexes[5].name, "x");
    ck_assert(table->indexes[1].is_before_key);
    ck_assert(!table->indexes[3].is_before_key);
    declaration_free(table);
}
END_TEST

START_TEST(an_index_said_twice_is_one)
{
    struct declaration *table =
        accept("a UNIQUE\nb PRIMARY KEY UNIQUE\nUNIQUE(b) ON CONFLICT FAIL\n"
               "UNIQUE(a) ON CONFLICT IGNORE\nUNIQUE(a COLLATE NOCASE)\n"
               "INDEX unique_a(a)");

    ck_assert_int_eq(table->index_count, 3);
    ck_assert_int_eq(table->key_conflict, CONFLICT_FAIL);
    ck_assert_int_eq(table->indexes[0].conflict, CONFLICT_IGNORE);
    ck_assert_str_eq(table->indexes[0].name, "unique_a_2");
    ck_assert_str_eq(table->indexes[1].name, "unique_a_3");
    declaration_free(table);
}
END_TEST

START_TEST(the_usual_columns_can_have_indexes)
{
    struct declaration *table = accept("INDEX by_value(value)");

    ck_assert_int_eq(table->column_count, 2);
    ck_assert_int_eq(table->indexes[0].columns[0].column, 1);
    declaration_free(table);
}
END_TEST

START_TEST(the_words_of_an_index_parse_to_the_same)
{
    static const char *const texts[] = {
        "INDEX \"i\"(\"a\" COLLATE NOCASE DESC, \"b\" COLLATE RTRIM)",
        "UNIQUE INDEX \"say \"\"x\"\"\"(\"b\" COLLATE BINARY) ON CONFLICT "
        "ROLLBACK",
    };
    struct declaration *table = accept("a\nb");

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct index_definition definition;
        char *message;
        char *text;

        ck_assert_int_eq(
            index_definition_parse(texts[i], table, &definition, &message),
            BYRON_OK);
        text = index_definition_text(&definition, table);
        ck_assert_str_eq(text, texts[i]);
        free(text);
        index_definition_deinit(&definition);
    }
    declaration_free(table);
}
END_TEST

START_TEST(wrong_indexes_are_refused_in_words)
{
    refuse("a\nINDEX i(b)", "no such column: b");
    refuse("a\nUNIQUE(b)", "no such column: b");
    refuse("a\nINDEX i(a, A)", "byron: column a is in i twice");
    refuse("a\nUNIQUE(a, a)", "byron: column a is in UNIQUE twice");
    refuse("a\nINDEX i(a)\nINDEX I(a)", "index i already exists");
    refuse("a\nINDEX(a)",
           "byron: an index has a name: INDEX name(column, ...)");
    refuse("a\nINDEX i(a + 1)",
           "byron: an index is on columns, not on expressions");
    refuse("a\nINDEX i(lower(a))",
           "byron: an index is on columns, not on expressions");
    refuse("a\nINDEX i((a))",
           "byron: an index is on columns, not on expressions");
    refuse("a\nINDEX i(a) WHERE a > 1",
           "byron: an index holds all rows; WHERE is not supported");
    refuse("a\nINDEX i(a) ON CONFLICT IGNORE", "near \"ON\": syntax error");
    refuse("a\nINDEX i(a COLLATE x)",
           "byron: collation \"x\" is not supported; BINARY, NOCASE and RTRIM "
           "are");
    refuse("a\nINDEX i()", "near \")\": syntax error");
    refuse("a\nINDEX i", "incomplete column definition");
    refuse("a\nINDEX i(a", "incomplete column definition");
    refuse("a UNIQUE(a)", "near \"(\": syntax error");
    refuse("a\nINDEX i(a)\nb", "near \"b\": columns come before INDEX");
    refuse("a\nUNIQUE(a)\nb", "near \"b\": columns come before UNIQUE(...)");
    refuse("a UNIQUE ON CONFLICT FAIL\nUNIQUE(a) ON CONFLICT IGNORE",
           "conflicting ON CONFLICT clauses specified");
}
END_TEST

START_TEST(an_index_has_a_limit_of_columns)
{
    char text[4096] = "";
    char clause[1024] = "INDEX i(";
    const char *arguments[INDEX_MOST_COLUMNS + 2];
    struct declaration *table;
    char *message;
    char *end = text;

    for (int i = 0; i <= INDEX_MOST_COLUMNS; i++) {
        arguments[i] = end;
        end += sprintf(end, "c%d", i) + 1;
        sprintf(clause + strlen(clause), "%sc%d", i > 0 ? ", " : "", i);
    }
    strcat(clause, ")");
    arguments[INDEX_MOST_COLUMNS + 1] = clause;
    ck_assert_int_eq(declaration_parse("t", INDEX_MOST_COLUMNS + 2, arguments,
                                       &table, &message),
                     BYRON_MISUSE);
    ck_assert_str_eq(message, "byron: an index has no more than 64 columns");
    free(message);
}
END_TEST

START_TEST(options_are_read)
{
    struct declaration *table =
        accept("a\nmemory='256MB'\nblock_size = 4096\nfile_size=\"64 kb\"\n"
               "compression=zstd\nbloom_bits=0\nthreads=0\nconflict=replace\n"
               "hash_index=ON\nmmap=on");

    ck_assert_uint_eq(table->settings.engine.memory, 256 << 20);
    ck_assert_uint_eq(table->settings.engine.block_size, 4096);
    ck_assert_uint_eq(table->settings.engine.file_size, 64 << 10);
    ck_assert_int_eq(table->settings.engine.compression,
                     BYRON_COMPRESSION_ZSTD);
    ck_assert_int_eq(table->settings.engine.hash_index, BYRON_HASH_INDEX_ON);
    ck_assert(table->settings.engine.map_files);
    ck_assert(table->settings.engine.no_bloom);
    ck_assert(table->settings.engine.inline_work);
    ck_assert(table->settings.is_replace);
    ck_assert(!table->settings.is_own_commit);
    declaration_free(table);
}
END_TEST

START_TEST(wrong_options_are_refused_in_words)
{
    refuse("a\nfoo=1",
           "byron: unrecognized option: \"foo\"; there are memory, memtable, "
           "cache, compression, block_size, bloom_bits, hash_index, "
           "file_size, fanout, threads, mmap, path, commit, conflict and ttl");
    refuse("a\nmemory=1\nMEMORY=2", "byron: option given twice: \"MEMORY\"");
    refuse("a\nmemory='x'", "byron: option memory cannot be \"x\"; a size is "
                            "bytes, or as in '64KB', '256MB', '1GB'");
    refuse("a\nmemory=", "byron: option memory needs a value: a word, a "
                         "size such as 64KB, or a text in quotes");
    refuse("a\npath=a b", "byron: option path has more than a value; quote it");
    refuse("a\nttl=0", "byron: option ttl cannot be \"0\"; seconds are from 1 "
                       "to 100000000000");
    refuse("a\nttl=b", "byron: option ttl cannot be \"b\"; it is seconds, or a "
                       "column of the table");
    refuse("a\nmmap=maybe",
           "byron: option mmap cannot be \"maybe\"; it is off or on");
    refuse("a\nhash_index=maybe", "byron: option hash_index cannot be "
                                  "\"maybe\"; it is on, off or auto");
    refuse("a\ncommit=maybe",
           "byron: option commit cannot be \"maybe\"; it is host or own");
    refuse("a\nfanout='-1'",
           "byron: option fanout cannot be \"-1\"; it is a whole number");
}
END_TEST

START_TEST(what_is_not_supported_says_so)
{
    refuse("a CHECK(a > 0)", "byron: CHECK constraints are not supported");
    refuse("a\nCHECK(a > 0)", "byron: CHECK constraints are not supported");
    refuse("a REFERENCES b",
           "byron: foreign keys (REFERENCES) are not supported");
    refuse("a\nFOREIGN KEY(a) REFERENCES b",
           "byron: FOREIGN KEY constraints are not supported");
    refuse("a AS (1)", "byron: generated columns are not supported");
    refuse("a INTEGER PRIMARY KEY AUTOINCREMENT",
           "byron: AUTOINCREMENT is not supported; INTEGER PRIMARY KEY "
           "numbers new rows without it");
    refuse("a COLLATE x", "byron: collation \"x\" is not supported; BINARY, "
                          "NOCASE and RTRIM are");
    refuse("a\nWITHOUT ROWID", "byron: WITHOUT ROWID is implied by a PRIMARY "
                               "KEY and cannot be written");
    refuse("a\nSTRICT", "byron: STRICT tables are not supported");
    refuse("a DEFAULT CURRENT_TIME", "default value of a column must be a "
                                     "literal, not CURRENT_TIME");
    refuse("a DEFAULT (1 + 1)", "default value of a column must be a literal, "
                                "not an expression");
    refuse("a my hidden type", "byron: a column cannot be HIDDEN");
}
END_TEST

START_TEST(errors_are_worded_as_sqlites)
{
    refuse("a\nA", "duplicate column name: A");
    refuse("a\nPRIMARY KEY(b)", "no such column: b");
    refuse("a PRIMARY KEY\nb PRIMARY KEY",
           "table has more than one primary key");
    refuse("a TEXT(", "incomplete column definition");
    refuse("a NOT", "incomplete column definition");
    refuse("1", "near \"1\": syntax error");
    refuse("a 'b", "unrecognized token: \"'b\"");
    refuse("a DEFAULT x'0'", "default value of a column must be a literal");
    refuse("a\nPRIMARY KEY(a+1)", "near \"+\": syntax error");
    refuse("a\nPRIMARY KEY(a)\nb",
           "near \"b\": columns come before PRIMARY KEY(...)");
    refuse("a\n\nb", "incomplete column definition");
}
END_TEST

Suite *test_declaration_suite(void)
{
    Suite *suite = suite_create("declaration");
    TCase *cases = tcase_create("declaration");

    tcase_add_test(cases, no_arguments_mean_key_and_value);
    tcase_add_test(cases, each_shape_is_declared_in_its_own_way);
    tcase_add_test(cases, a_declared_column_wins_over_a_hidden_one);
    tcase_add_test(cases, a_table_may_have_the_name_of_a_hidden_column);
    tcase_add_test(cases, the_hidden_key_evades_the_tables_name);
    tcase_add_test(cases, integer_primary_key_is_the_rowid_by_sqlites_rules);
    tcase_add_test(cases, types_have_sqlites_affinity);
    tcase_add_test(cases, names_may_be_quoted_in_four_ways);
    tcase_add_test(cases, defaults_are_literals_with_the_columns_affinity);
    tcase_add_test(cases, clauses_of_a_column_come_in_any_order);
    tcase_add_test(cases, a_key_clause_gives_columns_order_and_collation);
    tcase_add_test(cases, indexes_are_declared_in_clauses_and_on_columns);
    tcase_add_test(cases, an_index_said_twice_is_one);
    tcase_add_test(cases, the_usual_columns_can_have_indexes);
    tcase_add_test(cases, the_words_of_an_index_parse_to_the_same);
    tcase_add_test(cases, wrong_indexes_are_refused_in_words);
    tcase_add_test(cases, an_index_has_a_limit_of_columns);
    tcase_add_test(cases, options_are_read);
    tcase_add_test(cases, wrong_options_are_refused_in_words);
    tcase_add_test(cases, what_is_not_supported_says_so);
    tcase_add_test(cases, errors_are_worded_as_sqlites);
    suite_add_tcase(suite, cases);
    return suite;
}
