#include "torture/crash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/memfs_inspect.h"
#include "torture/image.h"
#include "torture/report.h"

/* What may be found. */
struct expectation {
    size_t low; /* States from low to high, */
    size_t high;
    size_t extra;     /* or this one; 0: none. */
    bool is_cut;      /* The power, not a process. */
    size_t low_byron; /* With is_cut, where is_parted. */
};

/* Behind those of the workload: the state of is_parted, of the commit after a
 * recovery, of the one after the second. */
#define PARTED(crash) ((crash)->newest + 1)

/* How far a record has come. */
struct progress {
    size_t done;       /* Newest state that was acknowledged. */
    size_t begun;      /* And that was asked for: done, or one on its way. */
    size_t safe;       /* And that no power cut undoes. */
    size_t safe_byron; /* For byron tables: the newest safe one that had any. */
};

struct crash {
    struct subject *subject;
    struct rng rng;
    uint64_t share;
    size_t newest; /* State of the workload. */
    struct crash_totals *totals;
    uint64_t call; /* Number of it in the workload's record. */
};

/* A table, a log or a manifest of a store: it has a number in its name. */
static bool has_number(const char *path)
{
    const char *name = strrchr(path, '/');

    return name && name[1] && strchr("MSW", name[1]) && name[2] == '-';
}

static bool is_numbered(const struct storage_call *call)
{
    return call->kind == STORAGE_CREATE && has_number(call->path);
}

/* One whose number was given out twice; NULL: none. */
static const char *find_repeated(const struct storage_log *log)
{
    for (size_t i = 0; i < log->count; i++)
        for (size_t j = 0; is_numbered(&log->calls[i]) && j < i; j++)
            if (is_numbered(&log->calls[j]) &&
                strcmp(log->calls[i].path, log->calls[j].path) == 0)
                return log->calls[i].path;
    return NULL;
}

static bool is_zeros(const struct storage_call *call)
{
    for (size_t i = 0; i < call->size; i++)
        if (call->data[i] != 0)
            return false;
    return true;
}

/* One of which a write put bytes over those of another; NULL: none. The zeros
 * that a log is prepared with are none. */
static const char *find_rewritten(const struct storage_log *log)
{
    uint64_t *ends = calloc(log->count + 1, sizeof *ends); /* By number. */
    const char *found = NULL;

    for (size_t i = 0; i < log->count; i++) {
        const struct storage_call *call = &log->calls[i];
        if (call->kind != STORAGE_WRITE || !has_number(call->path) ||
            is_zeros(call))
            continue;
        if (call->offset < ends[call->file])
            found = call->path;
        if (call->offset + call->size > ends[call->file])
            ends[call->file] = call->offset + call->size;
    }
    free(ends);
    return found;
}

static enum subject_mark mark_of(const struct storage_call *call)
{
    return (enum subject_mark)(call->offset >> 32);
}

static size_t state_of(const struct storage_call *call)
{
    return (size_t)(call->offset & UINT32_MAX);
}

static void advance(const struct crash *crash, const struct storage_call *call,
                    struct progress *progress)
{
    const struct subject_state *states = crash->subject->states;
    size_t state = state_of(call);
    /* One that changes nothing syncs nothing. */
    bool is_written =
        state > 0 && !subject_is_same(states[state], states[state - 1]);

    switch (mark_of(call)) {
    case SUBJECT_BEGINS:
        progress->begun = state;
        break;
    case SUBJECT_DONE:
        progress->done = state;
        /* The next journal's first sync made the removal of the last safe. */
        if (strcmp(crash->subject->journal, "delete") == 0 && is_written)
            progress->safe = state - 1;
        break;
    case SUBJECT_IS_DURABLE:
        progress->done = state;
        if (is_written)
            progress->safe = state;
        if (is_written && states[state].byron != states[state - 1].byron)
            progress->safe_byron = state;
        break;
    }
}

/* Of which commit it is, as far as one can tell; -1: of none. */
static int find_part(const struct crash *crash, uint64_t found, bool is_byron)
{
    for (size_t i = crash->newest + 1; i-- > 0;) {
        const struct subject_state *state = &crash->subject->states[i];
        if ((is_byron ? state->byron : state->ordinary) == found)
            return (int)i;
    }
    return -1;
}

