#include "dump.h"

#include "index_catalog.h"
#include "listing.h"
#include "literal_text.h"
#include "lookup.h"

enum stage {
    STAGE_BEGIN,
    STAGE_CREATE,
    STAGE_ROWS,
    STAGE_INDEXES,
    STAGE_RELEASE,
    STAGE_END,
};

struct dump {
    struct lookup lookup;
    enum stage stage;
    sqlite3_stmt *rows;
    const char *rowid;         /* A name for it; NULL: there is none to tell. */
    bool has_lost_nulls;       /* Of the row: a NULL that became its DEFAULT. */
    struct index_row *indexes; /* Owned. */
    int index_count;
    int index;  /* The next one. */
    char *line; /* sqlite3_mprintf'd. */
    int failed; /* SQLite's code, of a value of it that could not be read. */
};

static const struct declaration *declaration_of(const struct dump *dump)
{
    return dump->lookup.table->declaration;
}

/* --- Reading ------------------------------------------------------------- */

/* Columns may have taken one or two of its three names. */
static const char *name_rowid(const struct declaration *declaration)
{
    static const char *const names[] = {"rowid", "_rowid_", "oid"};

    if (declaration->shape != KEY_ROWID_IMPLICIT)
        return NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bool is_taken = false;

        for (int c = 0; c < declaration->column_count; c++)
            is_taken = is_taken || sqlite3_stricmp(declaration->columns[c].name,
                                                   names[i]) == 0;
        if (!is_taken)
            return names[i];
    }
    return NULL;
}

static void add_columns(sqlite3_str *to, const struct dump *dump)
{
    const struct declaration *declaration = declaration_of(dump);

    if (dump->rowid)
        sqlite3_str_appendf(to, "%s, ", dump->rowid);
    for (int i = 0; i < declaration->column_count; i++) {
        sqlite3_str_appendall(to, i > 0 ? ", " : "");
        literal_text_add_name(to, declaration->columns[i].name);
    }
}

/* SELECT columns FROM the table. */
static int open_rows(struct dump *dump)
{
    const struct table *table = dump->lookup.table;
    sqlite3_str *sql = sqlite3_str_new(table->db);
    char *text;
    int rc = SQLITE_NOMEM;

    sqlite3_str_appendall(sql, "SELECT ");
    add_columns(sql, dump);
    sqlite3_str_appendf(sql, " FROM \"%w\".\"%w\"", table->schema, table->name);
    text = sqlite3_str_finish(sql);
    if (text)
        rc = sqlite3_prepare_v2(table->db, text, -1, &dump->rows, NULL);
    sqlite3_free(text);
    return rc;
}

static int start(void *state, struct connection *connection,
                 const char *const *arguments, char **message)
{
    struct dump *dump = state;
    int rc =
        lookup_open_table(connection, arguments[0], &dump->lookup, message);

    if (rc != SQLITE_OK)
        return rc;
    dump->rowid = name_rowid(declaration_of(dump));
    if (!dump->rowid && declaration_of(dump)->shape == KEY_ROWID_IMPLICIT) {
        *message = sqlite3_mprintf("byron: columns of %s have all names of the "
                                   "rowid, so that it cannot be told",
                                   arguments[0]);
        return SQLITE_ERROR;
    }
    rc = open_rows(dump);
    if (rc == SQLITE_OK)
        rc = index_catalog_read(connection->db, dump->lookup.table->schema,
                                dump->lookup.table->name, &dump->indexes,
                                &dump->index_count);
    if (rc != SQLITE_OK)
        *message = sqlite3_mprintf("%s", sqlite3_errmsg(connection->db));
    return rc;
}

/* --- Writing ------------------------------------------------------------- */

static int finish_line(struct dump *dump, sqlite3_str *line)
{
    int rc = sqlite3_str_errcode(line);

    sqlite3_free(dump->line);
    dump->line = sqlite3_str_finish(line);
    if (rc == SQLITE_OK)
        rc = dump->failed;
    dump->failed = SQLITE_OK;
    if (rc != SQLITE_OK)
        return rc;
    return dump->line ? SQLITE_OK : SQLITE_NOMEM;
}

