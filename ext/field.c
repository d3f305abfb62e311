#include "field.h"

#include <sqlite3ext.h>
#include <string.h>

#include "loans.h"

SQLITE_EXTENSION_INIT3

#define MOST_DIGITS 18 /* As many always fit into 64 bits. */

bool field_real_to_integer(double real, int64_t *out)
{
    int64_t integer;

    /* The bounds themselves stay real, as in SQLite. */
    if (!(real > -9223372036854775808.0 && real < 9223372036854775808.0))
        return false;
    integer = (int64_t)real;
    if ((double)integer != real)
        return false;
    *out = integer;
    return true;
}

static void set_real(struct field *out, double real, enum affinity affinity)
{
    int64_t integer;
    bool is_whole = field_real_to_integer(real, &integer);

    out->kind = FIELD_REAL;
    out->real = real;
    /* A column of reals keeps whole numbers as integers too: -0.0 becomes 0. */
    if (affinity == AFFINITY_REAL && is_whole)
        out->real = (double)integer;
    if ((affinity == AFFINITY_INTEGER || affinity == AFFINITY_NUMERIC) &&
        is_whole) {
        out->kind = FIELD_INTEGER;
        out->integer = integer;
    }
}

static void set_integer(struct field *out, int64_t integer,
                        enum affinity affinity)
{
    out->kind = FIELD_INTEGER;
    out->integer = integer;
    if (affinity == AFFINITY_REAL) {
        out->kind = FIELD_REAL;
        out->real = (double)integer;
    }
}

/* Plain short decimals, the usual case, without a copy of the value. */
static bool parse_plain_integer(const char *text, size_t size, int64_t *out)
{
    bool is_negative = size > 0 && text[0] == '-';
    size_t at = is_negative ? 1 : 0;
    int64_t integer = 0;

    if (size == at || size - at > MOST_DIGITS)
        return false;
    for (; at < size; at++) {
        if (text[at] < '0' || text[at] > '9')
            return false;
        integer = integer * 10 + (text[at] - '0');
    }
    *out = is_negative ? -integer : integer;
    return true;
}

/* Text that cannot begin a number is not worth SQLite's conversion. */
static bool may_be_number(const char *text, size_t size)
{
    char first = size > 0 ? text[0] : 'x';

    return (first >= '0' && first <= '9') || first == '-' || first == '+' ||
           first == '.' || first == ' ' || (first >= '\t' && first <= '\r');
}

/*
 * SQLite's own conversion, so that every digit rounds as it does there. It
 * changes the value in place, which is as SQLite would have stored it anyway.
 */
static void convert_text(sqlite3_value *value, enum affinity affinity,
                         struct field *out)
{
    switch (sqlite3_value_numeric_type(value)) {
    case SQLITE_INTEGER:
        set_integer(out, sqlite3_value_int64(value), affinity);
        break;
    case SQLITE_FLOAT:
        set_real(out, sqlite3_value_double(value), affinity);
        break;
    default:
        break; /* It stays the text it is. */
    }
}

static int read_text(sqlite3_value *value, enum affinity affinity,
                     struct field *out)
{
    int64_t integer;

    out->kind = FIELD_TEXT;
    out->data = sqlite3_value_text(value);
    if (!out->data)
        return SQLITE_NOMEM;
    out->size = (size_t)sqlite3_value_bytes(value);
    if (affinity < AFFINITY_NUMERIC || !may_be_number(out->data, out->size))
        return SQLITE_OK;
    if (parse_plain_integer(out->data, out->size, &integer)) {
        set_integer(out, integer, affinity);
        return SQLITE_OK;
    }
    convert_text(value, affinity, out);
    return SQLITE_OK;
}

int field_read(struct sqlite3_value *value, enum affinity affinity,
               struct field *out)
{
    int type = sqlite3_value_type(value);

    if (affinity == AFFINITY_TEXT &&
        (type == SQLITE_INTEGER || type == SQLITE_FLOAT))
        return read_text(value, affinity, out);
    switch (type) {
    case SQLITE_INTEGER:
        set_integer(out, sqlite3_value_int64(value), affinity);
        return SQLITE_OK;
    case SQLITE_FLOAT:
        set_real(out, sqlite3_value_double(value), affinity);
        return SQLITE_OK;
    case SQLITE_TEXT:
        return read_text(value, affinity, out);
    case SQLITE_BLOB:
        out->kind = FIELD_BLOB;
        out->data = sqlite3_value_blob(value);
        out->size = (size_t)sqlite3_value_bytes(value);
        return !out->data && out->size > 0 ? SQLITE_NOMEM : SQLITE_OK;
    default:
        out->kind = FIELD_NULL;
        return SQLITE_OK;
    }
}

void field_of_literal(const struct literal *literal, struct field *out)
{
    static const enum field_kind kinds[] = {
        [LITERAL_NULL] = FIELD_NULL, [LITERAL_INTEGER] = FIELD_INTEGER,
        [LITERAL_REAL] = FIELD_REAL, [LITERAL_TEXT] = FIELD_TEXT,
        [LITERAL_BLOB] = FIELD_BLOB,
    };

    out->kind = kinds[literal->kind];
    out->integer = literal->integer;
    out->real = literal->real;
    out->data = literal->bytes;
    out->size = literal->size;
}

void field_result(struct sqlite3_context *context, const struct field *field)
{
    switch (field->kind) {
    case FIELD_INTEGER:
        sqlite3_result_int64(context, field->integer);
        break;
    case FIELD_REAL:
        sqlite3_result_double(context, field->real);
        break;
    case FIELD_TEXT:
        /* Copied: SQLite may keep the value after the cursor has moved. */
        sqlite3_result_text64(context, field->size > 0 ? field->data : "",
                              field->size, SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    case FIELD_BLOB:
        sqlite3_result_blob64(context, field->size > 0 ? field->data : "",
                              field->size, SQLITE_TRANSIENT);
        break;
    default:
        sqlite3_result_null(context);
        break;
    }
}

void field_lend(struct sqlite3_context *context, const struct field *field,
                struct loans *loans)
{
    bool is_text = field->kind == FIELD_TEXT;
    char *copy = NULL;

    /* Where SQLite is told the size of a text, it takes a copy later, to put
     * the zero byte behind it. Zero bytes inside leave no other way. */
    if (field->kind == FIELD_BLOB ||
        (is_text && field->size > 0 && !memchr(field->data, 0, field->size)))
        copy = loans_copy(loans, field->data, field->size);
    if (!copy)
        field_result(context, field);
    else if (is_text)
        sqlite3_result_text(context, copy, -1, loans_give_back);
    else
        sqlite3_result_blob64(context, copy, field->size, loans_give_back);
}
