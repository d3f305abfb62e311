/*
 * Conditions: what may stand in WHERE, ON and HAVING.
 */
#include <string.h>

#include "differ/schema.h"
#include "differ/statements.h"
#include "differ/values.h"

static const struct source *pick_source(struct generator *g,
                                        const struct source *sources, int count)
{
    return &sources[draw(g, (uint64_t)count)];
}

/*
 * The table of a subquery. Not the one that the statement changes: before 3.44
 * SQLite may look at it when half of the rows are changed.
 */
static const struct table *pick_inner(struct generator *g)
{
    const struct table *table;

    do
        table = schema_any(g);
    while (table == g->changed);
    return table;
}

static const char *comparison(struct generator *g)
{
    return PICK(g, "=", "=", "=", "<", "<=", ">", ">=", "==", "<>", "IS",
                "IS NOT", "!=");
}

static const char *range(struct generator *g)
{
    return PICK(g, "<", "<=", ">", ">=");
}

static void say_comparison(struct generator *g, const struct source *source,
                           const struct column *column, bool is_plain)
{
    bool has_collation = !is_plain && once_in(g, 12);

    switch (draw(g, 10)) {
    case 0: /* The value in front; a COLLATE behind it still counts. */
        say_value(g, column);
        say(g, " %s ", PICK(g, "=", "<", "<=", ">", ">=", "IS"));
        say_column(g, source, column);
        break;
    case 1: /* No index can help. */
        say(g, "+");
        say_column(g, source, column);
        say(g, " %s ", comparison(g));
        say_value(g, column);
        break;
    default:
        say_column(g, source, column);
        say(g, " %s ", comparison(g));
        say_value(g, column);
    }
    if (has_collation)
        say(g, " COLLATE %s", PICK(g, "BINARY", "NOCASE", "RTRIM"));
}

static void say_between(struct generator *g, const struct source *source,
                        const struct column *column)
{
    say_column(g, source, column);
    if (once_in(g, 2)) {
        say(g, "%s BETWEEN ", once_in(g, 6) ? " NOT" : "");
        say_value(g, column);
        say(g, " AND ");
        say_value(g, column);
        return;
    }
    /* Several ranges on one column. */
    say(g, " %s ", range(g));
    say_value(g, column);
    for (uint64_t i = draw(g, 3) + 1; i > 0; i--) {
        say(g, " AND ");
        say_column(g, source, column);
        say(g, " %s ", range(g));
        say_value(g, column);
    }
}

static void say_in(struct generator *g, const struct source *source,
                   const struct column *column)
{
    const struct table *other = pick_inner(g);
    const struct source inner = {other, "i"};
    uint64_t count = draw(g, 7);

    say_column(g, source, column);
    say(g, once_in(g, 8) ? " NOT IN (" : " IN (");
    if (once_in(g, 4)) {
        say(g, "SELECT ");
        say_column(g, &inner, schema_likely(g, other));
        say(g, " FROM %s AS i", other->name);
        if (once_in(g, 2)) {
            say(g, " WHERE ");
            say_comparison(g, &inner, schema_likely(g, other), true);
        }
    } else {
        bool is_mixed = once_in(g, 4); /* Of all types. */

        for (uint64_t i = 0; i < count; i++) {
            say(g, "%s", i > 0 ? ", " : "");
            if (is_mixed)
                say_literal(g, value_any(g));
            else
                say_value(g, column);
        }
    }
    say(g, ")");
}

