#include "ctl/text.h"

#include <string.h>

#include "ctl/report.h"

static const char hex[] = "0123456789abcdef";
static const char base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void text_add(struct bytes *out, const void *data, size_t size)
{
    if (bytes_add(out, data, size) != BYRON_OK)
        report_no_memory();
}

static void add_byte(struct bytes *out, unsigned byte)
{
    uint8_t one = (uint8_t)byte;

    text_add(out, &one, 1);
}

/* --- In --------------------------------------------------------------------*/

/* -1: no digit. */
static int hex_digit(uint8_t byte)
{
    const char *found =
        byte ? strchr(hex, byte | (byte > '9' ? 0x20 : 0)) : NULL;

    return found ? (int)(found - hex) : -1;
}

static const char *decode_hex(const uint8_t *text, size_t size,
                              struct bytes *out)
{
    if (size % 2 != 0)
        return "hex has two digits a byte";
    for (size_t i = 0; i < size; i += 2) {
        int high = hex_digit(text[i]);
        int low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0)
            return "hex has digits from 0 to f alone";
        add_byte(out, (unsigned)(high * 16 + low));
    }
    return NULL;
}

static const char *decode_base64(const uint8_t *text, size_t size,
                                 struct bytes *out)
{
    unsigned bits = 0;
    unsigned count = 0;

    if (size % 4 != 0)
        return "base64 has four characters for three bytes, = at the end";
    while (size > 0 && text[size - 1] == '=' && count < 2) {
        size--;
        count++;
    }
    count = 0;
    for (size_t i = 0; i < size; i++) {
        const char *found = text[i] ? strchr(base64, text[i]) : NULL;
        if (!found)
            return "base64 has A to Z, a to z, 0 to 9, + and / alone";
        bits = bits << 6 | (unsigned)(found - base64);
        count += 6;
        if (count >= 8) {
            count -= 8;
            add_byte(out, bits >> count & 255);
        }
    }
    return NULL;
}

const char *text_decode(enum notation notation, struct byron_bytes text,
                        struct bytes *out)
{
    switch (notation) {
    case NOTATION_HEX:
        return decode_hex(text.data, text.size, out);
    case NOTATION_BASE64:
        return decode_base64(text.data, text.size, out);
    case NOTATION_TEXT:
        break;
    }
    text_add(out, text.data, text.size);
    return NULL;
}

/* One escape at text; its size, or 0: it is none. */
static size_t decode_escape(const uint8_t *text, size_t size, struct bytes *out)
{
    static const char letters[] = "\\tnr";
    static const char meant[] = "\\\t\n\r";
    const char *found;

    if (size < 2)
        return 0;
    found = text[1] ? strchr(letters, text[1]) : NULL;
    if (found) {
        add_byte(out, (uint8_t)meant[found - letters]);
        return 2;
    }
    if (text[1] != 'x' || size < 4 || hex_digit(text[2]) < 0 ||
        hex_digit(text[3]) < 0)
        return 0;
    add_byte(out, (unsigned)(hex_digit(text[2]) * 16 + hex_digit(text[3])));
    return 4;
}

const char *text_decode_tsv(enum notation notation, struct byron_bytes text,
                            struct bytes *out)
{
    const uint8_t *bytes = text.data;
    size_t at = 0;

    if (notation != NOTATION_TEXT)
        return text_decode(notation, text, out);
    while (at < text.size) {
        const uint8_t *next = memchr(bytes + at, '\\', text.size - at);
        size_t plain = next ? (size_t)(next - bytes) - at : text.size - at;
        size_t escape;
        text_add(out, bytes + at, plain);
        at += plain;
        if (!next)
            break;
        escape = decode_escape(next, text.size - at, out);
        if (escape == 0)
            return "a backslash is written \\\\; there are \\t, \\n, \\r and "
                   "\\xNN besides";
        at += escape;
    }
    return NULL;
}

/* --- Out -------------------------------------------------------------------*/

/* The size of the character at the front; 0: it is no UTF-8. */
static size_t utf8_size(const uint8_t *text, size_t size)
{
    size_t wanted;

    if (text[0] < 0x80)
        return 1;
    if (text[0] < 0xC2 || text[0] > 0xF4)
        return 0;
    wanted = text[0] < 0xE0 ? 2 : text[0] < 0xF0 ? 3 : 4;
    if (size < wanted)
        return 0;
    for (size_t i = 1; i < wanted; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    /* Too long, surrogates, beyond the last. */
    if ((text[0] == 0xE0 && text[1] < 0xA0) ||
        (text[0] == 0xED && text[1] > 0x9F) ||
        (text[0] == 0xF0 && text[1] < 0x90) ||
        (text[0] == 0xF4 && text[1] > 0x8F))
        return 0;
    return wanted;
}

bool text_is_utf8(struct byron_bytes bytes)
{
    const uint8_t *text = bytes.data;
    size_t size = bytes.size;

    while (size > 0) {
        size_t one = utf8_size(text, size);
        if (one == 0)
            return false;
        text += one;
        size -= one;
    }
    return true;
}

static void print_hex(FILE *out, struct byron_bytes bytes)
{
    const uint8_t *byte = bytes.data;

    for (size_t i = 0; i < bytes.size; i++) {
        fputc(hex[byte[i] >> 4], out);
        fputc(hex[byte[i] & 15], out);
    }
}

static void print_base64(FILE *out, struct byron_bytes bytes)
{
    const uint8_t *byte = bytes.data;

    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        unsigned bits = (unsigned)byte[i] << 16 |
                        (left > 1 ? (unsigned)byte[i + 1] << 8 : 0) |
                        (left > 2 ? byte[i + 2] : 0);
        fputc(base64[bits >> 18], out);
        fputc(base64[bits >> 12 & 63], out);
        fputc(left > 1 ? base64[bits >> 6 & 63] : '=', out);
        fputc(left > 2 ? base64[bits & 63] : '=', out);
    }
}

