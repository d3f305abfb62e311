#include "salvage_target.h"

#include <stdlib.h>
#include <string.h>

#include "literal_text.h"
#include "statement.h"
#include "try.h"

/* --- Making it --------------------------------------------------------------
 */

static int execute(sqlite3 *db, char *sql)
{
    int rc = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;

    sqlite3_free(sql);
    return rc;
}

/* As the damaged one, but beside its own database. */
static int create(struct salvage_target *target)
{
    const struct salvage_source *source = target->source;
    sqlite3_str *sql = sqlite3_str_new(target->db);
    const char *comma = "(";

    sqlite3_str_appendf(sql, "CREATE VIRTUAL TABLE \"%w\".\"%w\" USING byron",
                        target->schema, target->name);
    for (int i = 0; i < source->argument_count; i++) {
        if (salvage_source_is_option(source->arguments[i], "path"))
            continue;
        sqlite3_str_appendf(sql, "%s%s", comma, source->arguments[i]);
        comma = ",";
    }
    sqlite3_str_appendall(sql, *comma == ',' ? "\n)" : "");
    return execute(target->db, sqlite3_str_finish(sql));
}

/* Those of the declaration are there; the others were added. */
static int add_indexes(struct salvage_target *target)
{
    const struct salvage_source *source = target->source;
    int rc = SQLITE_OK;

    for (int i = 0; i < source->index_count && rc == SQLITE_OK; i++)
        if (!source->indexes[i].is_declared)
            rc = execute(target->db,
                         sqlite3_mprintf("INSERT INTO \"%w\".\"%w\"(\"%w\", "
                                         "arg) VALUES('add-index', %Q)",
                                         target->schema, target->name,
                                         target->name,
                                         source->indexes[i].definition));
    return rc;
}

static int make(struct salvage_target *target, char **message)
{
    bool is_there;
    int rc = statement_has_table(target->db, target->schema, target->name, NULL,
                                 &is_there);

    if (rc != SQLITE_OK || is_there)
        return rc;
    if (sqlite3_stricmp(target->schema, target->source->schema) == 0) {
        *message = sqlite3_mprintf(
            "byron: a new table of the database %s would lie in the store that "
            "is to be salvaged; ATTACH another one, and name its schema, as in "
            "'other.%s'",
            target->schema, target->name);
        return SQLITE_ERROR;
    }
    rc = create(target);
    return rc == SQLITE_OK ? add_indexes(target) : rc;
}

/* --- Its statement
 * ------------------------------------------------------------ */

