#include "torture/fault.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "torture/copies.h"
#include "torture/image.h"
#include "torture/report.h"
#include "torture/storage.h"

/* Of all files that the workload touches, those of the store. */
static const char *store_part(const struct subject *subject)
{
    return subject->is_aside ? "/store" : "-byron";
}

static void open_again(struct subject *subject)
{
    char path[300];

    subject_close(subject);
    if (storage_open_file(path, sizeof path))
        report_failure("%s is open after all was closed", path);
    if (subject_open(subject) != SQLITE_OK)
        report_failure("open: %s", sqlite3_errmsg(subject->db));
}

/* Of all files, of a copy's, of those of stores, copied ones among them. */
static const char *choose_part(struct subject *subject)
{
    if (rng_one_in(&subject->rng, 4))
        return "";
    return rng_one_in(&subject->rng, 6) ? "/copy" : store_part(subject);
}

static void arm(struct subject *subject, struct storage_fault *fault)
{
    static const int errors[] = {EIO, ENOSPC, EDQUOT, EMFILE, EACCES, EROFS};
    struct rng *rng = &subject->rng;

    memset(fault, 0, sizeof *fault);
    fault->kinds = rng_one_in(rng, 3) ? (unsigned)STORAGE_FAULT_ALL
                                      : 1u << rng_below(rng, 8);
    fault->part = choose_part(subject);
    fault->nth = rng_below(rng, rng_one_in(rng, 2) ? 4 : 30) + 1;
    fault->error = errors[rng_below(rng, sizeof errors / sizeof *errors)];
    fault->is_sticky = rng_one_in(rng, 3);
    storage_fail(fault);
    report_at("journal %s, step %llu, kinds %x of \"%s\", call %llu%s: %s",
              subject->journal, (unsigned long long)subject->number,
              fault->kinds, fault->part, (unsigned long long)fault->nth,
              fault->is_sticky ? " and later" : "", strerror(fault->error));
}

/* Nothing but this one fault can be the reason. */
static void check_reason(const struct subject *subject,
                         const struct storage_fault *fault)
{
    const unsigned syncs = STORAGE_FAULT_SYNC | STORAGE_FAULT_SYNC_DIR;
    bool is_full = fault->error == ENOSPC || fault->error == EDQUOT;

    if (!strstr(subject->words, strerror(fault->error)))
        report_failure("no reason in: %s (%d)", subject->words,
                       subject->failed);
    if (is_full && !(fault->kinds & syncs) && subject->failed != SQLITE_FULL)
        report_failure("code %d: %s", subject->failed, subject->words);
    if (fault->kinds == STORAGE_FAULT_SYNC &&
        (subject->failed & 0xff) != SQLITE_IOERR)
        report_failure("code %d: %s", subject->failed, subject->words);
}

/* What an operating system's refusal may be called, and what not. */
static void check_words(const struct subject *subject, bool is_hosts)
{
    switch (subject->failed & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
        break;
    case SQLITE_CORRUPT: /* SQLite's name for EIO of a read, */
    case SQLITE_NOMEM:   /* and byron's for EMFILE when it syncs the host's. */
        if (is_hosts)
            break;
        /* fall through */
    default:
        report_failure("code %d: %s", subject->failed, subject->words);
    }
    /* SQLite's own words name no file. */
    if (!is_hosts && !strstr(subject->words, subject->root))
        report_failure("no path in: %s (%d)", subject->words, subject->failed);
}

/*
 * What the newest commit left; or the one that was asked for and failed. In WAL
 * mode SQLite may keep it in one database and give it up in the other.
 */
static bool is_known(const struct subject *subject,
                     const struct subject_state *found)
{
    const struct subject_state *newest = &subject->states[subject->newest];
    const struct subject_state *pending = &subject->pending;
    bool is_wal = strcmp(subject->journal, "wal") == 0;
    size_t size = sizeof found->parts[0];

    if (subject_is_same(found, newest))
        return true;
    if (!subject->is_pending || subject_is_same(found, pending))
        return subject->is_pending;
    for (int i = 0; i < subject->databases; i++)
        if (memcmp(&found->parts[i], &newest->parts[i], size) != 0 &&
            memcmp(&found->parts[i], &pending->parts[i], size) != 0)
            return false;
    return is_wal;
}

static bool is_right(struct subject *subject)
{
    struct subject_state found = subject_look(subject);
    return is_known(subject, &found);
}

/*
 * Not where it could not be opened. And where the host has committed, but said
 * that it failed, only another opening finds what byron took back.
 */
static bool can_be_read(struct subject *subject)
{
    int rc;

    if (strncmp(subject->words, "open: ", 6) == 0)
        return false;
    for (int i = 0; i < subject->databases; i++) {
        subject->current = i;
        rc = subject_try(subject, "SELECT count(*) FROM $.b_kv");
        if (rc == SQLITE_BUSY_SNAPSHOT && subject->is_pending)
            return false;
        if (rc != SQLITE_OK)
            report_failure("%s, and then a reader fails: %s (%d)",
                           subject->words, sqlite3_errmsg(subject->db), rc);
    }
    return true;
}

