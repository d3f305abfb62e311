#include <check.h>

#include "base/file_name.h"
#include "support/seed.h"

Suite *test_file_name_suite(void);

START_TEST(name_is_as_documented)
{
    char name[OS_NAME_MAX];

    file_name_format(FILE_TABLE, 42, name);
    ck_assert_str_eq(name, "S-000000000000002a");
    file_name_format(FILE_MANIFEST, UINT64_MAX, name);
    ck_assert_str_eq(name, "M-ffffffffffffffff");
    file_name_format(FILE_WAL, 0, name);
    ck_assert_str_eq(name, "W-0000000000000000");
}
END_TEST

START_TEST(any_name_comes_back)
{
    static const enum file_kind kinds[] = {FILE_MANIFEST, FILE_WAL, FILE_TABLE};
    struct rng rng;

    rng_init(&rng, test_seed());
    for (int i = 0; i < 3000; i++) {
        uint64_t number = rng_next(&rng) >> rng_below(&rng, 64);
        enum file_kind kind = kinds[i % 3];
        enum file_kind kind_again;
        uint64_t number_again;
        char name[OS_NAME_MAX];
        file_name_format(kind, number, name);
        ck_assert(file_name_parse(name, &kind_again, &number_again));
        ck_assert_int_eq(kind_again, kind);
        ck_assert_uint_eq(number_again, number);
    }
}
END_TEST

START_TEST(names_of_strangers_are_refused)
{
    static const char *const names[] = {"",
                                        "HEAD",
                                        "LOCK",
                                        "S",
                                        "S-",
                                        "S-000000000000002",
                                        "S-000000000000002A",
                                        "S-000000000000002a0",
                                        "S-000000000000002a.bak",
                                        "S_000000000000002a",
                                        "X-000000000000002a",
                                        "s-000000000000002a",
                                        "S-00000000 000002a",
                                        "S-0x0000000000002a",
                                        " S-000000000000002a"};
    enum file_kind kind;
    uint64_t number;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_msg(!file_name_parse(names[i], &kind, &number), "%s",
                      names[i]);
}
END_TEST

Suite *test_file_name_suite(void)
{
    Suite *suite = suite_create("file_name");
    TCase *cases = tcase_create("file_name");

    tcase_add_test(cases, name_is_as_documented);
    tcase_add_test(cases, any_name_comes_back);
    tcase_add_test(cases, names_of_strangers_are_refused);
    suite_add_tcase(suite, cases);
    return suite;
}
