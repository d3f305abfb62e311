/*
 * What the threads of the soak do. Each act is one transaction or one service,
 * and leaves no transaction open.
 */
#include <stdio.h>
#include <time.h>

#include "soak/soak_sql.h"

static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void end_transaction(struct soak_actor *actor)
{
    if (!sqlite3_get_autocommit(actor->db))
        soak_run(actor->soak, actor->db, "ROLLBACK");
}

static void note(struct soak *soak, uint64_t count)
{
    unsigned long long known = atomic_load(&soak->known);

    while (known < count &&
           !atomic_compare_exchange_weak(&soak->known, &known, count))
        continue;
}

/* --- transfers: a sum over two tables that never changes -------------------
 */

static bool move(struct soak_actor *actor)
{
    static const char *const tables[] = {"account", "purse"};
    unsigned from = (unsigned)rng_below(&actor->rng, SOAK_ACCOUNTS);
    unsigned to = (unsigned)rng_below(&actor->rng, SOAK_ACCOUNTS);
    unsigned amount = (unsigned)rng_below(&actor->rng, 50);

    /* From a byron table to an ordinary one, or within either. */
    return soak_run(actor->soak, actor->db,
                    "UPDATE %s SET amount = amount - %u WHERE id = %u",
                    tables[rng_below(&actor->rng, 2)], amount, from) &&
           soak_run(actor->soak, actor->db,
                    "UPDATE %s SET amount = amount + %u WHERE id = %u",
                    tables[rng_below(&actor->rng, 2)], amount, to);
}

static void act_transfer(struct soak_actor *actor)
{
    struct soak *soak = actor->soak;
    uint64_t moves = 1 + rng_below(&actor->rng, 5);
    bool is_well = soak_run(soak, actor->db, "BEGIN IMMEDIATE");
    int64_t count = 0;

    for (uint64_t i = 0; i < moves && is_well; i++) {
        is_well = soak_run(soak, actor->db, "SAVEPOINT s") && move(actor);
        if (is_well && rng_one_in(&actor->rng, 6))
            is_well = soak_run(soak, actor->db, "ROLLBACK TO s");
        is_well = is_well && soak_run(soak, actor->db, "RELEASE s");
    }
    is_well = is_well &&
              soak_run(soak, actor->db, "UPDATE counter SET n = n + 1") &&
              soak_run(soak, actor->db, "UPDATE plain_counter SET n = n + 1");
    if (is_well)
        count = soak_ask(soak, actor->db, "SELECT n FROM counter");
    if (is_well && !rng_one_in(&actor->rng, 10) &&
        soak_run(soak, actor->db, "COMMIT")) {
        note(soak, (uint64_t)count);
        atomic_fetch_add(&soak->transfers, 1);
    }
    end_transaction(actor);
}

/* --- skew: each takes one if there is one in both together -----------------
 */

static void act_skew(struct soak_actor *actor)
{
    struct soak *soak = actor->soak;
    const char *mine = actor->number % 2 ? "left_half" : "right_half";
    int64_t sum;

    if (soak_run(soak, actor->db, "BEGIN")) {
        sum = soak_ask(soak, actor->db,
                       "SELECT (SELECT n FROM left_half) + (SELECT n FROM "
                       "right_half)");
        if (sum < 0)
            soak_fail(soak, "two that each took the last one");
        if (soak_run(soak, actor->db, "UPDATE %s SET n = n %s", mine,
                     sum > 0 ? "- 1" : "+ 1") &&
            soak_run(soak, actor->db, "COMMIT"))
            atomic_fetch_add(&soak->changes, 1);
    }
    end_transaction(actor);
    sqlite3_sleep(2);
}

/* --- documents: as many as ever, always others -----------------------------
 */

static void act_write(struct soak_actor *actor)
{
    struct soak *soak = actor->soak;
    unsigned first = (unsigned)rng_below(&actor->rng, (uint64_t)soak->docs);
    unsigned count = 1 + (unsigned)rng_below(&actor->rng, 200);
    bool is_well = soak_run(soak, actor->db, "BEGIN IMMEDIATE");

    if (is_well && rng_one_in(&actor->rng, 4))
        is_well = soak_run(soak, actor->db,
                           "DELETE FROM doc WHERE id BETWEEN %u AND %u", first,
                           first + 20);
    is_well =
        is_well &&
        soak_run(soak, actor->db,
                 "WITH RECURSIVE n(i) AS (SELECT %u UNION ALL SELECT i + 1 "
                 "FROM n WHERE i < %u) INSERT OR REPLACE INTO doc SELECT i %% "
                 "%d, randomblob(300 + i %% 200), i %% 7 FROM n",
                 first, first + (count < 21 ? 21 : count), soak->docs);
    /* One place or all over. */
    for (int i = 0; i < 30 && is_well; i++)
        is_well = soak_run(
            soak, actor->db,
            "UPDATE doc SET body = randomblob(400), kind = kind + 1 WHERE id "
            "= %u",
            (unsigned)rng_below(&actor->rng, (uint64_t)soak->docs));
    if (is_well && soak_run(soak, actor->db, "COMMIT"))
        atomic_fetch_add(&soak->changes, 1);
    end_transaction(actor);
    sqlite3_sleep(5);
}

/* --- looks ------------------------------------------------------------------
 */

