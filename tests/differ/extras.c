#include "differ/extras.h"

#include <stdio.h>
#include <string.h>

#include "differ/schema.h"
#include "differ/statements.h"
#include "differ/values.h"

/* 't', or 'schema.t'. */
static void say_quoted(struct generator *g, const struct table *table)
{
    say(g, "'");
    say_table(g, table);
    say(g, "'");
}

/* A CAST would lend the ordinary side an affinity that a value has not. */
static const char *draw_bare(struct generator *g, const struct column *column)
{
    const char *literal;

    do
        literal = column && !once_in(g, 5) ? column->pool[draw(g, POOL)]
                                           : value_any(g);
    while (strncmp(literal, "CAST", 4) == 0);
    return literal;
}

/* --- Deleting ------------------------------------------------------------- */

/* Of the key at this place; NULL: the rowid. */
static const struct column *key_column(const struct table *table, int place)
{
    return table->key_count > 0 ? &table->columns[table->key[place]] : NULL;
}

/* column comparison value, for the ordinary side. */
static void add_term(sqlite3_str *where, const struct column *column,
                     const char *comparison, const char *value)
{
    sqlite3_str_appendf(where, "%s%s %s %s",
                        sqlite3_str_length(where) > 0 ? " AND " : " WHERE ",
                        column ? column->name : "rowid", comparison, value);
}

/* low <= column < high, behind columns that are equal to something. */
static void draw_range_delete(struct generator *g)
{
    const struct table *table = schema_pick(g);
    int equals =
        table->key_count > 1 ? (int)draw(g, (uint64_t)table->key_count) : 0;
    sqlite3_str *where = sqlite3_str_new(NULL);
    char *words;

    begin(g);
    g->step.is_mute = true;
    say(g, "/*byron: SELECT byron_delete_range(");
    say_quoted(g, table);
    for (int i = 0; i < equals + 2; i++) {
        const struct column *column =
            key_column(table, i < equals ? i : equals);
        const char *literal =
            i >= equals && once_in(g, 8) ? "NULL" : draw_bare(g, column);
        char *value = literal_text(g, literal);

        say(g, ", %s", value);
        if (i < equals || strcmp(literal, "NULL") != 0)
            add_term(where, column,
                     i < equals    ? "="
                     : i == equals ? ">="
                                   : "<",
                     value);
        sqlite3_free(value);
    }
    words = sqlite3_str_finish(where);
    say(g, ")*/ DELETE FROM %s%s", table->name, words ? words : "");
    sqlite3_free(words);
    end(g);
}

static void draw_delete_all(struct generator *g)
{
    const struct table *table = schema_pick(g);

    begin(g);
    say(g, "/*byron: INSERT INTO %s(%s) VALUES('delete-all')*/ DELETE FROM %s",
        table->name, table->name, table->name);
    end(g);
    draw_filling(g, table, 20);
}

/* --- Searching by the beginning of a key ---------------------------------- */

static const char *draw_beginning(struct generator *g)
{
    return PICK(g, "'a'", "'A'", "'ab'", "'Ab'", "''", "'5'", "'0'", "'a '",
                "'z'", "' '", "'it'", "char(233)", "'a' || char(0)", "x'61'",
                "x''", "x'ff'", "x'00'", "x'6100'", "5", "'9'", "'qqqqqqqq'",
                "NULL");
}

/* Some beginning of it is equal to the value, by the collation. An empty blob
 * has no substr but NULL. */
static void say_begins(struct generator *g, const char *name,
                       const char *collation, const char *value, bool is_blob)
{
    bool is_folded = !is_blob && strcmp(collation, "NOCASE") == 0;
    bool is_trimmed = !is_blob && strcmp(collation, "RTRIM") == 0;
    char *beginning = sqlite3_mprintf("CAST(%s(%s) AS BLOB)",
                                      is_folded    ? "lower"
                                      : is_trimmed ? "rtrim"
                                                   : "",
                                      value);

    say(g,
        "(typeof(%s) = '%s' AND (length(%s) = 0 OR "
        "substr(CAST(%s(%s) AS BLOB), 1, length(%s)) = %s))",
        name, is_blob ? "blob" : "text", beginning, is_folded ? "lower" : "",
        name, beginning, beginning);
    sqlite3_free(beginning);
}

/* The same for a literal, as it is or bound. */
static void say_begins_literal(struct generator *g, const struct column *column,
                               const char *literal, const char *value)
{
    if (strcmp(literal, "NULL") == 0)
        say(g, "(0)");
    else
        say_begins(g, column->name, column->collation, value, *literal == 'x');
}

