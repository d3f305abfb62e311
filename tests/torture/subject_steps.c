/*
 * subject_steps: the transactions of a subject, and what lies between them.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "torture/report.h"
#include "torture/storage.h"
#include "torture/subject.h"

#define KEYS  120
#define TWINS "k INTEGER PRIMARY KEY, v, n INT"

/* --- marks -----------------------------------------------------------------
 */

static void mark(struct subject *subject, enum subject_mark mark, size_t state)
{
    (void)subject;
    storage_mark((uint64_t)mark << 32 | state);
}

/* What SQLite promises of a commit at this level, in this journal mode. */
static bool is_durable(const struct subject *subject)
{
    if (strcmp(subject->journal, "wal") == 0 ||
        strcmp(subject->journal, "truncate") == 0)
        return subject->level >= 2;
    if (strcmp(subject->journal, "delete") == 0)
        return subject->level >= 3; /* The removal is not synced before. */
    return true;
}

static void commit_by(struct subject *subject, const char *sql)
{
    size_t state = subject->newest + 1;

    if (state >= SUBJECT_STATES_MAX)
        report_failure("too many commits");
    if (subject->is_tolerant && subject->failed == SQLITE_OK) {
        storage_pause(true);
        subject->pending = subject_look(subject);
        storage_pause(false);
        subject->is_pending = true;
    }
    mark(subject, SUBJECT_BEGINS, state);
    subject_run(subject, "%s", sql);
    if (subject->failed != SQLITE_OK)
        return;
    mark(subject, is_durable(subject) ? SUBJECT_IS_DURABLE : SUBJECT_DONE,
         state);
    subject->newest = state;
    if (subject->is_tolerant) {
        subject->states[state] = subject->pending;
        subject->is_pending = false;
    } else {
        subject->states[state] = subject_look(subject);
    }
}

/* --- transactions ----------------------------------------------------------
 */

/* For the store, which then has no folder in common with the database. */
static void make_folder(struct subject *subject)
{
    char *path = sqlite3_mprintf("%s/aside", subject->root);
    int folder;

    if (mkdir(path, 0755) != 0)
        report_failure("%s cannot be made", path);
    folder = open(subject->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || fsync(folder) != 0)
        report_failure("%s cannot be synced", subject->root);
    close(folder);
    sqlite3_free(path);
}

/* One store for all: each has a history of its own. */
static const char *path_option(const struct subject *subject)
{
    return subject->is_aside ? ", path='aside/store'" : "";
}

void subject_create(struct subject *subject)
{
    struct rng *rng = &subject->rng;
    unsigned memtable = 4u << rng_below(rng, 4);
    unsigned block = 128u << rng_below(rng, 6);
    const char *path = path_option(subject);

    if (subject->is_aside)
        make_folder(subject);
    subject_run(subject, "PRAGMA journal_mode = %s", subject->journal);
    subject_run(subject, "BEGIN");
    subject_run(subject, "CREATE TABLE o_kv(" TWINS ")");
    subject_run(subject, "CREATE TABLE o_only(k INTEGER PRIMARY KEY, n)");
    if (rng_one_in(rng, 2)) { /* The directory comes later than all else. */
        commit_by(subject, "COMMIT");
        subject_run(subject, "BEGIN");
    }
    subject_run(subject,
                "CREATE VIRTUAL TABLE b_kv USING byron(" TWINS
                ", INDEX by_n(n DESC), memory='1MB', memtable='%uKB', "
                "block_size=%u, file_size='16KB', fanout=%u, hash_index=%s"
                "%s%s)",
                memtable, block, (unsigned)rng_below(rng, 3) + 2,
                rng_one_in(rng, 2) ? "on" : "off",
                subject->has_thread ? "" : ", threads=0", path);
    subject_run(subject,
                "CREATE VIRTUAL TABLE b_solo USING byron(a INT, b INT, v, "
                "PRIMARY KEY(a, b DESC)%s)",
                path);
    commit_by(subject, "COMMIT");
    subject->created = subject->newest;
}

