/*
 * sqlrun: runs a SQL script and prints every row and error in full.
 *
 * The same script runs on byron tables and on ordinary ones, so that the two
 * outputs can be compared. The language of the scripts: docs/testing.md,
 * "SQL scripts". Knows nothing of byron but the name of its module.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#define CONNECTIONS 8
#define TABLES      32
#define SHOWN_BYTES 64

struct run {
    const char *extension; /* NULL: ordinary tables. */
    const char *database;
    const char *options; /* Added to every byron table; may be NULL. */
    bool flush;          /* Flush the tables after each statement. */
    bool headers;
    sqlite3 *connection[CONNECTIONS];
    int current;
    char *table[TABLES]; /* Names of the byron tables that were created. */
    int tables;
};

static void die(const char *what, const char *why)
{
    fflush(stdout);
    fprintf(stderr, "sqlrun: %s: %s\n", what, why);
    exit(2);
}

static sqlite3 *connection(struct run *run)
{
    sqlite3 **db = &run->connection[run->current];
    char *words = NULL;

    if (*db)
        return *db;
    if (sqlite3_open(run->database, db) != SQLITE_OK)
        die(run->database, sqlite3_errmsg(*db));
    sqlite3_extended_result_codes(*db, 1);
    if (!run->extension)
        return *db;
    sqlite3_db_config(*db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL);
    if (sqlite3_load_extension(*db, run->extension, NULL, &words) != SQLITE_OK)
        die(run->extension, words);
    return *db;
}

static void close_all(struct run *run)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        if (sqlite3_close(run->connection[i]) != SQLITE_OK)
            die("close", sqlite3_errmsg(run->connection[i]));
        run->connection[i] = NULL;
    }
    run->current = 0;
}

/* --- Output ----------------------------------------------------------------
 */

static unsigned long long fingerprint(const unsigned char *bytes, int size)
{
    unsigned long long hash = 14695981039346656037ULL;

    for (int i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 1099511628211ULL;
    return hash;
}

/* All bytes of a short value; the start and a fingerprint of a long one. */
static void print_bytes(const unsigned char *bytes, int size, bool text)
{
    int shown = size < SHOWN_BYTES ? size : SHOWN_BYTES;

    fputs(text ? "'" : "x'", stdout);
    for (int i = 0; i < shown; i++) {
        if (!text)
            printf("%02x", bytes[i]);
        else if (bytes[i] < ' ' || bytes[i] > '~' || bytes[i] == '\\')
            printf("\\%02x", bytes[i]);
        else
            putchar(bytes[i]);
    }
    putchar('\'');
    if (shown < size)
        printf("...[%d bytes %016llx]", size, fingerprint(bytes, size));
}

/* Every digit and the sign of zero; always told from an integer. */
static void print_real(double real)
{
    char words[64];

    snprintf(words, sizeof words, "%.17g", real);
    printf("%s%s", words, strpbrk(words, ".eni") ? "" : ".0");
}

static void print_value(sqlite3_stmt *statement, int column)
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL:
        fputs("NULL", stdout);
        break;
    case SQLITE_INTEGER:
        printf("%lld", (long long)sqlite3_column_int64(statement, column));
        break;
    case SQLITE_FLOAT:
        print_real(sqlite3_column_double(statement, column));
        break;
    case SQLITE_TEXT:
        print_bytes(sqlite3_column_text(statement, column),
                    sqlite3_column_bytes(statement, column), true);
        break;
    default:
        print_bytes(sqlite3_column_blob(statement, column),
                    sqlite3_column_bytes(statement, column), false);
    }
}

static void print_row(sqlite3_stmt *statement)
{
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        if (i > 0)
            putchar('|');
        print_value(statement, i);
    }
    putchar('\n');
}

static void print_headers(sqlite3_stmt *statement)
{
    for (int i = 0; i < sqlite3_column_count(statement); i++)
        printf("%s%s", i > 0 ? "|" : "# ", sqlite3_column_name(statement, i));
    putchar('\n');
}

