#include "torture/copies.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "torture/report.h"
#include "torture/storage.h"

/* Where the commits to a copy are written down. */
#define STATE_OF_COPY (SUBJECT_STATES_MAX - 2)

static char *path_of(const struct subject *subject,
                     const struct subject_copy *copy)
{
    return sqlite3_mprintf("%s/copy%u.db", subject->root, copy->number);
}

static void mark(enum subject_mark mark, size_t number)
{
    storage_mark((uint64_t)mark << 32 | number);
}

void copies_make(struct subject *subject)
{
    size_t number = subject->copy_count;
    struct subject_copy *copy = &subject->copies[number];
    char *path;

    if (number == SUBJECT_COPIES_MAX)
        return;
    *copy = (struct subject_copy){
        .number = ++subject->copy_number,
        .database = (int)rng_below(&subject->rng, (size_t)subject->databases),
        .state = subject->newest,
        .is_vacuum = rng_one_in(&subject->rng, 5)};
    subject->copy_count++;
    path = path_of(subject, copy);
    mark(SUBJECT_COPY_BEGINS, number);
    subject->current = copy->database;
    if (copy->is_vacuum)
        subject_run(subject, "VACUUM $ INTO %Q", path);
    else
        subject_run(subject, "SELECT byron_backup('$', %Q)", path);
    if (subject->failed == SQLITE_OK)
        mark(SUBJECT_COPY_DONE, number);
    sqlite3_free(path);
}

/* --- looking at one -------------------------------------------------------
 */

/* As a database of its own, that none is attached to. */
static void open_copy(const struct subject *subject,
                      const struct subject_copy *copy, struct subject *out)
{
    *out = *subject;
    out->databases = 1;
    out->is_tolerant = false;
    out->failed = SQLITE_OK;
    snprintf(out->path, sizeof out->path, "%s/copy%u.db", subject->root,
             copy->number);
    if (subject_open(out) != SQLITE_OK)
        report_failure("%s: %s", out->path, sqlite3_errmsg(out->db));
}

/* It can be written as well, and knows it later. */
static void go_on(struct subject *copy)
{
    copy->newest = STATE_OF_COPY;
    subject_commit_durably(copy);
    subject_close(copy);
    if (subject_open(copy) != SQLITE_OK)
        report_failure("%s: %s", copy->path, sqlite3_errmsg(copy->db));
}

static void check_backup(struct subject *copy, const struct subject_part *part)
{
    struct subject_state found = subject_look(copy);

    if (memcmp(&found.parts[0], part, sizeof *part) != 0)
        report_failure("%s is not what it was made of: ordinary tables %s, "
                       "byron's %s",
                       copy->path,
                       found.parts[0].ordinary == part->ordinary ? "are right"
                                                                 : "are wrong",
                       found.parts[0].byron == part->byron ? "are right"
                                                           : "are wrong");
    subject_check(copy);
    if (!rng_one_in(&copy->rng, 4))
        return;
    go_on(copy);
    found = subject_look(copy);
    if (!subject_is_same(&found, &copy->states[STATE_OF_COPY + 1]))
        report_failure("%s has forgotten a commit", copy->path);
}

/* There is no store beside it. With the option path, the store may seem to be
 * its own: see docs/backup.md. */
static void check_vacuum(struct subject *copy, const struct subject_part *part)
{
    int rc = SQLITE_CANTOPEN;
    struct subject_state found;

    if (!copy->is_aside)
        rc = subject_try(copy, "SELECT * FROM b_kv");
    if (rc != SQLITE_CANTOPEN)
        report_failure("%s: its byron tables answer %d: %s", copy->path, rc,
                       sqlite3_errmsg(copy->db));
    if (subject_try(copy, "PRAGMA writable_schema = ON; DELETE FROM "
                          "sqlite_schema WHERE name GLOB 'b_*'; PRAGMA "
                          "writable_schema = RESET") != SQLITE_OK)
        report_failure("%s: %s", copy->path, sqlite3_errmsg(copy->db));
    found = subject_look(copy);
    if (found.parts[0].ordinary != part->ordinary)
        report_failure("%s is not what it was made of", copy->path);
}

bool copies_find(const struct subject *subject, const struct subject_copy *copy,
                 bool is_done, bool is_cut)
{
    char *path = path_of(subject, copy);
    bool is_there = access(path, F_OK) == 0;

    sqlite3_free(path);
    if (copy->is_vacuum && (is_cut || !is_done))
        return false; /* Nothing is promised of it. */
    if (!is_there && is_done)
        report_failure("copy%u.db is gone", copy->number);
    return is_there;
}

void copies_check(struct subject *subject, const struct subject_copy *copy,
                  bool is_done, bool is_cut)
{
    const struct subject_part *part =
        &subject->states[copy->state].parts[copy->database];
    struct subject opened;

    if (!copies_find(subject, copy, is_done, is_cut))
        return;
    open_copy(subject, copy, &opened);
    if (copy->is_vacuum)
        check_vacuum(&opened, part);
    else
        check_backup(&opened, part);
    subject_close(&opened);
    subject->rng = opened.rng;
}

/* --- removing -------------------------------------------------------------
 */

bool copies_exist(const struct subject *subject,
                  const struct subject_copy *copy)
{
    char *name = sqlite3_mprintf("copy%u.db", copy->number);
    DIR *directory = opendir(subject->root);
    struct dirent *entry;
    bool is_found = false;

    while (directory && (entry = readdir(directory)) != NULL)
        is_found = is_found || strncmp(entry->d_name, name, strlen(name)) == 0;
    if (directory)
        closedir(directory);
    sqlite3_free(name);
    return is_found;
}

static int remove_one(const char *path, const struct stat *status, int flag,
                      struct FTW *place)
{
    (void)status, (void)flag;
    return place->level > 0 && strstr(path, "/copy") ? remove(path) : 0;
}

void copies_remove(struct subject *subject)
{
    if (nftw(subject->root, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0)
        report_failure("the copies cannot be removed");
    subject->copy_count = 0;
}
