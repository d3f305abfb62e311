/*
 * declaration: the text of CREATE VIRTUAL TABLE -> columns, key, options.
 *
 * Pure: knows nothing of SQLite's API or of the store. What is refused says
 * why in one sentence.
 */
#ifndef BYRON_EXT_DECLARATION_H
#define BYRON_EXT_DECLARATION_H

#include "byron.h"

enum affinity {
    AFFINITY_BLOB, /* None: values stay as they are. */
    AFFINITY_TEXT,
    AFFINITY_NUMERIC,
    AFFINITY_INTEGER,
    AFFINITY_REAL,
};

enum collation { COLLATION_BINARY, COLLATION_NOCASE, COLLATION_RTRIM };

/* ON CONFLICT of a constraint in the declaration. */
enum conflict {
    CONFLICT_DEFAULT, /* None given: ABORT. */
    CONFLICT_ROLLBACK,
    CONFLICT_ABORT,
    CONFLICT_FAIL,
    CONFLICT_IGNORE,
    CONFLICT_REPLACE,
};

enum literal_kind {
    LITERAL_NULL,
    LITERAL_INTEGER,
    LITERAL_REAL,
    LITERAL_TEXT,
    LITERAL_BLOB,
};
struct literal {
    enum literal_kind kind;
    int64_t integer;
    double real;
    char *bytes; /* Owned; for text and blob. */
    size_t size;
};

struct column {
    char *name; /* Owned, unquoted. */
    char *type; /* Owned, as declared; "" if none. */
    enum affinity affinity;
    enum collation collation;
    bool is_not_null;
    enum conflict not_null_conflict;
    bool has_default;
    struct literal default_value;
    int key_index; /* Place in the key, or -1. */
    int slot;      /* Place in the row's value; -1: the rowid itself. */
};

struct key_column {
    int column; /* Index into columns. */
    enum collation collation;
    bool is_descending;
};

/* A secondary index, as it was declared. */
struct index_definition {
    char *name;                 /* Owned. */
    struct key_column *columns; /* Owned array. */
    int column_count;
    bool is_unique;
    enum conflict conflict; /* Of UNIQUE. */
    bool is_of_column;      /* Part of a column, whose collation it has. */
    bool is_before_key;     /* Stands before the PRIMARY KEY. */
};

enum key_shape {
    KEY_ROWID_IMPLICIT, /* No PRIMARY KEY: a hidden rowid is the key. */
    KEY_ROWID_ALIAS,    /* INTEGER PRIMARY KEY: the column is the rowid. */
    KEY_SINGLE,         /* One column: declared to SQLite as the key. */
    KEY_COMPOSITE,      /* Declared through a hidden BLOB PRIMARY KEY. */
};

/*
 * Columns behind the declared ones, in this order, by SQLite's number; -1: left
 * out, since a declared column has that name. All but key read as NULL.
 */
struct hidden_columns {
    int prefix;  /* WHERE prefix = x'..', FROM t('..') */
    int key;     /* The packed key, KEY_COMPOSITE only. */
    int command; /* Has the table's own name: INSERT INTO t(t). */
    int arg;     /* Of a command. */
    int count;
};

/* When rows expire. */
struct ttl {
    enum { TTL_NONE, TTL_SECONDS, TTL_COLUMN } kind;
    uint64_t seconds; /* After a row was last written. */
    int column;       /* Holds the unix time. */
};

/* Options as given; a has_ flag where 0 is a value of its own. */
struct table_settings {
    char *path;                  /* Owned; NULL: default. */
    char *ttl;                   /* Owned; seconds or a column. NULL: none. */
    struct byron_options engine; /* Sizes, compression, threads. */
    bool is_own_commit;          /* commit=own */
    bool is_replace;             /* conflict=replace */
};

struct declaration {
    struct column *columns;
    int column_count;
    struct key_column *key; /* Empty for KEY_ROWID_IMPLICIT. */
    int key_count;
    int slot_count; /* Of a row's value: other columns, then the key's. */
    enum key_shape shape;
    enum conflict key_conflict;
    char *hidden_name; /* Owned; of the hidden key, KEY_COMPOSITE only. */
    struct hidden_columns hidden;
    struct index_definition *indexes; /* Owned array. */
    int index_count;
    struct ttl ttl;
    struct table_settings settings;
};

/*
 * Parses the arguments after the module's name (argv[3..] of xCreate) for the
 * table of this name. On failure *message is a sentence (malloc'd, the
 * caller's to free).
 */
BYRON_MUST_CHECK byron_status declaration_parse(const char *table, int count,
                                                const char *const *arguments,
                                                struct declaration **out,
                                                char **message);
void declaration_free(struct declaration *declaration); /* NULL is fine. */
/* The text for sqlite3_declare_vtab (malloc'd); NULL if out of memory. */
char *declaration_schema(const struct declaration *declaration,
                         const char *table);

#endif
