/*
 * Few descriptors: a store of hundreds of tables is read and written with a
 * handful of open files; where there is none left, a call fails and says why,
 * nothing is lost, and all goes on when there are some again.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support/plain_store.h"
#include "support/seed.h"

Suite *test_descriptors_suite(void);

#define KEYS      2000
#define SNAPSHOTS 4
#define CURSORS   6

struct play {
    char folder[256];
    byron_db *db;
    struct byron_options options;
    struct rng rng;
    uint32_t values[KEYS];
    bool is_doubtful[KEYS]; /* A write of it failed. */
    uint32_t maybe[KEYS];
    uint64_t failures;
};

static struct byron_bytes key_of(size_t number)
{
    static _Thread_local char text[16];

    snprintf(text, sizeof text, "key %06zu", number);
    return (struct byron_bytes){text, 10};
}

static struct byron_bytes value_of(uint32_t number)
{
    static _Thread_local uint8_t bytes[300];
    struct rng rng;

    rng_init(&rng, number);
    rng_bytes(&rng, bytes, sizeof bytes);
    memcpy(bytes, &number, sizeof number);
    return (struct byron_bytes){bytes, sizeof bytes};
}

static bool is_value(struct byron_bytes value, uint32_t number)
{
    struct byron_bytes wanted = value_of(number);

    return value.size == wanted.size &&
           memcmp(value.data, wanted.data, wanted.size) == 0;
}

/* Fails for want of descriptors, and says so; or well. */
static bool judge(struct play *play, byron_status status, bool may_fail)
{
    struct byron_error error;

    if (status == BYRON_OK)
        return true;
    byron_last_error(&error);
    ck_assert_msg(may_fail && status == BYRON_IO &&
                      strstr(error.words, "Too many open files") != NULL &&
                      error.path[0] != '\0',
                  "%s (%d)", error.words, (int)status);
    play->failures++;
    return false;
}

static void limit_files(rlim_t count)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = count < limit.rlim_max ? count : limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* The next descriptor that is free. */
static rlim_t next_file(void)
{
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

    ck_assert_int_ge(file, 0);
    close(file);
    return (rlim_t)file;
}

static void put(struct play *play, size_t key, uint32_t value, bool may_fail)
{
    byron_status status =
        byron_put(play->db, key_of(key), value_of(value), false);

    if (judge(play, status, may_fail)) {
        play->values[key] = value;
        play->is_doubtful[key] = false;
        return;
    }
    play->is_doubtful[key] = true;
    play->maybe[key] = value;
}

static void open_play(struct play *play)
{
    CHECK_OK(byron_open(play->folder, &play->options, &play->db));
}

static void play_begin(struct play *play, bool is_inline)
{
    const char *root = getenv("TMPDIR");

    memset(play, 0, sizeof *play);
    rng_init(&play->rng, test_seed());
    /* Hundreds of files are synced, many times: in memory, where that can be.
     */
    snprintf(play->folder, sizeof play->folder, "/dev/shm/byron-files-XXXXXX");
    if (!mkdtemp(play->folder)) {
        snprintf(play->folder, sizeof play->folder, "%s/byron-files-XXXXXX",
                 root ? root : "/tmp");
        ck_assert_ptr_nonnull(mkdtemp(play->folder));
    }
    play->options =
        (struct byron_options){.memory = 256 << 10,
                               .memtable = 32768,
                               .cache = 1,
                               .file_size = 4096,
                               .block_size = 512,
                               .compression = BYRON_COMPRESSION_NONE,
                               .inline_work = is_inline,
                               .create = true};
    open_play(play);
    for (size_t i = 0; i < KEYS; i++)
        put(play, i, (uint32_t)i + 1, false);
    CHECK_OK(byron_flush(play->db));
    CHECK_OK(byron_settle(play->db));
}

static uint64_t count_tables(struct play *play)
{
    struct byron_stats stats;
    uint64_t files = 0;

    byron_stats(play->db, &stats);
    for (size_t i = 0; i < BYRON_LEVELS; i++)
        files += stats.level[i].files;
    return files;
}

/* Every key, by get and by scan. */
static void check_all(struct play *play, byron_snapshot *snapshot,
                      const uint32_t *values, bool may_fail)
{
    byron_cursor *cursor;
    bool is_well;

    for (size_t i = 0; i < KEYS; i++) {
        struct byron_value value;
        byron_status status = byron_get(play->db, snapshot, key_of(i), &value);
        if (!judge(play, status, may_fail))
            continue;
        struct byron_bytes bytes = {value.data, value.size};
        ck_assert_msg(is_value(bytes, values[i]) ||
                          (!snapshot && play->is_doubtful[i] &&
                           is_value(bytes, play->maybe[i])),
                      "key %zu", i);
        byron_value_release(&value);
    }
    if (!snapshot)
        return;
    is_well =
        judge(play, byron_cursor_open(snapshot, NULL, NULL, &cursor), may_fail);
    if (!is_well)
        return;
    is_well = judge(play, byron_cursor_last(cursor), may_fail);
    for (size_t i = KEYS; is_well && i-- > 0;) {
        struct byron_bytes value;
        ck_assert(byron_cursor_valid(cursor));
        is_well = judge(play, byron_cursor_value(cursor, &value), may_fail);
        ck_assert(!is_well || is_value(value, values[i]));
        is_well = is_well && judge(play, byron_cursor_prev(cursor), may_fail);
    }
    ck_assert(!is_well || !byron_cursor_valid(cursor));
    byron_cursor_close(cursor);
}

/* Held snapshots, and cursors that stand in many tables, while all is written
 * anew. */
