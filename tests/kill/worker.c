#include "kill/worker.h"

#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/seed.h"

/* Far more than any step takes; the parent kills much earlier. */
#define HANG_SECONDS 60
#define KEYS         3000

struct worker {
    struct subject *subject;
    sqlite3 *db;
    sqlite3 *reader; /* In a transaction of its own; or NULL. */
    struct rng rng;
    uint64_t n;     /* The transaction that is being written. */
    unsigned depth; /* Open savepoints. */
};

/* --- reports ------------------------------------------------------------- */

static void send(struct worker *worker, enum worker_stage stage, bool is_ack)
{
    struct worker_news news = {(uint64_t)stage, worker->n, is_ack};

    if (write(worker->subject->pipe, &news, sizeof news) != sizeof news)
        subject_fail("the worker's parent is gone");
    alarm(HANG_SECONDS);
}

static void tell(struct worker *worker, enum worker_stage stage)
{
    send(worker, stage, false);
}

static void acknowledge(struct worker *worker)
{
    send(worker, WORKER_IDLE, true);
}

/* --- one change, made to both twins -------------------------------------- */

/* Each '@' stands for what is before the name of a table, each '^' for the
 * verb that overwrites: with conflict=replace, a plain INSERT does. */
static int change_one(struct worker *worker, const char *sql,
                      const char *prefix, sqlite3_int64 *changes)
{
    bool is_blind = !*prefix && subject_is_blind(worker->subject);
    sqlite3_str *text = sqlite3_str_new(NULL);
    char *words;
    int rc;

    for (; *sql; sql++)
        if (*sql == '@')
            sqlite3_str_appendall(text, prefix);
        else if (*sql == '^')
            sqlite3_str_appendall(text, is_blind ? "INSERT" : "REPLACE");
        else
            sqlite3_str_appendchar(text, 1, *sql);
    words = sqlite3_str_finish(text);
    rc = sqlite3_exec(worker->db, words, NULL, NULL, NULL);
    *changes = rc == SQLITE_OK ? sqlite3_changes64(worker->db) : 0;
    if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_CONSTRAINT)
        subject_fail("%s: %s (%d)", words, sqlite3_errmsg(worker->db), rc);
    sqlite3_free(words);
    return rc;
}

static void change(struct worker *worker, const char *format, ...)
{
    static const char *const prefixes[2] = {"", "plain_"};
    bool is_plain_first = rng_one_in(&worker->rng, 2);
    sqlite3_int64 changes[2];
    va_list arguments;
    int rc[2];
    char *sql;

    va_start(arguments, format);
    sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    for (int i = 0; i < 2; i++)
        rc[i] =
            change_one(worker, sql, prefixes[i ^ is_plain_first], &changes[i]);
    if (rc[0] != rc[1] || changes[0] != changes[1])
        subject_fail("%s: the %s table answers %d and changes %lld rows, "
                     "its twin answers %d and changes %lld",
                     sql, is_plain_first ? "ordinary" : "byron", rc[0],
                     changes[0], rc[1], changes[1]);
    sqlite3_free(sql);
}

static void change_kv(struct worker *worker)
{
    struct rng *rng = &worker->rng;
    uint64_t id = rng_below(rng, KEYS);
    uint64_t value = rng_next(rng) >> 1;
    unsigned from = (unsigned)rng_below(rng, 0xf000);

    switch (rng_below(rng, 9)) {
    case 0:
        change(worker,
               "INSERT OR IGNORE INTO @kv VALUES(kill_key(%llu), "
               "kill_value(%llu), %llu)",
               id, value, worker->n);
        break;
    case 1:
        change(worker,
               "INSERT INTO @kv VALUES(kill_key(%llu), "
               "kill_value(%llu), %llu)",
               id, value, worker->n);
        break;
    case 2:
        change(worker,
               "UPDATE @kv SET v = kill_value(%llu + n), n = %llu "
               "WHERE k BETWEEN x'%04x' AND x'%04x'",
               value >> 1, worker->n, from, from + 0x400);
        break;
    case 3:
        change(worker,
               "UPDATE OR REPLACE @kv SET k = kill_key(%llu), n = %llu "
               "WHERE k = kill_key(%llu)",
               rng_below(rng, KEYS), worker->n, id);
        break;
    case 4:
        change(worker, "DELETE FROM @kv WHERE k = kill_key(%llu)", id);
        break;
    case 5:
        change(worker, "DELETE FROM @kv WHERE k BETWEEN x'%04x' AND x'%04x'",
               from, from + 0x200);
        break;
    default:
        change(worker,
               "REPLACE INTO @kv VALUES(kill_key(%llu), "
               "kill_value(%llu), %llu)",
               id, value, worker->n);
        break;
    }
}

