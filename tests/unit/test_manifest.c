#include <check.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"
#include "log/log_writer.h"
#include "support/edit_fixture.h"
#include "support/memfs_inspect.h"
#include "support/store_fixture.h"
#include "version/head.h"

Suite *test_manifest_suite(void);

static void check_loads(struct store_fixture *fixture, const char *wanted)
{
    struct store_fixture after;
    store_attach(&after,
                 memfs_crash_clone(fixture->fs, MEMFS_DROP_UNSYNCED, 1));
    ck_assert_int_eq(store_load(&after), BYRON_OK);
    ck_assert_str_eq(store_text(&after), wanted);
    store_detach(&after);
}

static char *manifest_path(const struct store_fixture *fixture)
{
    static char path[64];
    snprintf(path, sizeof path, "store/M-%016llx",
             (unsigned long long)manifest_number(fixture->manifest));
    return path;
}

START_TEST(new_store_is_empty_and_durable)
{
    struct store_fixture fixture;
    struct store_fixture after;

    store_init(&fixture);
    ck_assert_uint_eq(manifest_number(fixture.manifest), 1);
    ck_assert_uint_eq(fixture.state.next_number, 2);
    check_loads(&fixture, "floor 0 seq 0 next 0 tip 0/0");
    store_attach(&after, memfs_crash_clone(fixture.fs, MEMFS_DROP_UNSYNCED, 1));
    ck_assert_int_eq(store_load(&after), BYRON_OK);
    ck_assert_mem_eq(after.state.store_id, fixture.state.store_id, 16);
    ck_assert_uint_eq(after.state.next_number, 2);
    store_detach(&after);
    store_detach(&fixture);
}
END_TEST

START_TEST(no_store_is_missing)
{
    struct store_fixture fixture;

    store_attach(&fixture, memfs_new(1));
    ck_assert_int_eq(store_load(&fixture), BYRON_MISSING);
    ck_assert_ptr_null(fixture.state.version);
    store_detach(&fixture);
}
END_TEST

START_TEST(store_is_never_created_over_another)
{
    struct store_fixture fixture;

    store_init(&fixture);
    store_unload(&fixture);
    ck_assert_int_eq(fixture_create(&fixture), BYRON_MISUSE);
    store_detach(&fixture);

    store_attach(&fixture, memfs_new(1));
    memfs_write_all(fixture.fs, "store/W-0000000000000003", slice_of("x", 1));
    ck_assert_int_eq(store_load(&fixture), BYRON_CORRUPT);
    ck_assert_int_eq(fixture_create(&fixture), BYRON_CORRUPT);
    store_detach(&fixture);
}
END_TEST

START_TEST(creation_goes_on_behind_one_that_was_cut_short)
{
    struct store_fixture fixture;

    store_attach(&fixture, memfs_new(1));
    memfs_write_all(fixture.fs, "store/M-0000000000000001",
                    slice_of("half", 4));
    ck_assert_int_eq(fixture_create(&fixture), BYRON_OK);
    ck_assert_uint_eq(manifest_number(fixture.manifest), 2);
    ck_assert_uint_eq(fixture.state.next_number, 3);
    store_detach(&fixture);
}
END_TEST

START_TEST(acknowledged_edits_are_durable)
{
    struct store_fixture fixture;
    struct version_edit edit = {.wal_floor = 8, .has_tip = true, .tip = 7};

    store_init(&fixture);
    ck_assert_int_eq(store_append_add(&fixture, 1), BYRON_OK);
    check_loads(&fixture, "L0 r1 2[a,b] | floor 0 seq 1 next 0 tip 0/0");
    fixture_drop(&edit, 3, "k", "l");
    fixture_remove(&edit, 2);
    fixture_add(&edit, 6, 0, 2, "a", "b");
    ck_assert_int_eq(store_append(&fixture, &edit), BYRON_OK);
    check_loads(&fixture, "L6 r0 2[a,b] | drop 3[k,l) | "
                          "floor 8 seq 1 next 0 tip 7/0");
    ck_assert_str_eq(store_text(&fixture), "L6 r0 2[a,b] | drop 3[k,l) | "
                                           "floor 8 seq 1 next 0 tip 7/0");
    store_detach(&fixture);
}
END_TEST

START_TEST(load_writes_nothing)
{
    struct store_fixture fixture;
    uint64_t writes;

    store_init(&fixture);
    ck_assert_int_eq(store_append_add(&fixture, 1), BYRON_OK);
    store_unload(&fixture);
    writes = memfs_calls(fixture.fs, MEMFS_WRITES);
    ck_assert_int_eq(store_load(&fixture), BYRON_OK);
    ck_assert_uint_eq(memfs_calls(fixture.fs, MEMFS_WRITES), writes);
    store_detach(&fixture);
}
END_TEST

