#include "differ/generator.h"

#include <stdarg.h>
#include <string.h>

#include "differ/extras.h"
#include "differ/indexes.h"
#include "differ/programs.h"
#include "differ/schema.h"
#include "differ/statements.h"
#include "differ/values.h"

uint64_t draw(struct generator *g, uint64_t n)
{
    return rng_below(&g->rng, n);
}

bool once_in(struct generator *g, uint64_t n)
{
    return rng_one_in(&g->rng, n);
}

/* --- One statement -------------------------------------------------------- */

void begin(struct generator *g)
{
    g->step = (struct step){.connection = g->connection,
                            /* The twin deletes what expires by a trigger. */
                            .is_untotalled = g->has_expiry};
    g->sql = sqlite3_str_new(NULL);
    g->binds = sqlite3_str_new(NULL);
    g->again = sqlite3_str_new(NULL);
    g->bind_count = 0;
    g->changed = NULL;
    g->bind_rate = once_in(g, 2) ? 0 : (int)draw(g, 5);
}

void say(struct generator *g, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    sqlite3_str_vappendf(g->sql, format, arguments);
    va_end(arguments);
}

/* An INSERT again would hardly be let in. */
static bool can_run_again(const char *sql)
{
    return strncmp(sql, "SELECT", 6) == 0 || strncmp(sql, "UPDATE", 6) == 0 ||
           strncmp(sql, "DELETE", 6) == 0;
}

void end(struct generator *g)
{
    g->step.sql = sqlite3_str_finish(g->sql);
    g->step.binds = sqlite3_str_finish(g->binds);
    g->step.again = sqlite3_str_finish(g->again);
    if (!g->step.again || g->step.hold > 0 || !can_run_again(g->step.sql) ||
        !once_in(g, 3)) {
        sqlite3_free(g->step.again);
        g->step.again = NULL;
    }
    script_add(g->script, &g->step);
    g->sql = g->binds = g->again = NULL;
}

/* A literal, or a parameter; again is its value in a second run. */
static void say_either(struct generator *g, const char *literal,
                       const char *again)
{
    /* A CAST in a comparison is one of the documented differences. */
    if ((int)draw(g, 4) >= g->bind_rate && strncmp(literal, "CAST", 4) != 0) {
        say(g, "%s", literal);
        return;
    }
    sqlite3_str_appendf(g->binds, "%s%s", g->bind_count > 0 ? ", " : "",
                        literal);
    sqlite3_str_appendf(g->again, "%s%s", g->bind_count > 0 ? ", " : "", again);
    say(g, "?%d", ++g->bind_count);
}

void say_literal(struct generator *g, const char *literal)
{
    say_either(g, literal, literal);
}

static const char *draw_value(struct generator *g, const struct column *column)
{
    return once_in(g, 8) ? value_any(g) : column->pool[draw(g, POOL)];
}

void say_value(struct generator *g, const struct column *column)
{
    const char *literal = draw_value(g, column);

    say_either(g, literal, draw_value(g, column));
}

char *literal_text(struct generator *g, const char *literal)
{
    sqlite3_str *saved = g->sql;
    char *text;

    g->sql = sqlite3_str_new(NULL);
    say_literal(g, literal);
    text = sqlite3_str_finish(g->sql);
    g->sql = saved;
    return text;
}

void say_table(struct generator *g, const struct table *table)
{
    const char *schema = *table->schema ? table->schema : "main";

    if (once_in(g, *table->schema ? 2 : 6))
        say(g, "%s.", schema);
    say(g, "%s", table->name);
}

void say_column(struct generator *g, const struct source *source,
                const struct column *column)
{
    say(g, "%s%s%s", source->alias ? source->alias : "",
        source->alias ? "." : "", column ? column->name : "rowid");
}

/* --- Transactions and moments --------------------------------------------- */

void add_words(struct generator *g, enum step_kind kind, const char *words)
{
    begin(g);
    g->step.kind = kind;
    say(g, "%s", words);
    end(g);
}

/* Without WAL a reader keeps the writer from its COMMIT, and its transaction
 * goes on. */
static bool may_refuse_commit(const struct generator *g)
{
    return !g->is_wal && (g->is_held || g->is_open[!g->connection]);
}