static void change_pair(struct worker *worker)
{
    struct rng *rng = &worker->rng;
    uint64_t a = rng_below(rng, 20);
    uint64_t b = rng_below(rng, 100);
    uint64_t value = rng_next(rng) >> 1;

    switch (rng_below(rng, 6)) {
    case 0:
        change(worker,
               "UPDATE @pair SET v = kill_value(%llu), n = %llu "
               "WHERE a = 'part-%llu' AND b > %llu",
               value, worker->n, a, b + 80);
        break;
    case 1:
        change(worker,
               "DELETE FROM @pair WHERE a = 'part-%llu' AND b BETWEEN %llu "
               "AND %llu",
               a, b, b + 10);
        break;
    case 2:
        change(worker,
               "UPDATE OR REPLACE @pair SET b = b + 1, n = %llu "
               "WHERE a = 'part-%llu' AND b = %llu",
               worker->n, a, b);
        break;
    default:
        change(worker,
               "^ INTO @pair VALUES('part-%llu', %llu, "
               "kill_value(%llu), %llu)",
               a, b, value, worker->n);
        break;
    }
}

/* More than most memtables hold: the transaction spills to files. */
static void change_many(struct worker *worker)
{
    uint64_t rows = 100 + rng_below(&worker->rng, 900);

    change(worker,
           "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c "
           "WHERE i < %llu) REPLACE INTO @kv SELECT kill_key((i + %llu) %% %d),"
           " kill_value(i + %llu), %llu FROM c",
           rows, rng_below(&worker->rng, KEYS), KEYS,
           rng_next(&worker->rng) >> 2, worker->n);
}

/* --- transactions -------------------------------------------------------- */

static void move_savepoint(struct worker *worker)
{
    switch (rng_below(&worker->rng, 3)) {
    case 0:
        subject_run(worker->db, "SAVEPOINT s%u", worker->depth++);
        break;
    case 1:
        if (worker->depth > 0)
            subject_run(worker->db, "RELEASE s%u", --worker->depth);
        break;
    default:
        if (worker->depth > 0) {
            worker->depth = (unsigned)rng_below(&worker->rng, worker->depth);
            subject_run(worker->db, "ROLLBACK TO s%u", worker->depth++);
        }
        break;
    }
}

static void change_some(struct worker *worker)
{
    struct rng *rng = &worker->rng;
    uint64_t count = rng_one_in(rng, 8) ? rng_below(rng, 60) : 1;

    for (count += rng_below(rng, 6); count > 0; count--) {
        if (rng_one_in(rng, 5))
            move_savepoint(worker);
        if (rng_one_in(rng, 100))
            change_many(worker);
        else if (rng_one_in(rng, 3))
            change_pair(worker);
        else
            change_kv(worker);
    }
}

static void change_schema(struct worker *worker)
{
    bool is_there =
        subject_number(worker->db, "SELECT count(*) FROM sqlite_schema "
                                   "WHERE name = 'extra'") > 0;

    if (is_there) {
        subject_run(worker->db, "DROP TABLE extra");
        subject_run(worker->db, "DROP TABLE plain_extra");
    }
    if (is_there && rng_one_in(&worker->rng, 2))
        return;
    subject_run(worker->db, "CREATE VIRTUAL TABLE extra USING byron("
                            "k INT PRIMARY KEY, v, n INT)");
    subject_run(worker->db, "CREATE TABLE plain_extra("
                            "k INT PRIMARY KEY, v, n INT) WITHOUT ROWID");
    change(worker,
           "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c "
           "WHERE i < %llu) REPLACE INTO @extra SELECT i, kill_value(i), %llu "
           "FROM c",
           rng_below(&worker->rng, rng_one_in(&worker->rng, 2) ? 3000 : 100),
           worker->n);
}

/* Over the rows there are, in the transaction that changes them. */
static void change_index(struct worker *worker)
{
    bool is_there =
        subject_number(worker->db, "SELECT count(*) FROM byron_index "
                                   "WHERE name = 'later'") > 0;

    subject_run(worker->db, "INSERT INTO kv(kv, arg) VALUES(%Q, %Q)",
                is_there ? "drop-index" : "add-index",
                is_there ? "later" : "later(n, v DESC)");
}

static void change_solo(struct worker *worker)
{
    unsigned parts = subject_parts(worker->subject, worker->n);

    for (unsigned i = 0; i < parts; i++)
        subject_run(worker->db,
                    "INSERT INTO solo VALUES(%llu, %u, kill_value(%llu))",
                    worker->n, i, worker->n * 100 + i);
    if (worker->n > SUBJECT_WINDOW)
        subject_run(worker->db, "DELETE FROM solo WHERE n <= %llu",
                    worker->n - SUBJECT_WINDOW);
}

static void change_far(struct worker *worker)
{
    change(worker, "INSERT INTO @far VALUES(%llu, kill_value(%llu))", worker->n,
           worker->n);
}

