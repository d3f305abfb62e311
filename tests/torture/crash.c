#include "torture/crash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/memfs_inspect.h"
#include "torture/copies.h"
#include "torture/history.h"
#include "torture/image.h"
#include "torture/report.h"

/* The states behind those of the workload: what was found after a crash, and
 * the commit after that; then the same of a second crash. */
#define FOUND(crash) ((crash)->newest + 1)

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

/* Not of a copy: that may be begun anew. */
static bool is_numbered(const struct storage_call *call)
{
    return call->kind == STORAGE_CREATE && has_number(call->path) &&
           !strstr(call->path, "/copy");
}

/* Was it removed before end, and no manifest written meanwhile? So go the
 * tables of a large transaction that is rolled back. Nothing has ever named
 * them, and after another opening their numbers may come again. */
static bool is_forgotten(const struct storage_log *log, size_t created,
                         size_t end)
{
    for (size_t i = created + 1; i < end; i++) {
        const struct storage_call *call = &log->calls[i];
        if (call->kind == STORAGE_WRITE && strstr(call->path, "/M-"))
            return false;
        if (call->kind == STORAGE_REMOVE &&
            strcmp(call->path, log->calls[created].path) == 0)
            return true;
    }
    return false;
}

/* One whose number was given out twice; NULL: none. */
static const char *find_repeated(const struct storage_log *log)
{
    for (size_t i = 0; i < log->count; i++)
        for (size_t j = 0; is_numbered(&log->calls[i]) && j < i; j++)
            if (is_numbered(&log->calls[j]) &&
                strcmp(log->calls[i].path, log->calls[j].path) == 0 &&
                !is_forgotten(log, j, i))
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

static void open_subject(struct subject *subject)
{
    if (subject_open(subject) != SQLITE_OK)
        report_failure("open: %s", sqlite3_errmsg(subject->db));
}

static bool has_all(const struct subject *subject,
                    const struct history_place *places)
{
    for (int i = 0; i < subject->databases; i++)
        if (places[i].ordinary < subject->created ||
            places[i].byron < subject->created)
            return false;
    return true;
}

/* Opens what is there, checks it, and goes on from there: states[base] is what
 * was found, and the next one what a commit makes of it. */
static void recover(struct crash *crash, const struct history_bounds *bounds,
                    size_t base, struct history_place *places)
{
    struct subject *subject = crash->subject;
    struct subject_state found;

    open_subject(subject);
    found = subject_look(subject);
    history_find(subject, bounds, &found, places);
    subject->states[base] = found;
    if (!has_all(subject, places)) {
        subject_close(subject);
        return;
    }
    subject_check(subject);
    subject->newest = base;
    subject_commit_durably(subject);
    if (rng_one_in(&crash->rng, 3))
        subject_run(subject, "SELECT byron_flush('$.b_kv')");
    subject_close(subject);
    if (!rng_one_in(&crash->rng, 4))
        return;
    open_subject(subject);
    found = subject_look(subject);
    if (!subject_is_same(&found, &subject->states[base + 1]))
        report_failure("a commit after the recovery is lost");
    subject_close(subject);
}

/* Those that are done stay; now and then they are looked at. */
static void check_copies(struct crash *crash, const struct history *history,
                         bool is_cut)
{
    struct subject *subject = crash->subject;

    for (size_t i = 0; i < history->copies_begun; i++) {
        const struct subject_copy *copy = &subject->copies[i];
        bool is_done = i < history->copies_done;
        if (!copies_find(subject, copy, is_done, is_cut) ||
            (is_done && !rng_one_in(&crash->rng, 8)))
            continue;
        copies_check(subject, copy, is_done, is_cut);
        crash->totals->copies++;
    }
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

/* What the recovery has done, as a record of its own says. */
struct second {
    struct history_bounds bounds; /* After a power cut, */
    struct history_bounds killed; /* and after a kill. */
    struct history history;
};

static void advance_second(struct crash *crash, struct second *second,
                           const struct storage_call *call)
{
    history_advance(&second->history, crash->subject, call);
    second->bounds.extra = second->history.begun;
    second->bounds.has_extra = second->history.done == second->history.begun;
    second->killed.extra = second->bounds.extra;
    second->killed.has_extra = second->bounds.has_extra;
}

static void crash_second(struct crash *crash, struct memfs *now,
                         const struct second *second,
                         const struct storage_call *call, size_t number)
{
    struct history_place places[SUBJECT_DATABASES];
    enum memfs_crash mode = any_crash(crash);
    struct memfs *image = memfs_crash_clone(now, mode, rng_next(&crash->rng));

    image_lay_out(image, crash->subject->root);
    memfs_free(image);
    report_at(
        "journal %s, image %llu (call %llu), and again before call "
        "%zu of its recovery (%s %s), %s",
        crash->subject->journal, (unsigned long long)crash->totals->images,
        (unsigned long long)crash->call, number, storage_kind_name(call->kind),
        call->path, memfs_crash_name(mode));
    crash->totals->second_images++;
    recover(crash, mode == MEMFS_KEEP_ALL ? &second->killed : &second->bounds,
            FOUND(crash) + 2, places);
}

/* Cut short again at some calls of log, which began with base. */
static void crash_again(struct crash *crash, struct memfs *base,
                        const struct storage_log *log, struct second *second)
{
    struct image image;

    check_numbers(base, log);
    image_init(&image, crash->subject->root, base);
    for (size_t i = 0; i < log->count; i++) {
        const struct storage_call *call = &log->calls[i];
        if (call->kind == STORAGE_MARK)
            advance_second(crash, second, call);
        else if (call->kind != STORAGE_BIND && rng_one_in(&crash->rng, 12))
            crash_second(crash, image.fs, second, call, i);
        image_play(&image, call);
    }
    image_deinit(&image);
}

/* What a second crash may find: what the first one left, or after a kill and
 * then a power cut less, as the disk has it. */
static void begin_second(const struct crash *crash,
                         const struct history_bounds *bounds,
                         const struct history_place *places,
                         const struct history *history, struct second *out)
{
    memset(out, 0, sizeof *out);
    out->killed.is_cut = bounds->is_cut;
    for (int i = 0; i < crash->subject->databases; i++) {
        size_t ordinary = places[i].ordinary;
        size_t byron = places[i].byron;
        out->killed.ordinary[i] = (struct history_span){ordinary, ordinary};
        out->killed.byron[i] = (struct history_span){byron, byron};
        out->bounds.ordinary[i] = out->killed.ordinary[i];
        out->bounds.byron[i] = out->killed.byron[i];
        if (bounds->is_cut)
            continue;
        out->bounds.ordinary[i].low = history->safe_ordinary[i];
        out->bounds.byron[i].low = history->safe_byron[i];
    }
    out->bounds.is_cut = true;
}

static void crash_once(struct crash *crash, const struct image *image,
                       const struct storage_call *call, enum memfs_crash mode,
                       const struct history *history)
{
    struct memfs *cut =
        memfs_crash_clone(image->fs, mode, rng_next(&crash->rng));
    struct history_place places[SUBJECT_DATABASES];
    bool is_twice = rng_one_in(&crash->rng, 10);
    struct storage_log log = {0};
    struct history_bounds bounds;
    struct second second;

    report_at("journal %s, image %llu, before call %llu (%s %s), %s",
              crash->subject->journal,
              (unsigned long long)crash->totals->images,
              (unsigned long long)crash->call, storage_kind_name(call->kind),
              call->path, memfs_crash_name(mode));
    history_bounds(history, mode != MEMFS_KEEP_ALL, &bounds);
    image_lay_out(cut, crash->subject->root);
    crash->totals->images++;
    storage_record(is_twice ? &log : NULL);
    recover(crash, &bounds, FOUND(crash), places);
    storage_record(NULL);
    check_copies(crash, history, bounds.is_cut);
    begin_second(crash, &bounds, places, history, &second);
    if (is_twice)
        crash_again(crash, cut, &log, &second);
    else
        memfs_free(cut);
    storage_log_clear(&log);
}

static void crash_everywhere(struct crash *crash, const struct storage_log *log)
{
    struct history history = {0};
    struct image image;

    image_init(&image, crash->subject->root, NULL);
    for (size_t i = 0; i < log->count; i++) {
        const struct storage_call *call = &log->calls[i];
        crash->call = i;
        if (call->kind == STORAGE_MARK) {
            history_advance(&history, crash->subject, call);
        } else if (call->kind != STORAGE_BIND &&
                   rng_one_in(&crash->rng, crash->share)) {
            crash_once(crash, &image, call, MEMFS_KEEP_ALL, &history);
            crash_once(crash, &image, call,
                       (enum memfs_crash)(
                           1 + rng_below(&crash->rng, MEMFS_CRASH_COUNT - 1)),
                       &history);
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
    storage_refuse_links(!subject->has_links);
    storage_record(&log);
    open_subject(subject);
    subject_create(subject);
    for (uint64_t i = 0; i < steps; i++)
        subject_step(subject);
    subject_close(subject);
    storage_record(NULL);
    if (subject->is_verbose)
        storage_log_print(&log);
    for (size_t i = 0; i < subject->copy_count; i++)
        copies_check(subject, &subject->copies[i], true, false);
    check_files(&log);
    totals->commits += subject->newest;
    crash.newest = subject->newest;
    crash_everywhere(&crash, &log);
    storage_log_clear(&log);
    image_wipe(subject->root);
    storage_refuse_links(false);
    storage_watch("");
}