/* --- Statements ------------------------------------------------------------
 */

static bool starts_with(const char *text, const char *word)
{
    return sqlite3_strnicmp(text, word, (int)strlen(word)) == 0;
}

static bool is_change(const char *sql)
{
    return starts_with(sql, "INSERT") || starts_with(sql, "REPLACE") ||
           starts_with(sql, "UPDATE") || starts_with(sql, "DELETE");
}

static const char *skip_space(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

static void run_one(struct run *run, sqlite3_stmt *statement, bool quiet)
{
    sqlite3 *db = sqlite3_db_handle(statement);
    bool change = is_change(skip_space(sqlite3_sql(statement)));
    int before = sqlite3_total_changes(db);
    int code;

    if (run->headers && !quiet && sqlite3_column_count(statement) > 0)
        print_headers(statement);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (!quiet)
            print_row(statement);
    }
    if (code != SQLITE_DONE)
        printf("Error %d: %s\n", code, sqlite3_errmsg(db));
    else if (change && !quiet)
        printf("changes %d, in all %d, last id %lld\n", sqlite3_changes(db),
               sqlite3_total_changes(db) - before,
               (long long)sqlite3_last_insert_rowid(db));
}

/* Runs every statement in sql; goes on after an error, as the shell does. */
static void run_sql(struct run *run, const char *sql, bool quiet)
{
    sqlite3 *db = connection(run);

    while (*(sql = skip_space(sql))) {
        sqlite3_stmt *statement = NULL;
        const char *tail = NULL;
        int code = sqlite3_prepare_v2(db, sql, -1, &statement, &tail);

        if (code != SQLITE_OK) {
            printf("Error %d: %s\n", code, sqlite3_errmsg(db));
            return;
        }
        if (statement)
            run_one(run, statement, quiet);
        sqlite3_finalize(statement);
        sql = tail;
    }
}

static void flush_tables(struct run *run)
{
    for (int i = 0; i < run->tables; i++) {
        char *sql = sqlite3_mprintf("SELECT byron_flush(%Q)", run->table[i]);

        /* The table may be gone by now, and that is fine. */
        sqlite3_exec(connection(run), sql, NULL, NULL, NULL);
        sqlite3_free(sql);
    }
}

static void remember_table(struct run *run, const char *name, size_t size)
{
    const char *dot = memchr(name, '.', size);

    if (dot) {
        size -= (size_t)(dot + 1 - name);
        name = dot + 1;
    }
    if (run->tables == TABLES)
        die("script", "too many tables");
    run->table[run->tables++] = sqlite3_mprintf("%.*s", (int)size, name);
}

/*
 * CREATE [/]*byron options*[/] TABLE name(columns) WITHOUT ROWID
 * becomes CREATE VIRTUAL TABLE name USING byron(columns, options).
 */
static char *rewrite_create(struct run *run, const char *sql)
{
    const char *mark = strstr(sql, "/*byron");
    const char *mark_end = mark ? strstr(mark, "*/") : NULL;
    const char *name, *open, *close;
    const char *own, *more = run->options ? run->options : "";
    size_t own_size;

    if (!mark_end || !starts_with(sql, "CREATE"))
        return sqlite3_mprintf("%s", sql);
    name = skip_space(mark_end + 2);
    if (!starts_with(name, "TABLE"))
        die("script", "TABLE must follow the byron mark");
    name = skip_space(name + strlen("TABLE"));
    open = strchr(name, '(');
    close = strrchr(sql, ')');
    if (!open || !close || close < open)
        die("script", "a marked table needs its columns");
    own = skip_space(mark + strlen("/*byron"));
    own_size = own < mark_end ? (size_t)(mark_end - own) : 0;
    remember_table(run, name, (size_t)(open - name));
    return sqlite3_mprintf(
        "CREATE VIRTUAL TABLE %.*s USING byron(%.*s%s%.*s%s%s)",
        (int)(open - name), name, (int)(close - open - 1), open + 1,
        own_size > 0 ? ", " : "", (int)own_size, own, *more ? ", " : "", more);
}

