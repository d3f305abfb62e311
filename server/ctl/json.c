#include "ctl/json.h"

#include <string.h>

/* What is left of a line. */
struct cursor {
    const char *at;
    const char *end;
};

static const char no_object[] =
    "not an object like {\"key\": \"a\", \"value\": \"b\"}";

static void skip_space(struct cursor *cursor)
{
    while (cursor->at < cursor->end && strchr(" \t\r\n", *cursor->at) &&
           *cursor->at)
        cursor->at++;
}

/* Whether the next is this, which is then skipped. */
static bool take(struct cursor *cursor, char wanted)
{
    skip_space(cursor);
    if (cursor->at == cursor->end || *cursor->at != wanted)
        return false;
    cursor->at++;
    return true;
}

/* --- Strings ---------------------------------------------------------------*/

static void add_utf8(struct bytes *out, unsigned point)
{
    uint8_t bytes[4];
    size_t size = 0;

    if (point < 0x80) {
        bytes[size++] = (uint8_t)point;
    } else if (point < 0x800) {
        bytes[size++] = (uint8_t)(0xC0 | point >> 6);
        bytes[size++] = (uint8_t)(0x80 | (point & 63));
    } else if (point < 0x10000) {
        bytes[size++] = (uint8_t)(0xE0 | point >> 12);
        bytes[size++] = (uint8_t)(0x80 | (point >> 6 & 63));
        bytes[size++] = (uint8_t)(0x80 | (point & 63));
    } else {
        bytes[size++] = (uint8_t)(0xF0 | point >> 18);
        bytes[size++] = (uint8_t)(0x80 | (point >> 12 & 63));
        bytes[size++] = (uint8_t)(0x80 | (point >> 6 & 63));
        bytes[size++] = (uint8_t)(0x80 | (point & 63));
    }
    text_add(out, bytes, size);
}

/* Four digits of hex. */
static bool read_unit(struct cursor *cursor, unsigned *out)
{
    *out = 0;
    if (cursor->end - cursor->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char digit = *cursor->at++;
        if (digit >= '0' && digit <= '9')
            *out = *out * 16 + (unsigned)(digit - '0');
        else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
            *out = *out * 16 + (unsigned)((digit | 0x20) - 'a' + 10);
        else
            return false;
    }
    return true;
}

/* Behind \u. */
static bool read_point(struct cursor *cursor, struct bytes *out)
{
    unsigned point;
    unsigned low;

    if (!read_unit(cursor, &point))
        return false;
    if (point >= 0xD800 && point < 0xDC00) {
        if (cursor->end - cursor->at < 2 || cursor->at[0] != '\\' ||
            cursor->at[1] != 'u')
            return false;
        cursor->at += 2;
        if (!read_unit(cursor, &low) || low < 0xDC00 || low > 0xDFFF)
            return false;
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    } else if (point >= 0xDC00 && point < 0xE000) {
        return false;
    }
    add_utf8(out, point);
    return true;
}

static bool read_escape(struct cursor *cursor, struct bytes *out)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    const char *found;

    if (cursor->at == cursor->end)
        return false;
    if (*cursor->at == 'u') {
        cursor->at++;
        return read_point(cursor, out);
    }
    found = *cursor->at ? strchr(letters, *cursor->at) : NULL;
    if (!found)
        return false;
    cursor->at++;
    text_add(out, &meant[found - letters], 1);
    return true;
}

static const char *read_string(struct cursor *cursor, struct bytes *out)
{
    if (!take(cursor, '"'))
        return "a string in double quotes is missing";
    while (cursor->at < cursor->end && *cursor->at != '"') {
        const char *from = cursor->at;
        if (*from == '\\') {
            cursor->at++;
            if (!read_escape(cursor, out))
                return "a backslash in a string that is no escape of JSON";
            continue;
        }
        if ((unsigned char)*from < ' ')
            return "a control character in a string";
        while (cursor->at < cursor->end && *cursor->at != '"' &&
               *cursor->at != '\\' && (unsigned char)*cursor->at >= ' ')
            cursor->at++;
        text_add(out, from, (size_t)(cursor->at - from));
    }
    return take(cursor, '"') ? NULL : "a string does not end";
}

