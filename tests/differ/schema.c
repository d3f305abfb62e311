#include "differ/schema.h"

#include <stdio.h>
#include <string.h>

#include "differ/values.h"

/* --- Drawing -------------------------------------------------------------- */

static void draw_column(struct generator *g, struct column *column, int number)
{
    *column = (struct column){.key = -1};
    snprintf(column->name, sizeof column->name, "%c", 'a' + number);
    column->type =
        PICK(g, "", "INT", "INTEGER", "TEXT", "TEXT", "BLOB", "REAL", "NUMERIC",
             "VARCHAR(10)", "DOUBLE PRECISION", "DATETIME", "ANY");
    column->collation = once_in(g, 2) ? "BINARY" : PICK(g, "NOCASE", "RTRIM");
    if (!strstr(column->type, "TEXT") && !strstr(column->type, "CHAR") &&
        once_in(g, 2))
        column->collation = "BINARY";
    column->is_not_null = once_in(g, 5);
    column->has_default = once_in(g, 6);
}

static void draw_key(struct generator *g, struct table *table)
{
    table->key_count = once_in(g, 3) ? 1 : 1 + (int)draw(g, 4);
    if (table->key_count > table->column_count)
        table->key_count = table->column_count;
    for (int i = 0; i < table->key_count; i++) {
        int number;

        do
            number = (int)draw(g, (uint64_t)table->column_count);
        while (table->columns[number].key >= 0);
        table->columns[number].key = i;
        table->columns[number].is_desc = once_in(g, 3);
        table->key[i] = number;
    }
    /* That would be an alias of the rowid. */
    while (table->key_count == 1 &&
           strcmp(table->columns[table->key[0]].type, "INTEGER") == 0)
        table->columns[table->key[0]].type = PICK(g, "INT", "", "NUMERIC");
}

static void draw_table(struct generator *g, struct table *table,
                       const char *name, bool is_byron)
{
    uint64_t shape = draw(g, 8);

    *table = (struct table){.is_byron = is_byron};
    snprintf(table->name, sizeof table->name, "%s", name);
    table->shape = shape == 0   ? SHAPE_ROWID
                   : shape == 1 ? SHAPE_ALIAS
                                : SHAPE_KEYED;
    table->column_count = 2 + (int)draw(g, COLUMNS - 2);
    for (int i = 0; i < table->column_count; i++)
        draw_column(g, &table->columns[i], i);
    if (table->shape == SHAPE_KEYED)
        draw_key(g, table);
    if (table->shape == SHAPE_ALIAS) {
        struct column *alias =
            &table->columns[draw(g, (uint64_t)table->column_count)];

        alias->type = "INTEGER";
        alias->collation = "BINARY";
        alias->has_default = false;
        alias->key = 0;
        table->key[0] = (int)(alias - table->columns);
        table->key_count = 1;
    }
    table->has_key_on_column = table->key_count == 1 && once_in(g, 2);
    for (int i = 0; i < table->column_count; i++)
        value_fill_pool(g, &table->columns[i],
                        table->shape == SHAPE_ALIAS &&
                            table->columns[i].key == 0);
}

/* The ordinary table of both sides: o(id INTEGER PRIMARY KEY, x, y, z). */
static void draw_ordinary(struct generator *g, struct table *table)
{
    const struct table *like = &g->tables[0];
    static const char *const names[] = {"id", "x", "y", "z"};

    *table = (struct table){.shape = SHAPE_ALIAS, .column_count = 4};
    snprintf(table->name, sizeof table->name, "o");
    table->key_count = 1;
    for (int i = 0; i < 4; i++) {
        struct column *column = &table->columns[i];

        if (i == 0)
            *column = (struct column){.type = "INTEGER", .key = 0};
        else
            *column = like->columns[draw(g, (uint64_t)like->column_count)];
        if (i > 0 && once_in(g, 3))
            column->type = PICK(g, "", "INT", "TEXT", "REAL", "NUMERIC");
        column->key = i == 0 ? 0 : -1;
        column->collation =
            i == 0 || once_in(g, 2) ? "BINARY" : column->collation;
        column->is_not_null = column->has_default = column->is_desc = false;
        snprintf(column->name, sizeof column->name, "%s", names[i]);
        if (i == 0)
            value_fill_pool(g, column, true);
    }
}

