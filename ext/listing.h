/*
 * listing: a table-valued function that lists something, row by row: what a
 * module has to say for that, and SQLite's contract done once for all.
 */
#ifndef BYRON_EXT_LISTING_H
#define BYRON_EXT_LISTING_H

#include "connection.h"

struct listing {
    const char *name;
    const char *schema; /* For sqlite3_declare_vtab. */
    int argument;       /* The hidden column of the argument; -1: none. */
    bool has_second;    /* Another argument, in the next column. */
    bool is_direct;     /* It has effects: no view or trigger may use it. */
    const char *needs;  /* Words where one is missing; NULL: it may be. */
    int rows;           /* About how many, for the planner. */
    size_t size;        /* Of the state of one scan, zeroed at its start. */
    /* SQLite's code and *message, as next. An argument, of two, is NULL if not
     * given. */
    int (*start)(void *state, struct connection *connection,
                 const char *const *arguments, char **message);
    /* To the first, or the next row; *is_there is false at the end. */
    int (*next)(void *state, bool *is_there, char **message);
    void (*column)(void *state, sqlite3_context *context, int column);
    void (*end)(void *state); /* Also after a start that failed. */
};

/* listing stays where it is. */
int listing_register(struct connection *connection,
                     const struct listing *listing);

#endif
