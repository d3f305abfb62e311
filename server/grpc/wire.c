#include "grpc/wire.h"

#include <string.h>

#define MAX_DIGITS 8

/* Units in nanoseconds; 0 = none. */
static uint64_t unit_ns(uint8_t unit)
{
    switch (unit) {
    case 'H':
        return 3600u * 1000000000ull;
    case 'M':
        return 60u * 1000000000ull;
    case 'S':
        return 1000000000ull;
    case 'm':
        return 1000000;
    case 'u':
        return 1000;
    case 'n':
        return 1;
    default:
        return 0;
    }
}

byron_status wire_parse_timeout(struct byron_bytes text, uint64_t *out_ms)
{
    const uint8_t *digits = text.data;
    uint64_t number = 0;
    uint64_t unit;

    if (text.size < 2 || text.size > MAX_DIGITS + 1)
        return BYRON_MISUSE;
    for (size_t i = 0; i + 1 < text.size; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return BYRON_MISUSE;
        number = number * 10 + (digits[i] - '0');
    }
    unit = unit_ns(digits[text.size - 1]);
    if (unit == 0)
        return BYRON_MISUSE;
    /* 99,999,999 hours are more nanoseconds than 64 bits hold. */
    *out_ms = unit >= 1000000 ? number * (unit / 1000000)
                              : (number * unit + 999999) / 1000000;
    return BYRON_OK;
}

byron_status wire_encode_message(const char *text, struct bytes *out)
{
    static const char digits[] = "0123456789ABCDEF";
    byron_status status = BYRON_OK;

    for (; *text && status == BYRON_OK; text++) {
        uint8_t byte = (uint8_t)*text;
        char escaped[3] = {'%', digits[byte >> 4], digits[byte & 15]};
        if (byte >= ' ' && byte <= '~' && byte != '%')
            status = bytes_add(out, &byte, 1);
        else
            status = bytes_add(out, escaped, sizeof escaped);
    }
    return status;
}

/* -1: no digit. */
static int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static byron_status decode(struct byron_bytes text, bool is_strict,
                           struct bytes *out)
{
    const uint8_t *bytes = text.data;
    byron_status status = BYRON_OK;

    for (size_t i = 0; i < text.size && status == BYRON_OK; i++) {
        uint8_t byte = bytes[i];
        bool has_two = byte == '%' && text.size - i > 2;
        int high = has_two ? hex_digit(bytes[i + 1]) : -1;
        int low = has_two ? hex_digit(bytes[i + 2]) : -1;
        if (high >= 0 && low >= 0) {
            byte = (uint8_t)(high * 16 + low);
            i += 2;
        } else if (byte == '%' && is_strict) {
            return BYRON_MISUSE;
        }
        status = bytes_add(out, &byte, 1);
    }
    return status;
}

byron_status wire_decode_message(struct byron_bytes text, struct bytes *out)
{
    return decode(text, false, out);
}

byron_status wire_unescape(struct byron_bytes text, struct bytes *out)
{
    return decode(text, true, out);
}

bool wire_is_grpc(struct byron_bytes content_type)
{
    static const char base[] = "application/grpc";
    size_t size = sizeof base - 1;
    const char *text = content_type.data;

    return content_type.size >= size && memcmp(text, base, size) == 0 &&
           (content_type.size == size || text[size] == '+' ||
            text[size] == ';');
}

bool wire_list_has(struct byron_bytes list, const char *word)
{
    const char *text = list.data;
    size_t from = 0;

    while (from < list.size) {
        size_t to = from;
        struct byron_bytes item;
        while (to < list.size && text[to] != ',')
            to++;
        item.data = text + from;
        item.size = to - from;
        while (item.size > 0 && *(const char *)item.data == ' ') {
            item.data = (const char *)item.data + 1;
            item.size--;
        }
        while (item.size > 0 && ((const char *)item.data)[item.size - 1] == ' ')
            item.size--;
        if (bytes_equal(item, word))
            return true;
        from = to + 1;
    }
    return false;
}
