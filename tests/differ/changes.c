/*
 * Changes: INSERT, REPLACE, UPDATE and DELETE in every mode.
 */
#include <string.h>

#include "differ/programs.h"
#include "differ/schema.h"
#include "differ/statements.h"
#include "differ/values.h"

/* What keeps the rows that came before a row which is refused. */
static bool keeps_rows(const char *mode)
{
    return strcmp(mode, " OR IGNORE") == 0 || strcmp(mode, " OR FAIL") == 0;
}

static const char *draw_mode(struct generator *g, const struct table *table)
{
    const char *mode = "";

    if (!once_in(g, 2))
        mode = PICK(g, " OR IGNORE", " OR REPLACE", " OR FAIL", " OR ROLLBACK",
                    " OR ABORT", " OR IGNORE", " OR REPLACE");
    /* OR ABORT does not overrule a declared clause. */
    if (table->has_conflict && strcmp(mode, " OR ABORT") == 0)
        mode = "";
    /* A row that a declared IGNORE passes over counts. */
    if (table->has_ignore && !*mode)
        g->step.is_uncounted = true;
    return mode;
}

static bool is_alias(const struct table *table, const struct column *column)
{
    return table->shape == SHAPE_ALIAS && column->key == 0;
}

/* It holds times, whatever else is written. */
static bool is_expiry(const struct table *table, const struct column *column)
{
    return table->expiry == column - table->columns;
}

/* --- INSERT --------------------------------------------------------------- */

static void say_new_value(struct generator *g, const struct table *table,
                          const struct column *column, const char *mode)
{
    const char *literal = column->pool[draw(g, POOL)];

    if (is_alias(table, column)) {
        /* A datatype mismatch undoes the whole statement. */
        if (!*mode && !table->has_conflict && once_in(g, 30))
            literal = PICK(g, "'x'", "1.5", "x'31'");
        else if (once_in(g, 3))
            literal = "NULL";
    } else if (!is_expiry(table, column) && once_in(g, 8)) {
        literal = value_any(g);
        /* An explicit NULL becomes the DEFAULT. */
        while (column->has_default && strcmp(literal, "NULL") == 0)
            literal = value_any(g);
    }
    say_literal(g, literal);
}

/* Which columns the statement names; all of them, unnamed, now and then. */
static int draw_columns(struct generator *g, const struct table *table,
                        const struct column **out)
{
    bool is_whole = once_in(g, 2);
    int count = 0;

    for (int i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];

        if (is_whole || !once_in(g, column->key >= 0 ? 15 : 4))
            out[count++] = column;
    }
    if (count == 0)
        out[count++] = &table->columns[0];
    for (int i = 0; !is_whole && i < count; i++) {
        int other = (int)draw(g, (uint64_t)count);
        const struct column *saved = out[i];

        out[i] = out[other];
        out[other] = saved;
    }
    if (is_whole)
        return count;
    say(g, "(");
    for (int i = 0; i < count; i++)
        say(g, "%s%s", i > 0 ? ", " : "", out[i]->name);
    say(g, ")");
    return count;
}

static void say_rows(struct generator *g, const struct table *table,
                     const struct column *const *columns, int count,
                     const char *mode, int rows)
{
    say(g, " VALUES ");
    for (int row = 0; row < rows; row++) {
        say(g, "%s(", row > 0 ? ", " : "");
        for (int i = 0; i < count; i++) {
            say(g, "%s", i > 0 ? ", " : "");
            say_new_value(g, table, columns[i], mode);
        }
        say(g, ")");
    }
}

static void say_selected(struct generator *g, const struct source *from,
                         const struct table *table, const struct column *column,
                         const char *mode)
{
    const struct column *source = schema_column(g, from->table);

    if (is_alias(table, column)) {
        if (from->table->shape != SHAPE_KEYED && once_in(g, 2))
            say(g, "rowid + %d", (int)draw(g, 40));
        else
            say(g, "NULL");
    } else if (once_in(g, 4) || is_expiry(table, column)) {
        say_new_value(g, table, column, mode);
    } else if (column->has_default) {
        say(g, "coalesce(%s, 1)", source->name);
    } else {
        say(g, "%s%s", source->name, PICK(g, "", "", " || 'x'"));
    }
}

