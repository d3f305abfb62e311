#include "number_text.h"

#include <math.h>
#include <sqlite3ext.h>
#include <stdlib.h>
#include <string.h>

SQLITE_EXTENSION_INIT3

/* Beyond these a text's digits may be lost where it is read. */
#define SMALLEST 1e-290
#define LARGEST  1e290

/* What a beginning has been read as. */
enum part {
    PART_START, /* Spaces. */
    PART_SIGN,
    PART_ZEROS,
    PART_DIGITS, /* The significant ones. */
    PART_ANY,    /* Whatever follows, it may be. */
};

struct reading {
    enum part part;
    int digits;
    bool is_low; /* They are those of low so far. */
    bool is_high;
};

/* The digits after the first zeros; how many are before the point, which is
 * negative for zeros behind it. */
static int write_digits(char *to, double number)
{
    char text[NUMBER_TEXT_DIGITS + 16];

    /* One digit, the point, the others, exponent; whatever the locale. */
    sqlite3_snprintf(sizeof text, text, "%.*e", NUMBER_TEXT_DIGITS - 1, number);
    to[0] = text[0];
    memcpy(to + 1, text + 2, NUMBER_TEXT_DIGITS - 1);
    to[NUMBER_TEXT_DIGITS] = 0;
    return atoi(text + NUMBER_TEXT_DIGITS + 2) + 1;
}

bool number_text_init(struct number_text *out, double number)
{
    double size = fabs(number);

    if (!(size > SMALLEST && size < LARGEST))
        return false;
    memset(out, 0, sizeof *out);
    out->is_negative = number < 0;
    /* More than a text of 15 digits is off, and then than the rounding to
     * these digits. */
    out->low_count = write_digits(out->low, size * (1 - 2e-13));
    out->high_count = write_digits(out->high, size * (1 + 2e-13));
    out->is_split = strcmp(out->low, out->high) > 0;
    return true;
}

static bool is_space(unsigned char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool is_digit(unsigned char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool read_first_digit(const struct number_text *number,
                             struct reading *reading, char digit)
{
    bool is_above = digit >= number->low[0];
    bool is_below = digit <= number->high[0];

    if (number->is_split ? !is_above && !is_below : !is_above || !is_below)
        return false;
    reading->part = PART_DIGITS;
    reading->digits = 1;
    reading->is_low = digit == number->low[0];
    reading->is_high = digit == number->high[0];
    return true;
}

static bool read_digit(const struct number_text *number,
                       struct reading *reading, char digit)
{
    char low = number->low[reading->digits];
    char high = number->high[reading->digits];

    if ((reading->is_low && digit < low) || (reading->is_high && digit > high))
        return false;
    reading->is_low = reading->is_low && digit == low;
    reading->is_high = reading->is_high && digit == high;
    reading->digits++;
    return true;
}

/* Whether no digit has to follow what was read. */
static bool may_end(const struct number_text *number,
                    const struct reading *reading)
{
    if (reading->part != PART_DIGITS)
        return reading->part == PART_ANY;
    for (int i = reading->digits; reading->is_low && number->low[i] != 0; i++)
        if (number->low[i] != '0')
            return false;
    return true;
}

/* The beginning that was read, and byte: may a text go on so? */
static bool read_byte(const struct number_text *number, struct reading *reading,
                      unsigned char byte)
{
    if (reading->part == PART_DIGITS &&
        (reading->digits == NUMBER_TEXT_DIGITS ||
         (!reading->is_low && !reading->is_high)))
        reading->part = PART_ANY;
    if (reading->part == PART_ANY)
        return true;
    if (reading->part == PART_DIGITS) {
        if (is_digit(byte))
            return read_digit(number, reading, (char)byte);
        if (byte != '.' && !may_end(number, reading))
            return false;
        reading->part = PART_ANY; /* From a zero byte on SQLite may not look. */
        return byte == '.' || byte == 'e' || byte == 'E' || byte == 0 ||
               is_space(byte);
    }
    if (reading->part == PART_START) {
        if (is_space(byte))
            return true;
        if (byte == '+' || byte == '-') {
            reading->part = PART_SIGN;
            return number->is_negative == (byte == '-');
        }
        if (number->is_negative)
            return false;
    }
    reading->part = byte == '.' ? PART_ANY : PART_ZEROS;
    if (byte == '.' || byte == '0')
        return true;
    return is_digit(byte) && read_first_digit(number, reading, (char)byte);
}

/* The next byte above (below) this one that may stand there; -1: none. It may
 * be -1 itself: above that are all. */
static int find_other(const struct number_text *number,
                      const struct reading *reading, int byte, bool is_downward)
{
    int step = is_downward ? -1 : 1;

    for (int other = byte + step; other >= 0 && other < 256; other += step) {
        struct reading copy = *reading;

        if (read_byte(number, &copy, (unsigned char)other))
            return other;
    }
    return -1;
}

/* Whether the text, which has all the right digits, has no others, but more or
 * fewer of them before the point than the number. */
static bool has_other_size(const struct number_text *number, const char *text,
                           size_t size)
{
    int count = 0;
    size_t at = 0;

    while (at < size && (is_space((unsigned char)text[at]) || text[at] == '+' ||
                         text[at] == '-' || text[at] == '0'))
        at++;
    for (; at < size && is_digit((unsigned char)text[at]); at++)
        count++;
    return at == size && count != number->low_count &&
           count != number->high_count;
}

enum number_text_step number_text_seek(const struct number_text *number,
                                       const char *text, size_t size,
                                       bool is_downward, size_t *kept,
                                       char *next)
{
    struct reading reading = {.part = PART_START};
    struct reading ahead = reading;
    size_t at = 0; /* The byte with which it can be none of them. */
    int found = -1;

    while (at < size && read_byte(number, &ahead, (unsigned char)text[at]))
        at++;
    if (at == size && may_end(number, &ahead) &&
        !has_other_size(number, text, size))
        return NUMBER_TEXT_MAY;
    if (is_downward && at == size && at-- == 0)
        return NUMBER_TEXT_END;
    /* Another byte there; going up, else one instead of a byte before it. */
    for (size_t i = 0; i <= at; i++) {
        int byte = i < size ? (unsigned char)text[i] : -1;
        int other = -1;

        if (!is_downward || i == at)
            other = find_other(number, &reading, byte, is_downward);
        if (other >= 0) {
            *kept = i;
            found = other;
        }
        if (i < at && !read_byte(number, &reading, (unsigned char)byte))
            break; /* Not so: it was read before. */
    }
    if (found >= 0) {
        *next = (char)found;
        return NUMBER_TEXT_BEGIN;
    }
    *kept = at;
    return is_downward ? NUMBER_TEXT_PART : NUMBER_TEXT_END;
}
