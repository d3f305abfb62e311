/*
 * sqllogic: runs files in the language of sqllogictest.
 *
 * The tables are byron's or ordinary ones: every CREATE TABLE becomes a
 * CREATE VIRTUAL TABLE ... USING byron, and every CREATE INDEX the command that
 * adds one, unless the statement begins with a comment. docs/testing.md,
 * "sqllogictest", has the language.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "slt/md5.h"

#define LINE      65536
#define MOST_ROWS 20000
#define TABLES    32

struct run {
    const char *extension; /* NULL: ordinary tables. */
    const char *options;   /* Of every byron table; may be NULL. */
    bool flush;            /* After every statement. */
    bool records;          /* Prints the file with the results that came. */
    sqlite3 *db;
    const char *path;
    int line;
    long threshold; /* Results with more values are hashed; 0: none. */
    char *table[TABLES];
    int tables;
    long passed;
    long failed;
};

/* One record of the file. */
struct record {
    char words[256]; /* Its first line. */
    char *sql;
    char **expected;
    int expected_count;
    bool is_skipped;
    int line;
};

struct values {
    char **at;
    int count;
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "sqllogic: %s: %s\n", what, why);
    exit(2);
}

/* --- The file ------------------------------------------------------------- */

static bool read_line(struct run *run, FILE *file, char *line)
{
    size_t size;

    if (!fgets(line, LINE, file))
        return false;
    run->line++;
    size = strlen(line);
    while (size > 0 && isspace((unsigned char)line[size - 1]))
        line[--size] = '\0';
    return true;
}

static bool begins(const char *text, const char *word)
{
    return sqlite3_strnicmp(text, word, (int)strlen(word)) == 0;
}

/* skipif NAME and onlyif NAME: "sqlite" is always right, and one of "byron"
 * and "ordinary". */
static bool is_condition(const struct run *run, const char *line,
                         bool *is_skipped)
{
    const char *name = line + strlen("skipif ");
    bool is_right = strcmp(name, "sqlite") == 0 ||
                    strcmp(name, run->extension ? "byron" : "ordinary") == 0;

    if (!begins(line, "skipif ") && !begins(line, "onlyif "))
        return false;
    *is_skipped |= begins(line, "skipif ") ? is_right : !is_right;
    return true;
}

static void free_record(struct record *record)
{
    sqlite3_free(record->sql);
    for (int i = 0; i < record->expected_count; i++)
        sqlite3_free(record->expected[i]);
    free(record->expected);
    *record = (struct record){.line = 0};
}

static void read_body(struct run *run, FILE *file, struct record *record)
{
    char *line = malloc(LINE);
    sqlite3_str *sql = sqlite3_str_new(NULL);
    bool has_results = false;

    record->expected = calloc(MOST_ROWS, sizeof *record->expected);
    if (!line || !record->expected)
        die(run->path, "no memory");
    while (read_line(run, file, line) && *line) {
        if (strcmp(line, "----") == 0)
            has_results = true;
        else if (!has_results)
            sqlite3_str_appendf(sql, "%s\n", line);
        else if (record->expected_count < MOST_ROWS)
            record->expected[record->expected_count++] =
                sqlite3_mprintf("%s", line);
    }
    record->sql = sqlite3_str_finish(sql);
    free(line);
}

/* False at the end of the file, or at halt. */
static bool read_record(struct run *run, FILE *file, struct record *record)
{
    char *line = malloc(LINE);
    bool is_read = false;

    if (!line)
        die(run->path, "no memory");
    *record = (struct record){.line = 0};
    while (!is_read && read_line(run, file, line)) {
        bool is_mark = *line == '\0' || *line == '#';

        if (run->records && (is_mark || begins(line, "hash-threshold") ||
                             begins(line, "skipif") || begins(line, "onlyif")))
            puts(line);
        if (is_mark || is_condition(run, line, &record->is_skipped))
            continue;
        if (begins(line, "hash-threshold ")) {
            run->threshold = atol(line + strlen("hash-threshold "));
            continue;
        }
        if (strcmp(line, "halt") == 0 && !record->is_skipped)
            break;
        snprintf(record->words, sizeof record->words, "%s", line);
        record->line = run->line;
        read_body(run, file, record);
        is_read = true;
    }
    free(line);
    return is_read;
}

/* --- Byron's tables ------------------------------------------------------- */

static void remember(struct run *run, const char *name, int size)
{
    if (run->tables == TABLES)
        die(run->path, "too many tables");
    run->table[run->tables++] = sqlite3_mprintf("%.*s", size, name);
}

static int name_size(const char *name)
{
    int size = 0;

    while (isalnum((unsigned char)name[size]) || name[size] == '_')
        size++;
    return size;
}

