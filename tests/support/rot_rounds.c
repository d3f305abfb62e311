#include "support/rot_rounds.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

void rot_tally_count(struct rot_tally *tally,
                     const struct rot_findings *findings)
{
    tally->rounds++;
    tally->refused += findings->open_status != BYRON_OK;
    tally->noticed += findings->open_status != BYRON_OK ||
                      findings->errors > 0 || findings->damages > 0;
}

void rot_tally_print(const char *name, const struct rot_tally *tally)
{
    printf("rot: %s: %llu rounds, %llu not opened, %llu noticed\n", name,
           (unsigned long long)tally->rounds,
           (unsigned long long)tally->refused,
           (unsigned long long)tally->noticed);
    ck_assert_uint_gt(tally->rounds, 0);
}

uint64_t rot_damage_all(struct rot_store *rot, const char *name,
                        void (*damage)(struct rot_store *rot,
                                       const struct rot_file *file,
                                       struct rot_tally *tally))
{
    struct rot_tally tally = {0};
    struct rot_findings findings;

    for (size_t i = 0; i < rot->file_count; i++)
        damage(rot, &rot->files[i], &tally);
    rot_tally_print(name, &tally);
    rot_store_read(rot, rot->fs, "restored", &findings);
    ck_assert_uint_eq(findings.errors + findings.damages, 0);
    return tally.noticed;
}

void rot_rounds(const char *name, bool has_host, bool is_cut,
                void (*damage)(struct rot_store *rot,
                               const struct rot_file *file,
                               struct rot_tally *tally))
{
    struct rot_store *rot = calloc(1, sizeof *rot);
    size_t live = alloc_live();

    rot_store_init(rot, has_host);
    if (is_cut)
        rot->state_count = rot->state_count_cut;
    ck_assert_uint_gt(rot_damage_all(rot, name, damage), 0);
    rot_store_deinit(rot);
    free(rot);
    ck_assert_uint_eq(alloc_live(), live);
}
