/*
 * test_ctl: what byronctl reads and writes, without a server.
 *
 * Covers: text, json, reader, progress, options, help, report, dial.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/json.h"
#include "ctl/options.h"
#include "ctl/progress.h"
#include "ctl/reader.h"
#include "net/dial.h"
#include "support/seed.h"

Suite *test_ctl_suite(void);

static const enum notation notations[] = {NOTATION_TEXT, NOTATION_HEX,
                                          NOTATION_BASE64};

START_TEST(wrong_text_is_told)
{
    static const struct {
        enum notation notation;
        const char *text;
    } cases[] = {{NOTATION_HEX, "abc"},     {NOTATION_HEX, "0g"},
                 {NOTATION_HEX, "0x"},      {NOTATION_BASE64, "abc"},
                 {NOTATION_BASE64, "ab=c"}, {NOTATION_BASE64, "===="},
                 {NOTATION_BASE64, "a-bc"}};
    static const char *const escapes[] = {"\\", "a\\d", "\\x4", "\\xgg", "\\x"};
    struct bytes out = {0};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(text_decode(cases[i].notation,
                                  bytes_of_text(cases[i].text), &out) != NULL,
                      "%s", cases[i].text);
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++)
        ck_assert_msg(text_decode_tsv(NOTATION_TEXT, bytes_of_text(escapes[i]),
                                      &out) != NULL,
                      "%s", escapes[i]);
    bytes_deinit(&out);
}
END_TEST

START_TEST(known_notations_are_read)
{
    struct bytes out = {0};

    ck_assert_ptr_null(text_decode(NOTATION_HEX, bytes_of_text("48Ff"), &out));
    ck_assert_ptr_null(
        text_decode(NOTATION_BASE64, bytes_of_text("aGVsbG8="), &out));
    ck_assert_ptr_null(
        text_decode(NOTATION_TEXT, bytes_of_text("C:\\dir"), &out));
    ck_assert_ptr_null(text_decode_tsv(
        NOTATION_TEXT, bytes_of_text("\\t\\\\\\x41\\n\\r"), &out));
    ck_assert(bytes_equal(bytes_lend(&out), "H\xFFhelloC:\\dir\t\\A\n\r"));
    bytes_deinit(&out);
}
END_TEST

/* --- Rows come back -------------------------------------------------------*/

#define ROWS 60

struct rows {
    struct bytes key[ROWS];
    struct bytes value[ROWS];
};

static void fill(struct rng *rng, struct bytes *out)
{
    static const char odd[] = "\\\t\n\r\",{}x'\xC3\xA4\xE2\x82\xAC\x7F\xC2\x85";
    size_t size = 1 + rng_below(rng, 40);
    bool is_odd = rng_below(rng, 2) == 0;

    for (size_t i = 0; i < size; i++) {
        char byte = is_odd ? odd[rng_below(rng, sizeof odd - 1)]
                           : (char)rng_below(rng, 256);
        text_add(out, &byte, 1);
    }
}

static void read_back(FILE *file, enum format format, enum notation notation,
                      const struct rows *rows)
{
    struct reader reader;
    struct bytes key = {0};
    struct bytes value = {0};

    reader_init(&reader, file, format, notation);
    for (size_t i = 0; i < ROWS; i++) {
        enum reader_found found;
        key.size = value.size = 0;
        found = reader_next(&reader, &key, &value);
        ck_assert_msg(found == READER_ROW, "row %zu: %s", i,
                      found == READER_WRONG ? reader.wrong : "end");
        ck_assert_uint_eq(key.size, rows->key[i].size);
        ck_assert_mem_eq(key.data, rows->key[i].data, key.size);
        ck_assert_uint_eq(value.size, rows->value[i].size);
        ck_assert_mem_eq(value.data, rows->value[i].data, value.size);
    }
    ck_assert_int_eq(reader_next(&reader, &key, &value), READER_END);
    reader_deinit(&reader);
    bytes_deinit(&key);
    bytes_deinit(&value);
}

