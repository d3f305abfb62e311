#include <check.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number_text.h"
#include "support/host.h"
#include "support/seed.h"

Suite *test_number_text_suite(void);

#define ROUNDS    60
#define TEXTS     400
#define TEXT_SIZE 60

/* Texts in order, and what SQLite says about each. */
struct text {
    char bytes[TEXT_SIZE];
    size_t size;
    bool equals;
};

struct texts {
    struct text at[TEXTS];
    int count;
};

static struct host host;
static sqlite3 *db;
static struct texts texts;

static int compare_texts(const void *a, const void *b)
{
    const struct text *left = a;
    const struct text *right = b;

    return strcmp(left->bytes, right->bytes);
}

static int draw(struct rng *rng, int count)
{
    return (int)rng_below(rng, (uint64_t)count);
}

/* The number's digits with all that may stand around them; the size. */
static size_t write_form(struct rng *rng, double number, char *out)
{
    static const char *const before[] = {"",  "",  "",    " ",    "\t \n", "+",
                                         "-", "0", "000", " +00", "-0"};
    static const char *const after[] = {"",    "",  "",   "0", "000", "e0",
                                        "E+0", " ", "e1", "x", "\r "};
    char digits[40];
    int precision = 1 + draw(rng, 20);
    int point;
    char *dot;

    snprintf(digits, sizeof digits, "%.*f", precision % 3 ? 0 : precision,
             number < 0 ? -number : number);
    if (rng_one_in(rng, 3))
        snprintf(digits, sizeof digits, "%.*e", precision,
                 number < 0 ? -number : number);
    dot = strchr(digits, '.');
    /* A point elsewhere: another number, or the same by its exponent. */
    if (!dot && !strchr(digits, 'e') && strlen(digits) < 20 &&
        rng_one_in(rng, 2)) {
        point = draw(rng, (int)strlen(digits) + 1);
        memmove(digits + point + 1, digits + point, strlen(digits + point) + 1);
        digits[point] = '.';
        snprintf(digits + strlen(digits), 6, "e%d",
                 (int)strlen(digits) - 1 - point);
    }
    snprintf(out, TEXT_SIZE, "%s%s%s%s",
             number < 0 && !rng_one_in(rng, 8) ? "-" : "",
             before[draw(rng, sizeof before / sizeof *before)], digits,
             after[draw(rng, sizeof after / sizeof *after)]);
    /* With the zero byte, at times. */
    return strlen(out) + (strlen(out) < TEXT_SIZE - 1 && rng_one_in(rng, 20));
}

static size_t write_noise(struct rng *rng, char *out)
{
    static const char alphabet[] = "\t +-./0123456789:AEaez";
    size_t size = rng_below(rng, 7);

    for (size_t i = 0; i < size; i++) /* The zero byte, too. */
        out[i] = alphabet[draw(rng, sizeof alphabet)];
    return size;
}

static double draw_number(struct rng *rng)
{
    static const double simple[] = {1,     5,       9,   10,    100,   -1,
                                    0.5,   0.1,     3.7, 255,   1e6,   1e15,
                                    -99.5, 999999., 1e9, 5e-20, 1.5e30};

    switch (draw(rng, 4)) {
    case 0:
        return simple[draw(rng, sizeof simple / sizeof *simple)];
    case 1:
        return (double)(rng_next(rng) >> draw(rng, 60)) + 1;
    case 2:
        return ((double)draw(rng, 2000001) - 1000000.5) / 1000;
    default:
        return (double)(1 + draw(rng, 9)) * (1 - 1e-15 * draw(rng, 3));
    }
}