const char *json_read_string(struct byron_bytes text, struct bytes *out)
{
    struct cursor cursor = {text.data, (const char *)text.data + text.size};
    const char *wrong = read_string(&cursor, out);

    return wrong || cursor.at == cursor.end ? wrong : "text behind the string";
}

/* --- Rows ------------------------------------------------------------------*/

static const char *read_notation(struct cursor *cursor, enum notation notation,
                                 struct bytes *out)
{
    struct bytes text = {0};
    const char *wrong = read_string(cursor, &text);

    if (!wrong)
        wrong = text_decode(notation, bytes_lend(&text), out);
    bytes_deinit(&text);
    return wrong;
}

/* A string, or {"base64": "..."}. */
static const char *read_bytes(struct cursor *cursor, enum notation notation,
                              struct bytes *out)
{
    struct bytes name = {0};
    const char *wrong;

    if (!take(cursor, '{'))
        return read_notation(cursor, notation, out);
    wrong = read_string(cursor, &name);
    if (!wrong &&
        (!bytes_equal(bytes_lend(&name), "base64") || !take(cursor, ':')))
        wrong = "an object in place of a string is {\"base64\": \"...\"}";
    if (!wrong)
        wrong = read_notation(cursor, NOTATION_BASE64, out);
    if (!wrong && !take(cursor, '}'))
        wrong = "an object in place of a string is {\"base64\": \"...\"}";
    bytes_deinit(&name);
    return wrong;
}

/* One member of the row's object. */
static const char *read_member(struct cursor *cursor, enum notation notation,
                               struct bytes *key, struct bytes *value,
                               bool has[2])
{
    struct bytes name = {0};
    const char *wrong = read_string(cursor, &name);
    bool is_key = !wrong && bytes_equal(bytes_lend(&name), "key");
    bool is_value = !wrong && bytes_equal(bytes_lend(&name), "value");

    bytes_deinit(&name);
    if (wrong || !take(cursor, ':'))
        return no_object;
    if (!is_key && !is_value)
        return "only \"key\" and \"value\" are members of a row";
    if (has[is_value])
        return "a member is there twice";
    has[is_value] = true;
    return read_bytes(cursor, notation, is_key ? key : value);
}

const char *json_read_row(struct byron_bytes line, enum notation notation,
                          struct bytes *key, struct bytes *value)
{
    struct cursor cursor = {line.data, (const char *)line.data + line.size};
    bool has[2] = {false, false};
    const char *wrong = take(&cursor, '{') ? NULL : no_object;

    while (!wrong) {
        wrong = read_member(&cursor, notation, key, value, has);
        if (!wrong && !take(&cursor, ','))
            break;
    }
    if (!wrong && (!take(&cursor, '}') || !has[0] || !has[1]))
        wrong = no_object;
    skip_space(&cursor);
    if (!wrong && cursor.at != cursor.end)
        wrong = "text behind the object";
    return wrong;
}

/* --- Numbers ---------------------------------------------------------------*/

static bool skip_digits(const char **text)
{
    const char *from = *text;

    while (**text >= '0' && **text <= '9')
        (*text)++;
    return *text > from;
}

bool json_is_number(const char *text, bool *out_is_whole)
{
    *out_is_whole = true;
    if (*text == '-')
        text++;
    if (*text == '0')
        text++;
    else if (!skip_digits(&text))
        return false;
    if (*text == '.') {
        *out_is_whole = false;
        text++;
        if (!skip_digits(&text))
            return false;
    }
    if (*text == 'e' || *text == 'E') {
        *out_is_whole = false;
        text++;
        if (*text == '+' || *text == '-')
            text++;
        if (!skip_digits(&text))
            return false;
    }
    return !*text;
}
