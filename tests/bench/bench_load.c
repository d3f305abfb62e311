/*
 * bench_load: loads many rows through SQL with flushes and compactions
 * running, and holds what it sees against the project's promises: the wait of
 * every row, resident memory, the size of the folder, and every row read back.
 *
 * The wait of a row is the time of its INSERT, and for the last of a
 * transaction that of the COMMIT too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/rows.h"
#include "bench/waits.h"

#define PER_BATCH 1000

struct load {
    uint64_t rows;
    uint64_t lookups;
    uint64_t memory_mb;
    uint64_t expected_sum; /* Of row_hash. */
    char path[64];
    char store[80];
    sqlite3 *db;
    struct waits waits;
    bool missed; /* A promise was not kept. */
};

static double resident_mb(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

static void promise(struct load *load, bool kept, const char *words)
{
    printf("  %-6s %s\n", kept ? "ok" : "MISSED", words);
    fflush(stdout);
    load->missed = load->missed || !kept;
}

static void open_store(struct load *load)
{
    char sql[256];
    char *words = NULL;

    if (sqlite3_open(load->path, &load->db) != SQLITE_OK)
        exit(1);
    sqlite3_db_config(load->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL);
    if (sqlite3_load_extension(load->db, "./byron.so", NULL, &words) !=
        SQLITE_OK) {
        fprintf(stderr, "%s\n", words);
        exit(1);
    }
    run_sql(load->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
    snprintf(sql, sizeof sql,
             "CREATE VIRTUAL TABLE IF NOT EXISTS t USING byron("
             "key BLOB PRIMARY KEY, value BLOB, memory='%lluMB')",
             (unsigned long long)load->memory_mb);
    run_sql(load->db, sql);
}

static void load_rows(struct load *load)
{
    sqlite3_stmt *insert = prepare(load->db, "INSERT INTO t VALUES(?, ?)");
    sqlite3_stmt *begin = prepare(load->db, "BEGIN");
    sqlite3_stmt *commit = prepare(load->db, "COMMIT");
    double start = seconds(), told = start;

    for (uint64_t i = 0; i < load->rows; i++) {
        double before, after;

        if (i % PER_BATCH == 0)
            step_done(begin);
        before = seconds();
        insert_row(insert, i);
        if (i % PER_BATCH == PER_BATCH - 1 || i == load->rows - 1)
            step_done(commit);
        after = seconds();
        waits_add(&load->waits, (uint64_t)((after - before) * 1e9));
        if (after - told > 1) {
            told = after;
            fprintf(stderr, "\r%llu rows, %.0f rows/s, %.0f MB resident ",
                    (unsigned long long)i, (double)i / (after - start),
                    resident_mb());
        }
    }
    fprintf(stderr, "\r%60s\r", "");
    printf("load: %.1f s, %.0f rows/s\n", seconds() - start,
           (double)load->rows / (seconds() - start));
    sqlite3_finalize(insert);
    sqlite3_finalize(begin);
    sqlite3_finalize(commit);
}

static void sum_rows(struct load *load)
{
    for (uint64_t i = 0; i < load->rows; i++) {
        uint8_t key[KEY_BYTES], value[VALUE_BYTES];

        row_key(i, key);
        row_value(i, value);
        load->expected_sum += row_hash(key, sizeof key, value, sizeof value);
    }
}

static void show_waits(struct load *load)
{
    const struct waits *waits = &load->waits;
    double worst_ms = waits_at(waits, 0.9999) / 1e3;
    double resident = resident_mb();
    char words[128];

    printf("wait of a row: p50 %.1f us, p99 %.1f us, p99.9 %.2f ms, p99.99 "
           "%.2f ms, max %.1f ms\n",
           waits_at(waits, 0.5), waits_at(waits, 0.99),
           waits_at(waits, 0.999) / 1e3, worst_ms, (double)waits->max_ns / 1e6);
    snprintf(words, sizeof words, "p99.99 of a row's wait %.2f ms <= 100 ms",
             worst_ms);
    promise(load, worst_ms <= 100, words);
    snprintf(words, sizeof words, "resident %.0f MB <= 1.5 x %llu MB", resident,
             (unsigned long long)load->memory_mb);
    promise(load, resident <= 1.5 * (double)load->memory_mb, words);
}

/* byron_stats as it is; counts the levels that hold files. */
static void show_stats(struct load *load)
{
    sqlite3_stmt *stats = prepare(load->db, "SELECT * FROM byron_stats('t')");
    int levels = 0;
    char words[64];

    while (sqlite3_step(stats) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(stats, 0);
        const char *value = (const char *)sqlite3_column_text(stats, 1);
        size_t size = name ? strlen(name) : 0;

        printf("  %-24s %s\n", name ? name : "", value ? value : "");
        if (size > 6 && strncmp(name, "level", 5) == 0 &&
            strcmp(name + size - 6, "_files") == 0)
            levels += value && atoll(value) > 0;
    }
    sqlite3_finalize(stats);
    snprintf(words, sizeof words, "%d levels hold files, 3 or more", levels);
    promise(load, levels >= 3, words);
}

/* Reads all rows in one direction; their order, count and sum must be right. */
static void scan(struct load *load, const char *sql, int direction)
{
    sqlite3_stmt *select = prepare(load->db, sql);
    uint8_t last[KEY_BYTES] = {0};
    uint64_t rows = 0, sum = 0;
    double start = seconds();
    bool ordered = true;
    char words[128];

    while (sqlite3_step(select) == SQLITE_ROW) {
        const void *key = sqlite3_column_blob(select, 0);
        const void *value = sqlite3_column_blob(select, 1);
        size_t key_size = (size_t)sqlite3_column_bytes(select, 0);
        size_t value_size = (size_t)sqlite3_column_bytes(select, 1);

        if (key_size != KEY_BYTES)
            break;
        ordered = ordered &&
                  (rows == 0 || memcmp(key, last, KEY_BYTES) * direction > 0);
        memcpy(last, key, KEY_BYTES);
        sum += row_hash(key, key_size, value, value_size);
        rows++;
    }
    sqlite3_finalize(select);
    snprintf(words, sizeof words, "scan %s: order, count and checksum (%.1f s)",
             direction > 0 ? "forward" : "backward", seconds() - start);
    promise(load, ordered && rows == load->rows && sum == load->expected_sum,
            words);
}

static void count(struct load *load)
{
    sqlite3_stmt *select = prepare(load->db, "SELECT count(*) FROM t");
    bool right = sqlite3_step(select) == SQLITE_ROW &&
                 sqlite3_column_int64(select, 0) == (sqlite3_int64)load->rows;

    sqlite3_finalize(select);
    promise(load, right, "count(*)");
}

static void look_up(struct load *load, bool present)
{
    sqlite3_stmt *select = prepare(load->db, "SELECT value FROM t WHERE key=?");
    double start = seconds();
    char words[128];

    for (uint64_t i = 0; i < load->lookups; i++) {
        uint64_t number = mix(i) % load->rows;

        read_row(select, present ? number : load->rows + number, present);
    }
    sqlite3_finalize(select);
    snprintf(words, sizeof words, "%llu lookups of %s keys, %.1f us each",
             (unsigned long long)load->lookups, present ? "present" : "absent",
             (seconds() - start) / (double)load->lookups * 1e6);
    promise(load, true, words); /* read_row ends the program otherwise. */
}

static void check_size(struct load *load, uint64_t folder)
{
    uint64_t live;
    char words[128];

    run_sql(load->db, "SELECT byron_flush('t'); SELECT byron_compact('t')");
    live = folder_bytes(load->store, "S-"); /* The tables alone. */
    snprintf(words, sizeof words,
             "folder ten seconds after the load %.0f MB <= 1.25 x %.0f MB "
             "live (%.2f)",
             (double)folder / 1e6, (double)live / 1e6,
             (double)folder / (double)live);
    promise(load, (double)folder <= 1.25 * (double)live, words);
}

int main(int argc, char **argv)
{
    static struct load load = {.rows = 20000000, .lookups = 100000};
    char folder[] = "/var/tmp/byron-load-XXXXXX";
    char clean[64];
    uint64_t size;

    load.memory_mb = 256;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "rows=", 5) == 0)
            load.rows = strtoull(argv[i] + 5, NULL, 10);
        else if (strncmp(argv[i], "memory=", 7) == 0)
            load.memory_mb = strtoull(argv[i] + 7, NULL, 10);
    }
    if (load.rows == 0 || load.memory_mb == 0 || !mkdtemp(folder))
        return 2;
    snprintf(load.path, sizeof load.path, "%s/load.db", folder);
    snprintf(load.store, sizeof load.store, "%s-byron", load.path);
    open_store(&load);
    load_rows(&load);
    show_waits(&load);
    sum_rows(&load);
    sleep(10);
    size = folder_bytes(load.store, "");
    show_stats(&load);
    count(&load);
    scan(&load, "SELECT key, value FROM t ORDER BY key", 1);
    scan(&load, "SELECT key, value FROM t ORDER BY key DESC", -1);
    look_up(&load, true);
    look_up(&load, false);
    check_size(&load, size);
    printf("resident at the end: %.0f MB\n", resident_mb());
    sqlite3_close(load.db);
    snprintf(clean, sizeof clean, "rm -rf '%s'", folder);
    if (system(clean) != 0)
        return 1;
    puts(load.missed ? "MISSED: see above" : "ok: every promise was kept");
    return load.missed;
}
