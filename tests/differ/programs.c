#include "differ/programs.h"

#include <stdio.h>
#include <string.h>

#include "differ/schema.h"
#include "differ/statements.h"

/* A table of main; views and triggers there reach no other. */
static const struct table *pick_main(struct generator *g)
{
    const struct table *table;

    do
        table = schema_any(g);
    while (*table->schema);
    return table;
}

/* --- Views ---------------------------------------------------------------- */

/* alias.a AS c0, ... and the same for the generator. */
static void say_columns(struct generator *g, const struct source *sources,
                        int count, struct table *view)
{
    view->column_count = 2 + (int)draw(g, COLUMNS - 2);
    for (int i = 0; i < view->column_count; i++) {
        const struct source *source = &sources[draw(g, (uint64_t)count)];
        const struct column *column = schema_likely(g, source->table);

        view->columns[i] = *column;
        view->columns[i].key = -1;
        snprintf(view->columns[i].name, sizeof view->columns[i].name, "c%d", i);
        say(g, "%s", i > 0 ? ", " : "");
        say_column(g, source, column);
        say(g, " AS c%d", i);
    }
}

void view_create(struct generator *g)
{
    struct table *view = &g->views[g->view_count];
    const struct source sources[] = {{pick_main(g), "l"}, {pick_main(g), "r"}};
    int count = once_in(g, 3) ? 1 : 2;

    *view = (struct table){
        .schema = "", .is_view = true, .shape = SHAPE_KEYED, .expiry = -1};
    snprintf(view->name, sizeof view->name, "view%d", g->view_count++);
    begin(g);
    g->bind_rate = 0;
    say(g, "CREATE VIEW %s AS SELECT ", view->name);
    say_columns(g, sources, count, view);
    say(g, " FROM %s AS l", sources[0].table->name);
    if (count > 1) {
        say(g, " %sJOIN %s AS r ON ", PICK(g, "", "", "LEFT "),
            sources[1].table->name);
        say_link(g, &sources[1], &sources[0]);
    }
    if (once_in(g, 3)) {
        say(g, " WHERE ");
        say_condition(g, sources, count, 0, true);
    }
    end(g);
    if (g->view_count < VIEWS && once_in(g, 3))
        view_create(g);
}

/* --- Triggers ------------------------------------------------------------- */

/* A table without clauses of its own: those differ, as documented. */
static const struct table *pick_written(struct generator *g)
{
    for (int i = 0; i < 8; i++) {
        const struct table *table = pick_main(g);

        if (table->is_byron && !table->has_conflict && table->expiry < 0)
            return table;
    }
    return NULL;
}

/* new.x, old.id, ...: what the trigger is told. */
static void say_told(struct generator *g, const struct table *of,
                     const char *row, const struct column *column)
{
    if (once_in(g, 4))
        say(g, "%s", column->pool[draw(g, POOL)]);
    else
        say(g, "%s.%s", row, schema_column(g, of)->name);
}

static void say_insert(struct generator *g, const struct table *of,
                       const struct table *table)
{
    say(g, "INSERT%s INTO %s VALUES(",
        PICK(g, "", " OR IGNORE", " OR REPLACE", " OR FAIL"), table->name);
    for (int i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];

        say(g, "%s", i > 0 ? ", " : "");
        if (table->shape == SHAPE_ALIAS && column->key == 0) {
            say(g, "NULL");
            continue;
        }
        say(g, "%s", column->has_default ? "coalesce(" : "");
        say_told(g, of, "new", column);
        say(g, "%s", column->has_default ? ", 1)" : "");
    }
    say(g, "); ");
}

static void say_delete(struct generator *g, const struct table *of,
                       const struct table *table, const char *row)
{
    const struct column *column = schema_likely(g, table);

    say(g, "DELETE FROM %s WHERE %s = ", table->name, column->name);
    say_told(g, of, row, column);
    say(g, "; ");
}

/* Not of the key, and nothing that may fail. */
static void say_update(struct generator *g, const struct table *of,
                       const struct table *table, const char *row)
{
    const struct column *set = schema_column(g, table);
    const struct column *column = schema_likely(g, table);

    if (set->key >= 0 || set->is_not_null || table->has_unique)
        return;
    say(g, "UPDATE %s SET %s = ", table->name, set->name);
    say_told(g, of, row, set);
    say(g, " WHERE %s = ", column->name);
    say_told(g, of, row, column);
    say(g, "; ");
}

static void say_raise(struct generator *g, const char *row, const char *name)
{
    say(g, "SELECT RAISE(%s) WHERE %s.%s IN (2, 5, 'a', x'61'); ",
        PICK(g, "IGNORE", "ABORT, 'no'", "FAIL, 'no'", "ROLLBACK, 'no'"), row,
        name);
}

static void create_trigger(struct generator *g, const struct table *on,
                           const char *moment, const char *event)
{
    const struct table *table = pick_written(g);
    const char *row = strcmp(event, "DELETE") == 0 ? "old" : "new";

    if (!table)
        return;
    begin(g);
    g->bind_rate = 0;
    say(g, "CREATE TRIGGER %s_%s %s %s ON %s BEGIN ", on->name, event, moment,
        event, on->name);
    say_delete(g, on, table, row);
    /* Rows of a view come in any order; deleting is the same in all of them. */
    if (!on->is_view || strcmp(event, "INSERT") == 0) {
        if (strcmp(event, "INSERT") == 0 && !once_in(g, 3))
            say_insert(g, on, table);
        say_update(g, on, table, row);
        if (once_in(g, 3))
            say_raise(g, row, on->columns[1].name);
    }
    say(g, "END");
    end(g);
}

void trigger_create(struct generator *g)
{
    static const char *const events[] = {"INSERT", "UPDATE", "DELETE"};

    for (int i = 0; i < 3; i++) {
        if (g->view_count > 0 && once_in(g, 2))
            create_trigger(g, &g->views[0], "INSTEAD OF", events[i]);
        if (once_in(g, 2))
            create_trigger(g, &g->tables[g->table_count - 1],
                           PICK(g, "AFTER", "BEFORE"), events[i]);
    }
}

/* --- Changes -------------------------------------------------------------- */

/* Without a trigger it is refused, alike. */
void draw_view_change(struct generator *g)
{
    const struct table *view;
    struct source source = {NULL, NULL};

    if (g->view_count == 0)
        return;
    view = source.table = &g->views[0];
    begin(g);
    switch (draw(g, 3)) {
    case 0:
        say(g, "INSERT INTO %s VALUES(", view->name);
        for (int i = 0; i < view->column_count; i++) {
            say(g, "%s", i > 0 ? ", " : "");
            say_value(g, &view->columns[i]);
        }
        say(g, ")");
        break;
    case 1:
        say(g, "DELETE FROM %s WHERE ", view->name);
        say_condition(g, &source, 1, 0, true);
        break;
    default:
        say(g, "UPDATE %s SET c0 = ", view->name);
        say_value(g, &view->columns[0]);
        say(g, " WHERE ");
        say_condition(g, &source, 1, 0, true);
    }
    end(g);
}
