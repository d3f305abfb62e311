#include "kill/subject.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/seed.h"

#define VALUE_MAX 20000
#define PAIR      "a TEXT NOT NULL, b INT NOT NULL, v, n INT, PRIMARY KEY(a, b DESC)"

static uint64_t mix(uint64_t a, uint64_t b)
{
    struct rng rng;
    rng_init(&rng, a * UINT64_C(0x2545f4914f6cdd1d) + b);
    return rng_next(&rng);
}

static bool has_side(const struct subject *subject)
{
    return mix(subject->seed, 0) % 3 == 0;
}

bool subject_has_side(const struct subject *subject)
{
    return has_side(subject) && strcmp(subject->file, "kill.db") == 0;
}

enum subject_kind subject_kind(const struct subject *subject, uint64_t n)
{
    switch (mix(subject->seed, n) % 20) {
    case 0:
        return SUBJECT_SCHEMA;
    case 1:
    case 2:
    case 3:
        return SUBJECT_SINGLE;
    case 4:
    case 5:
    case 6:
        return SUBJECT_SOLO;
    case 7:
        return has_side(subject) ? SUBJECT_FAR : SUBJECT_MIXED;
    case 8:
    case 9:
    case 10:
        return has_side(subject) ? SUBJECT_WIDE : SUBJECT_MIXED;
    default:
        return SUBJECT_MIXED;
    }
}

unsigned subject_parts(const struct subject *subject, uint64_t n)
{
    return 1 + (unsigned)(mix(subject->seed, n) >> 32) % 12;
}

bool subject_is_blind(const struct subject *subject)
{
    return subject->seed % 2 == 1;
}

void subject_fail(const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    fputs("kill: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    _exit(1); /* Leaves the files as they are. */
}

/* --- the functions ------------------------------------------------------- */

/* kill_key(id): 16 bytes in no order. */
static void make_key(sqlite3_context *context, int count,
                     sqlite3_value **arguments)
{
    uint8_t key[16];
    struct rng rng;

    (void)count;
    rng_init(&rng, (uint64_t)sqlite3_value_int64(arguments[0]));
    rng_bytes(&rng, key, sizeof key);
    sqlite3_result_blob(context, key, sizeof key, SQLITE_TRANSIENT);
}

/* Half random, half not: compression has something to do. */
static int make_bytes(struct rng *rng, uint8_t *out)
{
    uint64_t limit = rng_one_in(rng, 200)  ? VALUE_MAX
                     : rng_one_in(rng, 20) ? 3000
                                           : 250;
    size_t size = (size_t)rng_below(rng, limit);

    rng_bytes(rng, out, size / 2);
    memset(out + size / 2, 'x', size - size / 2);
    return (int)size;
}

/* kill_value(id): a value of any type. */
static void make_value(sqlite3_context *context, int count,
                       sqlite3_value **arguments)
{
    uint8_t bytes[VALUE_MAX];
    struct rng rng;
    int size;

    (void)count;
    rng_init(&rng, ~(uint64_t)sqlite3_value_int64(arguments[0]));
    switch (rng_below(&rng, 12)) {
    case 0:
        sqlite3_result_null(context);
        break;
    case 1:
        sqlite3_result_int64(context, (sqlite3_int64)rng_next(&rng));
        break;
    case 2:
        sqlite3_result_double(context, (double)rng_next(&rng) / 1e9);
        break;
    case 3:
        size = make_bytes(&rng, bytes);
        sqlite3_result_blob(context, bytes, size, SQLITE_TRANSIENT);
        break;
    default:
        size = make_bytes(&rng, bytes);
        for (int i = 0; i < size / 2; i++)
            bytes[i] = (uint8_t)('0' + bytes[i] % 64);
        sqlite3_result_text(context, (char *)bytes, size, SQLITE_TRANSIENT);
        break;
    }
}

/* --- opening ------------------------------------------------------------- */

sqlite3 *subject_open(const struct subject *subject)
{
    char *path = sqlite3_mprintf("%s/%s", subject->directory, subject->file);
    char *words = NULL;
    sqlite3 *db;

    if (sqlite3_open(path, &db) != SQLITE_OK)
        subject_fail("%s: %s", path, sqlite3_errmsg(db));
    sqlite3_free(path);
    sqlite3_extended_result_codes(db, 1);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL);
    if (sqlite3_load_extension(db, subject->extension, NULL, &words) !=
        SQLITE_OK)
        subject_fail("%s: %s", subject->extension, words);
    sqlite3_create_function(db, "kill_key", 1,
                            SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, make_key,
                            NULL, NULL);
    sqlite3_create_function(db, "kill_value", 1,
                            SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
                            make_value, NULL, NULL);
    if (subject_has_side(subject))
        subject_run(db, "ATTACH '%q/side.db' AS side", subject->directory);
    return db;
}