/* Zero bytes end a text for NOCASE. */
static const char *beginning_for(struct generator *g,
                                 const struct column *column)
{
    const char *literal;

    do
        literal = draw_beginning(g);
    while (strcmp(column->collation, "NOCASE") == 0 && strstr(literal, "||"));
    return literal;
}

/* prefix = value, and what it means: a beginning of the key's column there, or
 * nothing where rows have numbers. */
static void say_prefix_term(struct generator *g, const struct table *table,
                            int place)
{
    const struct column *column = key_column(table, place);
    const char *literal;
    char *value;

    if (table->shape != SHAPE_KEYED) {
        say(g, "/*byron: prefix = %s*/(0)", draw_beginning(g));
        return;
    }
    literal = beginning_for(g, column);
    value = literal_text(g, literal);
    say(g, "/*byron: prefix = %s*/", value);
    say_begins_literal(g, column, literal, value);
    sqlite3_free(value);
}

/* The columns before it are equal to something. */
static void draw_prefix(struct generator *g)
{
    const struct table *table = schema_pick(g);
    const struct source source = {table, NULL};
    int equals =
        table->key_count > 1 ? (int)draw(g, (uint64_t)table->key_count) : 0;

    begin(g);
    say(g, "SELECT * FROM ");
    say_table(g, table);
    say(g, " WHERE ");
    for (int i = 0; i < equals; i++) {
        const struct column *column = key_column(table, i);

        say(g, once_in(g, 2) ? "%s IN (%s, %s) AND " : "%s = %s AND ",
            column->name, draw_bare(g, column), draw_bare(g, column));
    }
    say_prefix_term(g, table, equals);
    if (once_in(g, 3)) {
        const struct column *column = schema_column(g, table);

        say(g, " AND +%s %s ", column->name, PICK(g, "<", ">=", "IS NOT"));
        say_value(g, column);
    }
    say_key_order(g, &source, once_in(g, 2));
    if (once_in(g, 4))
        say_limit(g);
    g->step.sorted = SORTED_WHOLE;
    end(g);
}

/* prefix = column of another table; zero bytes mean something else to NOCASE.
 */
static void draw_prefix_join(struct generator *g)
{
    const struct table *table = schema_pick(g);
    const struct table *other = schema_any(g);
    const struct column *column = key_column(table, 0);
    char name[16], value[16];

    if (table->shape != SHAPE_KEYED || strcmp(column->collation, "NOCASE") == 0)
        return;
    snprintf(name, sizeof name, "r.%s", column->name);
    snprintf(value, sizeof value, "l.%s", schema_column(g, other)->name);
    begin(g);
    say(g, "SELECT count(*), count(%s), count(%s), sum(length(%s)) FROM ", name,
        value, name);
    say(g, "%s AS l %sJOIN %s AS r ON ", other->name,
        once_in(g, 3) ? "LEFT " : "", table->name);
    say(g, "/*byron: r.prefix = %s*/(CASE typeof(%s) WHEN 'null' THEN 0 ",
        value, value);
    say(g, "WHEN 'blob' THEN ");
    say_begins(g, name, column->collation, value, true);
    say(g, " ELSE ");
    say_begins(g, name, column->collation, value, false);
    say(g, " END)");
    end(g);
}

/* prefix = value OR key = value: each side by its own path. */
static void draw_prefix_or(struct generator *g)
{
    const struct table *table = schema_pick(g);
    const struct column *column = key_column(table, 0);

    if (table->shape != SHAPE_KEYED)
        return;
    begin(g);
    say(g, "SELECT * FROM %s WHERE ", table->name);
    say_prefix_term(g, table, 0);
    say(g, " OR %s %s %s", column->name, PICK(g, "=", "<", ">"),
        draw_bare(g, column));
    end(g);
}

/* FROM t(value). */
static void draw_argument(struct generator *g)
{
    const struct table *table = schema_pick(g);
    const char *literal;

    if (table->shape != SHAPE_KEYED)
        return;
    begin(g);
    g->bind_rate = 0;
    literal = beginning_for(g, key_column(table, 0));
    say(g, "SELECT * FROM /*byron: %s(%s)*/(SELECT * FROM %s WHERE ",
        table->name, literal, table->name);
    say_begins_literal(g, key_column(table, 0), literal, literal);
    say(g, ")");
    end(g);
}

/* --- Looking -------------------------------------------------------------- */

static void draw_count(struct generator *g)
{
    const struct table *table = schema_pick(g);

    begin(g);
    say(g, "SELECT /*byron: byron_count(");
    say_quoted(g, table);
    say(g, ")*/(SELECT count(*) FROM %s)", table->name);
    end(g);
}

