#include <check.h>
#include <stdio.h>

#include "base/error.h"
#include "support/edit_fixture.h"
#include "support/memfs_inspect.h"
#include "support/seed.h"
#include "support/store_fixture.h"

Suite *test_manifest_crash_suite(void);

struct crash {
    struct store_fixture *fixture;
    struct rng rng;
    char before[4096]; /* The state before the append in hand, */
    char after[4096];  /* and after it. */
    size_t images;
    size_t calls;
};

/* Whatever is left of a creation, a store can be created or is there. */
static void cut_creation(void *context, const struct memfs_call *call)
{
    struct crash *crash = context;

    (void)call;
    for (int mode = 0; mode < MEMFS_CRASH_COUNT; mode++) {
        struct store_fixture image;
        byron_status status;
        store_attach(&image, memfs_crash_clone(crash->fixture->fs,
                                               (enum memfs_crash)mode,
                                               rng_next(&crash->rng)));
        status = store_load(&image);
        ck_assert_msg(status == BYRON_OK || status == BYRON_MISSING, "%s: %s",
                      memfs_crash_name((enum memfs_crash)mode),
                      error_last()->words);
        if (status == BYRON_MISSING)
            ck_assert_int_eq(fixture_create(&image), BYRON_OK);
        store_detach(&image);
        crash->images++;
    }
}

START_TEST(power_cut_in_a_creation_leaves_none_or_a_store)
{
    struct store_fixture fixture;
    struct crash crash = {.fixture = &fixture};

    rng_init(&crash.rng, test_seed());
    store_attach(&fixture, memfs_new(1));
    memfs_set_hook(fixture.fs, cut_creation, &crash);
    ck_assert_int_eq(fixture_create(&fixture), BYRON_OK);
    memfs_set_hook(fixture.fs, NULL, NULL);
    ck_assert_uint_gt(crash.images, 8 * MEMFS_CRASH_COUNT);
    store_detach(&fixture);
}
END_TEST

static void check_image(struct crash *crash, enum memfs_crash mode)
{
    struct store_fixture image;
    const char *text;
    bool is_newer;

    store_attach(&image, memfs_crash_clone(crash->fixture->fs, mode,
                                           rng_next(&crash->rng)));
    ck_assert_msg(store_load(&image) == BYRON_OK, "%s: %s",
                  memfs_crash_name(mode), error_last()->words);
    text = store_text(&image);
    is_newer = strcmp(text, crash->after) == 0;
    ck_assert_msg(is_newer || strcmp(text, crash->before) == 0,
                  "%s: %s\nis neither %s\nnor %s", memfs_crash_name(mode), text,
                  crash->before, crash->after);
    ck_assert_uint_gt(image.state.next_number, manifest_number(image.manifest));
    /* And it goes on from there. */
    ck_assert_int_eq(store_append_add(&image, 1000000), BYRON_OK);
    store_unload(&image);
    ck_assert_int_eq(store_load(&image), BYRON_OK);
    ck_assert_uint_eq(image.state.last_sequence, 1000000);
    store_detach(&image);
    crash->images++;
}

static void cut_power(void *context, const struct memfs_call *call)
{
    struct crash *crash = context;

    (void)call;
    check_image(crash, (enum memfs_crash)(crash->calls++ % MEMFS_CRASH_COUNT));
    check_image(crash,
                (enum memfs_crash)rng_below(&crash->rng, MEMFS_CRASH_COUNT));
}

/* Removes, moves or adds a table or a drop; all tables share no key. */
static void random_edit(struct crash *crash, struct version_edit *edit)
{
    struct store_fixture *fixture = crash->fixture;
    const struct level *level = &fixture->state.version->levels[0];
    uint64_t kind = rng_below(&crash->rng, 4);

    edit->last_sequence = fixture->state.last_sequence + 1;
    if (kind == 0 && level->count > 3) {
        fixture_remove(edit, level->runs[1].tables[0]->number);
    } else if (kind == 1 && level->count > 0) {
        struct table_meta *meta = level->runs[0].tables[0];
        char key[24];
        snprintf(key, sizeof key, "%08llu", (unsigned long long)meta->number);
        fixture_remove(edit, meta->number);
        fixture_add(edit, 6, 0, meta->number, key, key);
    } else if (kind == 2) {
        if (fixture->state.drop_count > 2)
            edit->forget_drops = 1;
        fixture_drop(edit, fixture->next, "k", "l");
    } else {
        uint64_t number = fixture->next++;
        char key[24];
        snprintf(key, sizeof key, "%08llu", (unsigned long long)number);
        fixture_add(edit, 0, number, number, key, key);
    }
}

