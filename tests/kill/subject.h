/*
 * subject: the database that the kill test torments, as worker and checker
 * both know it.
 *
 * Each byron table has an ordinary twin, "plain_" before its name, written in
 * the same transactions; only "solo" has none, since its transactions touch no
 * ordinary table. Some databases have another one attached, "side", in which
 * "far" and its twin are. What transactions write follows from their number.
 * Speaks to byron only through SQL, so it runs on any version of SQLite.
 */
#ifndef BYRON_TESTS_KILL_SUBJECT_H
#define BYRON_TESTS_KILL_SUBJECT_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

/* A solo transaction removes those that are older than this. */
#define SUBJECT_WINDOW 150

/* Backups are kept under so many names. */
#define SUBJECT_BACKUPS 2

/* What tests/kill/killer was told, as it tells the worker and the checker. */
struct subject {
    const char *directory; /* The database and the store are in here. */
    const char *file;      /* "kill.db", or one of its backups. */
    const char *extension;
    const char *journal;
    uint64_t seed;  /* Of the database: its options and contents. */
    uint64_t round; /* Varies what happens to it. */
    uint64_t last;  /* Newest transaction that is known to be committed, */
    uint64_t sure;  /* and that was acknowledged, not just found. */
    unsigned aim;   /* Stage that the kill is meant for; 0: none. */
    bool is_created;
    bool is_closing; /* Else it is left as a crash would. */
    int pipe;        /* Where worker and checker report to; -1: nowhere. */
    sqlite3 *db;
};

/* The way in which transaction n of a database is made. */
enum subject_kind {
    SUBJECT_MIXED,  /* Ordinary and byron tables. */
    SUBJECT_SOLO,   /* Byron tables alone. */
    SUBJECT_SINGLE, /* One statement on a byron table that commits itself. */
    SUBJECT_SCHEMA, /* Mixed, and creates or drops tables. */
    SUBJECT_WIDE,   /* Mixed, and the attached database as well. */
    SUBJECT_FAR,    /* The attached database alone. */
};
enum subject_kind subject_kind(const struct subject *subject, uint64_t n);
/* Is another database attached? Not to a backup. */
bool subject_has_side(const struct subject *subject);
/* How many rows a solo transaction leaves in "solo". */
unsigned subject_parts(const struct subject *subject, uint64_t n);
/* Has the table "pair" the option conflict=replace? */
bool subject_is_blind(const struct subject *subject);

/* The name of a backup's file; sqlite3_free'd. */
char *subject_backup(unsigned number);

/* Ends the program with these words and exit code 1. */
_Noreturn void subject_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* A connection with the extension and the functions kill_key, kill_value. */
sqlite3 *subject_open(const struct subject *subject);
/* Creates all tables in one transaction. */
void subject_create(const struct subject *subject);

/* Formats are sqlite3_mprintf's. What fails ends the program. */
void subject_run(sqlite3 *db, const char *format, ...);
sqlite3_int64 subject_number(sqlite3 *db, const char *format, ...);
#endif