static void say_select(struct generator *g, const struct table *table,
                       const struct column *const *columns, int count,
                       const char *mode)
{
    struct source from = {schema_any(g), NULL};

    say(g, " SELECT ");
    for (int i = 0; i < count; i++) {
        say(g, "%s", i > 0 ? ", " : "");
        say_selected(g, &from, table, columns[i], mode);
    }
    say(g, " FROM ");
    say_table(g, from.table);
    say_where(g, &from, 1);
    say_key_order(g, &from, once_in(g, 2));
    say(g, " LIMIT %d", (int)draw(g, 25));
}

/* RETURNING shows what was written: no rowid given out, no DEFAULT. SQLite
 * shows rows of a virtual table that were passed over, too. */
static void say_returning(struct generator *g, const struct table *table,
                          const struct column *const *columns, int count)
{
    const char *word = " RETURNING ";

    for (int i = 0; i < count; i++) {
        if (is_alias(table, columns[i]))
            continue;
        say(g, "%s%s", word, columns[i]->name);
        word = ", ";
    }
}

static void draw_insert(struct generator *g)
{
    const struct table *table = schema_any(g);
    const struct column *columns[COLUMNS];
    const char *mode;
    int count;

    begin(g);
    mode = draw_mode(g, table);
    if (once_in(g, 8)) {
        mode = " OR REPLACE";
        g->step.is_uncounted = false;
        say(g, "REPLACE INTO ");
    } else {
        say(g, "INSERT%s INTO ", mode);
    }
    say_table(g, table);
    if (once_in(g, 40)) {
        say(g, " DEFAULT VALUES");
        end(g);
        return;
    }
    count = draw_columns(g, table, columns);
    if (once_in(g, 4))
        say_select(g, table, columns, count, mode);
    else
        say_rows(g, table, columns, count, mode, 1 + (int)draw(g, 5));
    if (once_in(g, 10) && strcmp(mode, " OR IGNORE") != 0 && !table->has_ignore)
        say_returning(g, table, columns, count);
    end(g);
}

void draw_filling(struct generator *g, const struct table *table, int rows)
{
    for (int done = 0; done < rows; done += 20) {
        const struct column *columns[COLUMNS];

        begin(g);
        g->bind_rate = 0;
        say(g, "INSERT OR IGNORE INTO %s", table->name);
        for (int i = 0; i < table->column_count; i++)
            columns[i] = &table->columns[i];
        say_rows(g, table, columns, table->column_count, " OR IGNORE",
                 rows - done < 20 ? rows - done : 20);
        end(g);
    }
}

/* --- UPDATE --------------------------------------------------------------- */

static void say_new_expression(struct generator *g, const struct table *table,
                               const struct column *column, const char *mode)
{
    const char *other = schema_column(g, table)->name;

    if (is_alias(table, column)) {
        if (once_in(g, 2))
            say(g, "%s + %s", column->name, PICK(g, "1", "-1", "100", "0"));
        else if (!*mode && !table->has_conflict && once_in(g, 20))
            say(g, "%s", PICK(g, "'x'", "1.5"));
        else
            say_literal(g, column->pool[draw(g, POOL)]);
        return;
    }
    if (is_expiry(table, column)) {
        if (once_in(g, 3))
            say(g, "%s + 1", column->name);
        else
            say_literal(g, column->pool[draw(g, POOL)]);
        return;
    }
    switch (draw(g, 6)) {
    case 0:
        say(g, "%s", other);
        break;
    case 1:
        say(g, "%s || 'u'", column->name);
        break;
    case 2:
        say(g, "%s + 1", column->name);
        break;
    case 3:
        say(g, "%s", column->name);
        break;
    default:
        say_value(g, column);
    }
}

static void say_one_row(struct generator *g, const struct table *table)
{
    for (int i = 0; i < table->key_count; i++) {
        const struct column *column = &table->columns[table->key[i]];

        say(g, "%s%s = ", i > 0 ? " AND " : " WHERE ", column->name);
        say_literal(g, column->pool[draw(g, POOL)]);
    }
    if (table->key_count == 0)
        say(g, " WHERE rowid = %d", (int)draw(g, 60));
}

/*
 * The order in which rows come decides which of them meets which. It is that
 * of the key where no index can answer; with indexes one row is all there is.
 */