static int write_line(struct dump *dump, const char *words)
{
    sqlite3_str *line = sqlite3_str_new(dump->lookup.table->db);

    sqlite3_str_appendall(line, words);
    return finish_line(dump, line);
}

static int write_create(struct dump *dump)
{
    const struct table *table = dump->lookup.table;
    sqlite3_stmt *statement = NULL;
    sqlite3_str *line = sqlite3_str_new(table->db);
    char *sql =
        sqlite3_mprintf("SELECT sql FROM \"%w\".sqlite_master WHERE type = "
                        "'table' AND name = %Q COLLATE NOCASE",
                        table->schema, table->name);
    int rc = SQLITE_NOMEM;

    if (sql)
        rc = sqlite3_prepare_v2(table->db, sql, -1, &statement, NULL);
    sqlite3_free(sql);
    if (rc == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        sqlite3_str_appendf(line, "%s;",
                            (const char *)sqlite3_column_text(statement, 0));
    if (rc == SQLITE_OK)
        rc = sqlite3_finalize(statement);
    if (rc == SQLITE_OK)
        return finish_line(dump, line);
    sqlite3_free(sqlite3_str_finish(line));
    return rc;
}

/* The row's column, by SELECT's number. */
static void add_value(sqlite3_str *to, struct dump *dump, int number)
{
    struct field field = {.kind = FIELD_NULL};
    /* Without affinity a value is read as it is. */
    int rc = field_read(sqlite3_column_value(dump->rows, number), AFFINITY_BLOB,
                        &field);

    if (rc == SQLITE_OK)
        literal_text_add(to, &field);
    else
        dump->failed = rc;
}

static int first_column(const struct dump *dump)
{
    return dump->rowid ? 1 : 0;
}

/* A NULL that is given to a column with a DEFAULT becomes that. */
static bool is_lost_null(const struct dump *dump, int column)
{
    return declaration_of(dump)->columns[column].has_default &&
           sqlite3_column_type(dump->rows, first_column(dump) + column) ==
               SQLITE_NULL;
}

static int write_insert(struct dump *dump)
{
    const struct table *table = dump->lookup.table;
    sqlite3_str *line = sqlite3_str_new(table->db);
    int count = first_column(dump) + table->declaration->column_count;

    sqlite3_str_appendf(line, "INSERT INTO \"%w\"", table->name);
    if (dump->rowid) {
        sqlite3_str_appendchar(line, 1, '(');
        add_columns(line, dump);
        sqlite3_str_appendchar(line, 1, ')');
    }
    sqlite3_str_appendall(line, " VALUES(");
    for (int i = 0; i < count; i++) {
        sqlite3_str_appendall(line, i > 0 ? ", " : "");
        add_value(line, dump, i);
    }
    sqlite3_str_appendall(line, ");");
    dump->has_lost_nulls = false;
    for (int i = 0; i < table->declaration->column_count; i++)
        dump->has_lost_nulls = dump->has_lost_nulls || is_lost_null(dump, i);
    return finish_line(dump, line);
}

static void add_key(sqlite3_str *to, struct dump *dump)
{
    const struct declaration *declaration = declaration_of(dump);

    if (declaration->shape == KEY_ROWID_IMPLICIT) {
        sqlite3_str_appendf(to, "%s = ", dump->rowid);
        add_value(to, dump, 0);
        return;
    }
    for (int i = 0; i < declaration->key_count; i++) {
        int column = declaration->key[i].column;

        sqlite3_str_appendall(to, i > 0 ? " AND " : "");
        literal_text_add_name(to, declaration->columns[column].name);
        sqlite3_str_appendall(to, " = ");
        add_value(to, dump, first_column(dump) + column);
    }
}

/* UPDATE can set what INSERT cannot. */
static int write_update(struct dump *dump)
{
    const struct table *table = dump->lookup.table;
    sqlite3_str *line = sqlite3_str_new(table->db);
    const char *comma = "";

    sqlite3_str_appendf(line, "UPDATE \"%w\" SET ", table->name);
    for (int i = 0; i < table->declaration->column_count; i++) {
        if (!is_lost_null(dump, i))
            continue;
        sqlite3_str_appendall(line, comma);
        literal_text_add_name(line, table->declaration->columns[i].name);
        sqlite3_str_appendall(line, " = NULL");
        comma = ", ";
    }
    sqlite3_str_appendall(line, " WHERE ");
    add_key(line, dump);
    sqlite3_str_appendchar(line, 1, ';');
    dump->has_lost_nulls = false;
    return finish_line(dump, line);
}

static int write_row(struct dump *dump, bool *is_there)
{
    int rc;

    *is_there = true;
    if (dump->has_lost_nulls)
        return write_update(dump);
    rc = sqlite3_step(dump->rows);
    *is_there = rc == SQLITE_ROW;
    if (*is_there)
        return write_insert(dump);
    return sqlite3_reset(dump->rows);
}

/* Those of the declaration are made by CREATE; the others here. */
static int write_index(struct dump *dump, bool *is_there)
{
    const struct table *table = dump->lookup.table;
    const struct index_row *row;
    sqlite3_str *line;

    while (dump->index < dump->index_count &&
           dump->indexes[dump->index].is_declared)
        dump->index++;
    *is_there = dump->index < dump->index_count;
    if (!*is_there)
        return SQLITE_OK;
    row = &dump->indexes[dump->index++];
    line = sqlite3_str_new(table->db);
    sqlite3_str_appendf(line,
                        "INSERT INTO \"%w\"(\"%w\", arg) "
                        "VALUES('add-index', %Q);",
                        table->name, table->name, row->definition);
    return finish_line(dump, line);
}

static int write_next(struct dump *dump, bool *is_there)
{
    int rc;

    *is_there = true;
    switch (dump->stage) {
    case STAGE_BEGIN:
        dump->stage = STAGE_CREATE;
        return write_line(dump, "SAVEPOINT byron_dump;");
    case STAGE_CREATE:
        dump->stage = STAGE_ROWS;
        return write_create(dump);
    case STAGE_ROWS:
        rc = write_row(dump, is_there);
        if (rc != SQLITE_OK || *is_there)
            return rc;
        dump->stage = STAGE_INDEXES;
        /* fall through */
    case STAGE_INDEXES:
        rc = write_index(dump, is_there);
        if (rc != SQLITE_OK || *is_there)
            return rc;
        /* fall through */
    case STAGE_RELEASE:
        *is_there = true;
        dump->stage = STAGE_END;
        return write_line(dump, "RELEASE byron_dump;");
    default:
        *is_there = false;
        return SQLITE_OK;
    }
}

/* --- The listing ---------------------------------------------------------- */

static int next(void *state, bool *is_there, char **message)
{
    struct dump *dump = state;
    int rc = write_next(dump, is_there);

    if (rc != SQLITE_OK && rc != SQLITE_NOMEM)
        *message =
            sqlite3_mprintf("%s", sqlite3_errmsg(dump->lookup.table->db));
    return rc;
}

static void column(void *state, sqlite3_context *context, int number)
{
    (void)number;
    sqlite3_result_text(context, ((struct dump *)state)->line, -1,
                        SQLITE_TRANSIENT);
}

static void end(void *state)
{
    struct dump *dump = state;

    sqlite3_finalize(dump->rows);
    index_catalog_free(dump->indexes, dump->index_count);
    sqlite3_free(dump->line);
    lookup_close(&dump->lookup);
}

int dump_register(struct connection *connection)
{
    static const struct listing listing = {
        .name = "byron_dump",
        .schema = "CREATE TABLE x(sql TEXT, \"table\" TEXT HIDDEN)",
        .argument = 1,
        .needs = "byron: byron_dump needs a table's name: SELECT sql FROM "
                 "byron_dump('t')",
        .rows = 1000000,
        .size = sizeof(struct dump),
        .start = start,
        .next = next,
        .column = column,
        .end = end,
    };

    return listing_register(connection, &listing);
}
