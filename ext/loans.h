/*
 * loans: small pieces of memory for what columns hold, which SQLite gives back.
 *
 * A statement that reads one row by its key has SQLite allocate a copy of each
 * column and free it at its end, through the locks and counters of its own
 * memory; a piece of ours comes from a list. The pieces may outlive the table.
 * All under the connection's mutex, as whatever touches a value of its.
 */
#ifndef BYRON_EXT_LOANS_H
#define BYRON_EXT_LOANS_H

#include <stddef.h>

struct loans;

struct loans *loans_new(void); /* NULL without memory. */
/* Goes with the last piece that is out; NULL is fine. */
void loans_free(struct loans *loans);
/* A piece with a copy of the bytes and a zero byte behind it, to be given back;
 * NULL: they are too many, or there is no memory. */
void *loans_copy(struct loans *loans, const void *bytes, size_t size);
/* SQLite's destructor of such a piece. */
void loans_give_back(void *piece);

#endif
