/*
 * bench_sql: byron against an ordinary WITHOUT ROWID table, through SQL.
 *
 * Both get the same rows, the same cache memory and the same transactions, in
 * turns, part by part, so that a change of the machine's mood meets both. Each
 * row that is read is checked. Ratios come first: they travel better than
 * figures do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/rows.h"

#define PARTS 15

struct settings {
    uint64_t rows;
    uint64_t reads;
    uint64_t per_transaction;
    uint64_t memory_mb;
    const char *folder;
    const char *extension;
};

struct side {
    const char *name;
    char path[4096];
    sqlite3 *db;
    sqlite3_stmt *insert, *select, *scan, *begin, *commit;
    double part[PARTS]; /* Seconds. */
    double all;         /* Seconds. */
};

static void open_side(struct side *side, const char *name, bool is_byron,
                      const struct settings *settings)
{
    char sql[256];
    char *words = NULL;

    side->name = name;
    snprintf(side->path, sizeof side->path, "%s/%s.db", settings->folder, name);
    if (sqlite3_open(side->path, &side->db) != SQLITE_OK)
        exit(1);
    run_sql(side->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
    if (is_byron) {
        sqlite3_db_config(side->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1,
                          NULL);
        if (sqlite3_load_extension(side->db, settings->extension, NULL,
                                   &words) != SQLITE_OK) {
            fprintf(stderr, "%s\n", words);
            exit(1);
        }
        snprintf(sql, sizeof sql,
                 "CREATE VIRTUAL TABLE t USING byron(key BLOB PRIMARY KEY, "
                 "value BLOB, memory='%lluMB')",
                 (unsigned long long)settings->memory_mb);
    } else {
        snprintf(sql, sizeof sql, "PRAGMA cache_size=-%llu",
                 (unsigned long long)settings->memory_mb * 1024);
        run_sql(side->db, sql);
        snprintf(sql, sizeof sql,
                 "CREATE TABLE t(key BLOB PRIMARY KEY, value BLOB) "
                 "WITHOUT ROWID");
    }
    run_sql(side->db, sql);
    side->insert = prepare(side->db, "INSERT INTO t VALUES(?, ?)");
    side->select = prepare(side->db, "SELECT value FROM t WHERE key = ?");
    side->scan = prepare(side->db, "SELECT key, value FROM t");
    side->begin = prepare(side->db, "BEGIN");
    side->commit = prepare(side->db, "COMMIT");
}

static void close_side(struct side *side)
{
    sqlite3_finalize(side->insert);
    sqlite3_finalize(side->select);
    sqlite3_finalize(side->scan);
    sqlite3_finalize(side->begin);
    sqlite3_finalize(side->commit);
    sqlite3_close(side->db);
}

/* --- What is measured: part n of PARTS -------------------------------------
 */

static uint64_t insert_part(struct side *side, const struct settings *settings,
                            uint64_t n)
{
    uint64_t from = settings->rows * n / PARTS;
    uint64_t to = settings->rows * (n + 1) / PARTS;

    for (uint64_t i = from; i < to;) {
        uint64_t end = i + settings->per_transaction;

        step_done(side->begin);
        for (; i < to && i < end; i++)
            insert_row(side->insert, i);
        step_done(side->commit);
    }
    return to - from;
}

static uint64_t present_part(struct side *side, const struct settings *settings,
                             uint64_t n)
{
    uint64_t count = settings->reads / PARTS;

    for (uint64_t i = 0; i < count; i++)
        read_row(side->select, mix(n * count + i) % settings->rows, true);
    return count;
}

static uint64_t absent_part(struct side *side, const struct settings *settings,
                            uint64_t n)
{
    uint64_t count = settings->reads / PARTS;

    for (uint64_t i = 0; i < count; i++)
        read_row(side->select, settings->rows + mix(n * count + i) % (1 << 30),
                 false);
    return count;
}

static uint64_t scan_part(struct side *side, const struct settings *settings,
                          uint64_t n)
{
    uint64_t rows = 0;

    (void)n;
    while (sqlite3_step(side->scan) == SQLITE_ROW) {
        rows += sqlite3_column_bytes(side->scan, 0) == KEY_BYTES &&
                sqlite3_column_bytes(side->scan, 1) == VALUE_BYTES;
    }
    sqlite3_reset(side->scan);
    if (rows != settings->rows) {
        fprintf(stderr, "%s: a scan saw %llu rows\n", side->name,
                (unsigned long long)rows);
        exit(1);
    }
    return rows;
}

/* --- Comparison ------------------------------------------------------------
 */

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static double median(const double *part, size_t count)
{
    double sorted[PARTS];

    memcpy(sorted, part, count * sizeof *part);
    qsort(sorted, count, sizeof *sorted, compare_doubles);
    return sorted[count / 2];
}

static void compare(const char *what, struct side sides[2],
                    const struct settings *settings, size_t parts,
                    uint64_t (*run)(struct side *, const struct settings *,
                                    uint64_t))
{
    uint64_t done = 0;

    sides[0].all = sides[1].all = 0;
    for (size_t n = 0; n < parts; n++) {
        /* Who goes first alternates too. */
        for (size_t turn = 0; turn < 2; turn++) {
            struct side *side = &sides[(n + turn) % 2];
            double start = seconds();

            done = run(side, settings, n);
            side->part[n] = seconds() - start;
            side->all += side->part[n];
        }
        fprintf(stderr, "\r%s: part %zu of %zu ", what, n + 1, parts);
    }
    fprintf(stderr, "\r%40s\r", "");
    printf(
        "%-12s %6.2f x   (in all %.2f x; byron %.0f, ordinary %.0f rows/s)\n",
        what, median(sides[1].part, parts) / median(sides[0].part, parts),
        sides[1].all / sides[0].all,
        (double)done / median(sides[0].part, parts),
        (double)done / median(sides[1].part, parts));
    fflush(stdout);
}

static void compare_sizes(const struct side sides[2])
{
    char path[4200];
    double bytes[2];

    for (size_t i = 0; i < 2; i++) {
        char sql[] = "PRAGMA wal_checkpoint(TRUNCATE)";
        sqlite3_stmt *size;

        run_sql(sides[i].db, sql);
        size = prepare(sides[i].db, "SELECT page_count * page_size FROM "
                                    "pragma_page_count, pragma_page_size");
        sqlite3_step(size);
        snprintf(path, sizeof path, "%s-byron", sides[i].path);
        bytes[i] = (double)sqlite3_column_int64(size, 0) +
                   (double)folder_bytes(path, "");
        sqlite3_finalize(size);
    }
    printf("%-12s %6.2f x   smaller (byron %.0f, ordinary %.0f MB)\n", "size",
           bytes[1] / bytes[0], bytes[0] / 1e6, bytes[1] / 1e6);
}

static bool set(struct settings *settings, const char *argument)
{
    static const char *const names[] = {
        "rows=", "reads=", "transaction=", "memory="};
    uint64_t *const fields[] = {&settings->rows, &settings->reads,
                                &settings->per_transaction,
                                &settings->memory_mb};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strncmp(argument, names[i], strlen(names[i])) == 0) {
            *fields[i] = strtoull(argument + strlen(names[i]), NULL, 10);
            return *fields[i] > 0;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    struct settings settings = {3000000, 300000, 1000, 64, NULL, "./byron.so"};
    char folder[] = "/var/tmp/byron-bench-XXXXXX";
    static struct side sides[2];
    char clean[64];

    for (int i = 1; i < argc; i++) {
        if (!set(&settings, argv[i])) {
            fprintf(stderr,
                    "usage: %s [rows=N] [reads=N] [transaction=ROWS] "
                    "[memory=MB]\n",
                    argv[0]);
            return 2;
        }
    }
    if (!(settings.folder = mkdtemp(folder)))
        return 1;
    printf("%llu rows of a random 16-byte key and 100 bytes that compress by "
           "half,\n%llu in a transaction, synchronous=NORMAL, %llu MB of "
           "cache each, SQLite %s.\nbyron is this many times as fast as an "
           "ordinary WITHOUT ROWID table (medians of %d parts):\n\n",
           (unsigned long long)settings.rows,
           (unsigned long long)settings.per_transaction,
           (unsigned long long)settings.memory_mb, sqlite3_libversion(), PARTS);
    open_side(&sides[0], "byron", true, &settings);
    open_side(&sides[1], "ordinary", false, &settings);
    compare("insert", sides, &settings, PARTS, insert_part);
    compare("get present", sides, &settings, PARTS, present_part);
    compare("get absent", sides, &settings, PARTS, absent_part);
    compare("full scan", sides, &settings, 3, scan_part);
    compare_sizes(sides);
    close_side(&sides[0]);
    close_side(&sides[1]);
    snprintf(clean, sizeof clean, "rm -rf '%s'", folder);
    return system(clean) != 0;
}