void schema_draw(struct generator *g)
{
    draw_table(g, &g->tables[g->table_count++], "t", true);
    if (once_in(g, 2))
        draw_table(g, &g->tables[g->table_count++], "u", true);
    draw_ordinary(g, &g->tables[g->table_count++]);
}

/* --- Creating ------------------------------------------------------------- */

/*
 * A declared IGNORE counts the rows that it passes over, and a declared FAIL
 * or ROLLBACK acts as ABORT: the first is marked, the others are not drawn.
 */
static void say_conflict(struct generator *g, struct table *table)
{
    if (!once_in(g, 8))
        return;
    table->has_conflict = true;
    switch (draw(g, 3)) {
    case 0:
        say(g, " ON CONFLICT ABORT");
        break;
    case 1:
        table->has_replace = true;
        say(g, " ON CONFLICT REPLACE");
        break;
    default:
        table->has_ignore = true;
        say(g, " ON CONFLICT IGNORE");
    }
}

/* A real as the DEFAULT of texts has 15 digits, and 17 in newer SQLites. */
static bool is_real_for_text(const struct column *column)
{
    const char *literal = column->pool[0];

    return (strstr(column->type, "TEXT") || strstr(column->type, "CHAR")) &&
           *literal != '\'' && strpbrk(literal, ".e") != NULL &&
           strcmp(literal, "9e999") != 0 && strcmp(literal, "-9e999") != 0;
}

static bool is_literal_default(const char *literal)
{
    return strchr("'x0123456789-", *literal) != NULL &&
           !strstr(literal, "||") && strncmp(literal, "zero", 4) != 0;
}

static void say_column_definition(struct generator *g, struct table *table,
                                  struct column *column)
{
    bool is_alias = table->shape == SHAPE_ALIAS && column->key == 0;

    say(g, "%s%s%s", column->name, *column->type ? " " : "", column->type);
    if (is_alias) {
        say(g, " PRIMARY KEY");
        say_conflict(g, table);
        return;
    }
    if (strcmp(column->collation, "BINARY") != 0 || once_in(g, 8))
        say(g, " COLLATE %s", column->collation);
    if (table->has_key_on_column && column->key == 0) {
        say(g, " PRIMARY KEY%s", column->is_desc ? " DESC" : "");
        say_conflict(g, table);
    }
    if (column->is_not_null) {
        say(g, " NOT NULL");
        say_conflict(g, table);
    }
    if (table->is_byron && column->key < 0 && g->features.has_unique &&
        once_in(g, 12)) {
        say(g, " UNIQUE");
        say_conflict(g, table);
        table->has_unique = table->is_indexed = true;
    }
    if (column->has_default && is_literal_default(column->pool[0]) &&
        !is_real_for_text(column))
        say(g, " DEFAULT %s", column->pool[0]);
    else
        column->has_default = false;
}

static void say_key(struct generator *g, struct table *table)
{
    if (table->has_key_on_column)
        return;
    say(g, ", PRIMARY KEY(");
    for (int i = 0; i < table->key_count; i++) {
        const struct column *column = &table->columns[table->key[i]];

        say(g, "%s%s%s", i > 0 ? ", " : "", column->name,
            column->is_desc ? " DESC"
            : once_in(g, 5) ? " ASC"
                            : "");
    }
    say(g, ")");
    say_conflict(g, table);
}

/* SQLite 3.40 overlooks a NULL in NOT IN by an index that begins with DESC:
 * the ordinary side has none. */
