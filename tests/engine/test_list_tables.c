/*
 * list_tables: the files of a store, as they are told to others.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "byron_inspect.h"
#include "support/plain_store.h"

Suite *test_list_tables_suite(void);

struct list {
    char words[4000];
    int count;
    byron_status answer;
};

static byron_status note(void *context, const struct byron_table *table)
{
    struct list *list = context;
    size_t size = strlen(list->words);
    ck_assert_uint_gt(table->bytes, 0);
    ck_assert_uint_gt(table->number, 0);
    snprintf(list->words + size, sizeof list->words - size,
             "%d:%llu-%llu:%.*s..%.*s ", table->level,
             (unsigned long long)table->entries,
             (unsigned long long)table->tombstones, (int)table->smallest.size,
             (const char *)table->smallest.data, (int)table->largest.size,
             (const char *)table->largest.data);
    list->count++;
    return list->answer;
}

static void expect(byron_db *db, const char *lower, const char *upper,
                   const char *words)
{
    struct list list = {.answer = BYRON_OK};
    struct byron_range range = {{lower, lower ? strlen(lower) : 0},
                                {upper, upper ? strlen(upper) : 0}};
    CHECK_OK(byron_list_tables(db, &range, note, &list));
    ck_assert_str_eq(list.words, words);
}

static void put_and_flush(byron_db *db, const char *one, const char *other)
{
    CHECK_OK(byron_put(db, plain_text(one), plain_text("1"), false));
    CHECK_OK(byron_put(db, plain_text(other), plain_text("1"), false));
    CHECK_OK(byron_flush(db));
}

START_TEST(tables_are_listed_newest_run_first)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    struct list list = {.answer = BYRON_OK};
    byron_db *db = plain_open(&options);
    expect(db, NULL, NULL, "");
    put_and_flush(db, "b", "d");
    put_and_flush(db, "c", "f");
    CHECK_OK(byron_delete(db, plain_text("c"), false));
    CHECK_OK(byron_flush(db));
    expect(db, NULL, NULL, "0:1-1:c..c 0:2-0:c..f 0:2-0:b..d ");
    expect(db, "e", NULL, "0:2-0:c..f ");
    expect(db, NULL, "c", "0:2-0:b..d ");
    expect(db, "g", NULL, "");
    CHECK_OK(byron_list_tables(db, NULL, note, &list));
    ck_assert_int_eq(list.count, 3);
    CHECK_OK(byron_compact(db, NULL));
    memset(&list, 0, sizeof list);
    CHECK_OK(byron_list_tables(db, NULL, note, &list));
    ck_assert_int_eq(list.count, 1);
    ck_assert_ptr_nonnull(strstr(list.words, "b..f "));
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

START_TEST(a_visitor_that_fails_ends_the_list)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    struct list list = {.answer = BYRON_NO_MEMORY};
    byron_db *db = plain_open(&options);
    put_and_flush(db, "b", "d");
    put_and_flush(db, "c", "f");
    ck_assert_int_eq(byron_list_tables(db, NULL, note, &list), BYRON_NO_MEMORY);
    ck_assert_int_eq(list.count, 1);
    CHECK_OK(byron_close(db));
    memfs_free(fs);
}
END_TEST

START_TEST(options_are_derived_without_a_store)
{
    struct byron_options options = {.memory = 1 << 20};
    struct byron_options derived;
    struct byron_error error;
    CHECK_OK(byron_derive_options(&options, &derived));
    ck_assert_uint_eq(derived.memory, 1 << 20);
    ck_assert_uint_eq(derived.memtable, 1 << 17);
    ck_assert_uint_eq(derived.block_size, 4096);
    options.memtable = 1 << 21;
    CHECK_OK(byron_derive_options(&options, &derived));
    ck_assert_uint_eq(derived.memtable, 1 << 20);
    options.fanout = 1;
    ck_assert_int_eq(byron_derive_options(&options, &derived), BYRON_MISUSE);
    byron_last_error(&error);
    ck_assert_str_eq(error.words, "option fanout is 1, but must be from 2 to "
                                  "100");
}
END_TEST

static byron_status count_hash_index(void *context,
                                     const struct byron_table *table)
{
    int *counts = context;
    counts[table->has_hash_index]++;
    return BYRON_OK;
}

/* Tables without and with a hash index after so many keys were put, and
 * compacted. */
static void compact_keys(const struct byron_options *options, int keys,
                         int counts[2])
{
    char key[16];
    byron_db *db = plain_open(options);
    for (int i = 0; i < keys; i++) {
        snprintf(key, sizeof key, "key %d", i);
        CHECK_OK(byron_put(db, plain_text(key), plain_text("1"), false));
    }
    CHECK_OK(byron_flush(db));
    CHECK_OK(byron_compact(db, NULL));
    counts[0] = counts[1] = 0;
    CHECK_OK(byron_list_tables(db, NULL, count_hash_index, counts));
    CHECK_OK(byron_close(db));
}

START_TEST(tables_have_a_hash_index_where_asked_or_where_memory_allows)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options options = plain_options(fs);
    int counts[2];
    options.inline_work = true;
    options.memory = 64 << 10; /* An eighth is for 1365 keys. */
    compact_keys(&options, 1300, counts);
    ck_assert_int_eq(counts[0], 0);
    ck_assert_int_gt(counts[1], 0);
    options.hash_index = BYRON_HASH_INDEX_OFF;
    compact_keys(&options, 1301, counts);
    ck_assert_int_eq(counts[1], 0);
    options.hash_index = BYRON_HASH_INDEX_AUTO;
    compact_keys(&options, 2000, counts);
    ck_assert_int_eq(counts[1], 0);
    options.hash_index = BYRON_HASH_INDEX_ON;
    compact_keys(&options, 2001, counts);
    ck_assert_int_eq(counts[0], 0);
    memfs_free(fs);
}
END_TEST

Suite *test_list_tables_suite(void)
{
    Suite *suite = suite_create("list_tables");
    TCase *cases = tcase_create("list_tables");
    tcase_add_test(cases, tables_are_listed_newest_run_first);
    tcase_add_test(cases, a_visitor_that_fails_ends_the_list);
    tcase_add_test(cases, options_are_derived_without_a_store);
    tcase_add_test(cases,
                   tables_have_a_hash_index_where_asked_or_where_memory_allows);
    suite_add_tcase(suite, cases);
    return suite;
}
