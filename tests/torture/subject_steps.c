/*
 * subject_steps: the transactions of a subject, and what lies between them.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "torture/copies.h"
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
    mark(subject, SUBJECT_DONE, state);
    subject->newest = state;
    subject->states[state] =
        subject->is_tolerant ? subject->pending : subject_look(subject);
    subject->states[state].level = subject->level;
    subject->states[state].is_own = subject->is_own;
    subject->is_pending = false;
}

/* --- databases -------------------------------------------------------------
 */

/* One of them, or all: the next step is about these. */
static void choose_databases(struct subject *subject)
{
    bool is_wide = subject->databases > 1 && rng_one_in(&subject->rng, 2);

    subject->reach =
        is_wide ? (1u << subject->databases) - 1
                : 1u << rng_below(&subject->rng, (uint64_t)subject->databases);
}

/* One of those that the step is about becomes the present one. */
static void move(struct subject *subject)
{
    do
        subject->current = (int)rng_below(&subject->rng, SUBJECT_DATABASES);
    while (!(subject->reach >> subject->current & 1));
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

/* One store for all of a database: each has a history of its own. */
static const char *path_option(const struct subject *subject)
{
    if (!subject->is_aside)
        return "";
    return subject->current > 0 ? ", path='aside/store2'"
                                : ", path='aside/store'";
}

/* What the store of the present database is like; sqlite3_free'd. */
static char *choose_options(struct subject *subject)
{
    static const char *const compressions[] = {"none", "lz4"};
    struct rng *rng = &subject->rng;
    unsigned memtable = 4u << rng_below(rng, 4);
    unsigned block = 128u << rng_below(rng, 6);
    unsigned fanout = (unsigned)rng_below(rng, 3) + 2;
    const char *hash_index = rng_one_in(rng, 2) ? "on" : "off";
    const char *compression = compressions[rng_below(rng, 2)];
    const char *mmap = rng_one_in(rng, 2) ? "on" : "off";

    return sqlite3_mprintf(
        "memory='1MB', memtable='%uKB', block_size=%u, file_size='16KB', "
        "fanout=%u, hash_index=%s, compression='%s', mmap=%s%s%s",
        memtable, block, fanout, hash_index, compression, mmap,
        subject->has_thread ? "" : ", threads=0", path_option(subject));
}

/* The tables of the present database. */
static void create_tables(struct subject *subject)
{
    char *options = choose_options(subject);
    const char *path = path_option(subject);

    subject_run(subject, "BEGIN");
    subject_run(subject, "CREATE TABLE $.o_kv(" TWINS ")");
    subject_run(subject, "CREATE TABLE $.o_only(k INTEGER PRIMARY KEY, n)");
    if (rng_one_in(&subject->rng, 2)) {
        /* The directory comes later than all else. */
        commit_by(subject, "COMMIT");
        subject_run(subject, "BEGIN");
    }
    subject_run(subject,
                "CREATE VIRTUAL TABLE $.b_kv USING byron(" TWINS
                ", INDEX by_n(n DESC), %s)",
                options);
    subject_run(subject,
                "CREATE VIRTUAL TABLE $.b_solo USING byron(a INT, b INT, v, "
                "PRIMARY KEY(a, b DESC)%s)",
                path);
    subject_run(subject,
                "CREATE VIRTUAL TABLE $.b_own USING byron(a INT, b INT, v, "
                "PRIMARY KEY(a, b), commit='own'%s)",
                path);
    commit_by(subject, "COMMIT");
    sqlite3_free(options);
}

void subject_create(struct subject *subject)
{
    if (subject->is_aside)
        make_folder(subject);
    for (int i = 0; i < subject->databases; i++) {
        subject->current = i;
        subject_run(subject, "PRAGMA $.journal_mode = %s", subject->journal);
        create_tables(subject);
    }
    subject->created = subject->newest;
}

static char *value(struct subject *subject)
{
    struct rng *rng = &subject->rng;
    uint64_t size = rng_below(rng, rng_one_in(rng, 25) ? 6000 : 120);

    return sqlite3_mprintf("hex(zeroblob(%llu)) || '%llx'", size / 2,
                           rng_next(rng));
}

/* Both twins, of one database. Each '@' stands for what is before the name. */
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

    move(subject);
    switch (rng_below(rng, 12)) {
    case 0:
        change(subject, "DELETE FROM $.@_kv WHERE k BETWEEN %llu AND %llu", k,
               k + rng_below(rng, 20));
        break;
    case 1:
        change(subject,
               "UPDATE $.@_kv SET n = %llu WHERE k BETWEEN %llu AND %llu", n, k,
               k + rng_below(rng, 20));
        break;
    case 2:
        change(subject, "DELETE FROM $.@_kv WHERE k = %llu", k);
        break;
    case 3:
        change(subject, "UPDATE $.@_kv SET v = %s, n = n + 1 WHERE n = %llu", v,
               n - rng_below(rng, 9));
        break;
    default:
        change(subject, "REPLACE INTO $.@_kv VALUES(%llu, %s, %llu)", k, v, n);
    }
    sqlite3_free(v);
}