/* In WAL mode SQLite may have committed one on two databases in one of them;
 * what the checker found so is made whole. */
static void complete_last(struct worker *worker)
{
    struct subject *subject = worker->subject;
    uint64_t n = subject->last;

    if (n <= subject->sure || subject_kind(subject, n) != SUBJECT_WIDE)
        return;
    subject_run(worker->db, "BEGIN");
    change(worker, "INSERT OR IGNORE INTO @far VALUES(%llu, kill_value(%llu))",
           n, n);
    subject_run(worker->db, "COMMIT; BEGIN");
    change(worker, "INSERT OR IGNORE INTO @log VALUES(%llu, %llu)", n,
           subject->round);
    subject_run(worker->db, "COMMIT");
}

/* Ends the transaction; false: it is rolled back, and its number is free. */
static bool end(struct worker *worker, bool is_savepoint)
{
    if (rng_one_in(&worker->rng, 10)) {
        tell(worker, WORKER_ROLLING_BACK);
        subject_run(worker->db, "ROLLBACK");
        tell(worker, WORKER_IDLE);
        return false;
    }
    tell(worker, WORKER_COMMITTING);
    subject_run(worker->db, is_savepoint ? "RELEASE outermost" : "COMMIT");
    acknowledge(worker);
    return true;
}

static bool write_transaction(struct worker *worker, enum subject_kind kind)
{
    bool is_savepoint = rng_one_in(&worker->rng, 6);
    /* Rows that ascend, and nothing else: spilled as the commit needs them. */
    bool is_load = kind == SUBJECT_SCHEMA && rng_one_in(&worker->rng, 2);
    bool is_log_first = is_load || rng_one_in(&worker->rng, 2);
    uint64_t n = worker->n;

    tell(worker, WORKER_WRITING);
    subject_run(worker->db, is_savepoint ? "SAVEPOINT outermost" : "BEGIN");
    worker->depth = 0;
    if (kind == SUBJECT_SOLO || kind == SUBJECT_FAR) {
        if (kind == SUBJECT_SOLO)
            change_solo(worker);
        else
            change_far(worker);
        return end(worker, is_savepoint);
    }
    if (is_log_first)
        change(worker, "INSERT INTO @log VALUES(%llu, %llu)", n,
               worker->subject->round);
    if (kind == SUBJECT_SCHEMA)
        change_schema(worker);
    if (!is_load)
        change_some(worker);
    /* A reader would be told that its index is gone. */
    if (kind == SUBJECT_SCHEMA && !is_load && !worker->reader)
        change_index(worker);
    while (worker->depth > 0)
        subject_run(worker->db, "RELEASE s%u", --worker->depth);
    if (kind == SUBJECT_WIDE)
        change_far(worker);
    if (!is_log_first)
        change(worker, "INSERT INTO @log VALUES(%llu, %llu)", n,
               worker->subject->round);
    return end(worker, is_savepoint);
}

static void write_next(struct worker *worker)
{
    enum subject_kind kind = subject_kind(worker->subject, worker->n);

    if (kind == SUBJECT_SINGLE) {
        tell(worker, WORKER_COMMITTING);
        subject_run(worker->db,
                    "INSERT INTO solo VALUES(%llu, 0, kill_value(%llu))",
                    worker->n, worker->n * 100);
        acknowledge(worker);
        worker->n++;
    } else if (write_transaction(worker, kind)) {
        worker->n++;
    }
}

/* --- what happens between transactions ----------------------------------- */

static sqlite3_int64 look(struct worker *worker, const char *prefix)
{
    return subject_number(worker->reader, "SELECT total(n) FROM %skv", prefix);
}

/* A reader keeps its state, in byron and ordinary tables, while others write.
 * SQLITE_BUSY_SNAPSHOT after a long pause would be its right, so that the
 * second look comes soon. */
static void read_beside(struct worker *worker)
{
    sqlite3_int64 seen;

    if (strcmp(worker->subject->journal, "wal") != 0)
        return;
    worker->reader = subject_open(worker->subject);
    subject_run(worker->reader, "BEGIN");
    seen = look(worker, "plain_");
    for (int i = 0; i < 2; i++) {
        sqlite3_int64 plain = look(worker, "plain_");
        sqlite3_int64 byron = look(worker, "");
        if (plain != seen || byron != seen)
            subject_fail("a reader that saw %lld sees %lld in the ordinary "
                         "table and %lld in byron's at its look %d (%llu)",
                         seen, plain, byron, i, (unsigned long long)worker->n);
        if (i == 0)
            write_next(worker);
    }
    subject_run(worker->reader, "COMMIT");
    sqlite3_close(worker->reader);
    worker->reader = NULL;
}

