/*
 * script: the statements of one run, and their text.
 *
 * The text is the language of sqlrun (docs/testing.md, "SQL scripts") with some
 * lines more: ".bind literals" gives the parameters of the next statement,
 * ".again literals" those of a second run of it, ".hold count" stops it after
 * so many rows, until ".finish" reads the rest, "--answer: words" says how its
 * rows are compared, and "--refused:" is SQL that byron alone must refuse.
 */
#ifndef BYRON_TESTS_SCRIPT_H
#define BYRON_TESTS_SCRIPT_H

#include <stdbool.h>
#include <stdio.h>

enum step_kind {
    STEP_BOTH,    /* SQL for both sides. */
    STEP_BYRON,   /* SQL for the byron side; it must not fail. */
    STEP_PLAIN,   /* SQL for the ordinary side; it must not fail. */
    STEP_REFUSED, /* SQL that the byron side refuses, as SQL in error. */
    STEP_FINISH,  /* Reads on what is held. */
    STEP_REOPEN   /* Close every connection, and start again from the disk. */
};

#define SORTED_WHOLE 99

struct step {
    enum step_kind kind;
    int connection;
    int hold;           /* Stops after so many rows, unless 0. */
    int sorted;         /* So many first columns come in a defined order. */
    bool is_partial;    /* Which rows come is defined by those columns only. */
    bool is_folded;     /* Values that compare as equal may differ. */
    bool is_uncounted;  /* changes() may differ. */
    bool is_untotalled; /* total_changes() may differ. */
    bool is_mute;       /* The rows are not compared. */
    bool is_kept;       /* Without it the script would prove nothing. */
    char *binds;        /* Literals, or NULL. */
    char *again;        /* Those of a second run, or NULL. */
    char *sql;
};

struct script {
    struct step *steps;
    int count;
    int capacity;
};

/* Takes the strings of step. */
void script_add(struct script *script, const struct step *step);
/* Copies the steps whose mark is set (all of them if keep is NULL). */
void script_copy(const struct script *from, const bool *keep,
                 struct script *out);
void script_deinit(struct script *script);
void script_print(const struct script *script, FILE *out);
/* False if path cannot be read or is no script. */
bool script_read(const char *path, struct script *out);

#endif
