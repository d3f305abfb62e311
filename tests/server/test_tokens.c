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

static enum token_right right_of(const struct tokens *tokens, const char *text)
{
    return tokens_right(tokens, bytes_of_text(text));
}

START_TEST(tokens_have_their_rights)
{
    struct tokens *tokens =
        read_text("# comment\n\nread 0123456789abcdef\n"
                  " \twrite  fedcba9876543210 \r\nread both-both-both-both\n"
                  "write both-both-both-both",
                  0600);

    ck_assert_ptr_nonnull(tokens);
    ck_assert_int_eq(right_of(tokens, "Bearer 0123456789abcdef"), TOKEN_READ);
    ck_assert_int_eq(right_of(tokens, "Bearer fedcba9876543210"), TOKEN_WRITE);
    ck_assert_int_eq(right_of(tokens, "Bearer both-both-both-both"),
                     TOKEN_WRITE);
    ck_assert_int_eq(right_of(tokens, "Bearer 0123456789abcde"), TOKEN_NONE);
    ck_assert_int_eq(right_of(tokens, "Bearer 0123456789abcdeg"), TOKEN_NONE);
    ck_assert_int_eq(right_of(tokens, "Bearer 0123456789abcdef0"), TOKEN_NONE);
    ck_assert_int_eq(right_of(tokens, "bearer 0123456789abcdef"), TOKEN_NONE);
    ck_assert_int_eq(right_of(tokens, "Bearer"), TOKEN_NONE);
    ck_assert_int_eq(right_of(tokens, ""), TOKEN_NONE);
    tokens_free(tokens);
}
END_TEST

START_TEST(wrong_files_are_refused)
{
    static const char *const bad[] = {
        "",
        "# read 0123456789abcdef\n",
        "admin 0123456789abcdef\n",
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
        ck_assert_int_eq(tokens_right(tokens, bytes),
                         is_it ? TOKEN_WRITE : TOKEN_NONE);
    }
    tokens_free(tokens);
}
END_TEST

Suite *test_tokens_suite(void)
{
    Suite *suite = suite_create("tokens");
    TCase *tests = tcase_create("tokens");

    tcase_add_test(tests, tokens_have_their_rights);
    tcase_add_test(tests, wrong_files_are_refused);
    tcase_add_test(tests, any_bytes_are_strangers);
    suite_add_tcase(suite, tests);
    return suite;
}