START_TEST(any_rows_come_back_in_every_format)
{
    static const enum format formats[] = {FORMAT_TSV, FORMAT_CSV, FORMAT_JSON};
    struct rng rng;
    struct rows rows = {0};

    rng_init(&rng, test_seed());
    for (size_t i = 0; i < ROWS; i++) {
        fill(&rng, &rows.key[i]);
        fill(&rng, &rows.value[i]);
    }
    for (size_t i = 0; i < 9; i++) {
        enum format format = formats[i / 3];
        FILE *file = tmpfile();
        ck_assert_ptr_nonnull(file);
        for (size_t j = 0; j < ROWS; j++) {
            struct byron_bytes value = bytes_lend(&rows.value[j]);
            text_print_row(file, format, notations[i % 3],
                           bytes_lend(&rows.key[j]), &value);
        }
        rewind(file);
        read_back(file, format, notations[i % 3], &rows);
        fclose(file);
    }
    for (size_t i = 0; i < ROWS; i++) {
        bytes_deinit(&rows.key[i]);
        bytes_deinit(&rows.value[i]);
    }
}
END_TEST

/* Rows of text, or -1 - the line that is wrong. */
static int rows_of(const char *text, enum format format)
{
    FILE *file = tmpfile();
    struct reader reader;
    struct bytes key = {0};
    struct bytes value = {0};
    enum reader_found found;
    int rows = 0;

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    rewind(file);
    reader_init(&reader, file, format, NOTATION_TEXT);
    while ((found = reader_next(&reader, &key, &value)) == READER_ROW)
        rows++;
    if (found == READER_WRONG)
        rows = -1 - (int)reader.line;
    reader_deinit(&reader);
    bytes_deinit(&key);
    bytes_deinit(&value);
    fclose(file);
    return rows;
}

START_TEST(files_of_others_are_read)
{
    ck_assert_int_eq(rows_of("", FORMAT_TSV), 0);
    ck_assert_int_eq(rows_of("a\tb\nc\t", FORMAT_TSV), 2);
    ck_assert_int_eq(rows_of("a\tb\nc\n", FORMAT_TSV), -3);
    ck_assert_int_eq(rows_of("a\tb\tc\n", FORMAT_TSV), -2);
    ck_assert_int_eq(rows_of("", FORMAT_CSV), 0);
    ck_assert_int_eq(rows_of("key,value\r\na,b\r\nc,\"d\n,\"\"e\"", FORMAT_CSV),
                     2);
    ck_assert_int_eq(rows_of("\"a\nb\",c\nd\n", FORMAT_CSV), -4);
    ck_assert_int_eq(rows_of("a,\"b\n", FORMAT_CSV), -2);
    ck_assert_int_eq(rows_of("a,b,c\n", FORMAT_CSV), -2);
    ck_assert_int_eq(rows_of("a,\"b\"c\n", FORMAT_CSV), -2);
    ck_assert_int_eq(rows_of("{ \"value\" : \"1\" , \"key\":\"\\u00e4\\ud83d"
                             "\\ude00\\/\" }\n",
                             FORMAT_JSON),
                     1);
}
END_TEST

