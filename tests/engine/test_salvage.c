/*
 * Every file of a store is damaged, one way at a time: a salvage hands out rows
 * that were once written, and all that the damage left alone; it writes
 * nothing, and ends.
 *
 * Covers: wreck, torn_table, torn_log, torn_commits, torn_store.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "byron_inspect.h"
#include "support/memfs_inspect.h"
#include "support/plain_store.h"
#include "support/rot_store.h"

Suite *test_salvage_suite(void);

#define EVERY 151

#define REQUIRE(condition, ...)                                                \
    do {                                                                       \
        if (!(condition))                                                      \
            ck_abort_msg(__VA_ARGS__);                                         \
    } while (0)

/* One salvage: what it gave, held against the newest state. */
struct outcome {
    struct byron_salvaged counts;
    uint64_t reports;
    uint64_t wrong; /* Keys that are not as in the newest state. */
    bool is_right[MODEL_KEYS];
};

struct reader {
    struct outcome *out;
    const char *what;
};

static void note_damage(void *context, const struct byron_error *error,
                        uint64_t bytes)
{
    struct reader *reader = context;

    (void)bytes;
    reader->out->reports++;
    REQUIRE(error->words[0] && error->path[0], "%s: damage without words",
            reader->what);
}

static size_t find_key(const struct rot_store *rot, struct byron_bytes key)
{
    for (size_t i = 0; i < MODEL_KEYS; i++)
        if (rot->model.keys[i].size == key.size &&
            (key.size == 0 ||
             memcmp(rot->model.keys[i].data, key.data, key.size) == 0))
            return i;
    return MODEL_KEYS;
}

/* Whether the row is that of the newest state. */
static bool is_newest(const struct rot_store *rot, size_t key,
                      struct byron_bytes value)
{
    uint32_t number = rot->states[0].values[key];
    struct byron_bytes wanted = store_model_value(&rot->model, number);

    return number != 0 && wanted.size == value.size &&
           memcmp(wanted.data, value.data, value.size) == 0;
}

static void read_rows(struct rot_store *rot, struct byron_salvage *salvage,
                      const char *what, struct outcome *out)
{
    struct byron_salvaged_row row;
    size_t last = MODEL_KEYS;
    uint64_t rows = 0;
    bool found;

    for (size_t i = 0; i < MODEL_KEYS; i++)
        out->is_right[i] = rot->states[0].values[i] == 0;
    for (;;) {
        CHECK_OK(byron_salvage_next(salvage, &row, &found));
        if (!found)
            break;
        size_t key = find_key(rot, row.key);
        REQUIRE(key < MODEL_KEYS, "%s: a key that never was", what);
        REQUIRE(last == MODEL_KEYS || last < key, "%s: out of order", what);
        REQUIRE(rot_store_was_put(rot, key, row.value),
                "%s: a row that never was, of key %zu", what, key);
        out->is_right[key] = is_newest(rot, key, row.value);
        last = key;
        rows++;
    }
    byron_salvage_counts(salvage, &out->counts);
    ck_assert_uint_eq(rows, out->counts.rows);
    ck_assert_uint_eq(out->reports, out->counts.damages);
    for (size_t i = 0; i < MODEL_KEYS; i++)
        out->wrong += !out->is_right[i];
}

static void salvage_all(struct rot_store *rot, const char *what,
                        struct outcome *out)
{
    struct reader reader = {out, what};
    struct byron_salvage_options options = {
        .commit_point = rot->has_host ? &rot->point : NULL,
        .report = note_damage,
        .context = &reader,
        .os = memfs_os(rot->fs)};
    struct byron_salvage *salvage;
    uint64_t writes = memfs_calls(rot->fs, MEMFS_WRITES);

    memset(out, 0, sizeof *out);
    CHECK_OK(byron_salvage_open("store", &options, &salvage));
    read_rows(rot, salvage, what, out);
    byron_salvage_close(salvage);
    REQUIRE(memfs_calls(rot->fs, MEMFS_WRITES) == writes,
            "%s: a salvage has written", what);
    ck_assert_uint_eq(memfs_open_count(rot->fs), 0);
}

/* --- What each damage may cost
 * ------------------------------------------------ */

static bool is_kind(const struct rot_file *file, char kind)
{
    return strrchr(file->path, '/')[1] == kind;
}

struct tally {
    uint64_t rounds, noticed, worst;
};

static void count(struct tally *tally, const struct outcome *out)
{
    tally->rounds++;
    tally->noticed += out->counts.damages > 0;
    if (out->wrong > tally->worst)
        tally->worst = out->wrong;
}

