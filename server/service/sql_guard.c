#include "service/sql_guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/bytes.h"
#include "service/sql_extension.h"

#define P2_IS_REGISTER 0x10 /* A flag of OpenRead and OpenWrite. */

static bool is_among(const char *name, const char *const *names)
{
    while (*names && sqlite3_stricmp(name, *names) != 0)
        names++;
    return *names;
}

/* --- What is for no client -------------------------------------------------*/

/* Some of the values of SQL are addresses of code: fts3_tokenizer. */
static const char *const other_functions[] = {"load_extension", "byron_backup",
                                              "fts3_tokenizer", NULL};
/* Of which to read is to write, or to run what was set by fts3_tokenizer. */
static const char *const other_tables[] = {
    "byron_backup", "byron_salvage", "sqlite_dbpage", "fts3tokenize", NULL};
/* By which the extension finds its stores, and by which it commits. */
static const char *const own_tables[] = {"byron_store", "byron_catalog",
                                         "byron_index", "byron_ending", NULL};

/* Of SQL, what reaches beyond the database and beyond the statement: other
   files, transactions and what is TEMP, as a connection is somebody else's
   afterwards. */
static bool is_for_nobody(int action, const char *first, const char *second,
                          const char *schema)
{
    switch (action) {
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_TEMP_INDEX:
    case SQLITE_CREATE_TEMP_VIEW:
    case SQLITE_CREATE_TEMP_TRIGGER:
        return true;
    case SQLITE_CREATE_TABLE: /* So it is with "temp." before the name. */
    case SQLITE_CREATE_VIEW:
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_TRIGGER:
        return sqlite3_stricmp(schema, "temp") == 0;
    case SQLITE_PRAGMA: /* What they say is asked for; not told. */
        return second && sqlite3_strnicmp(first, "table_", 6) != 0 &&
               sqlite3_strnicmp(first, "index_", 6) != 0;
    case SQLITE_READ:
        return is_among(first, other_tables);
    case SQLITE_UPDATE:
    case SQLITE_INSERT:
    case SQLITE_DELETE:
        return is_among(first, other_tables) ||
               (is_among(first, own_tables) && !sql_extension_is_asking());
    case SQLITE_FUNCTION:
        return is_among(second, other_functions);
    case SQLITE_CREATE_VTABLE:
        return sqlite3_stricmp(second, "byron") != 0 ||
               sqlite3_stricmp(schema, "temp") == 0;
    default:
        return false;
    }
}

/* Words of SQL that name files, where SQLite does not ask: VACUUM INTO, and the
   option path of a byron table. */
const char *sql_guard_refuses(const char *sql)
{
    bool is_create = sqlite3_strlike("%create%virtual%", sql, 0) == 0;

    if (sqlite3_strlike("%vacuum%", sql, 0) == 0 &&
        sqlite3_strlike("%into%", sql, 0) == 0)
        return "VACUUM INTO is not for clients";
    if (is_create && sqlite3_strlike("%path%", sql, 0) == 0)
        return "the option path is not for clients";
    return NULL;
}

/* What a trigger would write is asked when it runs, and names of tables that
   are to be made or renamed are not asked at all. */
const char *sql_guard_refuses_to_write(const char *sql)
{
    if (sqlite3_strlike("%byron\\_store%", sql, '\\') == 0 ||
        sqlite3_strlike("%byron\\_catalog%", sql, '\\') == 0 ||
        sqlite3_strlike("%byron\\_index%", sql, '\\') == 0)
        return "byron's own tables are not for clients to write";
    return NULL;
}

/* --- What needs a right ----------------------------------------------------*/

static int deny(struct sql_guard *guard, enum right right, const char *of_what,
                const char *name)
{
    struct byron_bytes none = {NULL, 0};

    rights_words(guard->words, right, of_what, bytes_of_text(name ? name : ""),
                 none);
    return SQLITE_DENY;
}

static int ask(struct sql_guard *guard, enum right right, const char *table)
{
    return rights_on_table(guard->rights, right, table)
               ? SQLITE_OK
               : deny(guard, right, "the table", table);
}