static char *byron_table(struct run *run, const char *sql)
{
    const char *name = sql + strlen("CREATE TABLE ");
    const char *open = strchr(sql, '('), *close = strrchr(sql, ')');

    if (!open || !close)
        return sqlite3_mprintf("%s", sql);
    remember(run, name, name_size(name));
    return sqlite3_mprintf("CREATE VIRTUAL TABLE %.*s USING byron%.*s%s%s)",
                           (int)(open - name), name, (int)(close - open), open,
                           run->options ? ", " : "",
                           run->options ? run->options : "");
}

/* CREATE INDEX name ON table(columns) */
static char *byron_index(const char *sql)
{
    const char *name = sql + strlen("CREATE INDEX ");
    const char *table = strstr(sql, " ON ");
    const char *open = strchr(sql, '('), *close = strrchr(sql, ')');

    if (!table || !open || !close)
        return sqlite3_mprintf("%s", sql);
    table += strlen(" ON ");
    return sqlite3_mprintf(
        "INSERT INTO %.*s(%.*s, arg) VALUES('add-index', '%.*s%.*s')",
        name_size(table), table, name_size(table), table, name_size(name), name,
        (int)(close - open + 1), open);
}

static char *rewrite(struct run *run, const char *sql)
{
    if (run->extension && begins(sql, "CREATE TABLE "))
        return byron_table(run, sql);
    if (run->extension && begins(sql, "CREATE INDEX "))
        return byron_index(sql);
    return sqlite3_mprintf("%s", sql);
}

static void flush_tables(struct run *run)
{
    for (int i = 0; i < run->tables; i++) {
        char *sql = sqlite3_mprintf("SELECT byron_flush(%Q)", run->table[i]);

        /* The table may be gone by now, and that is fine. */
        sqlite3_exec(run->db, sql, NULL, NULL, NULL);
        sqlite3_free(sql);
    }
}

/* --- Results -------------------------------------------------------------- */

static char *value_text(sqlite3_stmt *statement, int column, char type)
{
    const char *text;
    char words[400];
    char *copy;

    if (sqlite3_column_type(statement, column) == SQLITE_NULL)
        return sqlite3_mprintf("NULL");
    if (type == 'I')
        return sqlite3_mprintf("%lld", sqlite3_column_int64(statement, column));
    if (type == 'R') {
        /* SQLite's own %f differs between versions. */
        snprintf(words, sizeof words, "%.3f",
                 sqlite3_column_double(statement, column));
        return sqlite3_mprintf("%s", words);
    }
    text = (const char *)sqlite3_column_text(statement, column);
    copy = sqlite3_mprintf("%s", text && *text ? text : "(empty)");
    for (char *at = copy; *at; at++)
        if (*at < ' ' || *at > '~')
            *at = '@';
    return copy;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int sorted_columns; /* Of the rows that by_row compares. */

static int by_row(const void *a, const void *b)
{
    for (int i = 0; i < sorted_columns; i++) {
        int order = strcmp(((char *const *)a)[i], ((char *const *)b)[i]);

        if (order != 0)
            return order;
    }
    return 0;
}

static void sort_values(struct values *values, const char *mode, int columns)
{
    sorted_columns = columns;
    if (begins(mode, "rowsort") && columns > 0)
        qsort(values->at, (size_t)(values->count / columns),
              (size_t)columns * sizeof *values->at, by_row);
    if (begins(mode, "valuesort"))
        qsort(values->at, (size_t)values->count, sizeof *values->at, by_text);
}

static void hash_values(struct run *run, struct values *values)
{
    sqlite3_str *all = sqlite3_str_new(NULL);
    char hash[33];

    if (run->threshold == 0 || values->count <= run->threshold) {
        sqlite3_free(sqlite3_str_finish(all));
        return;
    }
    for (int i = 0; i < values->count; i++) {
        sqlite3_str_appendf(all, "%s\n", values->at[i]);
        sqlite3_free(values->at[i]);
    }
    md5(sqlite3_str_value(all), (size_t)sqlite3_str_length(all), hash);
    values->at[0] =
        sqlite3_mprintf("%d values hashing to %s", values->count, hash);
    values->count = 1;
    sqlite3_free(sqlite3_str_finish(all));
}

/* --- Records -------------------------------------------------------------- */

static void fail(struct run *run, const struct record *record, const char *why)
{
    run->failed++;
    printf("FAILED %s:%d: %s\n%s", run->path, record->line, why, record->sql);
}

static void run_statement(struct run *run, const struct record *record)
{
    char *sql = rewrite(run, record->sql), *words = NULL;
    int code = sqlite3_exec(run->db, sql, NULL, NULL, &words);
    bool must_fail = strstr(record->words, "error") != NULL;

    if (run->records)
        printf("%s\n%s\n", record->words, record->sql);
    if ((code != SQLITE_OK) == must_fail)
        run->passed++;
    else
        fail(run, record, must_fail ? "it went well" : words);
    sqlite3_free(words);
    sqlite3_free(sql);
    if (run->flush && sqlite3_get_autocommit(run->db))
        flush_tables(run);
}

static bool read_values(struct run *run, const struct record *record,
                        const char *types, struct values *out)
{
    sqlite3_stmt *statement = NULL;
    int columns = (int)strlen(types);
    int code = sqlite3_prepare_v2(run->db, record->sql, -1, &statement, NULL);

    out->at = calloc(MOST_ROWS, sizeof *out->at);
    if (!out->at)
        die(run->path, "no memory");
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        for (int i = 0; code == SQLITE_ROW && i < columns; i++)
            if (out->count < MOST_ROWS)
                out->at[out->count++] = value_text(statement, i, types[i]);
    }
    if (code == SQLITE_DONE && sqlite3_column_count(statement) != columns)
        code = SQLITE_MISMATCH;
    sqlite3_finalize(statement);
    return code == SQLITE_DONE;
}