/* HEAD and manifest hold no row: whatever happens to them, all rows are had.
 * Of a table or a log no more keys suffer than it had to do with. */
static void judge(const struct rot_file *file, const bool healthy[MODEL_KEYS],
                  const char *what, const struct outcome *out)
{
    if (is_kind(file, 'H') || is_kind(file, 'M'))
        REQUIRE(out->wrong == 0, "%s: %llu keys are not as they were", what,
                (unsigned long long)out->wrong);
    for (size_t i = 0; i < MODEL_KEYS && is_kind(file, 'S'); i++)
        REQUIRE(!healthy[i] || out->is_right[i],
                "%s: key %zu is not as it was, yet lies elsewhere", what, i);
}

/* Keys that are as they were even without the file. */
static void find_healthy(struct rot_store *rot, const struct rot_file *file,
                         bool healthy[MODEL_KEYS])
{
    struct outcome out;

    rot_store_remove(rot->fs, file->path);
    salvage_all(rot, file->path, &out);
    memfs_write_all(rot->fs, file->path, buf_slice(&file->bytes));
    memcpy(healthy, out.is_right, sizeof out.is_right);
}

static void try_damage(struct rot_store *rot, const struct rot_file *file,
                       const bool healthy[MODEL_KEYS], const char *what,
                       struct tally *tally)
{
    struct outcome out;

    salvage_all(rot, what, &out);
    judge(file, healthy, what, &out);
    count(tally, &out);
}

static uint64_t next_position(const struct rot_file *file, uint64_t position)
{
    return position + (position > file->used ? 600 * EVERY : EVERY);
}

static void flip_bits(struct rot_store *rot, const struct rot_file *file,
                      const bool healthy[MODEL_KEYS], struct tally *tally)
{
    char what[160];

    for (uint64_t at = 0; at < file->bytes.size; at = next_position(file, at)) {
        uint8_t mask = (uint8_t)(1u << (at % 8));
        snprintf(what, sizeof what, "bit flipped at %llu of %s",
                 (unsigned long long)at, file->path);
        memfs_corrupt(rot->fs, file->path, at, mask);
        try_damage(rot, file, healthy, what, tally);
        memfs_corrupt(rot->fs, file->path, at, mask);
    }
}

/* With the file's bytes changed by edit; then they are put back. */
static void with_bytes(struct rot_store *rot, const struct rot_file *file,
                       const bool healthy[MODEL_KEYS], const char *what,
                       struct slice bytes, struct tally *tally)
{
    memfs_write_all(rot->fs, file->path, bytes);
    try_damage(rot, file, healthy, what, tally);
    memfs_write_all(rot->fs, file->path, buf_slice(&file->bytes));
}

static void cut(struct rot_store *rot, const struct rot_file *file,
                const bool healthy[MODEL_KEYS], struct tally *tally)
{
    char what[160];

    for (uint64_t size = 0; size < file->bytes.size;
         size = next_position(file, size + 3 * EVERY)) {
        snprintf(what, sizeof what, "%s cut to %llu bytes", file->path,
                 (unsigned long long)size);
        with_bytes(rot, file, healthy, what,
                   slice_of(file->bytes.data, (size_t)size), tally);
    }
}

static void zero_pieces(struct rot_store *rot, const struct rot_file *file,
                        const bool healthy[MODEL_KEYS], struct tally *tally)
{
    char what[160];

    for (uint64_t at = 0; at < file->used; at += 512) {
        struct buf bytes = {0};
        size_t size =
            file->bytes.size - at < 512 ? (size_t)(file->bytes.size - at) : 512;
        snprintf(what, sizeof what, "piece at %llu of %s zeroed",
                 (unsigned long long)at, file->path);
        CHECK_OK(buf_add(&bytes, file->bytes.data, file->bytes.size));
        memset(bytes.data + at, 0, size);
        with_bytes(rot, file, healthy, what, buf_slice(&bytes), tally);
        buf_deinit(&bytes);
    }
}

static void swap_pieces(struct rot_store *rot, const struct rot_file *file,
                        const bool healthy[MODEL_KEYS], struct tally *tally)
{
    char what[160];

    for (uint64_t at = 0; at + 1024 <= file->used; at += 512) {
        struct buf bytes = {0};
        CHECK_OK(buf_add(&bytes, file->bytes.data, file->bytes.size));
        memcpy(bytes.data + at, file->bytes.data + at + 512, 512);
        memcpy(bytes.data + at + 512, file->bytes.data + at, 512);
        snprintf(what, sizeof what, "pieces at %llu of %s swapped",
                 (unsigned long long)at, file->path);
        with_bytes(rot, file, healthy, what, buf_slice(&bytes), tally);
        buf_deinit(&bytes);
    }
}

