/*
 * test_flags: settings from a file and from the command line.
 *
 * Covers: config.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "main/config.h"
#include "main/flags.h"
#include "net/bytes.h"
#include "support/seed.h"

Suite *test_flags_suite(void);

static struct flags flags;
static char words[FLAGS_WORDS_SIZE];
static char path[512];
static char argument[600];

static void write_file(struct byron_bytes bytes)
{
    FILE *file;

    snprintf(path, sizeof path, "%s/config", getenv("TMPDIR"));
    snprintf(argument, sizeof argument, "--config=%s", path);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes.data, 1, bytes.size, file), bytes.size);
    fclose(file);
}

/* The file and up to two arguments. */
static byron_status parse(const char *text, const char *first,
                          const char *second)
{
    char *arguments[] = {(char[]){"byrond"}, argument, (char *)(uintptr_t)first,
                         (char *)(uintptr_t)second};
    int count = 2 + (first != NULL) + (second != NULL);

    write_file(bytes_of_text(text));
    flags_deinit(&flags);
    return flags_parse(count, arguments, &flags, words);
}

static void refuses(const char *text, const char *line, const char *what)
{
    ck_assert_int_eq(parse(text, NULL, NULL), BYRON_MISUSE);
    ck_assert_msg(strstr(words, path) && strstr(words, line) &&
                      strstr(words, what),
                  "%s: %s", text, words);
}

START_TEST(a_file_says_what_flags_say)
{
    ck_assert_int_eq(parse("# comment\n\n  store =  /var/a b#c \r\nthreads=3\n"
                           "\tgrace\t=\t0\nlisten = unix:/x\n"
                           "listen = 127.0.0.1:1\nlog = calls",
                           NULL, NULL),
                     BYRON_OK);
    ck_assert_str_eq(flags.store, "/var/a b#c");
    ck_assert_uint_eq(flags.loops, 3);
    ck_assert_uint_eq(flags.grace_seconds, 0);
    ck_assert_uint_eq(flags.listen_count, 2);
    ck_assert_int_eq(flags.log, CALL_LOG_CALLS);
    ck_assert_uint_eq(flags.lease_seconds, 600);
    ck_assert_int_eq(parse("", NULL, NULL), BYRON_OK);
    ck_assert_uint_eq(flags.listen_count, 1);
    flags_deinit(&flags);
}
END_TEST

START_TEST(the_command_line_counts)
{
    static const char text[] = "threads = 3\nlisten = unix:/x\n"
                               "listen = unix:/y\nstore = /a\n";

    ck_assert_int_eq(parse(text, "--threads=4", "--store=/b"), BYRON_OK);
    ck_assert_uint_eq(flags.loops, 4);
    ck_assert_str_eq(flags.store, "/b");
    ck_assert_uint_eq(flags.listen_count, 2);
    ck_assert_int_eq(parse(text, "--listen", "127.0.0.1:7"), BYRON_OK);
    ck_assert_uint_eq(flags.listen_count, 1);
    ck_assert_int_eq(flags.listen[0].as.any.sa_family, AF_INET);
    ck_assert_int_eq(parse(text, "--listen", "--store=/b"), BYRON_MISUSE);
    ck_assert_int_eq(parse(text, "--listen", NULL), BYRON_MISUSE);
    ck_assert_int_eq(parse(text, "--config", "/x"), BYRON_MISUSE);
    ck_assert_int_eq(parse(text, "--confi=x", NULL), BYRON_MISUSE);
    flags_deinit(&flags);
}
END_TEST