static char *value(struct subject *subject)
{
    struct rng *rng = &subject->rng;
    uint64_t size = rng_below(rng, rng_one_in(rng, 25) ? 6000 : 120);

    return sqlite3_mprintf("hex(zeroblob(%llu)) || '%llx'", size / 2,
                           rng_next(rng));
}

/* Both twins. Each '@' stands for what is before the name. */
static void change(struct subject *subject, const char *format, ...)
{
    va_list arguments;
    char *sql;
    bool is_plain_first = rng_one_in(&subject->rng, 2);

    va_start(arguments, format);
    sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    for (int i = 0; i < 2; i++) {
        for (char *at = sql; (at = strstr(at, "_kv")); at++)
            at[-1] = i == is_plain_first ? 'b' : 'o';
        subject_run(subject, "%s", sql);
    }
    sqlite3_free(sql);
}

static void change_some(struct subject *subject)
{
    struct rng *rng = &subject->rng;
    char *v = value(subject);
    uint64_t k = rng_below(rng, KEYS);
    uint64_t n = subject->number;

    switch (rng_below(rng, 12)) {
    case 0:
        change(subject, "DELETE FROM @_kv WHERE k BETWEEN %llu AND %llu", k,
               k + rng_below(rng, 20));
        break;
    case 1:
        change(subject,
               "UPDATE @_kv SET n = %llu WHERE k BETWEEN %llu AND %llu", n, k,
               k + rng_below(rng, 20));
        break;
    case 2:
        change(subject, "DELETE FROM @_kv WHERE k = %llu", k);
        break;
    case 3:
        change(subject, "UPDATE @_kv SET v = %s, n = n + 1 WHERE n = %llu", v,
               n - rng_below(rng, 9));
        break;
    default:
        change(subject, "REPLACE INTO @_kv VALUES(%llu, %s, %llu)", k, v, n);
    }
    sqlite3_free(v);
}

/* Larger than memtables: it moves to files of its own. */
static void change_many(struct subject *subject)
{
    struct rng *rng = &subject->rng;

    change(subject,
           "WITH c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE "
           "i < %llu) REPLACE INTO @_kv SELECT i + %llu, hex(i * %llu) || "
           "hex(zeroblob(60)), %llu FROM c",
           rng_below(rng, 300) + 50, rng_below(rng, KEYS), rng_next(rng) >> 40,
           subject->number);
}

static void change_all(struct subject *subject)
{
    subject_run(subject, "INSERT INTO b_kv(b_kv) VALUES('delete-all')");
    subject_run(subject, "DELETE FROM o_kv");
}

/* A pair of tables that comes and goes. */
static void change_schema(struct subject *subject)
{
    if (subject_try(subject, "SELECT 1 FROM o_x LIMIT 1") == SQLITE_OK) {
        subject_run(subject, "DROP TABLE b_x; DROP TABLE o_x");
        return;
    }
    subject_run(subject,
                "CREATE TABLE o_x(k, v, PRIMARY KEY(k)) WITHOUT ROWID;"
                "CREATE VIRTUAL TABLE b_x USING byron(k, v, PRIMARY KEY(k)%s);"
                "INSERT INTO o_x SELECT n, v FROM o_kv WHERE n > 0 GROUP BY n;"
                "INSERT INTO b_x SELECT * FROM o_x",
                path_option(subject));
}

static void end(struct subject *subject)
{
    if (rng_one_in(&subject->rng, 10))
        subject_run(subject, "ROLLBACK");
    else
        commit_by(subject, "COMMIT");
}

static void write_mixed(struct subject *subject)
{
    struct rng *rng = &subject->rng;
    bool has_savepoint = rng_one_in(rng, 3);

    subject_run(subject, "BEGIN");
    for (uint64_t i = rng_below(rng, 5) + 1; i > 0; i--)
        change_some(subject);
    if (has_savepoint) {
        subject_run(subject, "SAVEPOINT s");
        for (uint64_t i = rng_below(rng, 3) + 1; i > 0; i--)
            change_some(subject);
        subject_run(subject,
                    rng_one_in(rng, 2) ? "ROLLBACK TO s" : "RELEASE s");
    }
    switch (rng_below(rng, 24)) {
    case 0:
    case 1:
        change_many(subject);
        break;
    case 2:
        change_all(subject);
        break;
    case 3:
    case 4:
        change_schema(subject);
        break;
    default:
        change_some(subject);
    }
    end(subject);
}