static void hold_and_write(struct play *play, bool may_fail)
{
    static uint32_t seen[SNAPSHOTS][KEYS];
    byron_snapshot *snapshots[SNAPSHOTS];
    byron_cursor *cursors[CURSORS];
    uint64_t damages = 0;

    for (size_t i = 0; i < SNAPSHOTS; i++) {
        CHECK_OK(byron_snapshot_open(play->db, &snapshots[i]));
        memcpy(seen[i], play->values, sizeof seen[i]);
        for (size_t j = 0; j < KEYS / 2; j++)
            put(play, (size_t)rng_below(&play->rng, KEYS),
                (uint32_t)(10000 * (i + 1) + j), may_fail);
        judge(play, byron_flush(play->db), may_fail);
        if (i == 1)
            judge(play, byron_compact(play->db, NULL), may_fail);
    }
    for (size_t i = 0; i < CURSORS; i++) {
        cursors[i] = NULL;
        if (judge(play,
                  byron_cursor_open(snapshots[i % SNAPSHOTS], NULL, NULL,
                                    &cursors[i]),
                  may_fail))
            judge(play, byron_cursor_seek(cursors[i], key_of(i * 300)),
                  may_fail);
    }
    for (size_t i = 0; i < SNAPSHOTS; i++)
        check_all(play, snapshots[i], seen[i], may_fail);
    check_all(play, NULL, play->values, may_fail);
    judge(play, byron_verify(play->db, NULL, NULL, &damages), may_fail);
    ck_assert(may_fail || damages == 0);
    for (size_t i = 0; i < CURSORS; i++)
        byron_cursor_close(cursors[i]);
    for (size_t i = 0; i < SNAPSHOTS; i++)
        byron_snapshot_close(snapshots[i]);
}

/* With descriptors again, in this handle and in the next. */
static void check_afterwards(struct play *play)
{
    uint64_t damages = 0;

    limit_files(1024);
    for (int i = 0; i < 2; i++) {
        check_all(play, NULL, play->values, false);
        put(play, 0, 77777, false);
        CHECK_OK(byron_flush(play->db));
        CHECK_OK(byron_settle(play->db));
        CHECK_OK(byron_verify(play->db, NULL, NULL, &damages));
        ck_assert_uint_eq(damages, 0);
        check_all(play, NULL, play->values, false);
        CHECK_OK(byron_close(play->db));
        /* The last of them takes the files away. */
        play->options.remove_at_close = true;
        if (i == 0)
            open_play(play);
    }
}

static const rlim_t limits[] = {20, 24, 32, 64};

START_TEST(hundreds_of_tables_need_few_descriptors)
{
    struct play *play = calloc(1, sizeof *play);
    rlim_t used;

    play_begin(play, _i % 2);
    ck_assert_uint_gt(count_tables(play), 100);
    CHECK_OK(byron_close(play->db));
    used = next_file();
    limit_files(used + limits[_i]);
    open_play(play);
    hold_and_write(play, false);
    check_afterwards(play);
    free(play);
}
END_TEST

START_TEST(without_a_descriptor_nothing_is_lost_and_all_heals)
{
    struct play *play = calloc(1, sizeof *play);

    play_begin(play, _i % 2);
    check_all(play, NULL, play->values, false);
    limit_files(next_file() + (rlim_t)(_i / 2));
    hold_and_write(play, true);
    printf("descriptors: %llu calls failed\n",
           (unsigned long long)play->failures);
    check_afterwards(play);
    free(play);
}
END_TEST

/* Of hundreds of tables some are open: the others cannot be, and that is no
 * damage. */
START_TEST(a_table_that_cannot_be_opened_is_not_damaged)
{
    struct play *play = calloc(1, sizeof *play);

    play_begin(play, _i % 2);
    CHECK_OK(byron_close(play->db));
    limit_files(next_file() + 24);
    open_play(play);
    check_all(play, NULL, play->values, false);
    limit_files(next_file());
    for (int i = 0; i < 3; i++)
        check_all(play, NULL, play->values, true);
    ck_assert_uint_gt(play->failures, 10);
    check_afterwards(play);
    free(play);
}
END_TEST

START_TEST(a_store_that_cannot_be_opened_says_why)
{
    struct play *play = calloc(1, sizeof *play);
    rlim_t used;

    play_begin(play, _i % 2);
    CHECK_OK(byron_close(play->db));
    used = next_file();
    for (rlim_t more = 0; more < 8; more++) {
        limit_files(used + more);
        play->db = NULL;
        if (judge(play, byron_open(play->folder, &play->options, &play->db),
                  true))
            CHECK_OK(byron_close(play->db));
    }
    ck_assert_uint_gt(play->failures, 0);
    limit_files(1024);
    open_play(play);
    check_afterwards(play);
    free(play);
}
END_TEST

Suite *test_descriptors_suite(void)
{
    Suite *suite = suite_create("descriptors");
    TCase *few = tcase_create("few");
    TCase *none = tcase_create("none");

    tcase_set_timeout(few, 120);
    tcase_set_timeout(none, 120);
    tcase_add_loop_test(few, hundreds_of_tables_need_few_descriptors, 0, 4);
    tcase_add_loop_test(
        none, without_a_descriptor_nothing_is_lost_and_all_heals, 0, 3);
    tcase_add_loop_test(none, a_table_that_cannot_be_opened_is_not_damaged, 0,
                        2);
    tcase_add_loop_test(none, a_store_that_cannot_be_opened_says_why, 0, 2);
    suite_add_tcase(suite, few);
    suite_add_tcase(suite, none);
    return suite;
}
