#include "differ/indexes.h"

#include "differ/schema.h"

/* SQLite 3.40 overlooks a NULL in NOT IN by an index that begins with DESC:
 * the ordinary side has none. */
static void say_columns(struct generator *g, const struct table *table,
                        uint64_t seed, bool has_desc)
{
    struct rng saved = g->rng;
    int first, count;

    rng_init(&g->rng, seed); /* The same words for both sides. */
    first = (int)draw(g, (uint64_t)table->column_count);
    count = 1 + (int)draw(g, 2);
    say(g, "(");
    for (int i = 0; i < count; i++) {
        say(g, "%s%s%s%s", i > 0 ? ", " : "",
            table->columns[(first + i) % table->column_count].name,
            PICK(g, "", "", " COLLATE NOCASE"),
            once_in(g, 3) && has_desc ? " DESC" : "");
    }
    say(g, ")");
    g->rng = saved;
}

int index_say_clauses(struct generator *g, struct table *table)
{
    int count = 0;

    while (g->features.has_index && once_in(g, 3)) {
        int number = g->indexes + ++count;

        say(g, "%sINDEX i%d", count > 1 ? ", " : " ", number);
        say_columns(g, table, (uint64_t)number, true);
        table->is_indexed = true;
    }
    return count;
}

/* Unique ones have names of their own: q. */
static void say_create(struct generator *g, const struct table *table,
                       int number, uint64_t seed, bool is_unique)
{
    say(g, "CREATE %sINDEX %s%s%c%d ON %s", is_unique ? "UNIQUE " : "",
        table->schema, *table->schema ? "." : "", is_unique ? 'q' : 'i', number,
        table->name);
    say_columns(g, table, seed, false);
}

void index_create(struct generator *g, const struct table *table, int count)
{
    for (int i = 0; i < count; i++) {
        int number = ++g->indexes;

        begin(g);
        g->step.kind = STEP_PLAIN;
        say_create(g, table, number, (uint64_t)number, false);
        end(g);
    }
}

void index_add(struct generator *g)
{
    const struct table *table = schema_pick(g);
    struct table *own = &g->tables[table - g->tables];
    bool is_unique = once_in(g, 4) && !table->is_put;
    uint64_t seed = draw(g, 1000000);
    int number = ++g->indexes;

    if (!g->features.has_add_index)
        return;
    own->is_indexed = true;
    if (is_unique) {
        own->has_unique = true;
        own->unique_index = number;
    }
    begin(g);
    say(g, "/*byron: INSERT INTO %s(%s, arg) VALUES('add-index', '%s%d",
        table->name, table->name, is_unique ? "UNIQUE q" : "i", number);
    say_columns(g, table, seed, true);
    say(g, "')*/ ");
    say_create(g, table, number, seed, is_unique);
    end(g);
}

/* It may be there no more. */
static void drop(struct generator *g, const struct table *table, char kind,
                 int number)
{
    begin(g);
    g->step.kind = STEP_PLAIN;
    say(g, "DROP INDEX %c%d", kind, number);
    end(g);
    begin(g);
    g->step.kind = STEP_BYRON;
    say(g, "INSERT INTO %s(%s, arg) VALUES('drop-index', '%c%d')", table->name,
        table->name, kind, number);
    end(g);
}

/* A unique one from its table on both sides; others from any: whether they are
 * there nobody can tell. */
void index_drop(struct generator *g)
{
    const struct table *table = schema_pick(g);

    if (!g->features.has_add_index)
        return;
    if (table->unique_index > 0 && once_in(g, 2))
        drop(g, table, 'q', table->unique_index);
    else
        drop(g, table, 'i', 1 + (int)draw(g, (uint64_t)g->indexes + 1));
}