static char *solo(struct subject *subject)
{
    struct rng *rng = &subject->rng;
    char *v = value(subject);
    char *sql;

    if (rng_one_in(rng, 4))
        sql = sqlite3_mprintf("DELETE FROM b_solo WHERE a = %llu AND b < %llu",
                              rng_below(rng, 6), rng_below(rng, 1000));
    else
        sql = sqlite3_mprintf("REPLACE INTO b_solo VALUES(%llu, %llu, %s)",
                              rng_below(rng, 6), subject->number, v);
    sqlite3_free(v);
    return sql;
}

static void write_solo(struct subject *subject)
{
    bool is_single = rng_one_in(&subject->rng, 2) && !subject->is_tolerant;
    char *sql = solo(subject);

    if (is_single) {
        commit_by(subject, sql);
        sqlite3_free(sql);
        return;
    }
    subject_run(subject, "BEGIN; %s", sql);
    sqlite3_free(sql);
    sql = solo(subject);
    subject_run(subject, "%s", sql);
    sqlite3_free(sql);
    end(subject);
}

static void write_ordinary(struct subject *subject)
{
    subject_run(subject, "BEGIN; INSERT INTO o_only(n) VALUES(%llu)",
                subject->number);
    commit_by(subject, "COMMIT");
}

void subject_commit_durably(struct subject *subject)
{
    uint64_t n = ++subject->number;
    int level = subject->level;

    subject_run(subject, "PRAGMA synchronous = EXTRA");
    subject->level = 3;
    subject_run(subject, "BEGIN");
    change(subject, "REPLACE INTO @_kv VALUES(%llu, 'later', %llu)",
           rng_below(&subject->rng, KEYS), n);
    subject_run(subject, "REPLACE INTO b_solo VALUES(1, %llu, 'later')", n);
    commit_by(subject, "COMMIT");
    subject->level = level;
    subject_run(subject, "PRAGMA synchronous = %d", level);
}

/* --- what lies between -----------------------------------------------------
 */

static void reopen(struct subject *subject)
{
    int rc;

    subject_close(subject);
    rc = subject_open(subject);
    if (rc != SQLITE_OK && !subject->is_tolerant)
        report_failure("open: %s", sqlite3_errmsg(subject->db));
    if (rc != SQLITE_OK && subject->failed == SQLITE_OK) {
        subject->failed = rc;
        snprintf(subject->words, sizeof subject->words, "open: %s",
                 sqlite3_errmsg(subject->db));
    }
}

/* At NORMAL a rollback journal does not outlast all that a disk may do. */
static void change_level(struct subject *subject)
{
    bool is_wal = strcmp(subject->journal, "wal") == 0;

    subject->level = (is_wal ? 1 : 2) + (int)rng_below(&subject->rng, 2);
    subject_run(subject, "PRAGMA synchronous = %d", subject->level);
}

void subject_step(struct subject *subject)
{
    subject->number++;
    switch (rng_below(&subject->rng, 30)) {
    case 0:
    case 1:
        subject_run(subject, "SELECT byron_flush('b_kv')");
        break;
    case 2:
        subject_run(subject, "SELECT byron_compact('b_kv')");
        break;
    case 3:
    case 4:
        subject_run(subject, "PRAGMA wal_checkpoint(%s)",
                    rng_one_in(&subject->rng, 2) ? "TRUNCATE" : "PASSIVE");
        break;
    case 5:
        reopen(subject);
        break;
    case 6:
        change_level(subject);
        break;
    case 7:
    case 8:
    case 9:
        write_ordinary(subject);
        break;
    case 10:
    case 11:
    case 12:
    case 13:
    case 14:
    case 15:
        write_solo(subject);
        break;
    default:
        write_mixed(subject);
    }
}
