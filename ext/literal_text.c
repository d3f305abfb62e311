#include "literal_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAFE_POWER 22 /* Of ten: exact as a double. */

/*
 * The shortest digits that are the same real again, where every SQLite reads
 * them so: a factor of ten beyond SAFE_POWER is rounded, and differently so.
 */
static bool print_decimal(double real, char digits[40])
{
    for (int precision = 14; precision <= 16; precision += 2) {
        char *exponent;
        int power;
        int count = precision;

        snprintf(digits, 40, "%.*e", precision, real);
        if (strtod(digits, NULL) != real)
            continue;
        exponent = strchr(digits, 'e');
        power = atoi(exponent + 1);
        for (const char *at = exponent - 1; *at == '0'; at--)
            count--;
        power -= count;
        snprintf(digits, 40, "%.*g", precision + 1, real);
        return power >= -SAFE_POWER && power <= SAFE_POWER;
    }
    return false;
}

/* A whole number of at most 53 bits, times or divided by powers of two. */
static void add_exact(sqlite3_str *to, double real)
{
    int exponent;
    double whole = ldexp(frexp(real, &exponent), 53);

    exponent -= 53;
    sqlite3_str_appendf(to, "(%lld.0", (sqlite3_int64)whole);
    while (exponent != 0) {
        int step = exponent > 62 ? 62 : exponent < -62 ? -62 : exponent;

        sqlite3_str_appendf(to, "%c%lld.0", step < 0 ? '/' : '*',
                            (sqlite3_int64)1 << abs(step));
        exponent -= step;
    }
    sqlite3_str_appendchar(to, 1, ')');
}

static void add_real(sqlite3_str *to, double real)
{
    char digits[40];
    char *comma;

    if (isinf(real)) {
        sqlite3_str_appendall(to, real < 0 ? "-9e999" : "9e999");
        return;
    }
    if (!print_decimal(real, digits)) {
        add_exact(to, real);
        return;
    }
    comma = strchr(digits, ','); /* Of a locale. */
    if (comma)
        *comma = '.';
    sqlite3_str_appendall(to, digits);
    if (!strpbrk(digits, ".e"))
        sqlite3_str_appendall(to, ".0");
}

static void add_blob(sqlite3_str *to, const struct field *field)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = field->data;

    sqlite3_str_appendall(to, "x'");
    for (size_t i = 0; i < field->size; i++) {
        sqlite3_str_appendchar(to, 1, digits[bytes[i] >> 4]);
        sqlite3_str_appendchar(to, 1, digits[bytes[i] & 15]);
    }
    sqlite3_str_appendchar(to, 1, '\'');
}

/* A shell that reads SQL, or prints it, may alter the others. */
static bool is_plain(const struct field *field)
{
    const unsigned char *bytes = field->data;

    for (size_t i = 0; i < field->size; i++)
        if (bytes[i] < ' ' && bytes[i] != '\n' && bytes[i] != '\t')
            return false;
    return true;
}

static void add_text(sqlite3_str *to, const struct field *field)
{
    const char *at = field->data;
    const char *end = at + field->size;

    if (!is_plain(field)) {
        sqlite3_str_appendall(to, "CAST(");
        add_blob(to, field);
        sqlite3_str_appendall(to, " AS TEXT)");
        return;
    }
    sqlite3_str_appendchar(to, 1, '\'');
    while (at < end) {
        const char *quote = memchr(at, '\'', (size_t)(end - at));
        const char *stop = quote ? quote + 1 : end;

        sqlite3_str_append(to, at, (int)(stop - at));
        if (quote)
            sqlite3_str_appendchar(to, 1, '\'');
        at = stop;
    }
    sqlite3_str_appendchar(to, 1, '\'');
}

void literal_text_add(sqlite3_str *to, const struct field *field)
{
    switch (field->kind) {
    case FIELD_INTEGER:
        sqlite3_str_appendf(to, "%lld", (sqlite3_int64)field->integer);
        break;
    case FIELD_REAL:
        add_real(to, field->real);
        break;
    case FIELD_TEXT:
        add_text(to, field);
        break;
    case FIELD_BLOB:
        add_blob(to, field);
        break;
    default:
        sqlite3_str_appendall(to, "NULL");
        break;
    }
}

void literal_text_add_name(sqlite3_str *to, const char *name)
{
    sqlite3_str_appendf(to, "\"%w\"", name);
}
