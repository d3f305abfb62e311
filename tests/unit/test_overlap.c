#include <check.h>

#include "compaction/overlap.h"
#include "support/fake_version.h"

Suite *test_overlap_suite(void);

static struct fake_version fake;

static void set_up(void)
{
    fake_version_init(&fake);
}

static void tear_down(void)
{
    fake_version_deinit(&fake);
}

/* Tables 10..19, 20..29, ... at level 3. */
static const struct run *fill_tens(uint64_t count)
{
    for (uint64_t i = 1; i <= count; i++)
        fake_fill(&fake, 3, 0, i * 10, i * 10 + 9, 1000);
    return level_run(&fake.version, 3);
}

static struct stretch touching(const struct run *run, uint64_t first,
                               uint64_t last)
{
    uint8_t a[8], b[8];
    struct key_span span = {fake_key(first, a), fake_key(last, b)};
    return stretch_touching(run, span);
}

START_TEST(both_ends_of_a_span_count)
{
    const struct run *run = fill_tens(5);
    struct stretch stretch = touching(run, 29, 40);

    ck_assert_uint_eq(stretch.first, 1);
    ck_assert_uint_eq(stretch.count, 3);
    ck_assert_uint_eq(stretch.bytes, 3000);
    ck_assert_uint_eq(stretch.entries, 30);
    ck_assert(!stretch.has_corrupt);
}
END_TEST

START_TEST(what_has_expired_is_garbage)
{
    struct table_meta *table = fake_fill(&fake, 3, 0, 1, 9, 100000);

    ck_assert_uint_eq(table_garbage(table, UINT64_MAX, 0), 0);
    table->facts.tombstones = 7;
    table->facts.timed = 900;
    table->facts.earliest_ms = 1000;
    table->facts.latest_ms = 2000;
    ck_assert_uint_eq(table_garbage(table, 999, 0), 7);
    ck_assert_uint_ge(table_garbage(table, 1000, 0), 8);
    ck_assert_uint_ge(table_garbage(table, 1500, 0), 7 + 440);
    ck_assert_uint_le(table_garbage(table, 1500, 0), 7 + 460);
    ck_assert_uint_le(table_garbage(table, 1999, 0), 7 + 900);
    ck_assert_uint_eq(table_garbage(table, 2000, 0), 907);
    ck_assert_uint_eq(table_garbage(table, UINT64_MAX, 0), 907);
}
END_TEST

START_TEST(what_ranges_hide_is_garbage_once_all_see_them)
{
    struct table_meta *table = fake_fill(&fake, 3, 0, 1, 9, 100000);

    table->facts.hidden = 500; /* Of ranges that are not there any more. */
    table->facts.max_sequence = 50;
    ck_assert_uint_eq(table_garbage(table, 0, 100), 0);
    table->facts.ranges = 2;
    ck_assert_uint_eq(table_garbage(table, 0, 100), 502);
    ck_assert_uint_eq(table_garbage(table, 0, 50), 502);
    ck_assert_uint_eq(table_garbage(table, 0, 49), 0);
}
END_TEST

START_TEST(a_gap_touches_nothing)
{
    fake_fill(&fake, 3, 0, 10, 19, 1000);
    fake_fill(&fake, 3, 0, 30, 39, 1000);
    const struct run *run = level_run(&fake.version, 3);

    ck_assert_uint_eq(touching(run, 20, 29).count, 0);
    ck_assert_uint_eq(touching(run, 0, 9).count, 0);
    ck_assert_uint_eq(touching(run, 40, 99).count, 0);
    ck_assert_uint_eq(touching(NULL, 0, 99).count, 0);
}
END_TEST

START_TEST(damage_shows_only_where_it_is)
{
    const struct run *run = fill_tens(3);
    atomic_store(&run->tables[1]->is_corrupt, true);

    ck_assert(touching(run, 15, 25).has_corrupt);
    ck_assert(stretch_of(run, 0, 3).has_corrupt);
    ck_assert(!touching(run, 30, 35).has_corrupt);
    ck_assert(!stretch_of(run, 0, 1).has_corrupt);
}
END_TEST

START_TEST(cover_widens_to_both_sides)
{
    const struct run *run = fill_tens(3);
    struct key_span span = key_span_of(run->tables[1]);

    key_span_cover(&span, run->tables[0]);
    key_span_cover(&span, run->tables[2]);

    ck_assert_uint_eq(fake_key_number(span.first), 10);
    ck_assert_uint_eq(fake_key_number(span.last), 39);
}
END_TEST

START_TEST(any_run_of_a_level_touches)
{
    uint8_t a[8], b[8];
    struct key_span span = {fake_key(5, a), fake_key(15, b)};

    fake_fill(&fake, 0, 2, 20, 30, 1000);
    ck_assert(!level_touches(&fake.version, 0, span));
    fake_fill(&fake, 0, 1, 15, 16, 1000);
    ck_assert(level_touches(&fake.version, 0, span));
}
END_TEST

START_TEST(two_runs_below_level_0_are_refused)
{
    fake_fill(&fake, 0, 1, 0, 9, 1000);
    fake_fill(&fake, 0, 2, 0, 9, 1000);
    fake_fill(&fake, 2, 0, 0, 9, 1000);
    ck_assert_int_eq(check_is_leveled(&fake.version), BYRON_OK);

    fake_fill(&fake, 2, 1, 0, 9, 1000);
    ck_assert_int_eq(check_is_leveled(&fake.version), BYRON_CORRUPT);
}
END_TEST

Suite *test_overlap_suite(void)
{
    Suite *suite = suite_create("overlap");
    TCase *cases = tcase_create("overlap");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, both_ends_of_a_span_count);
    tcase_add_test(cases, what_has_expired_is_garbage);
    tcase_add_test(cases, what_ranges_hide_is_garbage_once_all_see_them);
    tcase_add_test(cases, a_gap_touches_nothing);
    tcase_add_test(cases, damage_shows_only_where_it_is);
    tcase_add_test(cases, cover_widens_to_both_sides);
    tcase_add_test(cases, any_run_of_a_level_touches);
    tcase_add_test(cases, two_runs_below_level_0_are_refused);
    suite_add_tcase(suite, cases);
    return suite;
}