static void draw_transaction(struct generator *g)
{
    bool *is_open = &g->is_open[g->connection];

    begin(g);
    switch (draw(g, 9)) {
    case 0:
    case 1:
        say(g, "BEGIN%s", PICK(g, "", "", " IMMEDIATE", " EXCLUSIVE"));
        *is_open = true;
        break;
    case 2:
    case 3:
        say(g, "COMMIT");
        *is_open = *is_open && may_refuse_commit(g);
        break;
    case 4:
        say(g, "ROLLBACK");
        *is_open = false;
        break;
    case 5:
    case 6:
        say(g, "SAVEPOINT s%d", (int)draw(g, 3));
        *is_open = true;
        break;
    case 7:
        say(g, "RELEASE s%d", (int)draw(g, 3));
        break;
    default:
        say(g, "ROLLBACK TO s%d", (int)draw(g, 3));
    }
    end(g);
}

/*
 * A flush waits for another connection's transaction to end, and each of them
 * begins to read the database.
 */
static void draw_upkeep(struct generator *g)
{
    const char *name = schema_pick(g)->name;

    if (g->is_open[0] || g->is_open[1])
        return;
    begin(g);
    g->step.kind = STEP_BYRON;
    if (once_in(g, 12))
        say(g, "PRAGMA integrity_check");
    else if (once_in(g, 6))
        say(g, "INSERT INTO %s(%s) VALUES('%s')", name, name,
            PICK(g, "flush", "compact", "integrity-check"));
    else
        say(g, "SELECT byron_%s('%s')",
            PICK(g, "flush", "flush", "flush", "compact", "check"), name);
    end(g);
}

/*
 * The first use of a byron table in a connection, and the next after a change
 * of the schema, reads the database: inside BEGIN that would be the beginning
 * of its reading, even if the statement fails.
 */
static void touch(struct generator *g)
{
    int current = g->connection;

    for (g->connection = SESSIONS - 1; g->connection >= 0; g->connection--) {
        begin(g);
        say(g, "SELECT 1");
        for (int i = 0; i < g->table_count; i++)
            say(g, ", (SELECT count(*) FROM %s)", g->tables[i].name);
        g->step.is_kept = true;
        end(g);
    }
    g->connection = current;
}

/* What a connection loses when it closes. */
static void open_sessions(struct generator *g)
{
    int current = g->connection;

    for (g->connection = SESSIONS - 1; g->connection >= 0; g->connection--)
        schema_attach(g);
    g->connection = current;
    touch(g);
}

static void finish_held(struct generator *g)
{
    if (g->is_held)
        script_add(g->script,
                   &(struct step){.kind = STEP_FINISH, .sorted = SORTED_WHOLE});
    g->is_held = false;
}

/* Some rows now, and the rest after whatever else happens. */
static void draw_held(struct generator *g)
{
    struct source source = {schema_any(g), NULL};
    int current = g->connection;

    if (g->is_held || g->is_alone || *source.table->schema) {
        finish_held(g);
        return;
    }
    g->connection = HOLDER;
    begin(g);
    say(g, "SELECT * FROM %s", source.table->name);
    if (once_in(g, 3))
        say_where(g, &source, 1);
    say_key_order(g, &source, once_in(g, 2));
    g->step.sorted = SORTED_WHOLE;
    g->step.hold = 1 + (int)draw(g, 12);
    end(g);
    g->connection = current;
    g->is_held = true;
}

static void draw_reopen(struct generator *g)
{
    finish_held(g);
    script_add(g->script, &(struct step){.kind = STEP_REOPEN});
    memset(g->is_open, 0, sizeof g->is_open);
    open_sessions(g);
}

static bool has_rowids(const struct generator *g)
{
    for (int i = 0; i < g->table_count; i++)
        if (g->tables[i].shape == SHAPE_ROWID)
            return true;
    return false;
}

static void rename_twice(struct generator *g, const struct table *table)
{
    begin(g);
    say(g, "ALTER TABLE %s RENAME TO w", table->name);
    end(g);
    add_words(g, STEP_BOTH, "SELECT count(*) FROM w");
    begin(g);
    say(g, "ALTER TABLE w RENAME TO %s", table->name);
    end(g);
}

/* It numbers rows anew, where they have no number of their own. */
static void draw_vacuum(struct generator *g)
{
    if (has_rowids(g))
        return;
    /* It inserts virtual tables as rows, and so has a last rowid. */
    add_words(g, STEP_PLAIN, "VACUUM");
    add_words(g, STEP_BYRON, "VACUUM");
    draw_reopen(g);
}