static void say_pattern(struct generator *g, const struct source *source,
                        const struct column *column)
{
    bool is_glob = once_in(g, 2);
    const char *pattern =
        is_glob ? PICK(g, "'a*'", "'A*'", "'ab*'", "'[ab]*'", "'*'", "'a?'",
                       "'a'", "''", "'5*'", "'*b'", "'a\\*'", "'[a*'")
                : PICK(g, "'a%'", "'A%'", "'ab%'", "'%b'", "'a_'", "'%'", "'a'",
                       "''", "'5%'", "'a\\%%'", "'0%'", "'-%'");

    say_column(g, source, column);
    say(g, "%s %s ", once_in(g, 10) ? " NOT" : "", is_glob ? "GLOB" : "LIKE");
    say_literal(g, once_in(g, 20) ? "NULL" : pattern);
    if (!is_glob && once_in(g, 6))
        say(g, " ESCAPE '\\'");
}

/* Pairs of columns, most often the start of the key. */
static void say_row_value(struct generator *g, const struct source *source)
{
    const struct table *table = source->table;
    const struct column *first = schema_likely(g, table);
    const struct column *second = schema_likely(g, table);
    uint64_t count = draw(g, 3) + 1;
    bool is_list = once_in(g, 3);

    if (table->key_count > 1 && !once_in(g, 3)) {
        first = &table->columns[table->key[0]];
        second = &table->columns[table->key[1]];
    }
    say(g, "(");
    say_column(g, source, first);
    say(g, ", ");
    say_column(g, source, second);
    if (is_list) {
        say(g, ") IN (VALUES ");
    } else {
        say(g, ") %s ", PICK(g, "=", "<", "<=", ">", ">=", "IS", "<>"));
        count = 1;
    }
    for (uint64_t i = 0; i < count; i++) {
        say(g, "%s(", i > 0 ? ", " : "");
        say_value(g, first);
        say(g, ", ");
        say_value(g, second);
        say(g, ")");
    }
    if (is_list)
        say(g, ")");
}

static void say_exists(struct generator *g, const struct source *source)
{
    const struct table *other = pick_inner(g);
    const struct source inner = {other, "e"};

    say(g, "%sEXISTS (SELECT 1 FROM %s AS e WHERE ",
        once_in(g, 4) ? "NOT " : "", other->name);
    say_link(g, &inner, source);
    if (once_in(g, 2)) {
        say(g, " AND ");
        say_comparison(g, &inner, schema_likely(g, other), true);
    }
    say(g, ")");
}

static void say_scalar(struct generator *g, const struct source *source,
                       const struct column *column)
{
    const struct table *other = pick_inner(g);
    const struct source inner = {other, "s"};
    const struct column *least = schema_likely(g, other);

    say_column(g, source, column);
    say(g, " %s (SELECT %s(", PICK(g, "=", "<", ">=", "IS"),
        PICK(g, "min", "max"));
    say_column(g, &inner, least);
    /* Of values that compare as equal any may be the least, and column's own
     * collation may tell them apart. */
    if (strcmp(least->collation, column->collation) != 0)
        say(g, " COLLATE BINARY");
    say(g, ") FROM %s AS s", other->name);
    if (once_in(g, 2)) {
        say(g, " WHERE ");
        say_link(g, &inner, source);
    }
    say(g, ")");
}

static void say_odd(struct generator *g, const struct source *source,
                    const struct column *column)
{
    switch (draw(g, 5)) {
    case 0:
        say(g, "typeof(");
        say_column(g, source, column);
        say(g, ") = %s", PICK(g, "'text'", "'integer'", "'real'", "'blob'"));
        break;
    case 1:
        say_column(g, source, column);
        say(g, " + 0 %s %s", range(g), PICK(g, "0", "2", "-1.5"));
        break;
    case 2:
        say(g, "length(");
        say_column(g, source, column);
        say(g, ") %s %s", range(g), PICK(g, "1", "2", "0"));
        break;
    case 3:
        say_column(g, source, column);
        say(g, " = ");
        say_column(g, source, schema_column(g, source->table));
        break;
    default:
        say_value(g, column);
    }
}

