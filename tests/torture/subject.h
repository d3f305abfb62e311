/*
 * subject: the database that is tormented, what is done to it, and every state
 * that a commit gave it.
 *
 * Ordinary tables are named o_*, byron's b_*. b_kv and o_kv are twins; b_solo
 * is written by transactions that touch no ordinary table, and b_own has the
 * option commit=own. All of them may be there twice, in main and in an attached
 * database with a store of its own. Tells the record which commit begins and
 * which is done. Speaks to byron only through SQL.
 */
#ifndef BYRON_TESTS_TORTURE_SUBJECT_H
#define BYRON_TESTS_TORTURE_SUBJECT_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "support/seed.h"

#define SUBJECT_STATES_MAX 4000
#define SUBJECT_DATABASES  2
#define SUBJECT_COPIES_MAX 3

/* "main", "other" */
extern const char *const subject_schemas[SUBJECT_DATABASES];

/* What storage_mark is told: mark << 32 | number of the state or the copy. */
enum subject_mark {
    SUBJECT_BEGINS, /* COMMIT of this state is about to be asked for. */
    SUBJECT_DONE,   /* It was answered with OK. */
    SUBJECT_COPY_BEGINS,
    SUBJECT_COPY_DONE,
};

/* Fingerprints of names and rows of one database. b_x comes and goes with its
 * rows, as the schema says, and so with what is ordinary. */
struct subject_part {
    uint64_t ordinary;
    uint64_t brief; /* b_x */
    uint64_t byron; /* The others. */
};

struct subject_state {
    struct subject_part parts[SUBJECT_DATABASES];
    int level;   /* PRAGMA synchronous of the commit that led to it; */
    bool is_own; /* that was of tables with commit=own alone. */
};

/* A backup, or what VACUUM INTO makes: <root>/copy<number>.db. */
struct subject_copy {
    unsigned number;
    int database;
    size_t state;
    bool is_vacuum;
};

struct subject {
    const char *extension;
    char root[200];
    char path[220];
    int databases;  /* 1, or 2: one is attached. */
    int current;    /* The one that $ stands for. */
    unsigned reach; /* Those that a step is about: 1 << number. */
    bool has_links; /* The file system knows more than one name of a file. */
    struct rng rng;
    const char *journal; /* "wal", "delete", "truncate", "persist" */
    int level;           /* PRAGMA synchronous: 1 NORMAL, 2 FULL, 3 EXTRA */
    bool has_thread;     /* Of the engine. */
    bool is_aside;       /* The store lies in a folder of its own. */
    bool is_verbose;     /* Prints the record. */
    bool is_tolerant;    /* A statement may fail: then the rest of a step is
                          * left out, and it says so here. */
    int failed;          /* SQLite's code. */
    char words[400];     /* The statement and its error. */
    bool is_own;         /* What is open has written to b_own alone. */
    bool is_pending;     /* A COMMIT was asked for and failed, */
    struct subject_state pending; /* which would have led to this. */
    sqlite3 *db;
    struct subject_state *states; /* After each commit. */
    size_t newest;   /* states[newest] is what the last one left. */
    size_t created;  /* The state from which on there are all tables. */
    uint64_t number; /* Of transactions, to tell them apart. */
    struct subject_copy copies[SUBJECT_COPIES_MAX];
    size_t copy_count;
    unsigned copy_number; /* Of the last one. */
};

/* Chooses all by seed. folder: where the watched folder is made. */
void subject_init(struct subject *subject, const char *extension,
                  const char *folder, uint64_t seed);
void subject_deinit(struct subject *subject);

int subject_open(struct subject *subject); /* SQLite's code. */
void subject_close(struct subject *subject);
void subject_create(struct subject *subject);
/* A transaction, or something between two. */
void subject_step(struct subject *subject);
/* One more commit, durable: of all databases, or of one b_own alone. */
void subject_commit_durably(struct subject *subject);
struct subject_state subject_look(struct subject *subject);
bool subject_is_same(const struct subject_state *a,
                     const struct subject_state *b);
/* PRAGMA integrity_check and byron_check; what fails ends the program. */
void subject_check(struct subject *subject);

/* "$." is the present database's name. */
int subject_try(struct subject *subject, const char *format, ...);
void subject_run(struct subject *subject, const char *format, ...);

#endif