static void say_index_columns(struct generator *g, const struct table *table,
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

/*
 * INDEX clauses, for byron; the ordinary side has a CREATE INDEX for each.
 * They are numbered on from the last; returns how many.
 */
static int say_indexes(struct generator *g, struct table *table)
{
    int count = 0;

    while (g->features.has_index && once_in(g, 3)) {
        int number = g->indexes + ++count;

        say(g, "%sINDEX i%d", count > 1 ? ", " : " ", number);
        say_index_columns(g, table, (uint64_t)number, true);
        table->is_indexed = true;
    }
    return count;
}

static void create_indexes(struct generator *g, const struct table *table,
                           int count)
{
    for (int i = 0; i < count; i++) {
        int number = ++g->indexes;

        begin(g);
        g->step.kind = STEP_PLAIN;
        say(g, "CREATE INDEX i%d ON %s", number, table->name);
        say_index_columns(g, table, (uint64_t)number, false);
        end(g);
    }
}

static void say_options(struct generator *g, bool is_first)
{
    const char *options =
        PICK(g, "", "",
             " memory='1MB', memtable='64KB', block_size=256, "
             "file_size='64KB', fanout=2, threads=0",
             " memory='1MB', memtable='64KB', block_size=512, "
             "file_size='64KB', fanout=2",
             " compression='zstd', threads=0", " bloom_bits=0");

    say(g, "%s%s", is_first || !*options ? "" : ",", options);
}

static void say_unique(struct generator *g, struct table *table)
{
    const struct column *one = schema_column(g, table);
    const struct column *two = schema_column(g, table);

    /* A second UNIQUE of the key is one with it, or is not, as may be. */
    if (!g->features.has_unique || !once_in(g, 3) ||
        (table->key_count == 1 && one == two && one->key == 0))
        return;
    table->has_unique = table->is_indexed = true;
    if (one == two)
        say(g, ", UNIQUE(%s)", one->name);
    else
        say(g, ", UNIQUE(%s, %s)", one->name, two->name);
    say_conflict(g, table);
}

void schema_create(struct generator *g, const struct table *table)
{
    struct table *own = &g->tables[table - g->tables];
    int indexes = 0;

    begin(g);
    say(g, "CREATE ");
    if (table->is_byron) {
        say(g, "/*byron");
        indexes = say_indexes(g, own);
        say_options(g, indexes == 0);
        say(g, "*/ ");
    }
    say(g, "TABLE %s(", table->name);
    for (int i = 0; i < table->column_count; i++) {
        if (i > 0)
            say(g, ", ");
        say_column_definition(g, own, &own->columns[i]);
    }
    if (table->shape == SHAPE_KEYED)
        say_key(g, own);
    if (table->is_byron)
        say_unique(g, own);
    say(g, ")%s", table->shape == SHAPE_KEYED ? " WITHOUT ROWID" : "");
    end(g);
    create_indexes(g, own, indexes);
}

void schema_add_index(struct generator *g)
{
    const struct table *table = schema_pick(g);
    uint64_t seed = draw(g, 1000000);
    int number = ++g->indexes;

    if (!g->features.has_add_index)
        return;
    g->tables[table - g->tables].is_indexed = true;
    begin(g);
    g->step.kind = STEP_PLAIN;
    say(g, "CREATE INDEX i%d ON %s", number, table->name);
    say_index_columns(g, table, seed, false);
    end(g);
    begin(g);
    g->step.kind = STEP_BYRON;
    say(g, "INSERT INTO %s(%s, arg) VALUES('add-index', 'i%d", table->name,
        table->name, number);
    say_index_columns(g, table, seed, true);
    say(g, "')");
    end(g);
}

/* One that may be there no more, or of another table. */
void schema_drop_index(struct generator *g)
{
    const struct table *table = schema_pick(g);
    int number = 1 + (int)draw(g, (uint64_t)g->indexes + 1);

    if (!g->features.has_add_index)
        return;
    begin(g);
    g->step.kind = STEP_PLAIN;
    say(g, "DROP INDEX i%d", number);
    end(g);
    begin(g);
    g->step.kind = STEP_BYRON;
    say(g, "INSERT INTO %s(%s, arg) VALUES('drop-index', 'i%d')", table->name,
        table->name, number);
    end(g);
}

/* --- Picking -------------------------------------------------------------- */

const struct table *schema_pick(struct generator *g)
{
    int count = 0;

    for (int i = 0; i < g->table_count; i++)
        count += g->tables[i].is_byron;
    return &g->tables[draw(g, (uint64_t)count)];
}

const struct table *schema_any(struct generator *g)
{
    return &g->tables[draw(g, (uint64_t)g->table_count)];
}

const struct column *schema_column(struct generator *g,
                                   const struct table *table)
{
    return &table->columns[draw(g, (uint64_t)table->column_count)];
}

const struct column *schema_likely(struct generator *g,
                                   const struct table *table)
{
    if (table->key_count > 0 && !once_in(g, 3))
        return &table->columns[table->key[draw(g, (uint64_t)table->key_count)]];
    return schema_column(g, table);
}