static void run_statement(struct run *run, const char *sql)
{
    char *rewritten;

    sql = skip_space(sql);
    if (!run->extension) {
        run_sql(run, sql, false);
        return;
    }
    rewritten = rewrite_create(run, sql);
    run_sql(run, rewritten, false);
    sqlite3_free(rewritten);
    if (run->flush && sqlite3_get_autocommit(connection(run)))
        flush_tables(run);
}

/* --- Script ----------------------------------------------------------------
 */

static void run_directive(struct run *run, const char *line)
{
    if (starts_with(line, ".connection ")) {
        int number = atoi(line + strlen(".connection "));

        if (number < 0 || number >= CONNECTIONS)
            die("script", "no such connection");
        run->current = number;
    } else if (starts_with(line, ".close")) {
        if (sqlite3_close(run->connection[run->current]) != SQLITE_OK)
            die("close", sqlite3_errmsg(run->connection[run->current]));
        run->connection[run->current] = NULL;
    } else if (starts_with(line, ".reopen")) {
        close_all(run);
    } else if (starts_with(line, ".headers")) {
        run->headers = strstr(line, "on") != NULL;
    } else if (starts_with(line, ".print")) {
        printf("%s", skip_space(line + strlen(".print")));
    } else {
        die("unknown directive", line);
    }
}

static void run_line(struct run *run, const char *line, sqlite3_str *pending)
{
    const char *text = skip_space(line);

    if (sqlite3_str_length(pending) == 0) {
        if (*text == '.') {
            run_directive(run, text);
            return;
        }
        if (starts_with(text, "--byron:")) {
            if (run->extension)
                run_sql(run, text + strlen("--byron:"), true);
            return;
        }
        if (starts_with(text, "--plain:")) {
            if (!run->extension)
                run_sql(run, text + strlen("--plain:"), true);
            return;
        }
        if (*text == '\0' || starts_with(text, "--"))
            return;
    }
    sqlite3_str_appendall(pending, line);
    if (sqlite3_complete(sqlite3_str_value(pending))) {
        run_statement(run, sqlite3_str_value(pending));
        fflush(stdout);
        sqlite3_str_reset(pending);
    }
}

static void run_script(struct run *run, const char *path)
{
    FILE *script = fopen(path, "r");
    sqlite3_str *pending = sqlite3_str_new(NULL);
    char *line = NULL;
    size_t capacity = 0;

    if (!script)
        die(path, strerror(errno));
    while (getline(&line, &capacity, script) >= 0)
        run_line(run, line, pending);
    if (sqlite3_str_length(pending) > 0)
        run_statement(run, sqlite3_str_value(pending));
    sqlite3_free(sqlite3_str_finish(pending));
    free(line);
    fclose(script);
}

int main(int argc, char **argv)
{
    struct run run = {.database = ":memory:"};
    const char *script = NULL;

    for (int i = 1; i < argc; i++) {
        if (starts_with(argv[i], "extension="))
            run.extension = argv[i] + strlen("extension=");
        else if (starts_with(argv[i], "database="))
            run.database = argv[i] + strlen("database=");
        else if (starts_with(argv[i], "options="))
            run.options = argv[i] + strlen("options=");
        else if (strcmp(argv[i], "flush") == 0)
            run.flush = true;
        else if (strcmp(argv[i], "version") == 0)
            return puts(sqlite3_libversion()) < 0;
        else
            script = argv[i];
    }
    if (!script) {
        fputs("usage: sqlrun [extension=FILE] [database=FILE] [options=TEXT] "
              "[flush] SCRIPT | version\n",
              stderr);
        return 2;
    }
    run_script(&run, script);
    close_all(&run);
    for (int i = 0; i < run.tables; i++)
        sqlite3_free(run.table[i]);
    return 0;
}
