#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/thread.h"

Suite *test_error_suite(void);

START_TEST(words_name_path_offset_and_reason)
{
    const struct byron_error *error = error_last();

    ck_assert_int_eq(
        error_set(BYRON_IO, "/d/S-1", 4096, EIO, "cannot read %s", "block"),
        BYRON_IO);

    ck_assert_str_eq(error->words, "cannot read block: /d/S-1 at offset 4096: "
                                   "Input/output error");
    ck_assert_str_eq(error->path, "/d/S-1");
    ck_assert_uint_eq(error->offset, 4096);
    ck_assert_int_eq(error->system_errno, EIO);
    ck_assert_int_eq(error->code, BYRON_IO);
}
END_TEST

START_TEST(what_is_unknown_is_left_out)
{
    error_set(BYRON_MISUSE, NULL, BYRON_NO_OFFSET, 0, "the key is too long");

    ck_assert_str_eq(error_last()->words, "the key is too long");
    ck_assert_str_eq(error_last()->path, "");
    ck_assert_uint_eq(error_last()->offset, BYRON_NO_OFFSET);
    ck_assert_int_eq(error_last()->system_errno, 0);
}
END_TEST

START_TEST(a_path_in_the_words_is_not_said_twice)
{
    error_set(BYRON_MISSING, "a/b", BYRON_NO_OFFSET, 0,
              "directory a/b is missing");

    ck_assert_str_eq(error_last()->words, "directory a/b is missing");
    ck_assert_str_eq(error_last()->path, "a/b");
}
END_TEST

START_TEST(corrupt_tells_file_and_offset)
{
    ck_assert_int_eq(error_corrupt("S-7", 0, "bad magic %x", 0xabcu),
                     BYRON_CORRUPT);
    ck_assert_int_eq(error_last()->code, BYRON_CORRUPT);
    ck_assert_str_eq(error_last()->words, "bad magic abc: S-7 at offset 0");
}
END_TEST

START_TEST(too_long_a_text_is_cut)
{
    char text[4096];

    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    error_set(BYRON_IO, text, 1, EIO, "%s", text);

    ck_assert_uint_eq(strlen(error_last()->path),
                      sizeof error_last()->path - 1);
    ck_assert_uint_eq(strlen(error_last()->words),
                      sizeof error_last()->words - 1);
}
END_TEST

START_TEST(words_may_come_from_the_last_error)
{
    const struct byron_error *last = error_last();

    error_set(BYRON_IO, "p", BYRON_NO_OFFSET, 0, "inner");
    error_set(BYRON_CORRUPT, last->path, 5, 0, "outer, after %s", last->words);

    ck_assert_str_eq(last->words, "outer, after inner: p at offset 5");
    ck_assert_str_eq(last->path, "p");
}
END_TEST

START_TEST(restored_error_is_the_last_one)
{
    struct byron_error saved;

    error_set(BYRON_FULL, "W-1", 9, ENOSPC, "first");
    byron_last_error(&saved);
    error_no_memory();
    ck_assert_int_eq(error_last()->code, BYRON_NO_MEMORY);
    ck_assert_str_eq(error_last()->words, "out of memory");
    ck_assert_str_eq(error_last()->path, "");

    ck_assert_int_eq(error_restore(&saved), BYRON_FULL);
    ck_assert_mem_eq(error_last(), &saved, sizeof saved);
    ck_assert_int_eq(error_restore(error_last()), BYRON_FULL);
}
END_TEST

static void fail_elsewhere(void *context)
{
    (void)context;
    error_set(BYRON_IO, NULL, BYRON_NO_OFFSET, 0, "elsewhere");
}

START_TEST(each_thread_has_its_own_error)
{
    struct thread thread;

    error_set(BYRON_BUSY, NULL, BYRON_NO_OFFSET, 0, "here");
    ck_assert_int_eq(thread_start(&thread, fail_elsewhere, NULL), BYRON_OK);
    thread_join(&thread);

    ck_assert_str_eq(error_last()->words, "here");
}
END_TEST

START_TEST(each_status_has_words)
{
    ck_assert_str_eq(byron_status_words(BYRON_OK), "ok");
    ck_assert_str_eq(byron_status_words(BYRON_CORRUPT), "corrupt file");
    ck_assert_str_eq(byron_status_words(BYRON_INTERRUPTED), "interrupted");
    ck_assert_str_eq(byron_status_words((byron_status)99), "unknown status");
}
END_TEST

Suite *test_error_suite(void)
{
    Suite *suite = suite_create("error");
    TCase *cases = tcase_create("error");

    tcase_add_test(cases, words_name_path_offset_and_reason);
    tcase_add_test(cases, what_is_unknown_is_left_out);
    tcase_add_test(cases, a_path_in_the_words_is_not_said_twice);
    tcase_add_test(cases, corrupt_tells_file_and_offset);
    tcase_add_test(cases, too_long_a_text_is_cut);
    tcase_add_test(cases, words_may_come_from_the_last_error);
    tcase_add_test(cases, restored_error_is_the_last_one);
    tcase_add_test(cases, each_thread_has_its_own_error);
    tcase_add_test(cases, each_status_has_words);
    suite_add_tcase(suite, cases);
    return suite;
}