static void create_twins(sqlite3 *db, const char *name, const char *columns,
                         const char *indexes, const char *options)
{
    subject_run(db, "CREATE TABLE plain_%s(%s) WITHOUT ROWID", name, columns);
    subject_run(db, "CREATE VIRTUAL TABLE %s USING byron(%s%s%s)", name,
                columns, indexes, options);
}

/* Small enough that flushes and compactions never rest. */
static char *choose_options(const struct subject *subject)
{
    struct rng rng;
    uint64_t memtable;
    uint64_t block;
    uint64_t file;
    uint64_t fanout;
    const char *rest;
    bool is_mapped;

    rng_init(&rng, subject->seed);
    memtable = UINT64_C(4) << rng_below(&rng, 6);
    block = UINT64_C(128) << rng_below(&rng, 6);
    file = UINT64_C(16) << rng_below(&rng, 4);
    fanout = 2 + rng_below(&rng, 4);
    rest = rng_one_in(&rng, 3) ? ", threads=0" : "";
    is_mapped = rng_one_in(&rng, 2);
    return sqlite3_mprintf(
        ", memory='1MB', memtable='%lluKB', block_size=%llu, "
        "file_size='%lluKB', fanout=%llu, bloom_bits=%d, compression=%s, "
        "hash_index=%s, mmap=%s%s",
        memtable, block, file, fanout, rng_one_in(&rng, 4) ? 0 : 8,
        rng_one_in(&rng, is_mapped ? 2 : 4) ? "'none'" : "'lz4'",
        rng_one_in(&rng, 2) ? "on" : "off", is_mapped ? "on" : "off", rest);
}

/* Before the others, so that both are there where those are. */
static void create_side(sqlite3 *db, const char *options)
{
    subject_run(db, "BEGIN");
    subject_run(db, "CREATE TABLE IF NOT EXISTS side.plain_far("
                    "n INTEGER PRIMARY KEY, v)");
    subject_run(db,
                "CREATE VIRTUAL TABLE IF NOT EXISTS side.far USING byron("
                "n INTEGER PRIMARY KEY, v%s)",
                options);
    subject_run(db, "COMMIT");
}

void subject_create(const struct subject *subject)
{
    sqlite3 *db = subject->db;
    char *options = choose_options(subject);

    if (subject_has_side(subject))
        create_side(db, options);
    subject_run(db, "BEGIN");
    subject_run(db, "CREATE TABLE plain_log(n INTEGER PRIMARY KEY, round INT)");
    create_twins(db, "kv", "k BLOB PRIMARY KEY, v, n INT",
                 ", INDEX by_n(n DESC)", options);
    if (subject_is_blind(subject))
        create_twins(db, "pair", PAIR, ", INDEX by_v(v, b)",
                     ", conflict='replace'");
    else
        create_twins(db, "pair", PAIR ", UNIQUE(n, b)", ", INDEX by_v(v)", "");
    subject_run(db, "CREATE VIRTUAL TABLE log USING byron("
                    "n INTEGER PRIMARY KEY, round INT)");
    subject_run(db,
                "CREATE VIRTUAL TABLE solo USING byron(n INT, part INT, v, "
                "PRIMARY KEY(n, part)%s)",
                subject->seed % 3 == 1 ? "" : ", commit='own'");
    subject_run(db, "COMMIT");
    sqlite3_free(options);
}

char *subject_backup(unsigned number)
{
    return sqlite3_mprintf("backup%u.db", number);
}

/* --- SQL ----------------------------------------------------------------- */

void subject_run(sqlite3 *db, const char *format, ...)
{
    va_list arguments;
    char *sql;

    va_start(arguments, format);
    sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        subject_fail("%s: %s (%d)", sql, sqlite3_errmsg(db),
                     sqlite3_extended_errcode(db));
    sqlite3_free(sql);
}

sqlite3_int64 subject_number(sqlite3 *db, const char *format, ...)
{
    sqlite3_stmt *statement = NULL;
    sqlite3_int64 number = 0;
    va_list arguments;
    char *sql;

    va_start(arguments, format);
    sql = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    if (sqlite3_finalize(statement) != SQLITE_OK)
        subject_fail("%s: %s (%d)", sql, sqlite3_errmsg(db),
                     sqlite3_extended_errcode(db));
    sqlite3_free(sql);
    return number;
}