static int ask_everywhere(struct sql_guard *guard, enum right right,
                          const char *of_what, const char *name)
{
    return rights_everywhere(guard->rights) >= right
               ? SQLITE_OK
               : deny(guard, right, of_what, name);
}

/* To read them is to read nothing. */
static const char *const of_nothing[] = {"json_each", "json_tree", NULL};

static int ask_to_read(struct sql_guard *guard, const char *table,
                       const char *column)
{
    if (rights_on_table(guard->rights, RIGHT_READ, table) ||
        is_among(table, of_nothing))
        return SQLITE_OK;
    if (sqlite3_strnicmp(table, "sqlite_", 7) == 0)
        return deny(guard, RIGHT_READ, "the schema's table", table);
    /* It may be a common table expression, whose name is asked as a table's
       where none of its columns is read. If it is a table, the program shows
       it; one that is prepared anew is not looked at again. */
    return (column && *column) || guard->is_begun || sql_extension_is_asking()
               ? deny(guard, RIGHT_READ, "the table", table)
               : SQLITE_OK;
}

static int ask_to_write(struct sql_guard *guard, const char *table)
{
    /* By sqlite_sequence, and others that belong to all. */
    return sqlite3_strnicmp(table, "sqlite_", 7) == 0
               ? ask_everywhere(guard, RIGHT_ADMIN, "the table", table)
               : ask(guard, RIGHT_WRITE, table);
}

/* Of those with an argument, the table's name is in it, and is not looked at:
   who may read everything may. */
static int ask_for_pragma(struct sql_guard *guard, const char *name)
{
    static const char *const reading[] = {
        "table_info",      "table_xinfo",       "table_list",
        "index_list",      "index_info",        "index_xinfo",
        "page_count",      "page_size",         "freelist_count",
        "encoding",        "user_version",      "application_id",
        "data_version",    "schema_version",    "journal_mode",
        "compile_options", "collation_list",    "function_list",
        "module_list",     "integrity_check",   "quick_check",
        "pragma_list",     "foreign_key_check", NULL};

    return ask_everywhere(guard,
                          is_among(name, reading) ? RIGHT_READ : RIGHT_ADMIN,
                          "the pragma", name);
}

/* Of those of the extension, which take the names of tables as arguments. */
static int ask_for_function(struct sql_guard *guard, const char *name)
{
    static const char *const harmless[] = {"byron_version",
                                           "byron_delete_range", NULL};
    static const char *const upkeep[] = {"byron_flush", "byron_compact", NULL};
    static const char *const telling[] = {"changes", "total_changes", NULL};

    if (is_among(name, harmless)) /* byron_delete_range: by an INSERT. */
        return SQLITE_OK;
    if (is_among(name, upkeep))
        return ask_everywhere(guard, RIGHT_ADMIN, "the function", name);
    if (sqlite3_strnicmp(name, "byron_", 6) == 0 || is_among(name, telling))
        return ask_everywhere(guard, RIGHT_READ, "the function", name);
    return SQLITE_OK;
}

/*
 * SQLite 3.40 asks so when it connects a virtual table, as it reads what that
 * declares. SQLite itself lets no client change the schema's table; what makes
 * something new asks for that as well; and who may not read everything cannot
 * open it.
 */
static bool is_of_declaration(int action, const char *first, const char *second)
{
    return sqlite3_stricmp(first, "sqlite_master") == 0 &&
           (action == SQLITE_UPDATE || action == SQLITE_INSERT ||
            (action == SQLITE_READ && sqlite3_stricmp(second, "ROWID") == 0));
}

/* The extension reads and writes where it finds its stores; what it does for
   administrators alone shows in that. True: there is nothing to ask. */
static bool is_of_extension(int action, const char *first, const char *second)
{
    if (!sql_extension_is_asking())
        return false;
    if (action == SQLITE_PRAGMA)
        return !second;
    if (action == SQLITE_READ)
        return is_among(first, own_tables) ||
               sqlite3_stricmp(first, "sqlite_master") == 0;
    return action == SQLITE_INSERT &&
           sqlite3_stricmp(first, "byron_ending") == 0;
}