/* Fills texts with forms of the number, its like, and noise. */
static void draw_texts(struct rng *rng, double number)
{
    sqlite3_stmt *insert;
    sqlite3_stmt *list;
    char text[TEXT_SIZE];

    host_run(db, "DELETE FROM t; DELETE FROM n");
    ck_assert_int_eq(
        sqlite3_prepare_v2(db, "INSERT INTO n VALUES(?1)", -1, &insert, NULL),
        SQLITE_OK);
    sqlite3_bind_double(insert, 1, number);
    ck_assert_int_eq(sqlite3_step(insert), SQLITE_DONE);
    sqlite3_finalize(insert);
    ck_assert_int_eq(sqlite3_prepare_v2(db,
                                        "INSERT OR IGNORE INTO t VALUES(?1)",
                                        -1, &insert, NULL),
                     SQLITE_OK);
    for (int i = 0; i < TEXTS; i++) {
        size_t size =
            rng_one_in(rng, 4)
                ? write_noise(rng, text)
                : write_form(rng,
                             rng_one_in(rng, 5) ? draw_number(rng) : number,
                             text);

        sqlite3_bind_text(insert, 1, text, (int)size, SQLITE_STATIC);
        ck_assert_int_eq(sqlite3_step(insert), SQLITE_DONE);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    ck_assert_int_eq(sqlite3_prepare_v2(db,
                                        "SELECT t, t = x FROM t, n ORDER BY t",
                                        -1, &list, NULL),
                     SQLITE_OK);
    for (texts.count = 0; sqlite3_step(list) == SQLITE_ROW; texts.count++) {
        struct text *to = &texts.at[texts.count];

        to->size = (size_t)sqlite3_column_bytes(list, 0);
        memcpy(to->bytes, sqlite3_column_text(list, 0), to->size);
        to->equals = sqlite3_column_int(list, 1);
    }
    sqlite3_finalize(list);
}

/* How text compares with what a seek answered: with all that begins so, or
 * with that alone. */
static int compare_target(const struct text *text, const char *target,
                          size_t size, bool is_whole)
{
    int order =
        memcmp(text->bytes, target, text->size < size ? text->size : size);

    if (order != 0)
        return order;
    if (text->size < size)
        return -1;
    return is_whole && text->size > size;
}

/* Walks as a cursor would; the number of texts that it looked at. */
static int walk(const struct number_text *number, bool is_downward,
                bool is_seen[TEXTS])
{
    int step = is_downward ? -1 : 1;
    int at = is_downward ? texts.count - 1 : 0;
    int looks = 0;

    while (at >= 0 && at < texts.count) {
        const struct text *text = &texts.at[at];
        char target[TEXT_SIZE + 1];
        size_t kept = 0;
        char next = 0;
        enum number_text_step found = number_text_seek(
            number, text->bytes, text->size, is_downward, &kept, &next);
        int before = at;

        looks++;
        if (found == NUMBER_TEXT_END)
            break;
        if (found == NUMBER_TEXT_MAY) {
            is_seen[at] = true;
            at += step;
            continue;
        }
        ck_assert_uint_le(kept, text->size);
        memcpy(target, text->bytes, kept);
        if (found == NUMBER_TEXT_BEGIN)
            target[kept++] = next;
        while (at >= 0 && at < texts.count &&
               step * compare_target(&texts.at[at], target, kept,
                                     found == NUMBER_TEXT_PART) <
                   0)
            at += step;
        ck_assert_msg(at != before, "no way on from '%.*s'", (int)text->size,
                      text->bytes);
    }
    return looks;
}

static void check_walk(double number, bool is_downward)
{
    bool is_seen[TEXTS] = {false};
    struct number_text reading;

    ck_assert(number_text_init(&reading, number));
    walk(&reading, is_downward, is_seen);
    for (int i = 0; i < texts.count; i++)
        ck_assert_msg(is_seen[i] || !texts.at[i].equals,
                      "'%.*s' equals %.17g, %s it was passed over",
                      (int)texts.at[i].size, texts.at[i].bytes, number,
                      is_downward ? "downwards" : "upwards");
}

static void open_texts(void)
{
    host_open(&host);
    db = host.db;
    host_run(db, "CREATE TEMP TABLE t(t TEXT PRIMARY KEY) WITHOUT ROWID;"
                 "CREATE TEMP TABLE n(x NUMERIC)");
}

static void close_texts(void)
{
    host_close(&host);
}

START_TEST(no_text_that_sqlite_finds_equal_is_passed_over)
{
    struct rng rng;
    int equals = 0;

    rng_init(&rng, test_seed());
    for (int i = 0; i < ROUNDS; i++) {
        double number = draw_number(&rng);

        draw_texts(&rng, number);
        for (int j = 0; j < texts.count; j++)
            equals += texts.at[j].equals;
        check_walk(number, false);
        check_walk(number, true);
    }
    ck_assert_int_gt(equals, ROUNDS * 10); /* Else it shows nothing. */
}
END_TEST

/* Whole numbers without zeros before them: one look for each place or so. */
START_TEST(few_other_texts_are_looked_at)
{
    static const double numbers[] = {1, 5, 10, 99, 100, 4321, 7000, 9999};

    for (texts.count = 0; texts.count < TEXTS; texts.count++) {
        struct text *text = &texts.at[texts.count];

        text->size =
            (size_t)snprintf(text->bytes, TEXT_SIZE, "%d", texts.count * 25);
    }
    qsort(texts.at, (size_t)texts.count, sizeof *texts.at, compare_texts);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        for (int side = 0; side < 2; side++) {
            bool is_seen[TEXTS] = {false};
            struct number_text reading;

            ck_assert(number_text_init(&reading, numbers[i]));
            ck_assert_int_le(walk(&reading, side, is_seen), 16);
        }
}
END_TEST

START_TEST(what_may_be_any_text_is_told)
{
    static const double odd[] = {0, -0.0, 1e300, -1e300, 1e-300, 5e-324};
    struct number_text reading;

    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        ck_assert(!number_text_init(&reading, odd[i]));
    ck_assert(!number_text_init(&reading, INFINITY));
    ck_assert(!number_text_init(&reading, -INFINITY));
    ck_assert(!number_text_init(&reading, NAN));
}
END_TEST

Suite *test_number_text_suite(void)
{
    Suite *suite = suite_create("number_text");
    TCase *cases = tcase_create("number_text");

    tcase_add_checked_fixture(cases, open_texts, close_texts);
    tcase_add_test(cases, no_text_that_sqlite_finds_equal_is_passed_over);
    tcase_add_test(cases, few_other_texts_are_looked_at);
    tcase_add_test(cases, what_may_be_any_text_is_told);
    suite_add_tcase(suite, cases);
    return suite;
}