START_TEST(first_append_after_a_load_starts_a_new_file)
{
    struct store_fixture fixture;
    uint64_t old;
    struct buf bytes = {0};

    store_init(&fixture);
    ck_assert_int_eq(store_append_add(&fixture, 1), BYRON_OK);
    store_unload(&fixture);
    ck_assert_int_eq(store_load(&fixture), BYRON_OK);
    old = manifest_number(fixture.manifest);
    ck_assert_int_eq(store_append_add(&fixture, 2), BYRON_OK);
    ck_assert_uint_gt(manifest_number(fixture.manifest), old);
    ck_assert_uint_lt(manifest_number(fixture.manifest),
                      fixture.state.next_number);
    ck_assert(!memfs_read_all(fixture.fs, "store/M-0000000000000001", &bytes));
    check_loads(&fixture,
                "L0 r2 4[a,b] | L0 r1 2[a,b] | floor 0 seq 2 next 0 tip 0/0");
    store_detach(&fixture);
}
END_TEST

/* The slot in force is never the one that is written. */
START_TEST(new_files_are_named_in_the_slots_by_turns)
{
    struct store_fixture fixture;
    struct head head;

    store_init(&fixture);
    for (uint64_t epoch = 1; epoch < 6; epoch++) {
        ck_assert_int_eq(head_load(fixture.os, fixture.dir, &head), BYRON_OK);
        ck_assert_uint_eq(head.epoch, epoch);
        ck_assert_uint_eq(head.manifest, manifest_number(fixture.manifest));
        store_unload(&fixture);
        ck_assert_int_eq(store_load(&fixture), BYRON_OK);
        ck_assert_int_eq(store_append_add(&fixture, epoch), BYRON_OK);
    }
    store_detach(&fixture);
}
END_TEST

START_TEST(log_is_rewritten_when_it_has_grown)
{
    struct store_fixture fixture;
    uint64_t number;
    uint64_t most = 0;

    store_init(&fixture);
    manifest_set_rewrite_size(fixture.manifest, 2000);
    number = manifest_number(fixture.manifest);
    for (uint64_t i = 1; i < 100; i++) {
        struct version_edit edit = {.last_sequence = i};
        ck_assert_int_eq(store_append(&fixture, &edit), BYRON_OK);
        if (manifest_bytes(fixture.manifest) > most)
            most = manifest_bytes(fixture.manifest);
    }
    ck_assert_uint_gt(manifest_number(fixture.manifest), number);
    ck_assert_uint_lt(most, 2600);
    check_loads(&fixture, "floor 0 seq 99 next 0 tip 0/0");
    store_detach(&fixture);
}
END_TEST

/* A manifest of three edits, closed. */
static struct buf plant(struct store_fixture *fixture, char *path)
{
    struct buf bytes = {0};

    store_init(fixture);
    for (uint64_t run = 1; run < 4; run++)
        ck_assert_int_eq(store_append_add(fixture, run), BYRON_OK);
    strcpy(path, manifest_path(fixture));
    store_unload(fixture);
    ck_assert(memfs_read_all(fixture->fs, path, &bytes));
    return bytes;
}

START_TEST(torn_tail_is_a_prefix_at_every_byte)
{
    struct store_fixture fixture;
    char path[64];
    struct buf bytes = plant(&fixture, path);

    for (size_t size = 0; size <= bytes.size; size++) {
        byron_status status;
        memfs_write_all(fixture.fs, path, slice_of(bytes.data, size));
        status = store_load(&fixture);
        /* Without its base, what HEAD names is damaged. */
        ck_assert(status == BYRON_OK ||
                  (status == BYRON_CORRUPT && size < 200));
        if (status == BYRON_OK)
            ck_assert_uint_le(version_run_count(fixture.state.version), 3);
        store_unload(&fixture);
    }
    buf_deinit(&bytes);
    store_detach(&fixture);
}
END_TEST