/* Columns may have taken some of its three names. */
static const char *name_rowid(const struct declaration *declaration)
{
    static const char *const names[] = {"rowid", "_rowid_", "oid"};

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

static int prepare(struct salvage_target *target)
{
    const struct declaration *declaration = target->source->declaration;
    sqlite3_str *sql = sqlite3_str_new(target->db);
    char *text;
    int rc = SQLITE_NOMEM;

    if (declaration->shape == KEY_ROWID_IMPLICIT)
        target->rowid = name_rowid(declaration);
    /* FAIL overrules what the target says of conflicts: a row of its own is
     * neither replaced nor taken for the one that was passed over. */
    sqlite3_str_appendf(sql, "INSERT OR FAIL INTO \"%w\".\"%w\"(",
                        target->schema, target->name);
    for (int i = 0; i < declaration->column_count; i++) {
        sqlite3_str_appendall(sql, i > 0 ? ", " : "");
        literal_text_add_name(sql, declaration->columns[i].name);
    }
    if (target->rowid)
        sqlite3_str_appendf(sql, ", %s", target->rowid);
    sqlite3_str_appendall(sql, ") VALUES(?");
    for (int i = target->rowid ? 0 : 1; i < declaration->column_count; i++)
        sqlite3_str_appendall(sql, ", ?");
    sqlite3_str_appendchar(sql, 1, ')');
    text = sqlite3_str_finish(sql);
    if (text)
        rc = sqlite3_prepare_v2(target->db, text, -1, &target->insert, NULL);
    sqlite3_free(text);
    return rc;
}

int salvage_target_open(sqlite3 *db, const char *name,
                        const struct salvage_source *source,
                        struct salvage_target *out, char **message)
{
    int rc = SQLITE_NOMEM;

    memset(out, 0, sizeof *out);
    out->db = db;
    out->source = source;
    out->fields = calloc((size_t)source->declaration->column_count + 1,
                         sizeof *out->fields);
    if (out->fields && row_init(&out->row, source->declaration) == BYRON_OK &&
        salvage_source_split(db, name, &out->schema, &out->name))
        rc = make(out, message);
    if (rc == SQLITE_OK)
        rc = prepare(out);
    if (rc != SQLITE_OK && rc != SQLITE_NOMEM && !*message)
        *message = sqlite3_mprintf("%s", statement_words(db, rc));
    if (rc != SQLITE_OK)
        salvage_target_close(out);
    return rc;
}

void salvage_target_close(struct salvage_target *target)
{
    sqlite3_finalize(target->insert);
    row_deinit(&target->row);
    free(target->fields);
    free(target->schema);
    free(target->name);
    memset(target, 0, sizeof *target);
}

/* --- Rows
 * ---------------------------------------------------------------------- */

static byron_status read_fields(struct salvage_target *target,
                                const struct byron_salvaged_row *from)
{
    const struct declaration *declaration = target->source->declaration;
    struct row *row = &target->row;
    byron_status status;

    if (from->key.size < KEY_ID_SIZE)
        return BYRON_CORRUPT;
    TRY(row_set_key(row, from->key));
    TRY(row_set_value(row, from->value));
    for (int i = 0; i < declaration->column_count; i++) {
        bool is_known;

        TRY(row_key_column(row, i, &target->fields[i], &is_known));
        if (!is_known)
            TRY(row_column(row, i, &target->fields[i]));
    }
    if (declaration->shape == KEY_ROWID_IMPLICIT) {
        struct field *rowid = &target->fields[declaration->column_count];

        rowid->kind = FIELD_INTEGER;
        TRY(key_codec_read_rowid(row->key, &rowid->integer));
    }
out:
    return status;
}

/* Borrows the field until the statement is done. */
static int bind(sqlite3_stmt *statement, int number, const struct field *field)
{
    const void *data = field->size > 0 ? field->data : "";

    switch (field->kind) {
    case FIELD_INTEGER:
        return sqlite3_bind_int64(statement, number, field->integer);
    case FIELD_REAL:
        return sqlite3_bind_double(statement, number, field->real);
    case FIELD_TEXT:
        return sqlite3_bind_text64(statement, number, data, field->size,
                                   SQLITE_STATIC, SQLITE_UTF8);
    case FIELD_BLOB:
        return sqlite3_bind_blob64(statement, number, data, field->size,
                                   SQLITE_STATIC);
    default:
        return sqlite3_bind_null(statement, number);
    }
}

static bool is_lost_null(const struct salvage_target *target, int column)
{
    return target->source->declaration->columns[column].has_default &&
           target->fields[column].kind == FIELD_NULL;
}

/* A NULL that INSERT gives to a column with a DEFAULT became that. */
static int set_nulls(struct salvage_target *target)
{
    const struct declaration *declaration = target->source->declaration;
    sqlite3_str *sql = sqlite3_str_new(target->db);
    sqlite3_stmt *update = NULL;
    const char *comma = " SET ";
    char *text;
    int rc = SQLITE_NOMEM;

    sqlite3_str_appendf(sql, "UPDATE \"%w\".\"%w\"", target->schema,
                        target->name);
    for (int i = 0; i < declaration->column_count; i++) {
        if (!is_lost_null(target, i))
            continue;
        sqlite3_str_appendf(sql, "%s\"%w\" = NULL", comma,
                            declaration->columns[i].name);
        comma = ", ";
    }
    sqlite3_str_appendall(sql, " WHERE ");
    for (int i = 0; i < declaration->key_count; i++)
        sqlite3_str_appendf(
            sql, "%s\"%w\" = ?", i > 0 ? " AND " : "",
            declaration->columns[declaration->key[i].column].name);
    if (declaration->key_count == 0)
        sqlite3_str_appendf(sql, "%s = ?", target->rowid);
    text = sqlite3_str_finish(sql);
    if (text)
        rc = sqlite3_prepare_v2(target->db, text, -1, &update, NULL);
    sqlite3_free(text);
    for (int i = 0; i < declaration->key_count && rc == SQLITE_OK; i++)
        rc = bind(update, i + 1, &target->fields[declaration->key[i].column]);
    if (declaration->key_count == 0 && rc == SQLITE_OK)
        rc = bind(update, 1, &target->fields[declaration->column_count]);
    if (rc == SQLITE_OK)
        sqlite3_step(update);
    return sqlite3_finalize(update) != SQLITE_OK ? sqlite3_errcode(target->db)
                                                 : rc;
}

static bool has_lost_nulls(const struct salvage_target *target)
{
    const struct declaration *declaration = target->source->declaration;
    bool has_any = false;

    for (int i = 0; i < declaration->column_count; i++)
        has_any = has_any || is_lost_null(target, i);
    return has_any && (declaration->key_count > 0 || target->rowid);
}

static int insert(struct salvage_target *target)
{
    int count = sqlite3_bind_parameter_count(target->insert);
    int rc = SQLITE_OK;

    for (int i = 0; i < count && rc == SQLITE_OK; i++)
        rc = bind(target->insert, i + 1, &target->fields[i]);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_step(target->insert);
    rc = sqlite3_reset(target->insert);
    sqlite3_clear_bindings(target->insert);
    if (rc == SQLITE_OK && has_lost_nulls(target))
        rc = set_nulls(target);
    return rc;
}

int salvage_target_add(struct salvage_target *target,
                       const struct byron_salvaged_row *row, char **refusal,
                       bool *is_fatal)
{
    byron_status status = read_fields(target, row);
    int rc;

    *refusal = NULL;
    *is_fatal = status == BYRON_NO_MEMORY;
    if (status != BYRON_OK) {
        *refusal = sqlite3_mprintf("the bytes of a row are none of this table");
        return *is_fatal ? SQLITE_NOMEM : SQLITE_CORRUPT_VTAB;
    }
    rc = insert(target);
    if (rc == SQLITE_OK)
        return rc;
    *refusal = sqlite3_mprintf("%s", statement_words(target->db, rc));
    *is_fatal = (rc & 0xff) != SQLITE_CONSTRAINT &&
                (rc & 0xff) != SQLITE_MISMATCH && (rc & 0xff) != SQLITE_TOOBIG;
    return rc;
}
