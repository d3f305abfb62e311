/*
 * subject: the database that is tormented, what is done to it, and every state
 * that a commit gave it.
 *
 * Ordinary tables are named o_*, byron's b_*. b_kv and o_kv are twins; b_solo
 * is written by transactions that touch nothing else. Tells the record which
 * commit begins and which is done. Speaks to byron only through SQL.
 */
#ifndef BYRON_TESTS_TORTURE_SUBJECT_H
#define BYRON_TESTS_TORTURE_SUBJECT_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "support/seed.h"

#define SUBJECT_STATES_MAX 4000

/* What storage_mark is told: mark << 32 | number of the state. */
enum subject_mark {
    SUBJECT_BEGINS,    /* COMMIT of this state is about to be asked for. */
    SUBJECT_DONE,      /* It was answered with OK; a power cut may undo it. */
    SUBJECT_IS_DURABLE /* It was, and may not. */
};

/* Fingerprints of names and rows. */
struct subject_state {
    uint64_t ordinary;
    uint64_t byron;
};

struct subject {
    const char *extension;
    char root[200];
    char path[220];
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
    bool is_pending;     /* A COMMIT was asked for and failed, */
    struct subject_state pending; /* which would have led to this. */
    sqlite3 *db;
    struct subject_state *states; /* After each commit. */
    size_t newest;   /* states[newest] is what the last one left. */
    size_t created;  /* The state from which on there are all tables. */
    uint64_t number; /* Of transactions, to tell them apart. */
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
/* One more commit, durable: ordinary and byron tables. */
void subject_commit_durably(struct subject *subject);
struct subject_state subject_look(struct subject *subject);
bool subject_is_same(struct subject_state a, struct subject_state b);
/* PRAGMA integrity_check and byron_check; what fails ends the program. */
void subject_check(struct subject *subject);

int subject_try(struct subject *subject, const char *format, ...);
void subject_run(struct subject *subject, const char *format, ...);

#endif