static void change_schema(struct generator *g)
{
    const struct table *table = schema_pick(g);

    switch (draw(g, 5)) {
    case 0:
        begin(g);
        say(g, "DROP TABLE %s", table->name);
        end(g);
        schema_create(g, table);
        draw_filling(g, table, 20);
        break;
    case 1:
        rename_twice(g, table);
        break;
    case 2:
        add_words(g, STEP_BOTH, "CREATE TABLE IF NOT EXISTS plain(a)");
        add_words(g, STEP_BOTH,
                  PICK(g, "INSERT INTO plain VALUES(1)", "DROP TABLE plain"));
        break;
    case 3:
        index_drop(g);
        break;
    default:
        index_add(g);
    }
}

static void draw_ddl(struct generator *g)
{
    bool is_within = once_in(g, 3);

    /* A table that was dropped is gone for those who still read, too. */
    if (g->is_open[0] || g->is_open[1])
        return;
    finish_held(g);
    if (!is_within && once_in(g, 6)) {
        draw_vacuum(g);
    } else if (!is_within) {
        change_schema(g);
    } else {
        add_words(g, STEP_BOTH, "BEGIN");
        while (once_in(g, 2))
            draw_change(g);
        change_schema(g);
        while (once_in(g, 2))
            draw_change(g);
        add_words(g, STEP_BOTH, PICK(g, "COMMIT", "ROLLBACK"));
    }
    touch(g);
}

/* --- The script ----------------------------------------------------------- */

static void open_script(struct generator *g)
{
    schema_draw(g);
    open_sessions(g);
    g->is_wal = !once_in(g, 4);
    if (g->is_wal)
        add_words(g, STEP_BOTH, "PRAGMA journal_mode = WAL");
    for (int i = 0; i < g->table_count; i++)
        if (strcmp(g->tables[i].schema, "temp") != 0)
            schema_create(g, &g->tables[i]);
    for (int i = 0; i < g->table_count; i++)
        if (strcmp(g->tables[i].schema, "temp") != 0)
            draw_filling(g, &g->tables[i],
                         g->tables[i].is_byron ? 10 + (int)draw(g, 90) : 15);
    while (once_in(g, 2))
        index_add(g);
    if (once_in(g, 2))
        view_create(g);
    if (once_in(g, 3))
        trigger_create(g);
    touch(g);
}

static void draw_step(struct generator *g)
{
    g->connection = once_in(g, 6) && !g->is_alone ? 1 : 0;
    switch (draw(g, 50)) {
    case 0:
    case 1:
    case 2:
    case 3:
        draw_transaction(g);
        break;
    case 4:
    case 5:
        draw_upkeep(g);
        break;
    case 6:
        if (once_in(g, 3))
            draw_reopen(g);
        else if (once_in(g, 3))
            draw_ddl(g);
        break;
    case 7:
        add_words(g, STEP_BOTH,
                  PICK(g, "PRAGMA case_sensitive_like = 1",
                       "PRAGMA case_sensitive_like = 0"));
        break;
    case 8:
    case 9:
    case 10:
        draw_extra(g);
        break;
    case 11:
        if (once_in(g, 3))
            draw_copy(g);
        break;
    case 12:
        draw_held(g);
        break;
    default:
        if (once_in(g, 3))
            draw_change(g);
        else if (once_in(g, 3))
            draw_grouping(g);
        else
            draw_query(g);
    }
}

/* Everything once more from the disk, in both directions, and checked. */
static void close_script(struct generator *g)
{
    draw_reopen(g);
    g->connection = 0;
    for (int i = 0; i < g->table_count; i++) {
        struct source source = {&g->tables[i], NULL};

        for (int reversed = 0; reversed < 2; reversed++) {
            begin(g);
            say(g, "SELECT * FROM %s", source.table->name);
            say_key_order(g, &source, reversed);
            g->step.sorted = SORTED_WHOLE;
            end(g);
        }
        begin(g);
        say(g, "SELECT count(*) FROM %s", source.table->name);
        end(g);
        if (!source.table->is_byron)
            continue;
        begin(g);
        say(g, "SELECT byron_check('%s')", source.table->name);
        g->step.kind = STEP_BYRON;
        end(g);
    }
    /* Ordinary tables with NOT NULL and no rowid fail it before 3.41. */
    add_words(g, STEP_BYRON, "PRAGMA integrity_check");
}

void generate(uint64_t seed, int steps, const struct features *features,
              struct script *out)
{
    struct generator g = {.script = out, .features = *features};

    *out = (struct script){0};
    rng_init(&g.rng, seed);
    open_script(&g);
    for (int i = 0; i < steps; i++)
        draw_step(&g);
    close_script(&g);
}
