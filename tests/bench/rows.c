#include "bench/rows.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

uint64_t mix(uint64_t number)
{
    number += 0x9E3779B97F4A7C15ULL;
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9ULL;
    number = (number ^ (number >> 27)) * 0x94D049BB133111EBULL;
    return number ^ (number >> 31);
}

void row_key(uint64_t i, uint8_t out[KEY_BYTES])
{
    uint64_t half[2] = {mix(2 * i), mix(2 * i + 1)};

    memcpy(out, half, sizeof half);
}

void row_value(uint64_t i, uint8_t out[VALUE_BYTES])
{
    uint64_t word[7];

    for (unsigned n = 0; n < 7; n++)
        word[n] = mix(~i * 8 + n);
    /* The second half repeats the first: it compresses by half. */
    memcpy(out, word, VALUE_BYTES / 2);
    memcpy(out + VALUE_BYTES / 2, word, VALUE_BYTES / 2);
}

static uint64_t hash_bytes(uint64_t hash, const uint8_t *bytes, size_t size)
{
    uint64_t word;

    for (; size >= sizeof word; size -= sizeof word, bytes += sizeof word) {
        memcpy(&word, bytes, sizeof word);
        hash = mix(hash ^ word);
    }
    word = 0;
    if (size > 0)
        memcpy(&word, bytes, size);
    return mix(hash ^ word ^ ((uint64_t)size << 56));
}

uint64_t row_hash(const void *key, size_t key_size, const void *value,
                  size_t value_size)
{
    return hash_bytes(hash_bytes(1, key, key_size), value, value_size);
}

double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

uint64_t folder_bytes(const char *path, const char *prefix)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    uint64_t bytes = 0;

    if (!folder)
        return 0;
    while ((entry = readdir(folder))) {
        char name[4096];
        struct stat status;

        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (stat(name, &status) == 0 && S_ISREG(status.st_mode))
            bytes += (uint64_t)status.st_size;
    }
    closedir(folder);
    return bytes;
}

static void die(sqlite3 *db, const char *what)
{
    fprintf(stderr, "%s: %s (%d)\n", what, sqlite3_errmsg(db),
            sqlite3_extended_errcode(db));
    exit(1);
}

void run_sql(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        die(db, sql);
}

sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
                           NULL) != SQLITE_OK)
        die(db, sql);
    return statement;
}

void step_done(sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE)
        die(sqlite3_db_handle(statement), sqlite3_sql(statement));
    sqlite3_reset(statement);
}

void insert_row(sqlite3_stmt *insert, uint64_t i)
{
    uint8_t key[KEY_BYTES], value[VALUE_BYTES];

    row_key(i, key);
    row_value(i, value);
    sqlite3_bind_blob(insert, 1, key, sizeof key, SQLITE_STATIC);
    sqlite3_bind_blob(insert, 2, value, sizeof value, SQLITE_STATIC);
    step_done(insert);
}

void read_row(sqlite3_stmt *select, uint64_t i, bool present)
{
    uint8_t key[KEY_BYTES], value[VALUE_BYTES];
    int code;

    row_key(i, key);
    sqlite3_bind_blob(select, 1, key, sizeof key, SQLITE_STATIC);
    code = sqlite3_step(select);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        die(sqlite3_db_handle(select), sqlite3_sql(select));
    if ((code == SQLITE_ROW) != present) {
        fprintf(stderr, "row %llu is %s\n", (unsigned long long)i,
                present ? "missing" : "there, and was never written");
        exit(1);
    }
    row_value(i, value);
    if (present &&
        (sqlite3_column_bytes(select, 0) != VALUE_BYTES ||
         memcmp(sqlite3_column_blob(select, 0), value, VALUE_BYTES) != 0)) {
        fprintf(stderr, "row %llu is wrong\n", (unsigned long long)i);
        exit(1);
    }
    sqlite3_reset(select);
}