/* Does the commit that made this state bind both kinds of tables together? */
static bool is_mixed(const struct crash *crash, size_t state)
{
    const struct subject_state *states = crash->subject->states;

    return state == crash->subject->created ||
           (states[state].ordinary != states[state - 1].ordinary &&
            states[state].byron != states[state - 1].byron);
}

/*
 * At NORMAL a power cut may take the newest commits on byron tables alone, and
 * leave later ones on ordinary tables alone. That is a state of its own.
 */
static bool is_parted(const struct crash *crash, struct subject_state found,
                      const struct expectation *expected)
{
    const struct subject_state *states = crash->subject->states;

    if (!expected->is_cut || strcmp(crash->subject->journal, "wal") != 0)
        return false;
    for (size_t i = expected->high; i > 0 && i >= expected->low; i--) {
        if (states[i].ordinary != found.ordinary)
            continue;
        for (size_t j = i; j > expected->low_byron && !is_mixed(crash, j); j--)
            if (states[j - 1].byron == found.byron)
                return true;
    }
    return false;
}

/* Which state it is; fails where none may be. */
static size_t find_state(const struct crash *crash,
                         const struct expectation *expected)
{
    struct subject_state *states = crash->subject->states;
    struct subject_state found = subject_look(crash->subject);

    for (size_t i = expected->high + 1; i-- > expected->low;)
        if (subject_is_same(states[i], found))
            return i;
    if (expected->extra > 0 && subject_is_same(states[expected->extra], found))
        return expected->extra;
    if (is_parted(crash, found, expected)) {
        states[PARTED(crash)] = found;
        return PARTED(crash);
    }
    report_failure("the ordinary tables are those of commit %d, byron's of %d "
                   "(-1: of none), but one from %zu to %zu (or %zu) was "
                   "expected",
                   find_part(crash, found.ordinary, false),
                   find_part(crash, found.byron, true), expected->low,
                   expected->high, expected->extra);
}

/* Opens what is there, checks it, and goes on from there. What commits become
 * is in the states behind newest. */
static size_t recover(struct crash *crash, const struct expectation *expected,
                      size_t newest)
{
    struct subject *subject = crash->subject;
    size_t found;

    if (subject_open(subject) != SQLITE_OK)
        report_failure("open: %s", sqlite3_errmsg(subject->db));
    found = find_state(crash, expected);
    if (found < subject->created) {
        subject_close(subject);
        return found;
    }
    subject_check(subject);
    subject->newest = newest;
    subject_commit_durably(subject);
    if (rng_one_in(&crash->rng, 3))
        subject_run(subject, "SELECT byron_flush('b_kv')");
    subject_close(subject);
    if (rng_one_in(&crash->rng, 4)) {
        if (subject_open(subject) != SQLITE_OK ||
            !subject_is_same(subject_look(subject),
                             subject->states[newest + 1]))
            report_failure("a commit after the recovery is lost");
        subject_close(subject);
    }
    return found;
}

static enum memfs_crash any_crash(struct crash *crash)
{
    return (enum memfs_crash)rng_below(&crash->rng, MEMFS_CRASH_COUNT);
}

/* Each is made once, and each byte of it is written once. */
static void check_files(const struct storage_log *log)
{
    if (find_repeated(log))
        report_failure("%s is made twice", find_repeated(log));
    if (find_rewritten(log))
        report_failure("%s is written in place", find_rewritten(log));
}

/* What was left over may go, but its number is used up. */
static void check_numbers(struct memfs *base, const struct storage_log *log)
{
    struct buf bytes = {0};

    for (size_t i = 0; i < log->count; i++)
        if (is_numbered(&log->calls[i]) &&
            memfs_read_all(base, log->calls[i].path, &bytes))
            report_failure("%s was there, and is made anew",
                           log->calls[i].path);
    check_files(log);
    buf_deinit(&bytes);
}