START_TEST(what_is_wrong_is_told_with_its_line)
{
    refuses("store = /a\n\nthreads = 65\n", ":3:", "1 to 64");
    refuses("nonsense = 1\n", ":1:", "tls-clients");
    refuses("\n\n\nstore\n", ":4:", "name = value");
    refuses("= x\n", ":1:", "listen");
    refuses("store =\n", ":1:", "a directory");
    refuses("store = /a.db-byron\n", ":1:", "SQLite");
    refuses("log = all", ":1:", "none, errors or calls");
    refuses("listen = nowhere\n", ":1:", "IPV4:PORT");
    refuses("config = x\n", ":1:", "\"config\"");
    refuses("help = 1\n", ":1:", "\"help\"");
    refuses("grace = 1 # more\n", ":1:", "3600");
    /* As for flags, where the line is not to blame. */
    ck_assert_int_eq(parse("listen = 0.0.0.0:1\n", NULL, NULL), BYRON_MISUSE);
    ck_assert_ptr_nonnull(strstr(words, "TLS"));
    flags_deinit(&flags);
    snprintf(argument, sizeof argument, "--config=/no/such/file");
    ck_assert_int_eq(
        flags_parse(2, (char *[]){(char[]){"byrond"}, argument}, &flags, words),
        BYRON_MISUSE);
    ck_assert_ptr_nonnull(strstr(words, "/no/such/file"));
}
END_TEST

START_TEST(what_is_printed_can_be_read)
{
    static const char text[] =
        "listen = unix:/x\nlisten = 127.0.0.1:1\nstore = /a b\n"
        "tls-certificate = c\ntls-key = k\ntokens = t\nmetrics = 127.0.0.1:2\n"
        "log = none\nthreads = 2\n";
    char first[2000] = "";
    char second[2000] = "";
    FILE *file;

    ck_assert_int_eq(parse(text, "--print-config", NULL), BYRON_OK);
    ck_assert(flags.wants_print);
    file = fmemopen(first, sizeof first, "w");
    flags_print(&flags, file);
    fclose(file);
    ck_assert_ptr_nonnull(strstr(first, "listen = unix:/x\nlisten = 127."));
    ck_assert_ptr_nonnull(strstr(first, "store = /a b\n# database = "));
    ck_assert_ptr_nonnull(strstr(first, "\ngrace = 10\n"));
    ck_assert_int_eq(parse(first, NULL, NULL), BYRON_OK);
    file = fmemopen(second, sizeof second, "w");
    flags_print(&flags, file);
    fclose(file);
    ck_assert_str_eq(first, second);
    flags_deinit(&flags);
}
END_TEST

START_TEST(any_bytes_are_read_or_refused)
{
    struct rng rng;

    rng_init(&rng, test_seed());
    for (int round = 0; round < 500; round++) {
        char text[] = "store = /a\nthreads = 2\nlisten = 127.0.0.1:0\n#\n";
        struct byron_bytes bytes = {text, rng_below(&rng, sizeof text)};
        char *arguments[] = {(char[]){"byrond"}, argument};
        for (uint64_t i = rng_below(&rng, 4); i > 0; i--)
            text[rng_below(&rng, sizeof text)] = (char)rng_next(&rng);
        write_file(bytes);
        (void)!flags_parse(2, arguments, &flags, words);
        flags_deinit(&flags);
    }
}
END_TEST

START_TEST(large_files_are_refused)
{
    static char text[64 * 1024 + 1];
    struct byron_bytes bytes = {text, sizeof text};
    char *arguments[] = {(char[]){"byrond"}, argument};

    memset(text, '\n', sizeof text);
    write_file(bytes);
    ck_assert_int_eq(flags_parse(2, arguments, &flags, words), BYRON_MISUSE);
    bytes.size--;
    write_file(bytes);
    ck_assert_int_eq(flags_parse(2, arguments, &flags, words), BYRON_OK);
    flags_deinit(&flags);
}
END_TEST

Suite *test_flags_suite(void)
{
    Suite *suite = suite_create("flags");
    TCase *tests = tcase_create("flags");

    tcase_add_test(tests, a_file_says_what_flags_say);
    tcase_add_test(tests, the_command_line_counts);
    tcase_add_test(tests, what_is_wrong_is_told_with_its_line);
    tcase_add_test(tests, what_is_printed_can_be_read);
    tcase_add_test(tests, any_bytes_are_read_or_refused);
    tcase_add_test(tests, large_files_are_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
