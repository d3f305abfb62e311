/*
 * The beginning and the end of a soak.
 */
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "soak/soak_sql.h"
#include "soak/soak_usage.h"

#define SETTLE_SECONDS 60
/* A store gives back space once nobody has written for five seconds. */
#define QUIET_QUARTERS 28

static struct soak_actor actors[SOAK_ACTORS];

void soak_fail(struct soak *soak, const char *words, ...)
{
    va_list more;

    if (atomic_exchange(&soak->has_failed, true))
        return;
    va_start(more, words);
    printf("FAILED: ");
    vprintf(words, more);
    printf("\n");
    va_end(more);
    fflush(stdout);
    soak->stop = true;
}

const char *soak_beside(const struct soak *soak, const char *name)
{
    static _Thread_local char path[300];

    snprintf(path, sizeof path, "%s/%s", soak->folder, name);
    return path;
}

static int remove_one(const char *path, const struct stat *status, int flag,
                      struct FTW *place)
{
    (void)status;
    (void)flag;
    (void)place;
    return remove(path);
}

void soak_remove_copy(struct soak *soak)
{
    (void)!remove(soak_beside(soak, "copy.db"));
    (void)!remove(soak_beside(soak, "copy.db-wal"));
    (void)!remove(soak_beside(soak, "copy.db-shm"));
    nftw(soak_beside(soak, "copy.db-byron"), remove_one, 16,
         FTW_DEPTH | FTW_PHYS);
}

/* --- beginning and end ---------------------------------------------------- */

static int print_figure(void *context, int count, char **values, char **names)
{
    (void)context;
    (void)count;
    (void)names;
    printf(" %s=%s", values[0], values[1] ? values[1] : "NULL");
    return 0;
}

void soak_describe(struct soak *soak)
{
    sqlite3 *db = soak_connect(soak, soak->path);

    printf("the store:");
    sqlite3_exec(db, "SELECT name, value FROM byron_stats('doc')", print_figure,
                 NULL, NULL);
    printf("\n");
    sqlite3_close(db);
}

static void fill(struct soak *soak, sqlite3 *db)
{
    soak_run(soak, db,
             "PRAGMA journal_mode = WAL;"
             "CREATE VIRTUAL TABLE account USING byron(id INTEGER PRIMARY KEY,"
             " amount INT, INDEX by_amount(amount), memory='4MB');"
             "CREATE VIRTUAL TABLE doc USING byron(id INTEGER PRIMARY KEY,"
             " body, kind INT);"
             "CREATE VIRTUAL TABLE counter USING byron(id INTEGER PRIMARY KEY,"
             " n INT);"
             "CREATE VIRTUAL TABLE left_half USING byron(id INTEGER PRIMARY "
             "KEY, n INT);"
             "CREATE TABLE right_half(id INTEGER PRIMARY KEY, n INT);"
             "CREATE TABLE purse(id INTEGER PRIMARY KEY, amount INT);"
             "CREATE TABLE plain_counter(n INT);"
             "INSERT INTO counter VALUES(1, 0);"
             "INSERT INTO plain_counter VALUES(0);"
             "INSERT INTO left_half VALUES(1, 1);"
             "INSERT INTO right_half VALUES(1, 1);");
    soak_run(soak, db,
             "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n "
             "WHERE i < %d) INSERT INTO account SELECT i, %d FROM n;"
             "INSERT INTO purse SELECT * FROM account;"
             "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n "
             "WHERE i < %d) INSERT INTO doc SELECT i, randomblob(400), 0 FROM "
             "n",
             SOAK_ACCOUNTS - 1, SOAK_MONEY, soak->docs - 1);
}

/* What the store takes when it holds nothing but what is live. */
static uint64_t measure_live(struct soak *soak, sqlite3 *db)
{
    static const char *const tables[] = {"account", "doc", "counter",
                                         "left_half"};

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        soak_ask(soak, db, "SELECT byron_compact(%Q) = 'ok'", tables[i]);
    return (uint64_t)soak_ask(
        soak, db, "SELECT value FROM byron_stats('doc') WHERE name = 'bytes'");
}

/* Until no file comes or goes for so long; what is there then. */
static uint64_t wait_for_rest(struct soak *soak, int quarters_of_a_second)
{
    uint64_t before = 0;
    uint64_t disk = 0;
    int quiet = 0;

    for (int i = 0; i < SETTLE_SECONDS * 4 && quiet < quarters_of_a_second;
         i++) {
        sqlite3_sleep(250);
        disk = soak_disk(soak);
        quiet = disk == before ? quiet + 1 : 0;
        before = disk;
    }
    return disk;
}

void soak_open(struct soak *soak, const char *folder)
{
    const char *root = getenv("TMPDIR");
    sqlite3 *db;

    soak->longest_what = "";
    if (folder)
        snprintf(soak->folder, sizeof soak->folder, "%s", folder);
    else
        snprintf(soak->folder, sizeof soak->folder, "%s/byron-soak-XXXXXX",
                 root ? root : "/tmp");
    if (!folder && !mkdtemp(soak->folder)) {
        perror(soak->folder);
        exit(2);
    }
    snprintf(soak->path, sizeof soak->path, "%s/soak.db", soak->folder);
    db = soak_connect(soak, soak->path);
    fill(soak, db);
    soak->live = measure_live(soak, db);
    wait_for_rest(soak, 10);
    sqlite3_close(db);
}

void soak_start(struct soak *soak)
{
    for (int i = 0; i < SOAK_ACTORS; i++) {
        actors[i] = (struct soak_actor){.soak = soak, .number = i};
        rng_init(&actors[i].rng, soak->seed + (uint64_t)i);
        if (pthread_create(&soak->threads[i], NULL, soak_act, &actors[i]) != 0)
            exit(2);
    }
}

void soak_join(struct soak *soak)
{
    soak->stop = true;
    for (int i = 0; i < SOAK_ACTORS; i++)
        pthread_join(soak->threads[i], NULL);
}

void soak_settle(struct soak *soak)
{
    sqlite3 *db;
    uint64_t disk;

    if (soak->has_failed)
        return;
    soak->stop = false;
    db = soak_connect(soak, soak->path);
    soak_ask(soak, db, "SELECT byron_flush('doc') = 'ok'");
    disk = wait_for_rest(soak, QUIET_QUARTERS);
    soak->live = measure_live(soak, db);
    printf("settled: %llu bytes on the disk for %llu live, %.2f x\n",
           (unsigned long long)disk, (unsigned long long)soak->live,
           (double)disk / (double)soak->live);
    if (disk > soak->live + soak->live / 4 + (SOAK_ROOM >> 4))
        soak_fail(soak, "it does not come to rest at 1.25 x");
    if (soak_ask(soak, db,
                 "SELECT (SELECT sum(amount) FROM account) + (SELECT "
                 "sum(amount) FROM purse)") != 2LL * SOAK_ACCOUNTS * SOAK_MONEY)
        soak_fail(soak, "the sum is another one in the end");
    if (soak_ask(soak, db, "SELECT byron_check('doc') = 'ok'") != 1)
        soak_fail(soak, "damage in the end");
    if (sqlite3_close(db) != SQLITE_OK)
        soak_fail(soak, "it cannot be closed");
}

int soak_close(struct soak *soak)
{
    if (soak->has_failed) {
        printf("what failed left files in %s\n", soak->folder);
        printf("soak: 0 passed, 1 failed\n");
        return 1;
    }
    nftw(soak->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    printf("soak: 1 passed, 0 failed\n");
    return 0;
}
