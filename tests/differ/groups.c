/*
 * Queries that put rows together: aggregates, DISTINCT, GROUP BY, compounds,
 * windows, WITH. No sum of reals and no group_concat: they show the order in
 * which rows come, and that is nobody's promise.
 */
#include <string.h>

#include "differ/schema.h"
#include "differ/statements.h"

static void say_aggregate(struct generator *g, const struct source *source)
{
    const struct column *column = schema_likely(g, source->table);

    switch (draw(g, 7)) {
    case 0:
        say(g, "count(*)");
        return;
    case 1:
        say(g, "count(DISTINCT ");
        say_column(g, source, column);
        break;
    case 2:
        say(g, "sum(length(");
        say_column(g, source, column);
        say(g, ")");
        break;
    default:
        say(g, "%s(", PICK(g, "count", "min", "max", "min", "max"));
        say_column(g, source, column);
    }
    say(g, ")");
}

static void draw_aggregate(struct generator *g)
{
    struct source source = {schema_relation(g), NULL};

    begin(g);
    g->step.is_folded = true; /* min of 'a' and 'A' under NOCASE. */
    say(g, "SELECT ");
    for (uint64_t i = draw(g, 3); i > 0; i--) {
        say_aggregate(g, &source);
        say(g, ", ");
    }
    say_aggregate(g, &source);
    say(g, " FROM %s", source.table->name);
    if (!once_in(g, 4))
        say_where(g, &source, 1);
    end(g);
}

/* The columns of a group: some first columns of the key, or any. */
static int say_group_columns(struct generator *g, const struct source *source,
                             const struct column **out)
{
    const struct table *table = source->table;
    int count = 1 + (int)draw(g, 2);

    if (table->key_count > 0 && once_in(g, 2)) {
        count = 1 + (int)draw(g, (uint64_t)table->key_count);
        for (int i = 0; i < count; i++)
            out[i] = &table->columns[table->key[i]];
    } else {
        for (int i = 0; i < count; i++)
            out[i] = schema_column(g, table);
    }
    for (int i = 0; i < count; i++) {
        say(g, "%s", i > 0 ? ", " : "");
        say_column(g, source, out[i]);
    }
    return count;
}

static void say_group_order(struct generator *g,
                            const struct column *const *columns, int count)
{
    if (once_in(g, 2))
        return;
    say(g, " ORDER BY ");
    for (int i = 0; i < count; i++)
        say(g, "%s%s%s", i > 0 ? ", " : "", columns[i]->name,
            PICK(g, "", " DESC"));
    g->step.sorted = count;
    if (once_in(g, 3)) {
        say_limit(g);
        g->step.is_partial = true;
    }
}

static void draw_distinct(struct generator *g)
{
    struct source source = {schema_relation(g), NULL};
    const struct column *columns[COLUMNS];
    int count;

    begin(g);
    g->step.is_folded = true;
    say(g, "SELECT DISTINCT ");
    count = say_group_columns(g, &source, columns);
    say(g, " FROM %s", source.table->name);
    say_where(g, &source, 1);
    say_group_order(g, columns, count);
    end(g);
}

static void say_having(struct generator *g, const struct source *source)
{
    const struct column *column = schema_likely(g, source->table);

    say(g, " HAVING ");
    switch (draw(g, 4)) {
    case 0:
        say(g, "count(DISTINCT %s) > 1", column->name);
        break;
    case 1:
        /* Of values that compare as equal any may be the least. */
        if (strcmp(column->collation, "BINARY") != 0) {
            say(g, "count(%s) > 0", column->name);
            break;
        }
        say(g, "%s(%s) %s ", PICK(g, "min", "max"), column->name,
            PICK(g, "<", ">=", "IS NOT", "IS"));
        say_value(g, column);
        break;
    default:
        say(g, "count(*) %s", PICK(g, "> 1", "= 1", "< 4"));
    }
}

static void draw_group(struct generator *g)
{
    struct source source = {schema_relation(g), NULL};
    const struct column *columns[COLUMNS];
    int count;

    begin(g);
    g->step.is_folded = true;
    say(g, "SELECT ");
    count = say_group_columns(g, &source, columns);
    for (uint64_t i = draw(g, 3); i > 0; i--) {
        say(g, ", ");
        say_aggregate(g, &source);
    }
    say(g, " FROM %s", source.table->name);
    say_where(g, &source, 1);
    say(g, " GROUP BY ");
    for (int i = 0; i < count; i++)
        say(g, "%s%s", i > 0 ? ", " : "", columns[i]->name);
    if (once_in(g, 3))
        say_having(g, &source);
    say_group_order(g, columns, count);
    end(g);
}