static void open_again(struct worker *worker)
{
    static const char *const levels[] = {"OFF", "NORMAL", "FULL"};
    const char *level = levels[worker->subject->round % 3];

    tell(worker, WORKER_OPENING);
    worker->db = subject_open(worker->subject);
    worker->subject->db = worker->db;
    subject_run(worker->db, "PRAGMA journal_mode = %s",
                worker->subject->journal);
    subject_run(worker->db, "PRAGMA synchronous = %s", level);
    if (subject_has_side(worker->subject))
        subject_run(worker->db,
                    "PRAGMA side.journal_mode = %s; "
                    "PRAGMA side.synchronous = %s",
                    worker->subject->journal, level);
    if (rng_one_in(&worker->rng, 3))
        subject_run(worker->db, "PRAGMA wal_autocheckpoint = 20");
    if (subject_number(worker->db, "SELECT count(*) FROM sqlite_schema "
                                   "WHERE name = 'log'")) {
        subject_number(worker->db, "SELECT max(n) FROM log");
        tell(worker, WORKER_IDLE);
        if (subject_has_side(worker->subject))
            complete_last(worker);
        return;
    }
    tell(worker, WORKER_CREATING);
    worker->n = 0;
    subject_create(worker->subject);
    acknowledge(worker);
    worker->n = 1;
}

static void close_and_open(struct worker *worker)
{
    tell(worker, WORKER_CLOSING);
    if (sqlite3_close(worker->db) != SQLITE_OK)
        subject_fail("close: %s", sqlite3_errmsg(worker->db));
    open_again(worker);
}

static int remove_one(const char *path, const struct stat *status, int flag,
                      struct FTW *place)
{
    (void)status, (void)flag, (void)place;
    return remove(path);
}

/* The file first: where it is, all of the backup is. */
static void remove_backup(const char *path)
{
    static const char *const suffixes[] = {
        "", "-incomplete", "-incomplete-journal", "-incomplete-wal", "-byron"};

    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char *name = sqlite3_mprintf("%s%s", path, suffixes[i]);
        if (nftw(name, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0 &&
            errno != ENOENT)
            subject_fail("%s: %s", name, strerror(errno));
        sqlite3_free(name);
    }
}

/* In place of one that was there, or was broken off. */
static void back_up(struct worker *worker)
{
    char *file =
        subject_backup((unsigned)rng_below(&worker->rng, SUBJECT_BACKUPS));
    char *path = sqlite3_mprintf("%s/%s", worker->subject->directory, file);

    remove_backup(path);
    tell(worker, WORKER_BACKING_UP);
    subject_run(worker->db, "SELECT byron_backup('main', %Q)", path);
    tell(worker, WORKER_IDLE);
    sqlite3_free(path);
    sqlite3_free(file);
}

/* Something between transactions, most often nothing. What the parent wants
 * to kill comes more often. */
static enum worker_stage choose_stage(struct worker *worker)
{
    static const enum worker_stage stages[] = {
        WORKER_FLUSHING,      WORKER_FLUSHING, WORKER_COMPACTING,
        WORKER_CHECKPOINTING, WORKER_CLOSING,  WORKER_BACKING_UP,
    };
    uint64_t choice = rng_below(&worker->rng, 60);

    if (choice < sizeof stages / sizeof *stages)
        return stages[choice];
    return choice < 12 ? (enum worker_stage)worker->subject->aim
                       : WORKER_WRITING;
}

static void step(struct worker *worker)
{
    static const char *const tables[] = {"kv", "pair", "solo", "log",
                                         "side.far"};
    unsigned count = subject_has_side(worker->subject) ? 5 : 4;
    const char *table = tables[rng_below(&worker->rng, count)];
    enum worker_stage stage = choose_stage(worker);

    if (rng_one_in(&worker->rng, 30))
        read_beside(worker);
    switch (stage) {
    case WORKER_FLUSHING:
        tell(worker, stage);
        subject_run(worker->db, "SELECT byron_flush('%s')", table);
        tell(worker, WORKER_IDLE);
        break;
    case WORKER_COMPACTING:
        tell(worker, stage);
        subject_run(worker->db, "SELECT byron_compact('%s')", table);
        tell(worker, WORKER_IDLE);
        break;
    case WORKER_CHECKPOINTING:
        tell(worker, stage);
        subject_run(worker->db, "PRAGMA wal_checkpoint(TRUNCATE)");
        tell(worker, WORKER_IDLE);
        break;
    case WORKER_BACKING_UP:
        back_up(worker);
        break;
    case WORKER_CLOSING:
        if (worker->subject->is_closing)
            close_and_open(worker);
        break;
    default:
        write_next(worker);
        break;
    }
}

void worker_run(struct subject *subject)
{
    struct worker worker = {0};

    worker.subject = subject;
    worker.n = subject->last + 1;
    rng_init(&worker.rng, subject->seed * 1000003 + subject->round);
    open_again(&worker);
    for (;;)
        step(&worker);
}
