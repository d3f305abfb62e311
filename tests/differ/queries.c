/*
 * Queries of rows: one table, joins, subqueries; in order and without.
 */
#include <string.h>

#include "differ/schema.h"
#include "differ/statements.h"

/* --- ORDER BY and LIMIT --------------------------------------------------- */

static void say_key_terms(struct generator *g, const struct source *source,
                          bool is_reversed)
{
    const struct table *table = source->table;

    if (table->key_count == 0) {
        say_column(g, source, NULL);
        say(g, "%s", is_reversed ? " DESC" : "");
    }
    for (int i = 0; i < table->key_count; i++) {
        const struct column *column = &table->columns[table->key[i]];

        say(g, "%s", i > 0 ? ", " : "");
        say_column(g, source, column);
        say(g, "%s", column->is_desc != is_reversed ? " DESC" : "");
    }
}

void say_key_order(struct generator *g, const struct source *source,
                   bool is_reversed)
{
    say(g, " ORDER BY ");
    say_key_terms(g, source, is_reversed);
}

void say_limit(struct generator *g)
{
    say(g, " LIMIT ");
    say_literal(g, PICK(g, "1", "2", "3", "5", "10", "0", "-1", "1000", "2 + 1",
                        "9223372036854775807", "-9223372036854775808", "'3'",
                        "4.0", once_in(g, 4) ? "NULL" : "7",
                        once_in(g, 4) ? "1.5" : "(SELECT 6)"));
    if (!once_in(g, 3))
        return;
    say(g, " OFFSET ");
    say_literal(g, PICK(g, "0", "1", "2", "4", "30", "-3", "1000", "abs(-2)",
                        "'1'", once_in(g, 4) ? "NULL" : "3"));
}

static void say_term(struct generator *g, const struct source *source)
{
    say_column(g, source, schema_likely(g, source->table));
    if (once_in(g, 8))
        say(g, " COLLATE %s", PICK(g, "BINARY", "NOCASE", "RTRIM"));
    say(g, "%s",
        PICK(g, "", "", " ASC", " DESC", " DESC", " NULLS LAST",
             " DESC NULLS FIRST", " NULLS FIRST"));
}

/* The key in some prefix and mixture of directions, and all of it at last. */
static void say_total_order(struct generator *g, const struct source *sources,
                            int count)
{
    uint64_t terms = draw(g, 3);

    say(g, " ORDER BY ");
    if (once_in(g, 3)) {
        const struct table *table = sources[0].table;
        int prefix = table->key_count > 0
                         ? 1 + (int)draw(g, (uint64_t)table->key_count)
                         : 0;

        for (int i = 0; i < prefix; i++) {
            say_column(g, &sources[0], &table->columns[table->key[i]]);
            say(g, "%s, ", PICK(g, "", " DESC"));
        }
        terms = 0;
    }
    for (uint64_t i = 0; i < terms; i++) {
        say_term(g, &sources[draw(g, (uint64_t)count)]);
        say(g, ", ");
    }
    for (int i = 0; i < count; i++) {
        say(g, "%s", i > 0 ? ", " : "");
        say_key_terms(g, &sources[i], once_in(g, 2));
    }
}

/* --- What is selected ----------------------------------------------------- */

static void say_result(struct generator *g, const struct source *source)
{
    const struct column *column = schema_column(g, source->table);

    switch (draw(g, 12)) {
    case 0:
        say(g, "typeof(");
        say_column(g, source, column);
        say(g, ")");
        break;
    case 1:
        say(g, "length(");
        say_column(g, source, column);
        say(g, ")");
        break;
    case 2:
        say_column(g, source, column);
        say(g, " %s ", PICK(g, "IS", "=", "||", "<"));
        say_value(g, column);
        break;
    case 3:
        say(g, "(SELECT count(*) FROM ");
        {
            const struct source inner = {schema_any(g), "c"};

            say(g, "%s AS c WHERE ", inner.table->name);
            say_link(g, &inner, source);
        }
        say(g, ")");
        break;
    case 4:
        if (source->table->shape != SHAPE_KEYED) {
            say_column(g, source, NULL);
            break;
        }
        say_column(g, source, column);
        break;
    default:
        say_column(g, source, column);
    }
}

static void say_results(struct generator *g, const struct source *sources,
                        int count)
{
    uint64_t results = 1 + draw(g, 4);

    if (once_in(g, 3)) {
        say(g, "*");
        return;
    }
    for (uint64_t i = 0; i < results; i++) {
        say(g, "%s", i > 0 ? ", " : "");
        say_result(g, &sources[draw(g, (uint64_t)count)]);
    }
}

/* --- Shapes --------------------------------------------------------------- */