/* The rowid has no collation of its own in an ordinary table, and then that of
 * the right side counts. */
static const struct column *pick_collated(struct generator *g,
                                          const struct table *table)
{
    const struct column *column;

    do
        column = schema_column(g, table);
    while (table->shape == SHAPE_ALIAS && column->key == 0);
    return column;
}

static void draw_compound(struct generator *g)
{
    struct source left = {schema_any(g), NULL};
    struct source right = {schema_any(g), NULL};

    begin(g);
    g->step.is_folded = true;
    say(g, "SELECT %s FROM %s", pick_collated(g, left.table)->name,
        left.table->name);
    say_where(g, &left, 1);
    say(g, " %s SELECT %s FROM %s",
        PICK(g, "UNION", "UNION ALL", "INTERSECT", "EXCEPT"),
        schema_likely(g, right.table)->name, right.table->name);
    say_where(g, &right, 1);
    end(g);
}

/* Of the rows in the order of the key, so that each has its place. */
static void say_window_function(struct generator *g,
                                const struct source *source)
{
    const struct column *column = schema_column(g, source->table);

    switch (draw(g, 4)) {
    case 0:
        say(g, "%s(", PICK(g, "first_value", "last_value", "lag", "lead"));
        say_column(g, source, column);
        say(g, ")");
        break;
    case 1:
        say(g, "nth_value(");
        say_column(g, source, column);
        say(g, ", %s)", PICK(g, "1", "2", "5"));
        break;
    case 2:
        say(g, "sum(length(");
        say_column(g, source, column);
        say(g, "))%s", once_in(g, 4) ? " FILTER (WHERE 1)" : "");
        break;
    default:
        say(g, "%s",
            PICK(g, "row_number()", "count(*)", "rank()", "dense_rank()",
                 "ntile(3)", "percent_rank()", "cume_dist()"));
    }
}

static void draw_window(struct generator *g)
{
    struct source source = {schema_any(g), NULL};
    const struct column *column = schema_likely(g, source.table);

    begin(g);
    say(g, "SELECT *, ");
    say_window_function(g, &source);
    say(g, " OVER (");
    if (once_in(g, 2))
        say(g, "PARTITION BY %s", column->name);
    say_key_order(g, &source, once_in(g, 2));
    if (once_in(g, 3))
        say(g, " ROWS BETWEEN %s",
            PICK(g, "1 PRECEDING AND 1 FOLLOWING",
                 "UNBOUNDED PRECEDING AND CURRENT ROW",
                 "CURRENT ROW AND UNBOUNDED FOLLOWING",
                 "2 FOLLOWING AND 3 FOLLOWING"));
    say(g, ") FROM ");
    say_table(g, source.table);
    say_where(g, &source, 1);
    end(g);
}

/* The distinct values of a column, one seek each; or a plain WITH. */
static void draw_with(struct generator *g)
{
    struct source source = {schema_relation(g), NULL};
    const struct column *column = schema_likely(g, source.table);
    const char *table = source.table->name, *name = column->name;

    begin(g);
    g->step.is_folded = true;
    if (once_in(g, 2)) {
        say(g,
            "WITH RECURSIVE w(x) AS (SELECT min(%s) FROM %s UNION ALL SELECT "
            "(SELECT min(%s) FROM %s WHERE %s > w.x) FROM w WHERE w.x IS NOT "
            "NULL) SELECT count(*), max(x COLLATE %s) FROM w",
            name, table, name, table, name, column->collation);
    } else {
        say(g, "WITH w AS (SELECT * FROM %s", table);
        say_where(g, &source, 1);
        say(g, ") SELECT count(*), min(%s), max(%s) FROM w", name, name);
    }
    end(g);
}

static void draw_whole(struct generator *g)
{
    struct source source = {schema_pick(g), NULL};
    const struct column *column = schema_likely(g, source.table);

    begin(g);
    g->step.is_folded = true;
    if (once_in(g, 3))
        say(g, "SELECT count(*) FROM %s", source.table->name);
    else
        say(g, "SELECT %s(%s) FROM %s", PICK(g, "min", "max"), column->name,
            source.table->name);
    end(g);
}

void draw_grouping(struct generator *g)
{
    switch (draw(g, 10)) {
    case 0:
    case 1:
        draw_aggregate(g);
        break;
    case 2:
    case 3:
        draw_distinct(g);
        break;
    case 4:
    case 5:
        draw_group(g);
        break;
    case 6:
        draw_compound(g);
        break;
    case 7:
        draw_window(g);
        break;
    case 8:
        draw_with(g);
        break;
    default:
        draw_whole(g);
    }
}
