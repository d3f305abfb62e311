/*
 * field: one SQL value, apart from SQLite, and the way from sqlite3_value to
 * it and back.
 *
 * The only codec module that knows SQLite. Used by the key and row codecs.
 */
#ifndef BYRON_EXT_FIELD_H
#define BYRON_EXT_FIELD_H

#include "byron.h"
#include "declaration.h"

struct sqlite3_value;
struct sqlite3_context;

enum field_kind {
    FIELD_NULL,
    FIELD_INTEGER,
    FIELD_REAL,
    FIELD_TEXT,
    FIELD_BLOB,
    FIELD_IN_KEY,      /* In a row's value: the key holds it exactly. */
    FIELD_IN_KEY_REAL, /* The same; the key's number is a real. */
};

struct loans;

struct field {
    enum field_kind kind;
    int64_t integer;
    double real;
    const void *data; /* Borrowed; text and blob. */
    size_t size;
};

/*
 * Reads value as a column of this affinity stores it. Text and blob are lent
 * until value changes. Answers SQLite's code.
 */
int field_read(struct sqlite3_value *value, enum affinity affinity,
               struct field *out);
/* Lends what is in the literal; its affinity was applied by the parser. */
void field_of_literal(const struct literal *literal, struct field *out);
/* Copies what it needs. Not for FIELD_IN_KEY. */
void field_result(struct sqlite3_context *context, const struct field *field);
/* The same, of one row alone: a copy that SQLite need not allocate. */
void field_lend(struct sqlite3_context *context, const struct field *field,
                struct loans *loans);
/* The integer that a real equals, where SQLite stores it as one. */
bool field_real_to_integer(double real, int64_t *out);

#endif