START_TEST(what_is_no_row_of_json_is_told)
{
    static const char *const lines[] = {
        "",
        "[]",
        "{}",
        "{\"key\":\"a\"}",
        "{\"key\":\"a\",\"value\":1}",
        "{\"key\":\"a\",\"value\":\"b\"",
        "{\"key\":\"a\",\"value\":\"b\"}x",
        "{\"key\":\"a\",\"value\":\"b\",}",
        "{\"key\":\"a\",\"value\":\"b\",\"c\":\"d\"}",
        "{\"key\":\"a\",\"key\":\"a\",\"value\":\"b\"}",
        "{\"key\":\"\\x\",\"value\":\"b\"}",
        "{\"key\":\"\\u12\",\"value\":\"b\"}",
        "{\"key\":\"\\ud800\",\"value\":\"b\"}",
        "{\"key\":\"\\udc00\",\"value\":\"b\"}",
        "{\"key\":{\"base64\":\"a\"},\"value\":\"b\"}",
        "{\"key\":{\"hex\":\"aa\"},\"value\":\"b\"}",
        "{\"key\":\"a",
        "{\"key\":\"a\\"};
    struct bytes key = {0};
    struct bytes value = {0};

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(json_read_row(bytes_of_text(lines[i]), NOTATION_TEXT,
                                    &key, &value) != NULL,
                      "%s", lines[i]);
    bytes_deinit(&key);
    bytes_deinit(&value);
}
END_TEST

START_TEST(numbers_of_json_are_told_apart)
{
    static const char *const none[] = {"",   "-",  "007", "1.", ".5",
                                       "1e", "+1", "1 ",  "0x1"};
    bool is_whole;

    ck_assert(json_is_number("-12", &is_whole) && is_whole);
    ck_assert(json_is_number("0", &is_whole) && is_whole);
    ck_assert(json_is_number("1.5e-3", &is_whole) && !is_whole);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        ck_assert_msg(!json_is_number(none[i], &is_whole), "%s", none[i]);
}
END_TEST

/* --- Command lines --------------------------------------------------------*/

static enum exit_code parse(struct options *out, const char *a, const char *b,
                            const char *c)
{
    static char *arguments[5];
    const char *given[] = {"byronctl", a, b, c};
    int count = 0;

    /* They are moved about, never written to. */
    for (size_t i = 0; i < 4; i++)
        if (given[i])
            arguments[count++] = (char *)(uintptr_t)given[i];
    return options_parse(count, arguments, out);
}

START_TEST(flags_may_stand_anywhere)
{
    struct options options;

    unsetenv("BYRON_SERVER");
    unsetenv("BYRON_TOKEN");
    ck_assert_int_eq(parse(&options, "--as=hex", "get", "6b"), EXIT_DONE);
    ck_assert_int_eq(options.command, COMMAND_GET);
    ck_assert_int_eq(options.notation, NOTATION_HEX);
    ck_assert_int_eq(options.count, 1);
    ck_assert_str_eq(options.arguments[0], "6b");
    ck_assert_str_eq(options.server, "127.0.0.1:7060");
    ck_assert_int_eq(parse(&options, "get", "--", "--key"), EXIT_DONE);
    ck_assert_str_eq(options.arguments[0], "--key");
    ck_assert_int_eq(parse(&options, "range", "--limit=10", "--tls-roots=x"),
                     EXIT_DONE);
    ck_assert(options.limit == 10 && options.is_tls);
}
END_TEST

START_TEST(wrong_flags_are_refused)
{
    static const char *const wrong[][3] = {{"get", "--nothing", NULL},
                                           {"get", "--limit=3", NULL},
                                           {"got", "k", NULL},
                                           {"range", "--limit=0", NULL},
                                           {"range", "--limit=x", NULL},
                                           {"range", "--limit", NULL},
                                           {"range", "--reverse=1", NULL},
                                           {"range", "--format=table", NULL},
                                           {"load", "--batch=10001", NULL},
                                           {"get", "--as=octal", "k"},
                                           {"get", "--token=secret", "k"},
                                           {"get", "--token-file=x", "k"},
                                           {"get", "--tls-key=x", "k"},
                                           {"get", "--server=unix:/x", "--tls"},
                                           {"--tls", NULL, NULL}};
    struct options options;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(parse(&options, wrong[i][0], wrong[i][1], wrong[i][2]) ==
                          EXIT_USAGE,
                      "%s %s", wrong[i][0], wrong[i][1]);
}
END_TEST

