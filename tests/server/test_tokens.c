/*
 * test_tokens: a file of tokens, and what a client shows.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "grpc/tokens.h"
#include "net/bytes.h"
#include "support/seed.h"

Suite *test_tokens_suite(void);

static char words[TOKENS_WORDS_SIZE];

/* Reads a file of this text; NULL: it was refused. */
static struct tokens *read_text(const char *text, mode_t mode)
{
    struct tokens *tokens = NULL;
    char path[512];
    FILE *file;

    snprintf(path, sizeof path, "%s/tokens", getenv("TMPDIR"));
    remove(path);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    ck_assert_int_eq(chmod(path, mode), 0);
    ck_assert_int_eq(tokens_read(path, &tokens, words) == BYRON_OK,
                     tokens != NULL);
    return tokens;
}

static enum right right_of(const struct tokens *tokens, const char *text)
{
    const struct rights *rights = tokens_by_secret(tokens, bytes_of_text(text));

    return rights ? rights_everywhere(rights) : RIGHT_NONE;
}

START_TEST(tokens_have_their_rights)
{
    struct tokens *tokens =
        read_text("# comment\n\nread 0123456789abcdef\n"
                  " \twrite  fedcba9876543210 \r\nread both-both-both-both\n"
                  "admin root-root-root-root\nwrite both-both-both-both",
                  0600);

    ck_assert_ptr_nonnull(tokens);
    ck_assert_int_eq(right_of(tokens, "Bearer 0123456789abcdef"), RIGHT_READ);
    ck_assert_int_eq(right_of(tokens, "Bearer fedcba9876543210"), RIGHT_WRITE);
    ck_assert_int_eq(right_of(tokens, "Bearer both-both-both-both"),
                     RIGHT_WRITE);
    ck_assert_int_eq(right_of(tokens, "Bearer root-root-root-root"),
                     RIGHT_ADMIN);
    ck_assert_int_eq(right_of(tokens, "Bearer 0123456789abcde"), RIGHT_NONE);
    ck_assert_int_eq(right_of(tokens, "Bearer 0123456789abcdeg"), RIGHT_NONE);
    ck_assert_int_eq(right_of(tokens, "Bearer 0123456789abcdef0"), RIGHT_NONE);
    ck_assert_int_eq(right_of(tokens, "bearer 0123456789abcdef"), RIGHT_NONE);
    ck_assert_int_eq(right_of(tokens, "Bearer"), RIGHT_NONE);
    ck_assert_int_eq(right_of(tokens, ""), RIGHT_NONE);
    ck_assert_uint_eq(tokens_name_count(tokens), 0);
    tokens_unref(tokens);
}
END_TEST

START_TEST(places_of_several_lines_add_up)
{
    struct tokens *tokens =
        read_text("write 0123456789abcdef prefix=a table=t\n"
                  "read 0123456789abcdef prefix=b\n"
                  "read fedcba9876543210 range=c..d\n",
                  0600);
    const struct rights *first;
    const struct rights *second;

    ck_assert_ptr_nonnull(tokens);
    first = tokens_by_secret(tokens, bytes_of_text("Bearer 0123456789abcdef"));
    second = tokens_by_secret(tokens, bytes_of_text("Bearer fedcba9876543210"));
    ck_assert_ptr_ne(first, second);
    ck_assert(rights_on_key(first, RIGHT_WRITE, bytes_of_text("a1")));
    ck_assert(rights_on_key(first, RIGHT_READ, bytes_of_text("b1")));
    ck_assert(!rights_on_key(first, RIGHT_WRITE, bytes_of_text("b1")));
    ck_assert(!rights_on_key(first, RIGHT_READ, bytes_of_text("c1")));
    ck_assert(rights_on_table(first, RIGHT_WRITE, "t"));
    ck_assert(rights_on_key(second, RIGHT_READ, bytes_of_text("c1")));
    ck_assert(!rights_on_table(second, RIGHT_READ, "t"));
    ck_assert_int_eq(rights_everywhere(first), RIGHT_NONE);
    tokens_unref(tokens);
}
END_TEST