/* Larger than memtables: it moves to files of its own. */
static void change_many(struct subject *subject)
{
    struct rng *rng = &subject->rng;

    move(subject);
    change(subject,
           "WITH c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE "
           "i < %llu) REPLACE INTO $.@_kv SELECT i + %llu, hex(i * %llu) || "
           "hex(zeroblob(60)), %llu FROM c",
           rng_below(rng, 300) + 50, rng_below(rng, KEYS), rng_next(rng) >> 40,
           subject->number);
}

static void change_all(struct subject *subject)
{
    move(subject);
    subject_run(subject, "INSERT INTO $.b_kv(b_kv) VALUES('delete-all')");
    subject_run(subject, "DELETE FROM $.o_kv");
}

/* A pair of tables that comes and goes. Did it go? */
static bool change_schema(struct subject *subject)
{
    bool exists;

    move(subject);
    storage_pause(true);
    exists = subject_try(subject, "SELECT 1 FROM $.o_x LIMIT 1") == SQLITE_OK;
    storage_pause(false);
    if (exists) {
        subject_run(subject, "DROP TABLE $.b_x; DROP TABLE $.o_x");
        return true;
    }
    subject_run(
        subject,
        "CREATE TABLE $.o_x(k, v, PRIMARY KEY(k)) WITHOUT ROWID;"
        "CREATE VIRTUAL TABLE $.b_x USING byron(k, v, PRIMARY KEY(k)%s);"
        "INSERT INTO $.o_x SELECT n, v FROM $.o_kv WHERE n > 0 GROUP BY n;"
        "INSERT INTO $.b_x SELECT * FROM $.o_x",
        path_option(subject));
    return false;
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

/* A write of one byron table alone; sqlite3_free'd. */
static char *solo(struct subject *subject, const char *table)
{
    struct rng *rng = &subject->rng;
    char *v = value(subject);
    char *sql;

    move(subject);
    if (rng_one_in(rng, 4))
        sql = sqlite3_mprintf("DELETE FROM $.%s WHERE a = %llu AND b < %llu",
                              table, rng_below(rng, 6), rng_below(rng, 1000));
    else
        sql = sqlite3_mprintf("REPLACE INTO $.%s VALUES(%llu, %llu, %s)", table,
                              rng_below(rng, 6), subject->number, v);
    sqlite3_free(v);
    return sql;
}

static void write_table(struct subject *subject, const char *table)
{
    char *sql = solo(subject, table);

    subject_run(subject, "%s", sql);
    sqlite3_free(sql);
}

/* One statement that commits itself, or two in a transaction. */
static void write_solo(struct subject *subject, const char *table)
{
    char *sql;

    if (rng_one_in(&subject->rng, 2) && !subject->is_tolerant) {
        sql = solo(subject, table);
        commit_by(subject, sql);
        sqlite3_free(sql);
        return;
    }
    subject_run(subject, "BEGIN");
    write_table(subject, table);
    write_table(subject, table);
    end(subject);
}

static void write_ordinary(struct subject *subject)
{
    move(subject);
    subject_run(subject, "BEGIN; INSERT INTO $.o_only(n) VALUES(%llu)",
                subject->number);
    if (rng_one_in(&subject->rng, 4)) /* Perhaps of another database. */
        write_table(subject, "b_solo");
    commit_by(subject, "COMMIT");
}

/* Of the present database, and surely something. */
static void put(struct subject *subject, const char *table)
{
    char *v = value(subject);

    subject_run(subject, "REPLACE INTO $.%s VALUES(%llu, %llu, %s)", table,
                rng_below(&subject->rng, 6), subject->number, v);
    sqlite3_free(v);
}

/* What is in none of it alone: no commit by itself. */
static void write_own_and_more(struct subject *subject)
{
    struct rng *rng = &subject->rng;
    int own = subject->current;

    subject_run(subject, "BEGIN");
    put(subject, "b_own");
    move(subject);
    if (subject->current != own && rng_one_in(rng, 2))
        put(subject, "b_own");
    else if (rng_one_in(rng, 2))
        put(subject, "b_solo");
    else
        subject_run(subject, "INSERT INTO $.o_only(n) VALUES(%llu)",
                    subject->number);
    end(subject);
}

/* Counts by itself, where it is of one store and nothing else is changed. */
static void write_own(struct subject *subject)
{
    if (rng_one_in(&subject->rng, 3)) {
        write_own_and_more(subject);
        return;
    }
    subject->reach = 1u << subject->current;
    subject->is_own = true;
    write_solo(subject, "b_own");
    subject->is_own = false;
}

static void commit_later(struct subject *subject, uint64_t n)
{
    subject_run(subject, "BEGIN");
    for (int i = 0; i < subject->databases; i++) {
        subject->current = i;
        change(subject, "REPLACE INTO $.@_kv VALUES(%llu, 'later', %llu)",
               rng_below(&subject->rng, KEYS), n);
        subject_run(subject, "REPLACE INTO $.b_solo VALUES(1, %llu, 'later')",
                    n);
    }
    commit_by(subject, "COMMIT");
}

static void commit_own(struct subject *subject, uint64_t n)
{
    char *sql =
        sqlite3_mprintf("REPLACE INTO $.b_own VALUES(1, %llu, 'later')", n);

    choose_databases(subject);
    move(subject);
    subject->is_own = true;
    commit_by(subject, sql);
    subject->is_own = false;
    sqlite3_free(sql);
}

static void set_level(struct subject *subject, int level)
{
    subject->level = level;
    for (int i = 0; i < subject->databases; i++) {
        subject->current = i;
        subject_run(subject, "PRAGMA $.synchronous = %d", level);
    }
}

void subject_commit_durably(struct subject *subject)
{
    uint64_t n = ++subject->number;
    int level = subject->level;

    set_level(subject, 3);
    if (rng_one_in(&subject->rng, 4)) {
        commit_own(subject, n);
    } else {
        commit_later(subject, n);
    }
    set_level(subject, level);
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

    set_level(subject, (is_wal ? 1 : 2) + (int)rng_below(&subject->rng, 2));
}

/* The creation with something else of its store. */
static void drop_or_create(struct subject *subject)
{
    subject_run(subject, "BEGIN");
    if (!change_schema(subject))
        put(subject, "b_solo");
    end(subject);
}

/* Something that writes no rows. */
static bool step_beside(struct subject *subject)
{
    switch (rng_below(&subject->rng, 36)) {
    case 0:
    case 1:
        subject_run(subject, "SELECT byron_flush('$.b_kv')");
        return true;
    case 2:
        subject_run(subject, "SELECT byron_compact('$.b_kv')");
        return true;
    case 3:
    case 4:
        subject_run(subject, "PRAGMA wal_checkpoint(%s)",
                    rng_one_in(&subject->rng, 2) ? "TRUNCATE" : "PASSIVE");
        return true;
    case 5:
        reopen(subject);
        return true;
    case 6:
        change_level(subject);
        return true;
    case 7:
    case 8:
        copies_make(subject);
        return true;
    default:
        return false;
    }
}

void subject_step(struct subject *subject)
{
    subject->number++;
    choose_databases(subject);
    move(subject);
    if (step_beside(subject))
        return;
    switch (rng_below(&subject->rng, 27)) {
    case 0:
    case 1:
    case 2:
        write_ordinary(subject);
        break;
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
        write_solo(subject, "b_solo");
        break;
    case 8:
    case 9:
    case 10:
    case 11:
        write_own(subject);
        break;
    case 12:
        drop_or_create(subject);
        break;
    default:
        write_mixed(subject);
    }
}
