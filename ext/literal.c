#include "parser.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_NUMBER 400 /* Digits of text that may be a number. */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* strtod with a point, whatever the user's locale. */
static double parse_real(const char *text)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double real = plain ? strtod_l(text, NULL, plain) : strtod(text, NULL);

    if (plain)
        freelocale(plain);
    return real;
}

static void set_integer(struct literal *out, int64_t integer)
{
    out->kind = LITERAL_INTEGER;
    out->integer = integer;
}

/* A decimal too long for 64 bits is a real, as in SQL. */
static void set_number(struct literal *out, const char *text, bool is_negative)
{
    char *end;
    unsigned long long magnitude;

    errno = 0;
    magnitude = strtoull(text, &end, 10);
    if (*end || errno == ERANGE ||
        magnitude > (unsigned long long)INT64_MAX + (is_negative ? 1 : 0)) {
        out->kind = LITERAL_REAL;
        out->real = parse_real(text);
        if (is_negative)
            out->real = -out->real;
        return;
    }
    set_integer(out, is_negative ? (int64_t)(0 - (uint64_t)magnitude)
                                 : (int64_t)magnitude);
}

static byron_status parse_number(struct parser *parser, bool is_negative,
                                 struct literal *out)
{
    char *text = token_text(&parser->token, NULL);
    uint64_t bits;

    if (!text)
        return BYRON_NO_MEMORY;
    if (text[0] == '0' && (text[1] | 0x20) == 'x') {
        if (strlen(text) > 2 + 16) {
            free(text);
            return parser_fail(parser, "hex literal too big: %.*s",
                               (int)parser->token.size, parser->token.start);
        }
        bits = strtoull(text + 2, NULL, 16);
        set_integer(out, (int64_t)(is_negative ? 0 - bits : bits));
    } else {
        set_number(out, text, is_negative);
    }
    free(text);
    parser_step(parser);
    return BYRON_OK;
}

static byron_status parse_signed(struct parser *parser, struct literal *out)
{
    bool is_negative = token_is_mark(&parser->token, '-');

    parser_step(parser);
    if (parser->token.kind != TOKEN_INTEGER && parser->token.kind != TOKEN_REAL)
        return parser_fail(parser,
                           "default value of a column must be a literal");
    return parse_number(parser, is_negative, out);
}

static byron_status parse_bytes(struct parser *parser, struct literal *out)
{
    out->kind = parser->token.kind == TOKEN_BLOB ? LITERAL_BLOB : LITERAL_TEXT;
    out->bytes = token_text(&parser->token, &out->size);
    if (!out->bytes)
        return BYRON_NO_MEMORY;
    parser_step(parser);
    return BYRON_OK;
}

static byron_status parse_word(struct parser *parser, struct literal *out)
{
    if (parser_take_word(parser, "NULL")) {
        out->kind = LITERAL_NULL;
    } else if (parser_take_word(parser, "TRUE")) {
        set_integer(out, 1);
    } else if (parser_take_word(parser, "FALSE")) {
        set_integer(out, 0);
    } else if (token_is_word(&parser->token, "CURRENT_TIME") ||
               token_is_word(&parser->token, "CURRENT_DATE") ||
               token_is_word(&parser->token, "CURRENT_TIMESTAMP")) {
        return parser_fail(parser,
                           "default value of a column must be a literal, "
                           "not %.*s",
                           (int)parser->token.size, parser->token.start);
    } else {
        return parse_bytes(parser, out); /* A bare word is text, as in SQL. */
    }
    return BYRON_OK;
}

byron_status literal_parse(struct parser *parser, struct literal *out)
{
    bool is_wrapped = parser_take_mark(parser, '(');
    byron_status status;

    switch (parser->token.kind) {
    case TOKEN_INTEGER:
    case TOKEN_REAL:
        status = parse_number(parser, false, out);
        break;
    case TOKEN_STRING:
    case TOKEN_BLOB:
    case TOKEN_QUOTED:
        status = parse_bytes(parser, out);
        break;
    case TOKEN_WORD:
        status = parse_word(parser, out);
        break;
    default:
        if (!token_is_mark(&parser->token, '-') &&
            !token_is_mark(&parser->token, '+'))
            return parser_fail(parser,
                               "default value of a column must be a literal");
        status = parse_signed(parser, out);
        break;
    }
    if (status == BYRON_OK && is_wrapped && !parser_take_mark(parser, ')'))
        return parser_fail(parser,
                           "default value of a column must be a literal, not "
                           "an expression");
    return status;
}