int sql_guard_authorize(void *context, int action, const char *first,
                        const char *second, const char *schema,
                        const char *within)
{
    struct sql_guard *guard = context;

    (void)within;
    if (guard->is_ours)
        return SQLITE_OK;
    if (is_for_nobody(action, first, second, schema)) {
        snprintf(guard->words, sizeof guard->words, "not for clients");
        return SQLITE_DENY;
    }
    if (rights_everywhere(guard->rights) >= RIGHT_ADMIN ||
        is_of_extension(action, first, second) ||
        is_of_declaration(action, first, second))
        return SQLITE_OK;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_READ:
        return ask_to_read(guard, first, second);
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
        return is_among(first, own_tables)
                   ? deny(guard, RIGHT_ADMIN, "the table", first)
                   : ask_to_write(guard, first);
    case SQLITE_FUNCTION:
        return ask_for_function(guard, second);
    case SQLITE_PRAGMA:
        return ask_for_pragma(guard, first);
    default:
        return deny(guard, RIGHT_ADMIN, "the schema's", first);
    }
}

bool sql_guard_may_write(const struct sql_guard *guard)
{
    return rights_somewhere(guard->rights, RIGHTS_TABLES) >= RIGHT_WRITE;
}

void sql_guard_begin(struct sql_guard *guard, const struct rights *rights)
{
    guard->rights = rights;
    guard->is_begun = false;
    *guard->words = 0;
}

/* --- What SQLite does not ask ----------------------------------------------*/

static int prepare_own(struct sql_guard *guard, sqlite3 *db, const char *sql,
                       sqlite3_stmt **out)
{
    int rc;

    guard->is_ours = true;
    rc = sqlite3_prepare_v2(db, sql, -1, out, NULL);
    guard->is_ours = false;
    return rc;
}

static int step_own(struct sql_guard *guard, sqlite3_stmt *statement)
{
    int rc;

    guard->is_ours = true; /* SQLite may prepare it anew. */
    rc = sqlite3_step(statement);
    guard->is_ours = false;
    return rc;
}

/* A table's virtual table, as EXPLAIN shows it; true: it is this one. */
static bool is_virtual(struct sql_guard *guard, sqlite3 *db, const char *table,
                       const char *shown)
{
    char *sql = sqlite3_mprintf("EXPLAIN SELECT 1 FROM \"%w\"", table);
    sqlite3_stmt *program = NULL;
    bool is_it = false;

    /* Modules are no tables, most of them. */
    if (sql && prepare_own(guard, db, sql, &program) == SQLITE_OK)
        while (!is_it && step_own(guard, program) == SQLITE_ROW) {
            const char *opcode = (const char *)sqlite3_column_text(program, 1);
            const char *own = (const char *)sqlite3_column_text(program, 5);
            is_it = opcode && own && strcmp(opcode, "VOpen") == 0 &&
                    strcmp(own, shown) == 0;
        }
    sqlite3_finalize(program);
    sqlite3_free(sql);
    return is_it;
}

/*
 * A virtual table that the statement opens is known by its address alone. It is
 * looked for first among those that may be read, and then, to be named, among
 * the others.
 */