/* The ordinary side reads as well: for it, too, the reading begins. */
static void draw_check(struct generator *g)
{
    const struct table *table = schema_pick(g);

    begin(g);
    say(g, "/*byron: SELECT byron_check(");
    say_quoted(g, table);
    say(g, ")*/ SELECT 'ok' FROM (SELECT count(*) FROM %s)", table->name);
    end(g);
}

/* What SQLite refuses on virtual tables, before it begins. */
static void draw_refused(struct generator *g)
{
    const struct table *table = schema_pick(g);
    const char *name = table->name, *column = schema_column(g, table)->name;

    begin(g);
    g->step.kind = STEP_REFUSED;
    switch (draw(g, 5)) {
    case 0:
        say(g, "INSERT INTO %s(%s) VALUES(1) ON CONFLICT DO NOTHING", name,
            column);
        break;
    case 1:
        say(g, "INSERT INTO %s(%s) VALUES(1) ON CONFLICT DO UPDATE SET %s = 1",
            name, column, column);
        break;
    case 2:
        say(g, "UPDATE %s SET %s = 1 RETURNING %s", name, column, column);
        break;
    case 3:
        say(g, "DELETE FROM %s RETURNING %s", name, column);
        break;
    default:
        say(g, "%s",
            PICK(g, "CREATE INDEX x ON t(a)", "ALTER TABLE t ADD COLUMN x",
                 "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END"));
    }
    end(g);
}

void draw_extra(struct generator *g)
{
    switch (draw(g, 14)) {
    case 0:
    case 1:
    case 2:
        draw_range_delete(g);
        break;
    case 3:
        if (once_in(g, 2))
            draw_delete_all(g);
        break;
    case 4:
    case 5:
    case 6:
        draw_prefix(g);
        break;
    case 7:
        draw_argument(g);
        break;
    case 10:
        draw_prefix_join(g);
        break;
    case 11:
        draw_prefix_or(g);
        break;
    case 8:
        draw_count(g);
        break;
    case 9:
        draw_check(g);
        break;
    default:
        draw_refused(g);
    }
}

/* --- Copies --------------------------------------------------------------- */

static void look_at_copy(struct generator *g, const struct table *table)
{
    struct table copy = *table;
    struct source source = {&copy, NULL};

    begin(g);
    say(g, "SELECT * FROM copy.%s", table->name);
    /* VACUUM numbers rows anew. */
    if (table->shape != SHAPE_ROWID) {
        say_key_order(g, &source, once_in(g, 2));
        g->step.sorted = SORTED_WHOLE;
    }
    end(g);
    if (!table->is_byron)
        return;
    begin(g);
    g->step.kind = STEP_BYRON;
    say(g, "SELECT byron_check('copy.%s')", table->name);
    end(g);
}

static void say_copy(struct generator *g, const char *schema)
{
    begin(g);
    g->step.kind = STEP_PLAIN;
    say(g, "VACUUM %s INTO beside('copy%d')", schema, g->copies);
    end(g);
    begin(g);
    g->step.kind = STEP_BYRON;
    say(g,
        "SELECT iif(byron_backup('%s', beside('copy%d')) IS NULL, 'none', "
        "'ok')",
        *schema ? schema : "main", g->copies);
    end(g);
}

static void add_to_both(struct generator *g, const char *words)
{
    add_words(g, STEP_PLAIN, words);
    add_words(g, STEP_BYRON, words);
}

/*
 * By connections of their own, while others may be in the midst of a
 * transaction; without WAL one of them may have locked it out. VACUUM leaves a
 * last rowid behind, so the look is another connection's.
 */
void draw_copy(struct generator *g)
{
    int current = g->connection;
    const char *schema = schema_pick(g)->schema;

    if ((!g->is_wal && (g->is_open[0] || g->is_open[1])) ||
        strcmp(schema, "temp") == 0)
        return;
    g->connection = COPIER;
    if (*schema)
        add_to_both(g, "ATTACH beside('aux') AS aux");
    say_copy(g, schema);
    if (*schema)
        add_to_both(g, "DETACH aux");
    g->connection = COPY_READER;
    begin(g);
    say(g, "ATTACH beside('copy%d') AS copy", g->copies++);
    end(g);
    for (int i = 0; i < g->table_count; i++)
        if (strcmp(g->tables[i].schema, schema) == 0)
            look_at_copy(g, &g->tables[i]);
    add_words(g, STEP_BOTH, "DETACH copy");
    g->connection = current;
}