static void say_scan(struct generator *g, const struct table *table)
{
    const struct column *column = schema_column(g, table);

    if (table->is_indexed) {
        say_one_row(g, table);
        return;
    }
    if (once_in(g, 3))
        return;
    say(g, " WHERE +%s %s ", column->name,
        PICK(g, "=", "<", ">", ">=", "IS", "IS NOT"));
    say_value(g, column);
}

static bool say_assignments(struct generator *g, const struct table *table,
                            const char *mode)
{
    bool is_set[COLUMNS] = {false}, is_key = table->has_unique;

    say(g, " SET ");
    for (uint64_t i = 0, count = 1 + draw(g, 2); i < count; i++) {
        const struct column *column =
            once_in(g, 3) ? schema_likely(g, table) : schema_column(g, table);

        if (is_set[column - table->columns])
            continue;
        is_set[column - table->columns] = true;
        say(g, "%s%s = ", i > 0 ? ", " : "", column->name);
        say_new_expression(g, table, column, mode);
        is_key |= column->key >= 0;
    }
    return is_key;
}

static void draw_update(struct generator *g)
{
    const struct table *table = schema_any(g);
    const struct source source = {table, NULL};
    const char *mode;
    bool is_key;

    begin(g);
    g->changed = table;
    mode = draw_mode(g, table);
    /* The twin's clause is for INSERT alone. */
    if (table->is_put && !*mode)
        mode = " OR ABORT";
    say(g, "UPDATE%s ", mode);
    say_table(g, table);
    is_key = say_assignments(g, table, mode);
    /* OR REPLACE moves many rows onto each other in an order of its own. */
    if (is_key && (strcmp(mode, " OR REPLACE") == 0 || table->has_replace))
        say_one_row(g, table);
    else if (is_key || keeps_rows(mode) || table->has_ignore)
        say_scan(g, table);
    else
        say_where(g, &source, 1);
    end(g);
}

/* A table with a key of one column, which has no value twice. */
static const struct table *pick_looked_up(struct generator *g)
{
    const struct table *table = schema_any(g);

    return table->key_count == 1 ? table : &g->tables[g->table_count - 1];
}

/*
 * At most one row of the other table meets each row of this one. No constraint
 * may fail: SQLite sets no savepoint for UPDATE FROM on a virtual table, so
 * that the rows before it stay.
 */
static void draw_update_from(struct generator *g)
{
    const struct table *table = schema_pick(g);
    const struct table *other = pick_looked_up(g);
    const struct column *column = schema_column(g, table);
    const struct source source = {table, table->name};
    const char *key = other->columns[other->key[0]].name;

    begin(g);
    if (column->key >= 0 || table->has_unique || column->is_not_null ||
        is_expiry(table, column)) {
        say(g, "SELECT count(*) FROM %s JOIN %s AS other ON other.%s = +%s.%s",
            table->name, other->name, key, table->name,
            schema_likely(g, table)->name);
        end(g);
        return;
    }
    /* As a number '5' and '05' would be one. */
    say(g, "UPDATE %s SET %s = other.%s FROM %s AS other WHERE other.%s = +",
        table->name, column->name, schema_column(g, other)->name, other->name,
        key);
    say_column(g, &source, schema_likely(g, table));
    end(g);
}

/* --- All of them ---------------------------------------------------------- */

static void draw_delete(struct generator *g)
{
    const struct table *table = schema_any(g);
    const struct source source = {table, NULL};

    begin(g);
    g->changed = table;
    say(g, "DELETE FROM ");
    say_table(g, table);
    if (once_in(g, 3)) {
        say_one_row(g, table);
    } else {
        say(g, " WHERE ");
        say_condition(g, &source, 1, 1, false);
        say(g, " AND ");
        say_condition(g, &source, 1, 1, false);
    }
    end(g);
}

void draw_change(struct generator *g)
{
    switch (draw(g, 10)) {
    case 0:
    case 1:
        draw_update(g);
        break;
    case 2:
        draw_delete(g);
        break;
    case 3:
        if (once_in(g, 2))
            draw_update_from(g);
        else
            draw_update(g);
        break;
    case 4:
        if (once_in(g, 3))
            draw_view_change(g);
        break;
    default:
        draw_insert(g);
    }
}