START_TEST(each_flipped_bit_is_corrupt_or_does_no_harm)
{
    struct store_fixture fixture;
    char path[64];
    struct buf bytes = plant(&fixture, path);
    /* The last record only seals: it holds no edit. */
    size_t sealed = bytes.size - 40;

    for (size_t bit = 0; bit < 8 * sealed; bit++) {
        byron_status status;
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        memfs_write_all(fixture.fs, path, buf_slice(&bytes));
        status = store_load(&fixture);
        ck_assert(status == BYRON_OK || status == BYRON_CORRUPT);
        if (status == BYRON_OK)
            ck_assert_uint_eq(version_run_count(fixture.state.version), 3);
        else
            ck_assert_str_eq(error_last()->path, path);
        store_unload(&fixture);
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    buf_deinit(&bytes);
    store_detach(&fixture);
}
END_TEST

START_TEST(lost_manifest_is_corrupt_and_not_missing)
{
    struct store_fixture fixture;
    char path[64];
    struct buf bytes = plant(&fixture, path);

    ck_assert_int_eq(fixture.os->file_remove(fixture.dir, strchr(path, 'M')),
                     BYRON_OK);
    ck_assert_int_eq(store_load(&fixture), BYRON_CORRUPT);
    ck_assert_str_eq(error_last()->path, path);
    ck_assert_int_eq(fixture_create(&fixture), BYRON_MISUSE);
    buf_deinit(&bytes);
    store_detach(&fixture);
}
END_TEST

/* Another manifest in place of the store's: a base, then one record. */
static byron_status append_to(struct store_fixture *fixture,
                              enum record_type type, uint64_t sequence,
                              struct slice payload)
{
    struct log_header header = {.kind = FILE_MANIFEST};
    struct log_writer *writer;
    struct slice empty = slice_of("\0", 1);
    byron_status status;

    header.number = manifest_number(fixture->manifest);
    memcpy(header.store_id, fixture->state.store_id, 16);
    store_unload(fixture);
    ck_assert_int_eq(
        fixture->os->file_remove(fixture->dir, "M-0000000000000001"), BYRON_OK);
    ck_assert_int_eq(
        log_writer_create(fixture->os, fixture->dir, &header, &writer),
        BYRON_OK);
    ck_assert_int_eq(log_writer_append(writer, RECORD_BASE, 7, &empty, 1),
                     BYRON_OK);
    ck_assert_int_eq(log_writer_append(writer, type, sequence, &payload, 1),
                     BYRON_OK);
    log_writer_close(writer);
    status = store_load(fixture);
    return status;
}

static byron_status load_with(enum record_type type, uint64_t sequence,
                              struct slice payload)
{
    struct store_fixture fixture;
    byron_status status;

    store_init(&fixture);
    status = append_to(&fixture, type, sequence, payload);
    store_detach(&fixture);
    return status;
}

START_TEST(records_out_of_place_are_corrupt)
{
    struct slice nothing = slice_of("\0", 1);
    struct slice removes_5 = slice_of("\1\2\1\5", 4);
    struct slice unknown = slice_of("\1\x20\1\5", 4);

    ck_assert_int_eq(load_with(RECORD_EDIT, 8, nothing), BYRON_OK);
    ck_assert_int_eq(load_with(RECORD_EDIT, 9, nothing), BYRON_CORRUPT);
    ck_assert_int_eq(load_with(RECORD_EDIT, 7, nothing), BYRON_CORRUPT);
    ck_assert_int_eq(load_with(RECORD_BASE, 8, nothing), BYRON_CORRUPT);
    ck_assert_int_eq(load_with(RECORD_BATCH, 8, nothing), BYRON_CORRUPT);
    ck_assert_int_eq(load_with(RECORD_EDIT, 8, removes_5), BYRON_CORRUPT);
    ck_assert_int_eq(load_with(RECORD_EDIT, 8, unknown), BYRON_NEWER_FORMAT);
}
END_TEST

START_TEST(overlapping_tables_are_corrupt)
{
    struct store_fixture fixture;
    struct version_edit edit = {0};
    struct buf payload = {0};

    store_init(&fixture);
    fixture_add(&edit, 1, 0, 2, "a", "c");
    fixture_add(&edit, 1, 0, 3, "b", "d");
    ck_assert_int_eq(version_edit_encode(&edit, &payload), BYRON_OK);
    ck_assert_int_eq(append_to(&fixture, RECORD_EDIT, 8, buf_slice(&payload)),
                     BYRON_CORRUPT);
    ck_assert_str_eq(error_last()->path, "store/M-0000000000000001");
    version_edit_deinit(&edit);
    buf_deinit(&payload);
    store_detach(&fixture);
}
END_TEST

START_TEST(store_with_read_only_features_is_not_written)
{
    struct store_fixture fixture;
    struct head head;
    uint64_t writes;

    store_init(&fixture);
    ck_assert_int_eq(head_load(fixture.os, fixture.dir, &head), BYRON_OK);
    head.epoch++;
    head.ro_compat = 4;
    ck_assert_int_eq(head_store(fixture.os, fixture.dir, &head), BYRON_OK);
    store_unload(&fixture);
    ck_assert_int_eq(store_load(&fixture), BYRON_OK);
    ck_assert(!manifest_is_writable(fixture.manifest));
    writes = memfs_calls(fixture.fs, MEMFS_WRITES);
    ck_assert_int_eq(store_append_add(&fixture, 1), BYRON_READ_ONLY);
    ck_assert_uint_eq(memfs_calls(fixture.fs, MEMFS_WRITES), writes);
    store_detach(&fixture);
}
END_TEST

/* Every storage call of an append fails once. The store loads to the state
 * before or after, and the manifest answers the same error from then on. */
static bool survive_io(uint64_t nth, bool is_loaded)
{
    struct store_fixture fixture;
    struct store_fixture after;
    char before[200];
    byron_status status;

    store_init(&fixture);
    ck_assert_int_eq(store_append_add(&fixture, 1), BYRON_OK);
    if (is_loaded) {
        store_unload(&fixture);
        ck_assert_int_eq(store_load(&fixture), BYRON_OK);
    }
    strcpy(before, store_text(&fixture));
    memfs_fail_nth(fixture.fs, MEMFS_ALL & ~MEMFS_REMOVE, nth, BYRON_IO, false);
    status = store_append_add(&fixture, 2);
    store_attach(&after, memfs_crash_clone(fixture.fs, MEMFS_KEEP_ALL, 1));
    ck_assert_int_eq(store_load(&after), BYRON_OK);
    if (status == BYRON_OK)
        ck_assert_str_ne(store_text(&after), before);
    else if (version_run_count(after.state.version) == 1)
        ck_assert_str_eq(store_text(&after), before);
    else
        ck_assert_uint_eq(after.state.last_sequence, 2);
    store_detach(&after);
    memfs_fail_nth(fixture.fs, MEMFS_ALL, 0, BYRON_OK, false);
    if (status != BYRON_OK)
        ck_assert_int_eq(store_append_add(&fixture, 3), BYRON_IO);
    store_detach(&fixture);
    return status != BYRON_OK;
}

START_TEST(each_failed_call_poisons)
{
    uint64_t nth = 1;

    while (survive_io(nth, true))
        nth++;
    ck_assert_uint_gt(nth, 9);
    nth = 1;
    while (survive_io(nth, false))
        nth++;
    ck_assert_uint_ge(nth, 3);
}
END_TEST

START_TEST(failed_seal_loses_nothing)
{
    struct store_fixture fixture;

    store_init(&fixture);
    ck_assert_int_eq(store_append_add(&fixture, 1), BYRON_OK);
    memfs_fail_nth(fixture.fs, MEMFS_APPEND, 2, BYRON_IO, false);
    ck_assert_int_eq(store_append_add(&fixture, 2), BYRON_OK);
    ck_assert_int_eq(store_append_add(&fixture, 3), BYRON_OK);
    ck_assert_uint_eq(version_run_count(fixture.state.version), 3);
    check_loads(&fixture, store_text(&fixture));
    store_detach(&fixture);
}
END_TEST

/* Whatever call meets a full disk, the next append finds room again. */
START_TEST(full_disk_heals)
{
    bool has_failed = true;
    uint64_t nth;

    for (nth = 1; has_failed; nth++) {
        struct store_fixture fixture;
        char wanted[200];

        store_init(&fixture);
        ck_assert_int_eq(store_append_add(&fixture, 1), BYRON_OK);
        store_unload(&fixture);
        ck_assert_int_eq(store_load(&fixture), BYRON_OK);
        memfs_fail_nth(fixture.fs, MEMFS_WRITES & ~MEMFS_REMOVE, nth,
                       BYRON_FULL, false);
        has_failed = store_append_add(&fixture, 2) != BYRON_OK;
        if (has_failed)
            ck_assert_int_eq(error_last()->code, BYRON_FULL);
        ck_assert_int_eq(store_append_add(&fixture, 3), BYRON_OK);
        ck_assert_uint_eq(version_run_count(fixture.state.version),
                          has_failed ? 2 : 3);
        strcpy(wanted, store_text(&fixture));
        check_loads(&fixture, wanted);
        store_detach(&fixture);
    }
    ck_assert_uint_gt(nth, 9);
}
END_TEST

START_TEST(each_failed_call_of_a_creation_can_be_repeated)
{
    bool has_failed = true;
    uint64_t nth;

    for (nth = 1; has_failed; nth++) {
        struct store_fixture fixture;
        struct store_fixture after;
        byron_status status;

        store_attach(&fixture, memfs_new(1));
        memfs_fail_nth(fixture.fs, MEMFS_ALL, nth, BYRON_IO, true);
        has_failed = fixture_create(&fixture) != BYRON_OK;
        store_attach(&after, memfs_crash_clone(fixture.fs, MEMFS_KEEP_ALL, 1));
        status = store_load(&after);
        ck_assert(status == BYRON_OK || status == BYRON_MISSING);
        if (status == BYRON_MISSING)
            ck_assert_int_eq(fixture_create(&after), BYRON_OK);
        store_detach(&after);
        store_detach(&fixture);
    }
    ck_assert_uint_gt(nth, 6);
}
END_TEST

START_TEST(each_failed_read_of_a_load_is_told)
{
    struct store_fixture fixture;
    byron_status status = BYRON_IO;
    uint64_t nth;

    store_init(&fixture);
    ck_assert_int_eq(store_append_add(&fixture, 1), BYRON_OK);
    for (nth = 1; status != BYRON_OK; nth++) {
        store_unload(&fixture);
        memfs_fail_nth(fixture.fs, MEMFS_ALL, nth, BYRON_IO, false);
        status = store_load(&fixture);
        ck_assert(status == BYRON_IO || status == BYRON_OK);
    }
    ck_assert_uint_gt(nth, 4);
    store_detach(&fixture);
}
END_TEST

/* The nth allocation of a load and an append fails; the append is repeated. */
static bool survive_allocation(size_t nth)
{
    struct store_fixture fixture;
    size_t live;
    byron_status status;

    store_init(&fixture);
    ck_assert_int_eq(store_append_add(&fixture, 1), BYRON_OK);
    store_unload(&fixture);
    live = alloc_live();
    alloc_fail_after(nth);
    status = store_load(&fixture);
    if (status == BYRON_OK) {
        struct version_edit edit = {.last_sequence = 9};
        uint64_t next = fixture.next;
        status =
            manifest_append(fixture.manifest, &fixture.state, &edit, &next);
        alloc_fail_after(0);
        if (status != BYRON_OK)
            ck_assert_int_eq(
                manifest_append(fixture.manifest, &fixture.state, &edit, &next),
                BYRON_OK);
        check_loads(&fixture, "L0 r1 2[a,b] | floor 0 seq 9 next 0 tip 0/0");
    }
    alloc_fail_after(0);
    ck_assert(status == BYRON_OK || status == BYRON_NO_MEMORY);
    store_unload(&fixture);
    ck_assert_uint_le(alloc_live(), live + 1); /* The dead list may stay. */
    store_detach(&fixture);
    return status != BYRON_OK;
}

START_TEST(survives_any_failed_allocation)
{
    size_t nth = 1;

    while (survive_allocation(nth))
        nth++;
    ck_assert_uint_gt(nth, 15);
}
END_TEST

Suite *test_manifest_suite(void)
{
    Suite *suite = suite_create("manifest");
    TCase *cases = tcase_create("manifest");

    tcase_set_timeout(cases, 60); /* Sanitizers are slow. */
    tcase_add_test(cases, new_store_is_empty_and_durable);
    tcase_add_test(cases, no_store_is_missing);
    tcase_add_test(cases, store_is_never_created_over_another);
    tcase_add_test(cases, creation_goes_on_behind_one_that_was_cut_short);
    tcase_add_test(cases, acknowledged_edits_are_durable);
    tcase_add_test(cases, load_writes_nothing);
    tcase_add_test(cases, first_append_after_a_load_starts_a_new_file);
    tcase_add_test(cases, new_files_are_named_in_the_slots_by_turns);
    tcase_add_test(cases, log_is_rewritten_when_it_has_grown);
    tcase_add_test(cases, torn_tail_is_a_prefix_at_every_byte);
    tcase_add_test(cases, each_flipped_bit_is_corrupt_or_does_no_harm);
    tcase_add_test(cases, lost_manifest_is_corrupt_and_not_missing);
    tcase_add_test(cases, records_out_of_place_are_corrupt);
    tcase_add_test(cases, overlapping_tables_are_corrupt);
    tcase_add_test(cases, store_with_read_only_features_is_not_written);
    tcase_add_test(cases, each_failed_call_poisons);
    tcase_add_test(cases, failed_seal_loses_nothing);
    tcase_add_test(cases, full_disk_heals);
    tcase_add_test(cases, each_failed_call_of_a_creation_can_be_repeated);
    tcase_add_test(cases, each_failed_read_of_a_load_is_told);
    tcase_add_test(cases, survives_any_failed_allocation);
    suite_add_tcase(suite, cases);
    return suite;
}