static bool is_expected(const struct record *record,
                        const struct values *values)
{
    if (record->expected_count != values->count)
        return false;
    for (int i = 0; i < values->count; i++)
        if (strcmp(record->expected[i], values->at[i]) != 0)
            return false;
    return true;
}

static void show(const struct run *run, const struct record *record,
                 const struct values *values)
{
    if (run->records)
        printf("%s\n%s----\n", record->words, record->sql);
    for (int i = 0; i < values->count && (run->records || i < 20); i++)
        printf("%s%s\n", run->records ? "" : "  ", values->at[i]);
    if (run->records)
        puts("");
}

static void run_query(struct run *run, const struct record *record)
{
    char types[64] = "", mode[64] = "nosort";
    struct values values = {.count = 0};

    sscanf(record->words, "query %63s %63s", types, mode);
    if (!read_values(run, record, types, &values)) {
        fail(run, record, sqlite3_errmsg(run->db));
    } else {
        sort_values(&values, mode, (int)strlen(types));
        hash_values(run, &values);
        if (run->records || is_expected(record, &values)) {
            run->passed++;
        } else {
            fail(run, record, "other rows came:");
        }
        if (run->records || !is_expected(record, &values))
            show(run, record, &values);
    }
    for (int i = 0; i < values.count; i++)
        sqlite3_free(values.at[i]);
    free(values.at);
}

/* As it stands in the file. */
static void copy_record(const struct record *record)
{
    printf("%s\n%s", record->words, record->sql);
    if (begins(record->words, "query "))
        puts("----");
    for (int i = 0; i < record->expected_count; i++)
        puts(record->expected[i]);
    puts("");
}

static void run_file(struct run *run)
{
    FILE *file = fopen(run->path, "r");
    struct record record;

    if (!file)
        die(run->path, "cannot be read");
    while (read_record(run, file, &record)) {
        if (record.is_skipped && run->records)
            copy_record(&record);
        else if (record.is_skipped)
            ;
        else if (begins(record.words, "query "))
            run_query(run, &record);
        else if (begins(record.words, "statement "))
            run_statement(run, &record);
        else
            fail(run, &record, "no statement and no query");
        free_record(&record);
    }
    free_record(&record);
    fclose(file);
}

/* --- Arguments ------------------------------------------------------------ */

static void open_database(struct run *run, const char *path)
{
    char *words = NULL;

    if (sqlite3_open(path, &run->db) != SQLITE_OK)
        die(path, sqlite3_errmsg(run->db));
    sqlite3_exec(run->db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
    if (!run->extension)
        return;
    sqlite3_db_config(run->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL);
    if (sqlite3_load_extension(run->db, run->extension, NULL, &words) !=
        SQLITE_OK)
        die(run->extension, words);
}

int main(int argc, char **argv)
{
    struct run run = {.threshold = 0};
    const char *database = ":memory:";

    for (int i = 1; i < argc; i++) {
        if (begins(argv[i], "extension="))
            run.extension = argv[i] + strlen("extension=");
        else if (begins(argv[i], "database="))
            database = argv[i] + strlen("database=");
        else if (begins(argv[i], "options="))
            run.options = argv[i] + strlen("options=");
        else if (strcmp(argv[i], "flush") == 0)
            run.flush = true;
        else if (strcmp(argv[i], "record") == 0)
            run.records = true;
        else
            run.path = argv[i];
    }
    if (!run.path) {
        fputs("usage: sqllogic [extension=FILE] [database=FILE] "
              "[options=TEXT] [flush] [record] FILE\n",
              stderr);
        return 2;
    }
    open_database(&run, database);
    run_file(&run);
    if (sqlite3_close(run.db) != SQLITE_OK)
        die("close", sqlite3_errmsg(run.db));
    for (int i = 0; i < run.tables; i++)
        sqlite3_free(run.table[i]);
    if (!run.records)
        printf("%s, SQLite %s: %ld passed, %ld failed\n", run.path,
               sqlite3_libversion(), run.passed, run.failed);
    return run.failed > 0 || run.passed == 0;
}
