/*
 * generator: random schemas and statements, written from what SQL has to
 * offer and from the documents, not from the extension's code.
 *
 * Every statement is drawn so that SQL defines its answer: where rows have no
 * order, or equal values may look different, the step says so. What
 * docs/sql-differences.md names is drawn around, each time with a comment.
 */
#ifndef BYRON_TESTS_GENERATOR_H
#define BYRON_TESTS_GENERATOR_H

#include <sqlite3.h>

#include "differ/script.h"
#include "support/seed.h"

#define POOL         12
#define COLUMNS      7
#define TABLES       6
#define VIEWS        2
#define SESSIONS     2
#define COPIER       2 /* Connections of their own. */
#define COPY_READER  3
#define HOLDER       4
#define COUNT_OF(of) (sizeof(of) / sizeof *(of))
/* One of the strings. */
#define PICK(g, ...)                                                           \
    ((const char *[]){                                                         \
        __VA_ARGS__})[draw(g, COUNT_OF(((const char *[]){__VA_ARGS__})))]

struct column {
    char name[8];
    const char *type; /* As declared; "" for none. */
    const char *collation;
    bool is_not_null;
    bool is_unique; /* A clause of its own. */
    bool has_default;
    bool is_desc;           /* In the key. */
    int key;                /* Place in the key, or -1. */
    const char *pool[POOL]; /* Literals that are likely to be there. */
};

enum shape { SHAPE_KEYED, SHAPE_ALIAS, SHAPE_ROWID };

struct table {
    char name[8];
    const char *schema; /* "" for main. */
    bool is_byron;
    bool is_own;  /* The option commit=own. */
    bool is_put;  /* The option conflict=replace. */
    bool is_view; /* Without key or rowid. */
    enum shape shape;
    struct column columns[COLUMNS];
    int column_count;
    int key[COLUMNS]; /* Columns. */
    int key_count;
    int expiry;             /* Column of the option ttl, or -1. */
    int unique_index;       /* The last that was added, or 0. */
    bool has_key_on_column; /* PRIMARY KEY is not a clause of its own. */
    bool has_conflict;      /* Some ON CONFLICT clause is declared... */
    bool has_ignore;        /* ...one of them IGNORE... */
    bool has_replace;       /* ...or REPLACE. */
    bool has_unique;        /* Besides the key. */
    bool is_indexed;        /* In whatever way: rows come in any order. */
};

/* One name in a FROM clause. */
struct source {
    const struct table *table;
    const char *alias;
};

/* What the extension can do already; probed at the start. */
struct features {
    bool has_index;     /* INDEX name(columns) in the declaration. */
    bool has_unique;    /* UNIQUE(columns) there. */
    bool has_add_index; /* The command. */
};

struct generator {
    struct rng rng;
    struct script *script;
    struct features features;
    struct table tables[TABLES];
    int table_count;
    struct table views[VIEWS]; /* Of the tables in main. */
    int view_count;
    bool has_expiry; /* Some table has such a column. */
    bool is_wal;
    bool is_held;  /* A third session has read some rows of a table. */
    bool is_alone; /* One session only. */
    int copies;    /* That were made so far. */
    int connection;
    bool is_open[SESSIONS]; /* It has begun a transaction, most likely. */
    int indexes;            /* That were named so far. */
    /* The statement that is being written. */
    const struct table *changed; /* By it; NULL: none. */
    struct step step;
    sqlite3_str *sql;
    sqlite3_str *binds;
    sqlite3_str *again; /* For a second run. */
    int bind_count;
    int bind_rate; /* A value is a parameter so often in 4 times. */
};

/* generator.c */
uint64_t draw(struct generator *g, uint64_t n);
bool once_in(struct generator *g, uint64_t n);
void begin(struct generator *g);
void say(struct generator *g, const char *format, ...);
/* Adds the statement, with the step's flags, to the script. */
void end(struct generator *g);
/* SQL without values, as a step of its own. */
void add_words(struct generator *g, enum step_kind kind, const char *words);
/* A literal, or a parameter bound to it. */
void say_literal(struct generator *g, const char *literal);
/* The same as text, to be said more than once; sqlite3_free. */
char *literal_text(struct generator *g, const char *literal);
/* Its name, with its schema in front or without. */
void say_table(struct generator *g, const struct table *table);
void say_value(struct generator *g, const struct column *column);
/* alias.column; the rowid if column is NULL. */
void say_column(struct generator *g, const struct source *source,
                const struct column *column);
/* The whole script of a seed. */
void generate(uint64_t seed, int steps, const struct features *features,
              struct script *out);

#endif