START_TEST(the_environment_counts)
{
    struct options options;

    setenv("BYRON_SERVER", "db.example:1", 1);
    setenv("BYRON_TOKEN", "0123456789abcdef", 1);
    ck_assert_int_eq(parse(&options, "get", "--tls", "k"), EXIT_DONE);
    ck_assert_str_eq(options.server, "db.example:1");
    ck_assert_str_eq(options.token, "0123456789abcdef");
    ck_assert_int_eq(parse(&options, "get", "k", NULL), EXIT_USAGE);
    ck_assert_int_eq(parse(&options, "get", "--server=unix:/x", "k"),
                     EXIT_DONE);
    ck_assert_ptr_null(options.token);
    setenv("BYRON_TOKEN", "0123456789abcdef\r\nx: y", 1);
    ck_assert_int_eq(parse(&options, "get", "--tls", "k"), EXIT_USAGE);
}
END_TEST

START_TEST(every_command_explains_itself)
{
    for (int i = COMMAND_NONE; i < COMMAND_COUNT; i++) {
        const char *help = options_help((enum command)i);
        ck_assert_ptr_nonnull(strstr(help, "  byronctl "));
        for (const char *line = help; *line; line += strcspn(line, "\n") + 1)
            ck_assert_uint_le(strcspn(line, "\n"), 80);
    }
}
END_TEST

/* --- Progress, addresses --------------------------------------------------*/

START_TEST(progress_tells_how_far_and_how_fast)
{
    struct progress progress = {.what = "loaded", .total = 400};
    char line[160];
    char number[PROGRESS_NUMBER_SIZE];

    progress_line(&progress, 100, 12345, 2000000, line, sizeof line);
    ck_assert_str_eq(line, "loaded [======                  ]  25%  12,345 "
                           "rows, 6,172/s, 6 s to go");
    progress.total = 0;
    progress_line(&progress, 7, 7, 0, line, sizeof line);
    ck_assert_str_eq(line, "loaded 7 rows, 0/s");
    ck_assert_str_eq(progress_number(1234567, number), "1,234,567");
    ck_assert_str_eq(progress_number(0, number), "0");
}
END_TEST

START_TEST(hosts_of_addresses_are_found)
{
    static const char *const none[] = {"",      "host", "host:", ":1",
                                       "::1:1", "[]:1", "[::1]", "unix:/x:1"};
    char host[DIAL_HOST_SIZE];
    char words[DIAL_WORDS_SIZE];
    int fd;

    ck_assert(dial_host("db.example:7060", host));
    ck_assert_str_eq(host, "db.example");
    ck_assert(dial_host("[::1]:7060", host));
    ck_assert_str_eq(host, "::1");
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        ck_assert_msg(!dial_host(none[i], host), "%s", none[i]);
    ck_assert_int_eq(dial("no address", 100, &fd, words), BYRON_MISUSE);
    ck_assert_int_eq(dial("unix:/no/such/socket", 100, &fd, words), BYRON_IO);
    ck_assert_ptr_nonnull(strstr(words, "No such file"));
}
END_TEST

Suite *test_ctl_suite(void)
{
    Suite *suite = suite_create("ctl");
    TCase *tests = tcase_create("all");

    suite_add_tcase(suite, tests);
    tcase_add_test(tests, wrong_text_is_told);
    tcase_add_test(tests, known_notations_are_read);
    tcase_add_test(tests, any_rows_come_back_in_every_format);
    tcase_add_test(tests, files_of_others_are_read);
    tcase_add_test(tests, what_is_no_row_of_json_is_told);
    tcase_add_test(tests, numbers_of_json_are_told_apart);
    tcase_add_test(tests, flags_may_stand_anywhere);
    tcase_add_test(tests, wrong_flags_are_refused);
    tcase_add_test(tests, the_environment_counts);
    tcase_add_test(tests, every_command_explains_itself);
    tcase_add_test(tests, progress_tells_how_far_and_how_fast);
    tcase_add_test(tests, hosts_of_addresses_are_found);
    return suite;
}
