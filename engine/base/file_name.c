#include "base/file_name.h"

#include <stdio.h>

#define DIGITS 16

void file_name_format(enum file_kind kind, uint64_t number,
                      char out[OS_NAME_MAX])
{
    snprintf(out, OS_NAME_MAX, "%c-%016llx", (char)kind,
             (unsigned long long)number);
}

/* The value of a lower-case hexadecimal digit, or -1. */
static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return -1;
}

bool file_name_parse(const char *name, enum file_kind *kind, uint64_t *number)
{
    uint64_t value = 0;

    if (name[0] != FILE_MANIFEST && name[0] != FILE_WAL &&
        name[0] != FILE_TABLE)
        return false;
    if (name[1] != '-')
        return false;
    for (size_t i = 0; i < DIGITS; i++) {
        int digit = digit_value(name[2 + i]);
        if (digit < 0)
            return false;
        value = value << 4 | (uint64_t)digit;
    }
    if (name[2 + DIGITS] != '\0')
        return false;
    *kind = (enum file_kind)name[0];
    *number = value;
    return true;
}