static void recover(struct subject *subject, bool has_struck, bool is_hosts)
{
    struct subject_state found;

    subject->is_own = false;
    if (!has_struck)
        report_failure("nothing failed but %s (%d)", subject->words,
                       subject->failed);
    check_words(subject, is_hosts);
    subject->failed = SQLITE_OK;
    if (!sqlite3_get_autocommit(subject->db))
        (void)subject_try(subject, "ROLLBACK");
    subject->is_tolerant = false;
    if (can_be_read(subject) && !is_right(subject))
        report_failure("wrong rows after %s", subject->words);
    open_again(subject);
    found = subject_look(subject);
    if (!is_known(subject, &found))
        report_failure("wrong rows after %s, and another opening",
                       subject->words);
    subject_check(subject);
    if (!subject_is_same(&found, &subject->states[subject->newest]))
        subject->states[++subject->newest] = found;
    subject->is_pending = false;
    subject->is_tolerant = true;
}

/* One that failed leaves nothing, unless its removal fails as well. */
static void check_copy(struct subject *subject,
                       const struct storage_fault *fault)
{
    const struct subject_copy *copy = &subject->copies[0];

    if (subject->copy_count == 0)
        return;
    if (subject->failed == SQLITE_OK)
        copies_check(subject, copy, true, false);
    else if (!copy->is_vacuum && !fault->is_sticky &&
             copies_exist(subject, copy))
        report_failure("copy%u.db failed and is there: %s", copy->number,
                       subject->words);
    copies_remove(subject);
}

static void begin_faults(struct subject *subject)
{
    report_at("journal %s, before any fault", subject->journal);
    storage_watch(subject->root);
    storage_refuse_links(!subject->has_links);
    if (subject_open(subject) != SQLITE_OK)
        report_failure("open: %s", sqlite3_errmsg(subject->db));
    subject_create(subject);
    subject->is_tolerant = true;
}

static void end_faults(struct subject *subject)
{
    subject->is_tolerant = false;
    subject_check(subject);
    open_again(subject);
    if (!is_right(subject))
        report_failure("wrong rows at the end");
    subject_close(subject);
    image_wipe(subject->root);
    storage_refuse_links(false);
    storage_watch("");
}

void fault_run(struct subject *subject, uint64_t steps,
               struct fault_totals *totals)
{
    bool has_struck = false; /* Since it was opened; the engine stays so. */
    bool is_hosts = false;   /* A file of the host, perhaps. */

    begin_faults(subject);
    for (uint64_t i = 0; i < steps; i++) {
        struct storage_fault fault;
        bool is_stores;
        arm(subject, &fault);
        is_stores = strcmp(fault.part, store_part(subject)) == 0;
        subject_step(subject);
        totals->struck += storage_has_failed();
        if (subject->failed != SQLITE_OK && is_stores && !has_struck)
            check_reason(subject, &fault);
        has_struck = has_struck || storage_has_failed();
        is_hosts = is_hosts || !is_stores;
        storage_fail(NULL);
        totals->armed++;
        totals->failed += subject->failed != SQLITE_OK;
        totals->copies += subject->copy_count;
        check_copy(subject, &fault);
        if (subject->failed != SQLITE_OK)
            recover(subject, has_struck, is_hosts);
        else if (!is_right(subject))
            report_failure("wrong rows");
        else if (rng_one_in(&subject->rng, 4))
            open_again(subject);
        else
            continue;
        has_struck = false;
        if (!is_right(subject))
            report_failure("wrong rows, struck: %d, failed statements: %d",
                           has_struck, subject->failed);
    }
    end_faults(subject);
}

/* Right after the last step, so that it is of the newest state. */
static void back_up(struct subject *subject)
{
    if (subject->copy_count == SUBJECT_COPIES_MAX)
        copies_remove(subject);
    copies_make(subject);
}

void fault_disturb(struct subject *subject, uint64_t steps)
{
    report_at("journal %s, short and interrupted calls", subject->journal);
    storage_watch(subject->root);
    storage_refuse_links(!subject->has_links);
    storage_disturb(rng_next(&subject->rng) | 1);
    if (subject_open(subject) != SQLITE_OK)
        report_failure("open: %s", sqlite3_errmsg(subject->db));
    subject_create(subject);
    for (uint64_t i = 0; i < steps; i++)
        subject_step(subject);
    back_up(subject);
    subject_check(subject);
    open_again(subject);
    subject_check(subject);
    if (!is_right(subject))
        report_failure("wrong rows");
    subject_close(subject);
    for (size_t i = 0; i < subject->copy_count; i++)
        copies_check(subject, &subject->copies[i], true, false);
    storage_disturb(0);
    storage_refuse_links(false);
    image_wipe(subject->root);
    storage_watch("");
}