static void print_escape(FILE *out, uint8_t byte)
{
    switch (byte) {
    case '\\':
        fputs("\\\\", out);
        break;
    case '\t':
        fputs("\\t", out);
        break;
    case '\n':
        fputs("\\n", out);
        break;
    case '\r':
        fputs("\\r", out);
        break;
    default:
        fprintf(out, "\\x%02x", byte);
    }
}

/* The size of the character at the front; 0: it has to be escaped. */
static size_t plain_size(const uint8_t *text, size_t size)
{
    size_t one = utf8_size(text, size);
    /* What terminals obey, in one byte or (C1) in two. */
    bool is_control = text[0] < ' ' || text[0] == 0x7F ||
                      (text[0] == 0xC2 && one == 2 && text[1] < 0xA0);

    return is_control || text[0] == '\\' ? 0 : one;
}

static void print_escaped(FILE *out, struct byron_bytes bytes)
{
    const uint8_t *text = bytes.data;
    size_t plain = 0;
    size_t one;

    while (plain < bytes.size) {
        one = plain_size(text + plain, bytes.size - plain);
        plain += one;
        if (one > 0 && plain < bytes.size)
            continue;
        if (plain > 0)
            fwrite(text, 1, plain, out);
        text += plain;
        bytes.size -= plain;
        plain = 0;
        if (one == 0) {
            print_escape(out, *text++);
            bytes.size--;
        }
    }
}

void text_print(FILE *out, enum notation notation, struct byron_bytes bytes,
                bool is_escaped)
{
    if (notation == NOTATION_HEX)
        print_hex(out, bytes);
    else if (notation == NOTATION_BASE64)
        print_base64(out, bytes);
    else if (is_escaped)
        print_escaped(out, bytes);
    else if (bytes.size > 0)
        fwrite(bytes.data, 1, bytes.size, out);
}

void text_print_csv(FILE *out, enum notation notation, struct byron_bytes bytes)
{
    const char *text = bytes.data;
    bool is_quoted = false;

    if (notation != NOTATION_TEXT) {
        text_print(out, notation, bytes, false);
        return;
    }
    for (size_t i = 0; i < bytes.size && !is_quoted; i++)
        is_quoted = text[i] == ',' || text[i] == '"' || text[i] == '\n' ||
                    text[i] == '\r';
    if (is_quoted)
        fputc('"', out);
    for (size_t i = 0; i < bytes.size; i++) {
        if (text[i] == '"')
            fputc('"', out);
        fputc(text[i], out);
    }
    if (is_quoted)
        fputc('"', out);
}

static void print_json_string(FILE *out, struct byron_bytes bytes)
{
    const uint8_t *text = bytes.data;

    for (size_t i = 0; i < bytes.size; i++) {
        if (text[i] == '"' || text[i] == '\\')
            fprintf(out, "\\%c", text[i]);
        else if (text[i] == '\n')
            fputs("\\n", out);
        else if (text[i] == '\t')
            fputs("\\t", out);
        else if (text[i] < ' ' || text[i] == 0x7F)
            fprintf(out, "\\u%04x", text[i]);
        else
            fputc(text[i], out);
    }
}

void text_print_json(FILE *out, enum notation notation,
                     struct byron_bytes bytes)
{
    bool is_object = notation == NOTATION_TEXT && !text_is_utf8(bytes);

    fputs(is_object ? "{\"base64\":\"" : "\"", out);
    if (is_object)
        print_base64(out, bytes);
    else if (notation == NOTATION_TEXT)
        print_json_string(out, bytes);
    else
        text_print(out, notation, bytes, false);
    fputs(is_object ? "\"}" : "\"", out);
}

void text_print_row(FILE *out, enum format format, enum notation notation,
                    struct byron_bytes key, const struct byron_bytes *value)
{
    if (format == FORMAT_JSON) {
        fputs("{\"key\":", out);
        text_print_json(out, notation, key);
        if (value) {
            fputs(",\"value\":", out);
            text_print_json(out, notation, *value);
        }
        fputc('}', out);
    } else if (format == FORMAT_CSV) {
        text_print_csv(out, notation, key);
        if (value) {
            fputc(',', out);
            text_print_csv(out, notation, *value);
        }
    } else {
        text_print(out, notation, key, true);
        if (value) {
            fputc('\t', out);
            text_print(out, notation, *value, true);
        }
    }
    fputc('\n', out);
}