static void lose_or_age(struct rot_store *rot, const struct rot_file *file,
                        const bool healthy[MODEL_KEYS], struct tally *tally)
{
    const struct rot_version *older;
    char what[160];

    snprintf(what, sizeof what, "%s gone", file->path);
    rot_store_remove(rot->fs, file->path);
    try_damage(rot, file, healthy, what, tally);
    memfs_write_all(rot->fs, file->path, buf_slice(&file->bytes));
    for (size_t nth = 0; (older = rot_store_older(rot, file, nth)); nth++) {
        snprintf(what, sizeof what, "%s as it was %zu changes before",
                 file->path, nth + 1);
        with_bytes(rot, file, healthy, what, buf_slice(&older->bytes), tally);
    }
}

/* A copy under a name that no file has, alone and beside the true one. */
static void copy_file(struct rot_store *rot, const struct rot_file *file,
                      const bool healthy[MODEL_KEYS], struct tally *tally)
{
    struct outcome out;
    char path[96];
    char what[160];

    if (is_kind(file, 'H') || is_kind(file, 'L'))
        return;
    snprintf(path, sizeof path, "store/%c-00000000000fffff",
             strrchr(file->path, '/')[1]);
    snprintf(what, sizeof what, "a copy of %s", file->path);
    memfs_write_all(rot->fs, path, buf_slice(&file->bytes));
    salvage_all(rot, what, &out);
    REQUIRE(out.wrong == 0, "%s changes %llu keys", what,
            (unsigned long long)out.wrong);
    snprintf(what, sizeof what, "%s under another name", file->path);
    rot_store_remove(rot->fs, file->path);
    try_damage(rot, file, healthy, what, tally);
    salvage_all(rot, what, &out);
    REQUIRE(out.wrong == 0, "%s: %llu keys are lost", what,
            (unsigned long long)out.wrong);
    memfs_write_all(rot->fs, file->path, buf_slice(&file->bytes));
    rot_store_remove(rot->fs, path);
}

static void
with_store(const char *name, bool has_host, uint64_t worst,
           void (*damage)(struct rot_store *rot, const struct rot_file *file,
                          const bool healthy[MODEL_KEYS], struct tally *tally))
{
    struct rot_store *rot = calloc(1, sizeof *rot);
    struct outcome out;
    struct tally all = {0};
    size_t live = alloc_live();

    rot_store_init(rot, has_host);
    for (size_t i = 0; i < rot->file_count; i++) {
        struct tally tally = {0};
        bool healthy[MODEL_KEYS];

        find_healthy(rot, &rot->files[i], healthy);
        damage(rot, &rot->files[i], healthy, &tally);
        REQUIRE(tally.worst <= worst, "%s of %s: %llu keys suffer", name,
                rot->files[i].path, (unsigned long long)tally.worst);
        all.rounds += tally.rounds;
        all.noticed += tally.noticed;
        if (tally.worst > all.worst)
            all.worst = tally.worst;
    }
    printf("salvage: %s: %llu rounds, %llu noticed, at most %llu keys\n", name,
           (unsigned long long)all.rounds, (unsigned long long)all.noticed,
           (unsigned long long)all.worst);
    ck_assert_uint_gt(all.rounds, 0);
    salvage_all(rot, "restored", &out);
    ck_assert_uint_eq(out.wrong + out.counts.damages, 0);
    rot_store_deinit(rot);
    free(rot);
    ck_assert_uint_eq(alloc_live(), live);
}

START_TEST(healthy_store_comes_whole)
{
    struct rot_store *rot = calloc(1, sizeof *rot);
    struct outcome out;

    rot_store_init(rot, _i != 0);
    salvage_all(rot, "healthy", &out);
    ck_assert_uint_eq(out.wrong, 0);
    ck_assert_uint_eq(out.counts.damages, 0);
    ck_assert_uint_eq(out.counts.lost_bytes, 0);
    ck_assert_uint_eq(out.counts.left_out, 0);
    ck_assert_uint_gt(out.counts.blocks, 10);
    rot_store_deinit(rot);
    free(rot);
}
END_TEST