/* --- Affinity ------------------------------------------------------------ */

static const char *skip_digits(const char *at)
{
    while (*at >= '0' && *at <= '9')
        at++;
    return at;
}

/* Whether text is a number as SQLite reads one; *is_whole: only digits. */
static bool is_number(const char *text, size_t size, bool *is_whole)
{
    const char *at = text;
    const char *digits;
    bool has_digits;

    if (size > LONGEST_NUMBER || strlen(text) != size)
        return false;
    while (is_space(*at))
        at++;
    if (*at == '-' || *at == '+')
        at++;
    digits = at;
    at = skip_digits(at);
    has_digits = at > digits;
    *is_whole = *at != '.';
    if (*at == '.') {
        digits = at + 1;
        at = skip_digits(digits);
        has_digits = has_digits || at > digits;
    }
    if (has_digits && (*at == 'e' || *at == 'E')) {
        *is_whole = false;
        at++;
        if (*at == '-' || *at == '+')
            at++;
        digits = at;
        at = skip_digits(at);
        has_digits = at > digits;
    }
    while (is_space(*at))
        at++;
    return has_digits && at == text + size;
}

static void convert_text(struct literal *literal)
{
    bool is_whole;
    const char *at = literal->bytes;
    char *end;
    int64_t integer;

    if (!is_number(literal->bytes, literal->size, &is_whole))
        return;
    while (is_space(*at))
        at++;
    errno = 0;
    integer = strtoll(at, &end, 10);
    if (is_whole && errno != ERANGE) {
        set_integer(literal, integer);
    } else {
        literal->kind = LITERAL_REAL;
        literal->real = parse_real(at);
    }
    free(literal->bytes);
    literal->bytes = NULL;
    literal->size = 0;
}

static void convert_number(struct literal *literal, enum affinity affinity)
{
    if (literal->kind == LITERAL_INTEGER && affinity == AFFINITY_REAL) {
        literal->kind = LITERAL_REAL;
        literal->real = (double)literal->integer;
    } else if (literal->kind == LITERAL_REAL && literal->real == 0.0 &&
               affinity == AFFINITY_REAL) {
        literal->real = 0.0; /* A column of reals has no -0.0. */
    } else if (literal->kind == LITERAL_REAL && affinity != AFFINITY_REAL &&
               literal->real > -9223372036854775808.0 &&
               literal->real < 9223372036854775808.0 &&
               (double)(int64_t)literal->real == literal->real) {
        set_integer(literal, (int64_t)literal->real);
    }
}

/* As SQLite writes reals into text: 15 digits, and always a point. */
static void render_real(double real, char *to, size_t size)
{
    char digits[32];
    char *exponent;
    char *comma;

    if (isinf(real)) {
        snprintf(to, size, "%sInf", real < 0 ? "-" : "");
        return;
    }
    /* Of zero no sign. */
    snprintf(digits, sizeof digits, "%.15g", real == 0.0 ? 0.0 : real);
    comma = strchr(digits, ','); /* Of a locale. */
    if (comma)
        *comma = '.';
    exponent = strchr(digits, 'e');
    if (strchr(digits, '.'))
        snprintf(to, size, "%s", digits);
    else if (exponent)
        snprintf(to, size, "%.*s.0%s", (int)(exponent - digits), digits,
                 exponent);
    else
        snprintf(to, size, "%s.0", digits);
}

static byron_status render(struct literal *literal)
{
    char text[64];

    if (literal->kind == LITERAL_INTEGER)
        snprintf(text, sizeof text, "%" PRId64, literal->integer);
    else
        render_real(literal->real, text, sizeof text);
    literal->bytes = strdup(text);
    if (!literal->bytes)
        return BYRON_NO_MEMORY;
    literal->kind = LITERAL_TEXT;
    literal->size = strlen(text);
    return BYRON_OK;
}

byron_status literal_convert(struct literal *literal, enum affinity affinity)
{
    if (affinity == AFFINITY_TEXT &&
        (literal->kind == LITERAL_INTEGER || literal->kind == LITERAL_REAL))
        return render(literal);
    if (affinity < AFFINITY_NUMERIC)
        return BYRON_OK;
    if (literal->kind == LITERAL_TEXT)
        convert_text(literal);
    convert_number(literal, affinity);
    return BYRON_OK;
}