/* Cut short again at some calls of log, which began with base. */
static void crash_again(struct crash *crash, struct memfs *base,
                        const struct storage_log *log, struct progress progress)
{
    size_t found = progress.done;
    struct image image;

    check_numbers(base, log);
    image_init(&image, crash->subject->root, base);
    for (size_t i = 0; i < log->count; i++) {
        const struct storage_call *call = &log->calls[i];
        enum memfs_crash mode = any_crash(crash);
        struct expectation expected = {progress.safe, found, 0,
                                       mode != MEMFS_KEEP_ALL,
                                       progress.safe_byron};
        struct memfs *second;
        if (call->kind == STORAGE_MARK)
            advance(crash, call, &progress);
        if (call->kind == STORAGE_MARK || call->kind == STORAGE_BIND ||
            !rng_one_in(&crash->rng, 12)) {
            image_play(&image, call);
            continue;
        }
        if (mode == MEMFS_KEEP_ALL)
            expected.low = found;
        if (progress.begun > found)
            expected.extra = progress.begun;
        if (progress.safe > found ||
            (mode == MEMFS_KEEP_ALL && progress.done > found))
            expected.low = expected.high = progress.done;
        second = memfs_crash_clone(image.fs, mode, rng_next(&crash->rng));
        image_lay_out(second, crash->subject->root);
        memfs_free(second);
        report_at(
            "journal %s, image %llu (call %llu), and again before call "
            "%zu of its recovery (%s %s), %s",
            crash->subject->journal, (unsigned long long)crash->totals->images,
            (unsigned long long)crash->call, i, storage_kind_name(call->kind),
            call->path, memfs_crash_name(mode));
        crash->totals->second_images++;
        recover(crash, &expected, PARTED(crash) + 1);
        image_play(&image, call);
    }
    image_deinit(&image);
}

static void crash_once(struct crash *crash, const struct image *image,
                       const struct storage_call *call, enum memfs_crash mode,
                       const struct progress *progress)
{
    struct expectation expected = {progress->safe, progress->begun, 0,
                                   mode != MEMFS_KEEP_ALL,
                                   progress->safe_byron};
    struct memfs *cut =
        memfs_crash_clone(image->fs, mode, rng_next(&crash->rng));
    bool is_twice = rng_one_in(&crash->rng, 10);
    struct storage_log log = {0};
    struct progress next;

    if (mode == MEMFS_KEEP_ALL)
        expected.low = progress->done;
    report_at("journal %s, image %llu, before call %llu (%s %s), %s",
              crash->subject->journal,
              (unsigned long long)crash->totals->images,
              (unsigned long long)crash->call, storage_kind_name(call->kind),
              call->path, memfs_crash_name(mode));
    image_lay_out(cut, crash->subject->root);
    crash->totals->images++;
    storage_record(is_twice ? &log : NULL);
    next.done = next.begun = next.safe = next.safe_byron =
        recover(crash, &expected, PARTED(crash));
    storage_record(NULL);
    if (mode == MEMFS_KEEP_ALL) {
        next.safe = progress->safe;
        next.safe_byron = progress->safe_byron;
    }
    if (is_twice)
        crash_again(crash, cut, &log, next);
    else
        memfs_free(cut);
    storage_log_clear(&log);
}

static void crash_everywhere(struct crash *crash, const struct storage_log *log)
{
    struct progress progress = {0};
    struct image image;

    image_init(&image, crash->subject->root, NULL);
    for (size_t i = 0; i < log->count; i++) {
        const struct storage_call *call = &log->calls[i];
        crash->call = i;
        if (call->kind == STORAGE_MARK) {
            advance(crash, call, &progress);
        } else if (call->kind != STORAGE_BIND &&
                   rng_one_in(&crash->rng, crash->share)) {
            crash_once(crash, &image, call, MEMFS_KEEP_ALL, &progress);
            crash_once(crash, &image, call,
                       (enum memfs_crash)(
                           1 + rng_below(&crash->rng, MEMFS_CRASH_COUNT - 1)),
                       &progress);
        }
        image_play(&image, call);
    }
    image_deinit(&image);
}

void crash_run(struct subject *subject, uint64_t steps, uint64_t share,
               struct crash_totals *totals)
{
    struct crash crash = {.subject = subject, .share = share, .totals = totals};
    struct storage_log log = {0};

    rng_init(&crash.rng, rng_next(&subject->rng));
    report_at("journal %s, the workload", subject->journal);
    storage_watch(subject->root);
    storage_record(&log);
    if (subject_open(subject) != SQLITE_OK)
        report_failure("open: %s", sqlite3_errmsg(subject->db));
    subject_create(subject);
    for (uint64_t i = 0; i < steps; i++)
        subject_step(subject);
    subject_close(subject);
    storage_record(NULL);
    check_files(&log);
    totals->commits += subject->newest;
    crash.newest = subject->newest;
    if (subject->is_verbose)
        storage_log_print(&log);
    crash_everywhere(&crash, &log);
    storage_log_clear(&log);
    image_wipe(subject->root);
    storage_watch("");
}