/* What the state will be once edit is applied. */
static void foresee(struct crash *crash, const struct version_edit *edit)
{
    struct store_fixture copy = *crash->fixture;
    struct buf bytes = {0};
    struct version_edit whole = {0};

    ck_assert_int_eq(store_state_encode(&copy.state, &bytes), BYRON_OK);
    ck_assert_int_eq(version_edit_decode(buf_slice(&bytes), NULL, 0, &whole),
                     BYRON_OK);
    memset(&copy.state, 0, sizeof copy.state);
    ck_assert_int_eq(version_new_empty(&copy.state.version), BYRON_OK);
    table_env_init(&copy.env, NULL, NULL);
    ck_assert_int_eq(store_state_apply(&copy.state, &whole, &copy.env),
                     BYRON_OK);
    ck_assert_int_eq(store_state_apply(&copy.state, edit, &copy.env), BYRON_OK);
    strcpy(crash->after, store_text(&copy));
    store_state_deinit(&copy.state);
    table_env_deinit(&copy.env);
    version_edit_deinit(&whole);
    buf_deinit(&bytes);
}

START_TEST(power_cut_at_any_call_leaves_before_or_after)
{
    struct store_fixture fixture;
    struct crash crash = {.fixture = &fixture};

    rng_init(&crash.rng, test_seed());
    store_init(&fixture);
    for (int i = 0; i < 80; i++) {
        struct version_edit edit = {0};
        if (rng_one_in(&crash.rng, 10)) {
            store_unload(&fixture);
            ck_assert_int_eq(store_load(&fixture), BYRON_OK);
        }
        manifest_set_rewrite_size(fixture.manifest, 600);
        random_edit(&crash, &edit);
        strcpy(crash.before, store_text(&fixture));
        foresee(&crash, &edit);
        memfs_set_hook(fixture.fs, cut_power, &crash);
        ck_assert_int_eq(store_append(&fixture, &edit), BYRON_OK);
        memfs_set_hook(fixture.fs, NULL, NULL);
        ck_assert_str_eq(store_text(&fixture), crash.after);
        /* Acknowledged: no image may lack it. */
        strcpy(crash.before, crash.after);
        check_image(&crash, MEMFS_DROP_UNSYNCED);
        check_image(&crash, MEMFS_RANDOM_SECTORS);
    }
    ck_assert_uint_gt(crash.images, 300);
    store_detach(&fixture);
}
END_TEST

static struct memfs *killed_image;

static void kill_before_seal(void *context, const struct memfs_call *call)
{
    struct store_fixture *fixture = context;
    if (call->kind == MEMFS_SYNC && !killed_image)
        killed_image = memfs_crash_clone(fixture->fs, MEMFS_KEEP_ALL, 1);
}

/* Who was stopped before a seal may have been stopped before the sync. */
START_TEST(what_ends_without_a_seal_is_not_safe)
{
    struct store_fixture fixture;

    store_init(&fixture);
    ck_assert(manifest_is_safe(fixture.manifest));
    store_unload(&fixture);
    ck_assert_int_eq(store_load(&fixture), BYRON_OK);
    ck_assert(!manifest_is_safe(fixture.manifest));
    ck_assert_int_eq(store_append_add(&fixture, 1), BYRON_OK);
    ck_assert(manifest_is_safe(fixture.manifest));
    store_unload(&fixture);
    ck_assert_int_eq(store_load(&fixture), BYRON_OK);
    ck_assert(manifest_is_safe(fixture.manifest));
    ck_assert_int_eq(store_append_add(&fixture, 2), BYRON_OK);
    memfs_set_hook(fixture.fs, kill_before_seal, &fixture);
    ck_assert_int_eq(store_append_add(&fixture, 3), BYRON_OK);
    memfs_set_hook(fixture.fs, NULL, NULL);
    store_detach(&fixture);
    store_attach(&fixture, killed_image);
    killed_image = NULL;
    ck_assert_int_eq(store_load(&fixture), BYRON_OK);
    ck_assert_uint_eq(version_run_count(fixture.state.version), 3);
    ck_assert(!manifest_is_safe(fixture.manifest));
    store_detach(&fixture);
}
END_TEST

Suite *test_manifest_crash_suite(void)
{
    Suite *suite = suite_create("manifest_crash");
    TCase *cases = tcase_create("manifest_crash");

    tcase_set_timeout(cases, 60); /* Sanitizers are slow. */
    tcase_add_test(cases, power_cut_in_a_creation_leaves_none_or_a_store);
    tcase_add_test(cases, power_cut_at_any_call_leaves_before_or_after);
    tcase_add_test(cases, what_ends_without_a_seal_is_not_safe);
    suite_add_tcase(suite, cases);
    return suite;
}