static const char sum_of_all[] =
    "SELECT (SELECT sum(amount) FROM account) + (SELECT sum(amount) FROM "
    "purse)";

static void act_look(struct soak_actor *actor)
{
    struct soak *soak = actor->soak;
    int64_t known = (int64_t)atomic_load(&soak->known);
    int64_t count, plain;

    if (!soak_run(soak, actor->db, "BEGIN"))
        return;
    count = soak_ask(soak, actor->db, "SELECT n FROM counter");
    plain = soak_ask(soak, actor->db, "SELECT n FROM plain_counter");
    if (soak->stop)
        goto out;
    if (count != plain)
        soak_fail(soak, "byron counts %lld, the host %lld", (long long)count,
                  (long long)plain);
    if (count < known || count < actor->newest)
        soak_fail(soak, "a counter goes back from %lld and %lld to %lld",
                  (long long)known, (long long)actor->newest, (long long)count);
    actor->newest = count;
    for (int i = 0; i < 3 && !soak->stop; i++) {
        if (soak_ask(soak, actor->db, sum_of_all) !=
                2LL * SOAK_ACCOUNTS * SOAK_MONEY &&
            !soak->stop)
            soak_fail(soak, "a sum that changes");
        if (soak_ask(soak, actor->db, "SELECT count(*) FROM doc WHERE id %s",
                     i == 1 ? "IS NOT NULL ORDER BY id DESC" : ">= 0") !=
                soak->docs &&
            !soak->stop)
            soak_fail(soak, "documents are missing, or too many");
        if (rng_one_in(&actor->rng, 10))
            sqlite3_sleep(300); /* Held while much happens. */
    }
    if (soak_ask(soak, actor->db, "SELECT n FROM counter") != count &&
        !soak->stop)
        soak_fail(soak, "a snapshot moves");
    atomic_fetch_add(&soak->looks, 1);
out:
    end_transaction(actor);
}

/* --- services ---------------------------------------------------------------
 */

static void back_up(struct soak_actor *actor)
{
    struct soak *soak = actor->soak;
    const char *copy = soak_beside(soak, "copy.db");
    sqlite3 *db;

    soak_ask(soak, actor->db, "SELECT byron_backup('main', %Q) > ''", copy);
    if (soak->stop)
        return;
    db = soak_connect(soak, copy);
    if (soak_ask(soak, db, sum_of_all) != 2LL * SOAK_ACCOUNTS * SOAK_MONEY &&
        !soak->stop)
        soak_fail(soak, "a copy has another sum");
    if (soak_ask(soak, db, "SELECT byron_check('doc') = 'ok'") != 1 &&
        !soak->stop)
        soak_fail(soak, "a copy is damaged");
    sqlite3_close(db);
    soak_remove_copy(soak);
}

static void make_and_drop(struct soak_actor *actor)
{
    struct soak *soak = actor->soak;

    if (soak_run(soak, actor->db,
                 "CREATE VIRTUAL TABLE IF NOT EXISTS passing USING byron(id "
                 "INTEGER PRIMARY KEY, body, INDEX by_body(body))"))
        soak_run(soak, actor->db,
                 "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM "
                 "n WHERE i < 3000) INSERT OR REPLACE INTO passing SELECT i, "
                 "randomblob(100) FROM n");
    soak_run(soak, actor->db, "DROP TABLE IF EXISTS passing");
}

static void act_serve(struct soak_actor *actor)
{
    struct soak *soak = actor->soak;

    switch (rng_below(&actor->rng, 12)) {
    case 0:
        back_up(actor);
        break;
    case 1:
        make_and_drop(actor);
        break;
    case 3:
        if (soak_ask(soak, actor->db, "SELECT byron_check('doc') = 'ok'") !=
                1 &&
            !soak->stop)
            soak_fail(soak, "damage");
        break;
    case 4:
    case 5:
        sqlite3_close(actor->db);
        actor->db = soak_connect(soak, soak->path);
        break;
    case 6:
        soak_run(soak, actor->db, "PRAGMA wal_checkpoint(TRUNCATE)");
        break;
    default:
        soak_ask(soak, actor->db, "SELECT byron_flush('doc') = 'ok'");
    }
    atomic_fetch_add(&soak->services, 1);
    sqlite3_sleep(200);
}

void *soak_act(void *context)
{
    static const struct {
        const char *name;
        void (*run)(struct soak_actor *actor);
    } acts[SOAK_ACTORS] = {
        {"transfer", act_transfer}, {"transfer", act_transfer},
        {"write", act_write},       {"skew", act_skew},
        {"skew", act_skew},         {"look", act_look},
        {"look", act_look},         {"serve", act_serve},
        {"write", act_write},
    };
    struct soak_actor *actor = context;
    struct soak *soak = actor->soak;

    actor->db = soak_connect(soak, soak->path);
    while (!soak->stop) {
        uint64_t start = now_us();
        acts[actor->number].run(actor);
        uint64_t took = now_us() - start;
        if (took > atomic_load(&soak->longest_us)) {
            atomic_store(&soak->longest_us, took);
            atomic_store(&soak->longest_what, acts[actor->number].name);
        }
        /* Another connection now and then, as a pool has. */
        if (rng_one_in(&actor->rng, 300)) {
            sqlite3_close(actor->db);
            actor->db = soak_connect(soak, soak->path);
        }
    }
    sqlite3_close(actor->db);
    return NULL;
}