START_TEST(flipped_bit_costs_a_block_or_a_commit)
{
    with_store("bits", _i != 0, 40, flip_bits);
}
END_TEST

START_TEST(cut_file_costs_what_is_gone)
{
    with_store("cuts", _i != 0, MODEL_KEYS, cut);
}
END_TEST

START_TEST(zeroed_piece_costs_its_blocks)
{
    with_store("zeroed pieces", _i != 0, 60, zero_pieces);
}
END_TEST

START_TEST(swapped_pieces_cost_their_blocks)
{
    with_store("swapped pieces", _i != 0, 80, swap_pieces);
}
END_TEST

START_TEST(lost_or_older_file_costs_its_own)
{
    with_store("lost and older files", _i != 0, MODEL_KEYS, lose_or_age);
}
END_TEST

START_TEST(copied_file_is_read_once)
{
    with_store("copies", _i != 0, 0, copy_file);
}
END_TEST

/* --- More than one file
 * -------------------------------------------------------- */

START_TEST(tables_alone_are_ordered_by_their_sequences)
{
    struct rot_store *rot = calloc(1, sizeof *rot);
    struct outcome out;

    rot_store_init(rot, _i != 0);
    for (size_t i = 0; i < rot->file_count; i++)
        if (is_kind(&rot->files[i], 'M') || is_kind(&rot->files[i], 'H'))
            rot_store_remove(rot->fs, rot->files[i].path);
    salvage_all(rot, "no HEAD, no manifest", &out);
    ck_assert_uint_eq(out.wrong, 0);
    ck_assert_uint_gt(out.counts.damages, 0);
    rot_store_deinit(rot);
    free(rot);
}
END_TEST

START_TEST(any_two_files_may_be_swapped)
{
    struct rot_store *rot = calloc(1, sizeof *rot);
    struct outcome out;
    char what[240];

    rot_store_init(rot, _i != 0);
    for (size_t i = 0; i < rot->file_count; i++)
        for (size_t j = 0; j < i; j++) {
            const struct rot_file *a = &rot->files[i];
            const struct rot_file *b = &rot->files[j];
            bool is_same_kind =
                strrchr(a->path, '/')[1] == strrchr(b->path, '/')[1];

            snprintf(what, sizeof what, "%s and %s swapped", a->path, b->path);
            memfs_write_all(rot->fs, a->path, buf_slice(&b->bytes));
            memfs_write_all(rot->fs, b->path, buf_slice(&a->bytes));
            salvage_all(rot, what, &out);
            REQUIRE(!is_same_kind || out.wrong == 0, "%s: %llu keys suffer",
                    what, (unsigned long long)out.wrong);
            memfs_write_all(rot->fs, a->path, buf_slice(&a->bytes));
            memfs_write_all(rot->fs, b->path, buf_slice(&b->bytes));
        }
    rot_store_deinit(rot);
    free(rot);
}
END_TEST

/* --- Failures of the machine
 * ----------------------------------------------------- */

START_TEST(any_read_may_fail)
{
    struct rot_store *rot = calloc(1, sizeof *rot);
    unsigned kinds = MEMFS_OPEN | MEMFS_READ | MEMFS_SIZE | MEMFS_HEAD_READ;
    struct outcome out;
    uint64_t reads;

    rot_store_init(rot, _i != 0);
    reads = memfs_calls(rot->fs, kinds);
    salvage_all(rot, "healthy", &out);
    reads = memfs_calls(rot->fs, kinds) - reads;
    for (uint64_t nth = 1; nth <= reads; nth += 1 + reads / 200) {
        char what[80];

        snprintf(what, sizeof what, "read %llu fails", (unsigned long long)nth);
        memfs_fail_nth(rot->fs, kinds, nth, BYRON_IO, false);
        salvage_all(rot, what, &out);
        REQUIRE(out.wrong <= 60, "%s: %llu keys suffer", what,
                (unsigned long long)out.wrong);
    }
    memfs_fail_nth(rot->fs, 0, 0, BYRON_OK, false);
    rot_store_deinit(rot);
    free(rot);
}
END_TEST

/* To its end, or to the first failure. */
static byron_status drain(const struct byron_salvage_options *options,
                          uint64_t *rows)
{
    struct byron_salvage *salvage = NULL;
    struct byron_salvaged_row row;
    bool found = true;
    byron_status status = byron_salvage_open("store", options, &salvage);

    *rows = 0;
    while (status == BYRON_OK && found) {
        status = byron_salvage_next(salvage, &row, &found);
        *rows += status == BYRON_OK && found;
    }
    byron_salvage_close(salvage);
    return status;
}

