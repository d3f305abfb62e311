#include "differ/schema.h"

#include <stdio.h>
#include <string.h>

#include "differ/indexes.h"
#include "differ/statements.h"
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

/* Only numbers and NULL: the column tells when its row expires. */
static void draw_expiry(struct generator *g, struct table *table)
{
    int number = (int)draw(g, (uint64_t)table->column_count);
    struct column *column = &table->columns[number];

    if (table->shape == SHAPE_ALIAS && column->key == 0)
        return;
    table->expiry = number;
    g->has_expiry = true;
    column->type = PICK(g, "", "INT", "REAL", "NUMERIC", "DATETIME");
    column->has_default = false;
    value_fill_expiry(g, column);
}

static void draw_table(struct generator *g, struct table *table,
                       const char *name, const char *schema)
{
    uint64_t shape = draw(g, 8);

    *table = (struct table){.is_byron = true, .schema = schema, .expiry = -1};
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
    if (once_in(g, 4))
        draw_expiry(g, table);
    if (table->shape != SHAPE_ROWID && once_in(g, 10))
        table->is_put = table->has_conflict = table->has_replace = true;
    /* A reader's BEGIN does not freeze such a table: so there is no other. */
    table->is_own = once_in(g, 12);
    g->is_alone |= table->is_own && strcmp(schema, "temp") != 0;
}

/* The ordinary table of both sides: o(id INTEGER PRIMARY KEY, x, y, z). */
static void draw_ordinary(struct generator *g, struct table *table)
{
    const struct table *like = &g->tables[0];
    static const char *const names[] = {"id", "x", "y", "z"};

    *table = (struct table){
        .schema = "", .expiry = -1, .shape = SHAPE_ALIAS, .column_count = 4};
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
    draw_table(g, &g->tables[g->table_count++], "t", "");
    if (once_in(g, 2))
        draw_table(g, &g->tables[g->table_count++], "u", "");
    if (once_in(g, 4))
        draw_table(g, &g->tables[g->table_count++], "v", "aux");
    if (once_in(g, 6))
        draw_table(g, &g->tables[g->table_count++], "k", "temp");
    draw_ordinary(g, &g->tables[g->table_count++]);
}

/* --- Creating ------------------------------------------------------------- */

/*
 * A declared IGNORE counts the rows that it passes over, and a declared FAIL
 * or ROLLBACK acts as ABORT: the first is marked, the others are not drawn.
 */
static void say_conflict(struct generator *g, struct table *table)
{
    if (table->is_put || !once_in(g, 8))
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

/* Of the key; with UNIQUE the twin would look in another order. The option
 * conflict=replace does as much for INSERT. */
static void say_key_conflict(struct generator *g, struct table *table)
{
    if (table->is_put)
        say(g, " /*plain*/ON CONFLICT REPLACE/*end*/");
    else
        say_conflict(g, table);
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
        say_key_conflict(g, table);
        return;
    }
    if (strcmp(column->collation, "BINARY") != 0 || once_in(g, 8))
        say(g, " COLLATE %s", column->collation);
    if (table->has_key_on_column && column->key == 0) {
        say(g, " PRIMARY KEY%s", column->is_desc ? " DESC" : "");
        say_key_conflict(g, table);
    }
    if (column->is_not_null) {
        say(g, " NOT NULL");
        say_conflict(g, table);
    }
    if (table->is_byron && column->key < 0 && g->features.has_unique &&
        !table->is_put && once_in(g, 12)) {
        say(g, " UNIQUE");
        say_conflict(g, table);
        table->has_unique = table->is_indexed = column->is_unique = true;
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
    say_key_conflict(g, table);
}

/* Options of the store and of the table, behind so many clauses. */
static void say_options(struct generator *g, const struct table *table,
                        int clauses)
{
    const char *sizes =
        PICK(g, "", "",
             "memory='1MB', memtable='64KB', block_size=256, "
             "file_size='64KB', fanout=2, threads=0",
             "memory='1MB', memtable='64KB', block_size=512, "
             "file_size='64KB', fanout=2, hash_index=on, mmap=on",
             "compression='zstd', threads=0", "bloom_bits=0");

    if (*sizes)
        say(g, "%s %s", clauses++ > 0 ? "," : "", sizes);
    if (table->expiry >= 0)
        say(g, "%s ttl=%s", clauses++ > 0 ? "," : "",
            table->columns[table->expiry].name);
    else if (once_in(g, 10))
        say(g, "%s ttl=1000000", clauses++ > 0 ? "," : "");
    if (table->is_own)
        say(g, "%s commit=own", clauses++ > 0 ? "," : "");
    if (table->is_put)
        say(g, "%s conflict=replace", clauses > 0 ? "," : "");
}

static void say_unique(struct generator *g, struct table *table)
{
    const struct column *one = schema_column(g, table);
    const struct column *two = schema_column(g, table);

    /* A second UNIQUE of the key is one with it, or is not, as may be; and one
     * that says REPLACE a second time leaves open which is looked at first. */
    if (!g->features.has_unique || table->is_put || !once_in(g, 3) ||
        (table->key_count == 1 && one == two && one->key == 0) ||
        (one == two && one->is_unique))
        return;
    table->has_unique = table->is_indexed = true;
    if (one == two)
        say(g, ", UNIQUE(%s)", one->name);
    else
        say(g, ", UNIQUE(%s, %s)", one->name, two->name);
    say_conflict(g, table);
}

/*
 * Rows that expire: in the far past, and then they are absent at once, or in
 * the far future. The twin deletes the former as they come.
 */
static void create_twin_expiry(struct generator *g, const struct table *table,
                               const char *event)
{
    begin(g);
    g->step.kind = STEP_PLAIN;
    g->step.is_kept = true;
    say(g, "CREATE TRIGGER %s%s%s_%s AFTER %s ON %s BEGIN DELETE FROM %s ",
        table->schema, *table->schema ? "." : "", table->name, event, event,
        table->name, table->name);
    say(g, "WHERE %s < " EXPIRY_BETWEEN "; END",
        table->columns[table->expiry].name);
    end(g);
}

void schema_create(struct generator *g, const struct table *table)
{
    struct table *own = &g->tables[table - g->tables];
    int indexes = 0;

    begin(g);
    say(g, "CREATE ");
    if (table->is_byron) {
        say(g, "/*byron");
        indexes = index_say_clauses(g, own);
        say_options(g, table, indexes);
        say(g, "*/ ");
    }
    say(g, "TABLE %s%s%s(", table->schema, *table->schema ? "." : "",
        table->name);
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
    index_create(g, own, indexes);
    if (table->expiry >= 0) {
        create_twin_expiry(g, table, "INSERT");
        create_twin_expiry(g, table, "UPDATE");
    }
}

void schema_attach(struct generator *g)
{
    for (int i = 0; i < g->table_count; i++) {
        const struct table *table = &g->tables[i];

        if (strcmp(table->schema, "aux") == 0) {
            begin(g);
            say(g, "ATTACH beside('aux') AS aux");
            g->step.is_kept = true;
            end(g);
        } else if (strcmp(table->schema, "temp") == 0) {
            schema_create(g, table);
            draw_filling(g, table, 30);
        }
    }
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

const struct table *schema_relation(struct generator *g)
{
    if (g->view_count > 0 && once_in(g, 5))
        return &g->views[draw(g, (uint64_t)g->view_count)];
    return schema_any(g);
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