static bool is_name(const void *context, struct byron_bytes name)
{
    return bytes_equal(name, context);
}

/* Whose name is longer than a token has to be is no secret either. */
START_TEST(names_are_no_secrets)
{
    struct tokens *tokens =
        read_text("read certificate a\nwrite certificate with%20space table=t\n"
                  "admin certificate a.name.as.long.as.a.token\n",
                  0600);

    ck_assert_ptr_nonnull(tokens);
    ck_assert_uint_eq(tokens_name_count(tokens), 3);
    ck_assert_int_eq(rights_everywhere(tokens_by_name(tokens, is_name, "a")),
                     RIGHT_READ);
    ck_assert(rights_on_table(tokens_by_name(tokens, is_name, "with space"),
                              RIGHT_WRITE, "t"));
    ck_assert_ptr_null(tokens_by_name(tokens, is_name, "b"));
    ck_assert_int_eq(right_of(tokens, "Bearer a.name.as.long.as.a.token"),
                     RIGHT_NONE);
    tokens_unref(tokens);
}
END_TEST

START_TEST(wrong_files_are_refused)
{
    static const char *const bad[] = {
        "",
        "# read 0123456789abcdef\n",
        "owner 0123456789abcdef\n",
        "admin 0123456789abcdef table=t\n",
        "read 0123456789abcdef table=\n",
        "read certificate\n",
        "read certificate 0123%\n",
        "certificate 0123456789abcdef\n",
        "read short\n",
        "read\n",
        "read 0123456789abcdef more\n",
        "read 0123456789\1abcdef\n",
        "read 0123456789abcdef\n0123456789abcdef\n"};
    char comment[600];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_ptr_null(read_text(bad[i], 0600));
        ck_assert_ptr_null(strstr(words, "0123"));
    }
    /* Its rest would be a token. */
    memset(comment, '#', sizeof comment);
    snprintf(comment + 511, sizeof comment - 511, "write 0123456789abcdef\n");
    ck_assert_ptr_null(read_text(comment, 0600));
    ck_assert_ptr_null(read_text("read 0123456789abcdef\n", 0640));
    ck_assert_ptr_nonnull(strstr(words, "0600"));
    ck_assert_ptr_null(
        read_text("#\n\nread 0123456789abcdef\nwrite x\n", 0600));
    ck_assert_ptr_nonnull(strstr(words, "line 4:"));
    ck_assert_int_ne(
        tokens_read("/no/such/file", &(struct tokens *){NULL}, words),
        BYRON_OK);
}
END_TEST

START_TEST(any_bytes_are_strangers)
{
    struct tokens *tokens = read_text("write 0123456789abcdef\n", 0600);
    struct rng rng;

    rng_init(&rng, test_seed());
    for (int round = 0; round < 20000; round++) {
        char shown[300] = "Bearer 0123456789abcdef";
        struct byron_bytes bytes = {shown, rng_below(&rng, sizeof shown)};
        bool is_it;
        for (uint64_t i = rng_below(&rng, 3); i > 0; i--)
            shown[rng_below(&rng, 30)] = (char)rng_next(&rng);
        is_it = bytes_equal(bytes, "Bearer 0123456789abcdef");
        ck_assert_int_eq(tokens_by_secret(tokens, bytes) != NULL, is_it);
    }
    tokens_unref(tokens);
}
END_TEST

Suite *test_tokens_suite(void)
{
    Suite *suite = suite_create("tokens");
    TCase *tests = tcase_create("tokens");

    tcase_add_test(tests, tokens_have_their_rights);
    tcase_add_test(tests, places_of_several_lines_add_up);
    tcase_add_test(tests, names_are_no_secrets);
    tcase_add_test(tests, wrong_files_are_refused);
    tcase_add_test(tests, any_bytes_are_strangers);
    suite_add_tcase(suite, tests);
    return suite;
}