static int check_virtual(struct sql_guard *guard, sqlite3 *db,
                         const char *shown, bool may_be_read)
{
    sqlite3_stmt *names = NULL;
    int rc = prepare_own(guard, db,
                         "SELECT name FROM main.sqlite_schema WHERE rootpage = "
                         "0 AND type = 'table' UNION ALL "
                         "SELECT name FROM pragma_module_list",
                         &names);
    bool is_found = false;

    while (rc == SQLITE_OK && !is_found &&
           (rc = step_own(guard, names)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(names, 0);
        bool may = name && (rights_on_table(guard->rights, RIGHT_READ, name) ||
                            is_among(name, of_nothing));
        is_found =
            name && may == may_be_read && is_virtual(guard, db, name, shown);
        if (is_found && !may)
            deny(guard, RIGHT_READ, "the table", name);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(names);
    if (rc != SQLITE_OK && rc != SQLITE_DONE)
        return rc;
    if (is_found)
        return may_be_read ? SQLITE_OK : SQLITE_AUTH;
    if (may_be_read)
        return check_virtual(guard, db, shown, false);
    deny(guard, RIGHT_READ, "the table", "");
    return SQLITE_AUTH;
}

/* A place of the program that opens a table or an index, by its first page. */
static int check_opening(struct sql_guard *guard, sqlite3 *db,
                         sqlite3_stmt *program, sqlite3_stmt *owner)
{
    const char *opcode = (const char *)sqlite3_column_text(program, 1);
    bool is_write = opcode && strcmp(opcode, "OpenWrite") == 0;
    const char *table;
    int rc;

    if (!opcode)
        return SQLITE_NOMEM;
    if (strcmp(opcode, "VOpen") == 0) {
        const char *shown = (const char *)sqlite3_column_text(program, 5);
        return shown ? check_virtual(guard, db, shown, true) : SQLITE_NOMEM;
    }
    if (!is_write && strcmp(opcode, "OpenRead") != 0 &&
        strcmp(opcode, "ReopenIdx") != 0)
        return SQLITE_OK;
    sqlite3_bind_int64(owner, 1, sqlite3_column_int64(program, 3));
    rc = step_own(guard, owner);
    table = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(owner, 0) : "";
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return rc;
    if (!table)
        return SQLITE_NOMEM;
    /* Who inserts may count on in it. */
    rc = is_write && strcmp(table, "sqlite_sequence") == 0
             ? SQLITE_OK
             : ask(guard, is_write ? RIGHT_WRITE : RIGHT_READ, table);
    if (sqlite3_column_int(program, 4) != 0 ||
        (sqlite3_column_int(program, 6) & P2_IS_REGISTER) != 0)
        rc = deny(guard, RIGHT_ADMIN, "the schema's", table);
    sqlite3_reset(owner);
    return rc == SQLITE_OK ? SQLITE_OK : SQLITE_AUTH;
}

/*
 * The tables that a statement opens, those of its triggers too. SQLite 3.40,
 * for one, does not ask of the one from which INSERT INTO t SELECT * FROM other
 * copies whole rows, nor of columns by which a NATURAL JOIN joins.
 */
static int check_program(struct sql_guard *guard, sqlite3 *db,
                         const char *statement)
{
    char *sql = sqlite3_mprintf("EXPLAIN %s", statement);
    sqlite3_stmt *program = NULL;
    sqlite3_stmt *owner = NULL;
    int rc =
        sql ? sqlite3_prepare_v2(db, sql, -1, &program, NULL) : SQLITE_NOMEM;

    sqlite3_free(sql);
    if (rc == SQLITE_OK)
        rc = prepare_own(guard, db,
                         "SELECT tbl_name FROM main.sqlite_schema "
                         "WHERE rootpage = ?1",
                         &owner);
    while (rc == SQLITE_OK) {
        rc = sqlite3_step(program);
        if (rc == SQLITE_ROW)
            rc = check_opening(guard, db, program, owner);
    }
    sqlite3_finalize(owner);
    sqlite3_finalize(program);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int sql_guard_check(struct sql_guard *guard, sqlite3 *db,
                    sqlite3_stmt *statement)
{
    int rc = SQLITE_OK;

    if (rights_everywhere(guard->rights) < RIGHT_READ &&
        sqlite3_stmt_isexplain(statement)) {
        deny(guard, RIGHT_READ, "the schema by", "EXPLAIN");
        rc = SQLITE_AUTH;
    } else if (rights_everywhere(guard->rights) < RIGHT_READ) {
        rc = check_program(guard, db, sqlite3_sql(statement));
    }
    guard->is_begun = true;
    return rc;
}