START_TEST(any_allocation_may_fail)
{
    struct rot_store *rot = calloc(1, sizeof *rot);
    struct byron_salvage_options options;
    uint64_t all, rows;
    size_t live;
    bool is_hit = true;

    rot_store_init(rot, true);
    options = (struct byron_salvage_options){.commit_point = &rot->point,
                                             .os = memfs_os(rot->fs)};
    CHECK_OK(drain(&options, &all));
    live = alloc_live();
    for (size_t nth = 1; is_hit; nth += 1 + nth / 30) {
        byron_status status;

        alloc_fail_after(nth);
        status = drain(&options, &rows);
        is_hit = alloc_fail_pending() == 0;
        alloc_fail_after(0);
        ck_assert_int_eq(status, is_hit ? BYRON_NO_MEMORY : BYRON_OK);
        ck_assert(is_hit || rows == all);
        ck_assert_uint_eq(alloc_live(), live);
        ck_assert_uint_eq(memfs_open_count(rot->fs), 0);
    }
    rot_store_deinit(rot);
    free(rot);
}
END_TEST

static bool go_on(void *context)
{
    return --*(int *)context > 0;
}

START_TEST(it_hears_that_it_shall_end)
{
    struct rot_store *rot = calloc(1, sizeof *rot);
    int asked = 1000000;
    struct byron_patience patience = {.go_on = go_on, .context = &asked};
    struct byron_salvage_options options;
    uint64_t rows;

    rot_store_init(rot, true);
    options = (struct byron_salvage_options){.patience = &patience,
                                             .os = memfs_os(rot->fs)};
    CHECK_OK(drain(&options, &rows));
    int all = 1000000 - asked;
    ck_assert_int_gt(all, 50);
    for (int times = 1; times < all; times += 7) {
        asked = times;
        ck_assert_int_eq(drain(&options, &rows), BYRON_INTERRUPTED);
        ck_assert_uint_eq(memfs_open_count(rot->fs), 0);
    }
    rot_store_deinit(rot);
    free(rot);
}
END_TEST

START_TEST(an_open_store_is_let_alone)
{
    struct memfs *fs = memfs_new(1);
    struct byron_options store = plain_options(fs);
    struct byron_salvage_options options = {.os = memfs_os(fs)};
    struct byron_salvage *salvage;
    struct byron_salvaged_row row;
    uint64_t rows;
    bool found;
    byron_db *db;

    ck_assert_int_eq(drain(&options, &rows), BYRON_MISSING);
    db = plain_open(&store);
    plain_put(db, "a", "1");
    ck_assert_int_eq(drain(&options, &rows), BYRON_BUSY);
    CHECK_OK(byron_close(db));
    CHECK_OK(byron_salvage_open("store", &options, &salvage));
    ck_assert_int_eq(byron_open("store", &store, &db), BYRON_BUSY);
    CHECK_OK(byron_salvage_next(salvage, &row, &found));
    ck_assert(found);
    byron_salvage_close(salvage);
    memfs_free(fs);
}
END_TEST

Suite *test_salvage_suite(void)
{
    Suite *suite = suite_create("salvage");
    TCase *tcase = tcase_create("salvage");

    tcase_set_timeout(tcase, 600);
    tcase_add_loop_test(tcase, healthy_store_comes_whole, 0, 2);
    tcase_add_loop_test(tcase, flipped_bit_costs_a_block_or_a_commit, 0, 2);
    tcase_add_loop_test(tcase, cut_file_costs_what_is_gone, 0, 2);
    tcase_add_loop_test(tcase, zeroed_piece_costs_its_blocks, 0, 2);
    tcase_add_loop_test(tcase, swapped_pieces_cost_their_blocks, 0, 2);
    tcase_add_loop_test(tcase, lost_or_older_file_costs_its_own, 0, 2);
    tcase_add_loop_test(tcase, copied_file_is_read_once, 0, 2);
    tcase_add_loop_test(tcase, tables_alone_are_ordered_by_their_sequences, 0,
                        2);
    tcase_add_loop_test(tcase, any_two_files_may_be_swapped, 0, 2);
    tcase_add_loop_test(tcase, any_read_may_fail, 0, 2);
    tcase_add_test(tcase, any_allocation_may_fail);
    tcase_add_test(tcase, it_hears_that_it_shall_end);
    tcase_add_test(tcase, an_open_store_is_let_alone);
    suite_add_tcase(suite, tcase);
    return suite;
}