static void say_simple(struct generator *g, const struct source *source,
                       bool is_plain)
{
    const struct column *column = schema_likely(g, source->table);

    switch (draw(g, 16)) {
    case 0:
    case 1:
        say_between(g, source, column);
        break;
    case 2:
    case 3:
        say_in(g, source, column);
        break;
    case 4:
        say_column(g, source, column);
        say(g, "%s",
            PICK(g, " IS NULL", " IS NOT NULL", " ISNULL", " NOTNULL"));
        break;
    case 5:
        say_pattern(g, source, column);
        break;
    case 6:
        say_row_value(g, source);
        break;
    case 7:
        if (once_in(g, 2))
            say_exists(g, source);
        else
            say_scalar(g, source, column);
        break;
    case 8:
        say_odd(g, source, column);
        break;
    case 9:
        if (source->table->shape != SHAPE_KEYED) {
            say_column(g, source, NULL);
            say(g, " %s ", comparison(g));
            say_literal(g, PICK(g, "1", "5", "3.5", "'7'", "'x'", "NULL"));
            break;
        }
        say_comparison(g, source, column, is_plain);
        break;
    default:
        say_comparison(g, source, column, is_plain);
    }
}

/* Equality on the first columns of the key, then a range on the next. */
static void say_prefix(struct generator *g, const struct source *source)
{
    const struct table *table = source->table;
    uint64_t equal = draw(g, (uint64_t)table->key_count + 1);

    for (uint64_t i = 0; i < equal; i++) {
        const struct column *column = &table->columns[table->key[i]];

        say(g, "%s", i > 0 ? " AND " : "");
        if (once_in(g, 5)) {
            say_in(g, source, column);
            continue;
        }
        say_column(g, source, column);
        say(g, " %s ", PICK(g, "=", "=", "=", "IS"));
        say_value(g, column);
    }
    if (equal == (uint64_t)table->key_count)
        return;
    say(g, "%s", equal > 0 ? " AND " : "");
    if (once_in(g, 4))
        say_pattern(g, source, &table->columns[table->key[equal]]);
    else
        say_between(g, source, &table->columns[table->key[equal]]);
}

void say_condition(struct generator *g, const struct source *sources, int count,
                   int depth, bool is_plain)
{
    const struct source *source = pick_source(g, sources, count);

    if (depth > 0 && once_in(g, 4)) {
        /* a = x COLLATE y OR a = z: SQLite 3.40 forgets the COLLATE. */
        bool is_or = once_in(g, 2);

        say(g, "%s(", once_in(g, 8) ? "NOT " : "");
        for (uint64_t i = 0, terms = 2 + draw(g, 2); i < terms; i++) {
            say(g, "%s", i == 0 ? "" : is_or ? " OR " : " AND ");
            say_condition(g, sources, count, depth - 1, is_plain || is_or);
        }
        say(g, ")");
    } else if (source->table->key_count > 0 && once_in(g, 3)) {
        say(g, "(");
        say_prefix(g, source);
        say(g, ")");
    } else {
        say_simple(g, source, is_plain);
    }
}

void say_where(struct generator *g, const struct source *sources, int count)
{
    const char *word = " WHERE ";

    for (uint64_t i = draw(g, 4); i > 0; i--) {
        say(g, "%s", word);
        say_condition(g, sources, count, 2, false);
        word = " AND ";
    }
}

/*
 * A parameter that a column is equal to stands for it in other comparisons, and
 * compares as a parameter does: one of the documented differences. So with
 * parameters the right side is an expression.
 */
void say_link(struct generator *g, const struct source *left,
              const struct source *right)
{
    uint64_t count = once_in(g, 3) ? 2 : 1;

    for (uint64_t i = 0; i < count; i++) {
        say(g, "%s", i > 0 ? " AND " : "");
        say_column(g, left, schema_likely(g, left->table));
        say(g, " %s %s", i > 0 ? comparison(g) : PICK(g, "=", "=", "=", "IS"),
            g->bind_rate > 0 ? "+" : "");
        say_column(g, right, schema_likely(g, right->table));
    }
}