/* SELECT first, the columns of ORDER BY, and then whatever. */
static void draw_partly_sorted(struct generator *g)
{
    struct source source = {schema_relation(g), NULL};
    const struct column *sorted[3];
    int count = 1 + (int)draw(g, 3);

    begin(g);
    say(g, "SELECT ");
    for (int i = 0; i < count; i++) {
        sorted[i] = schema_likely(g, source.table);
        say(g, "%s%s", i > 0 ? ", " : "", sorted[i]->name);
    }
    say(g, ", ");
    say_results(g, &source, 1);
    say(g, " FROM ");
    say_table(g, source.table);
    say_where(g, &source, 1);
    say(g, " ORDER BY ");
    for (int i = 0; i < count; i++)
        say(g, "%s%s%s", i > 0 ? ", " : "", sorted[i]->name,
            PICK(g, "", " DESC"));
    g->step.sorted = count;
    /* Ties may be cut anywhere, but not how many rows there are. */
    if (once_in(g, 3)) {
        say_limit(g);
        g->step.is_partial = true;
    }
    end(g);
}

static void draw_rows(struct generator *g)
{
    struct source source = {schema_relation(g), once_in(g, 4) ? "q" : NULL};

    begin(g);
    say(g, "SELECT ");
    say_results(g, &source, 1);
    say(g, " FROM ");
    say_table(g, source.table);
    if (source.alias)
        say(g, " AS q");
    say_where(g, &source, 1);
    if (source.table->is_view || once_in(g, 3)) {
        end(g);
        return;
    }
    if (once_in(g, 2))
        say_key_order(g, &source, once_in(g, 2));
    else
        say_total_order(g, &source, 1);
    g->step.sorted = SORTED_WHOLE;
    if (once_in(g, 2))
        say_limit(g);
    end(g);
}

static void draw_join(struct generator *g)
{
    const struct source sources[] = {
        {schema_any(g), "l"}, {schema_any(g), "r"}, {schema_any(g), "m"}};
    int count = once_in(g, 5) ? 3 : 2;

    begin(g);
    say(g, "SELECT ");
    if (count == 3 || once_in(g, 4))
        say(g, "count(*)");
    else
        say_results(g, sources, count);
    say(g, " FROM %s AS l", sources[0].table->name);
    for (int i = 1; i < count; i++) {
        const char *kind =
            PICK(g, "", "", "LEFT ", "CROSS ", "INNER ", "RIGHT ", "FULL ");

        say(g, " %sJOIN %s AS %s ON ", kind, sources[i].table->name,
            sources[i].alias);
        say_link(g, &sources[i], &sources[draw(g, (uint64_t)i)]);
        /* Before 3.41 SQLite loses rows of an outer join by LIKE in ON. */
        if (*kind != 'R' && *kind != 'F' && once_in(g, 4)) {
            say(g, " AND ");
            say_condition(g, &sources[i], 1, 0, true);
        }
    }
    say_where(g, sources, count);
    if (count == 2 && once_in(g, 3) &&
        !strstr(sqlite3_str_value(g->sql), "count(*)")) {
        say_total_order(g, sources, count);
        g->step.sorted = SORTED_WHOLE;
        if (once_in(g, 3))
            say_limit(g);
    }
    end(g);
}

/* How many rows a LIMIT lets through, whichever they are. */
static void draw_limited_count(struct generator *g)
{
    struct source source = {schema_relation(g), NULL};

    begin(g);
    say(g, "SELECT count(*) FROM (SELECT %s FROM %s", PICK(g, "1", "*", "NULL"),
        source.table->name);
    say_where(g, &source, 1);
    say_limit(g);
    say(g, ")");
    end(g);
}

/* A subquery in FROM, in order and limited, filtered once more. */
static void draw_subquery(struct generator *g)
{
    struct source source = {schema_any(g), NULL};

    begin(g);
    say(g, "SELECT * FROM (SELECT * FROM %s", source.table->name);
    say_where(g, &source, 1);
    say_key_order(g, &source, once_in(g, 2));
    if (once_in(g, 2))
        say_limit(g);
    say(g, ")");
    if (source.table->shape != SHAPE_ROWID || !once_in(g, 2))
        say(g, " WHERE %s IS NOT NULL", schema_column(g, source.table)->name);
    end(g);
}

void draw_query(struct generator *g)
{
    switch (draw(g, 10)) {
    case 0:
        draw_partly_sorted(g);
        break;
    case 1:
    case 2:
        draw_join(g);
        break;
    case 3:
        draw_limited_count(g);
        break;
    case 4:
        draw_subquery(g);
        break;
    default:
        draw_rows(g);
    }
}
