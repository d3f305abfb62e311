#include "key_codec.h"

#include <string.h>

/*
 * column  = NULL | number | text | blob, each begun by its tag;
 *           every bit inverted where the column descends
 * number  = tag whole(0..8 bytes) [fraction(8 bytes)]
 *           whole is 2 * integer part + (1 if a fraction follows), as few
 *           bytes as it needs, their count told by the tag
 *           fraction is the bits of a double between 0 and 1
 *         | tag of a huge number, bits of the double (8 bytes)
 *           negative numbers: the bytes of the magnitude, inverted
 * text, blob = tag byte* end; a zero byte is written 00 FF, the end 00 00
 *         | tag byte* to the end of the key, in the last ascending column
 * Integers of 2^63 and beyond are huge, so -2^63 is the only integer there.
 */
enum tag {
    TAG_NULL = 0x08,
    TAG_NEGATIVE_HUGE = 0x10,
    TAG_ZERO = 0x20, /* Minus or plus the count of bytes of whole. */
    TAG_POSITIVE_HUGE = 0x30,
    TAG_TEXT = 0x40,
    TAG_BLOB = 0x48,
};

#define WHOLE_SIZE    8
#define FRACTION_SIZE 8
#define NUMBER_SIZE   (1 + WHOLE_SIZE + FRACTION_SIZE) /* At most. */
#define ESCAPE        0x00
#define ESCAPED_ZERO  0xff
#define END_SIZE      2
#define HUGE_LIMIT    9223372036854775808.0 /* 2^63 */

static uint64_t bits_of(double real)
{
    uint64_t bits;

    memcpy(&bits, &real, sizeof bits);
    return bits;
}

static double real_of(uint64_t bits)
{
    double real;

    memcpy(&real, &bits, sizeof real);
    return real;
}

static void store_big(uint8_t *to, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(to, &value, sizeof value);
}

static uint64_t load_big(const uint8_t *from)
{
    uint64_t value;

    memcpy(&value, from, sizeof value);
    return __builtin_bswap64(value);
}

static void invert(uint8_t *at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)~at[i];
}

/* --- Writing ------------------------------------------------------------- */

byron_status key_codec_add_id(struct bytes *out, uint32_t id)
{
    uint8_t big[KEY_ID_SIZE];

    for (int i = 0; i < KEY_ID_SIZE; i++)
        big[i] = (uint8_t)(id >> (8 * (KEY_ID_SIZE - 1 - i)));
    return bytes_add(out, big, sizeof big);
}

byron_status key_codec_add_rowid(struct bytes *out, int64_t rowid)
{
    uint8_t big[KEY_ROWID_SIZE];

    store_big(big, (uint64_t)rowid ^ (UINT64_C(1) << 63));
    return bytes_add(out, big, sizeof big);
}

/* Writes at most NUMBER_SIZE bytes; returns how many. */
static size_t write_magnitude(uint8_t *to, bool is_negative, uint64_t whole,
                              double fraction)
{
    uint64_t shifted = whole << 1 | (fraction > 0.0 ? 1 : 0);
    int size = 0;
    uint8_t big[WHOLE_SIZE];
    uint8_t *at = to + 1;

    if (shifted > 0)
        size = WHOLE_SIZE - __builtin_clzll(shifted) / 8;
    store_big(big, shifted);
    memcpy(at, big + WHOLE_SIZE - size, (size_t)size);
    at += size;
    if (fraction > 0.0) {
        store_big(at, bits_of(fraction));
        at += FRACTION_SIZE;
    }
    to[0] = (uint8_t)(is_negative ? TAG_ZERO - size : TAG_ZERO + size);
    if (is_negative)
        invert(to + 1, (size_t)(at - to) - 1);
    return (size_t)(at - to);
}

static size_t write_huge(uint8_t *to, double real)
{
    bool is_negative = real < 0;

    to[0] = is_negative ? TAG_NEGATIVE_HUGE : TAG_POSITIVE_HUGE;
    store_big(to + 1, bits_of(is_negative ? -real : real));
    if (is_negative)
        invert(to + 1, sizeof(uint64_t));
    return 1 + sizeof(uint64_t);
}

static size_t write_integer(uint8_t *to, int64_t integer)
{
    if (integer == INT64_MIN)
        return write_huge(to, -HUGE_LIMIT);
    return write_magnitude(to, integer < 0,
                           (uint64_t)(integer < 0 ? -integer : integer), 0.0);
}

static size_t write_real(uint8_t *to, double real)
{
    double magnitude = real < 0 ? -real : real;
    uint64_t whole;

    if (!(magnitude < HUGE_LIMIT))
        return write_huge(to, real);
    whole = (uint64_t)magnitude;
    /* Exact: a part of the same digits. */
    return write_magnitude(to, real < 0, whole, magnitude - (double)whole);
}

static byron_status add_number(struct bytes *out, const struct field *field)
{
    byron_status status = bytes_reserve(out, NUMBER_SIZE);
    uint8_t *to;

    if (status != BYRON_OK)
        return status;
    to = out->data + out->size;
    out->size += field->kind == FIELD_INTEGER
                     ? write_integer(to, field->integer)
                     : write_real(to, field->real);
    return BYRON_OK;
}

static byron_status add_escaped(struct bytes *out, const uint8_t *from,
                                size_t size)
{
    static const uint8_t zero[] = {ESCAPE, ESCAPED_ZERO};
    byron_status status = BYRON_OK;

    while (size > 0 && status == BYRON_OK) {
        const uint8_t *stop = memchr(from, 0, size);
        size_t plain = stop ? (size_t)(stop - from) : size;

        status = bytes_add(out, from, plain);
        if (status == BYRON_OK && stop)
            status = bytes_add(out, zero, sizeof zero);
        from += plain + (stop ? 1 : 0);
        size -= plain + (stop ? 1 : 0);
    }
    return status;
}

static byron_status add_content(struct bytes *out, const void *data,
                                size_t size, struct key_style style)
{
    static const uint8_t end[END_SIZE] = {ESCAPE, 0};
    byron_status status;

    if (style.is_last && !style.is_descending)
        return bytes_add(out, data, size);
    status = add_escaped(out, data, size);
    if (status == BYRON_OK)
        status = bytes_add(out, end, sizeof end);
    return status;
}

/*
 * SQLite's NOCASE looks no further than a zero byte: texts alike up to there
 * differ by their length alone. So: folded text, zero, what is left's size.
 */
static byron_status add_folded(struct bytes *out, const struct field *field,
                               struct key_style style)
{
    struct bytes folded = {0};
    const char *zero =
        field->size > 0 ? memchr(field->data, 0, field->size) : NULL;
    size_t size =
        zero ? (size_t)(zero - (const char *)field->data) : field->size;
    byron_status status = bytes_add(&folded, field->data, size);

    for (size_t i = 0; status == BYRON_OK && i < size; i++)
        if (folded.data[i] >= 'A' && folded.data[i] <= 'Z')
            folded.data[i] = (uint8_t)(folded.data[i] + ('a' - 'A'));
    if (status == BYRON_OK && zero) {
        uint8_t rest[1 + sizeof(uint64_t)] = {0};

        store_big(rest + 1, field->size - size);
        status = bytes_add(&folded, rest, sizeof rest);
    }
    if (status == BYRON_OK)
        status = add_content(out, folded.data, folded.size, style);
    bytes_deinit(&folded);
    return status;
}

static size_t trimmed_size(const struct field *field)
{
    const char *text = field->data;
    size_t size = field->size;

    while (size > 0 && text[size - 1] == ' ')
        size--;
    return size;
}

static byron_status add_text(struct bytes *out, const struct field *field,
                             struct key_style style)
{
    byron_status status = bytes_add_u8(out, TAG_TEXT);

    if (status != BYRON_OK)
        return status;
    switch (style.collation) {
    case COLLATION_NOCASE:
        return add_folded(out, field, style);
    case COLLATION_RTRIM:
        return add_content(out, field->data, trimmed_size(field), style);
    default:
        return add_content(out, field->data, field->size, style);
    }
}

byron_status key_codec_add(struct bytes *out, const struct field *field,
                           struct key_style style)
{
    size_t start = out->size;
    byron_status status;

    switch (field->kind) {
    case FIELD_INTEGER:
    case FIELD_REAL:
        status = add_number(out, field);
        break;
    case FIELD_TEXT:
        status = add_text(out, field, style);
        break;
    case FIELD_BLOB:
        status = bytes_add_u8(out, TAG_BLOB);
        if (status == BYRON_OK)
            status = add_content(out, field->data, field->size, style);
        break;
    default:
        status = bytes_add_u8(out, TAG_NULL);
        break;
    }
    if (status != BYRON_OK)
        out->size = start;
    else if (style.is_descending)
        invert(out->data + start, out->size - start);
    return status;
}

byron_status key_codec_add_beginning(struct bytes *out,
                                     const struct field *field,
                                     struct key_style style)
{
    struct field beginning = *field;
    const char *zero = NULL;
    byron_status status;

    if (field->kind == FIELD_TEXT && style.collation == COLLATION_NOCASE &&
        field->size > 0)
        zero = memchr(field->data, 0, field->size);
    if (zero)
        beginning.size = (size_t)(zero - (const char *)field->data);
    status = key_codec_add(out, &beginning, style);
    if (status == BYRON_OK && (!style.is_last || style.is_descending))
        out->size -= END_SIZE;
    return status;
}

/* --- Reading ------------------------------------------------------------- */

static uint8_t tag_of(struct byron_bytes input, struct key_style style)
{
    uint8_t tag = *(const uint8_t *)input.data;

    return style.is_descending ? (uint8_t)~tag : tag;
}

/* Size of a number with this tag up to its fraction; 0: no such tag. */
static size_t number_size(uint8_t tag)
{
    if (tag == TAG_NEGATIVE_HUGE || tag == TAG_POSITIVE_HUGE)
        return 1 + sizeof(uint64_t);
    if (tag >= TAG_ZERO - WHOLE_SIZE && tag <= TAG_ZERO + WHOLE_SIZE)
        return 1 + (size_t)(tag < TAG_ZERO ? TAG_ZERO - tag : tag - TAG_ZERO);
    return 0;
}

/* The bytes of a number, not inverted; 0 if they are damaged. */
static size_t copy_number(struct byron_bytes input, struct key_style style,
                          uint8_t *to)
{
    uint8_t tag = tag_of(input, style);
    size_t size = number_size(tag);
    bool is_inverted = style.is_descending != (tag < TAG_ZERO);

    if (size == 0 || input.size < size)
        return 0;
    memcpy(to, input.data, size);
    if (is_inverted)
        invert(to + 1, size - 1);
    if (tag == TAG_NEGATIVE_HUGE || tag == TAG_POSITIVE_HUGE || size == 1 ||
        (to[size - 1] & 1) == 0) {
        to[0] = tag;
        return size;
    }
    if (input.size < size + FRACTION_SIZE)
        return 0;
    memcpy(to + size, (const uint8_t *)input.data + size, FRACTION_SIZE);
    if (is_inverted)
        invert(to + size, FRACTION_SIZE);
    to[0] = tag;
    return size + FRACTION_SIZE;
}

static bool decode_huge(const uint8_t *from, struct field *out)
{
    double real = real_of(load_big(from + 1));

    if (!(real >= HUGE_LIMIT))
        return false;
    out->kind = FIELD_REAL;
    out->real = from[0] == TAG_NEGATIVE_HUGE ? -real : real;
    if (out->real == -HUGE_LIMIT) {
        out->kind = FIELD_INTEGER;
        out->integer = INT64_MIN;
    }
    return true;
}

static bool decode_number(const uint8_t *from, struct field *out)
{
    size_t size = number_size(from[0]) - 1;
    bool is_negative = from[0] < TAG_ZERO;
    uint64_t shifted = 0;
    double fraction;

    if (from[0] == TAG_NEGATIVE_HUGE || from[0] == TAG_POSITIVE_HUGE)
        return decode_huge(from, out);
    for (size_t i = 0; i < size; i++)
        shifted = shifted << 8 | from[1 + i];
    if ((shifted & 1) == 0) {
        int64_t integer = (int64_t)(shifted >> 1);

        out->kind = FIELD_INTEGER;
        out->integer = is_negative ? -integer : integer;
        return true;
    }
    fraction = real_of(load_big(from + 1 + size));
    if (!(fraction > 0.0 && fraction < 1.0))
        return false;
    out->kind = FIELD_REAL;
    out->real = (double)(shifted >> 1) + fraction;
    if (is_negative)
        out->real = -out->real;
    return true;
}

/*
 * Finds the end of escaped content; *has_zeros tells whether it has to be
 * copied to be read. Returns the size without the end, or SIZE_MAX.
 */
static size_t content_size(const uint8_t *from, size_t size,
                           struct key_style style, bool *has_zeros)
{
    uint8_t flip = style.is_descending ? 0xff : 0;
    size_t at = 0;

    *has_zeros = false;
    while (at < size) {
        const uint8_t *stop = memchr(from + at, ESCAPE ^ flip, size - at);

        if (!stop || (size_t)(stop - from) + END_SIZE > size)
            return SIZE_MAX;
        at = (size_t)(stop - from);
        if ((stop[1] ^ flip) == 0)
            return at;
        if ((stop[1] ^ flip) != ESCAPED_ZERO)
            return SIZE_MAX;
        *has_zeros = true;
        at += END_SIZE;
    }
    return SIZE_MAX;
}

static byron_status add_plain(struct bytes *scratch, const uint8_t *from,
                              size_t size, struct key_style style)
{
    uint8_t flip = style.is_descending ? 0xff : 0;
    byron_status status = bytes_reserve(scratch, size);

    if (status != BYRON_OK)
        return status;
    for (size_t at = 0; at < size; at++) {
        uint8_t byte = from[at] ^ flip;

        scratch->data[scratch->size++] = byte;
        if (byte == ESCAPE)
            at++; /* The ESCAPED_ZERO after it. */
    }
    return BYRON_OK;
}

/* Text or blob at *input; scratch NULL: only skip it. */
static byron_status read_content(struct byron_bytes *input,
                                 struct key_style style, struct bytes *scratch,
                                 struct field *out)
{
    const uint8_t *from = (const uint8_t *)input->data + 1;
    size_t size = input->size - 1;
    bool has_zeros = false;
    byron_status status = BYRON_OK;

    out->data = from;
    out->size = size;
    if (style.is_last && !style.is_descending) {
        *input = (struct byron_bytes){from + size, 0};
        return BYRON_OK;
    }
    size = content_size(from, size, style, &has_zeros);
    if (size == SIZE_MAX)
        return BYRON_CORRUPT;
    out->size = size;
    if (scratch && (has_zeros || style.is_descending)) {
        size_t start = scratch->size;

        status = add_plain(scratch, from, size, style);
        out->data = scratch->data ? scratch->data + start : NULL;
        out->size = scratch->size - start;
    }
    input->data = from + size + END_SIZE;
    input->size -= 1 + size + END_SIZE;
    return status;
}

/* A big-endian number; without a loop where it is short. */
static inline uint64_t load_whole(const uint8_t *from, size_t size)
{
    uint64_t whole = 0;

    switch (size) {
    case 1:
        return from[0];
    case 2:
        return (uint64_t)from[0] << 8 | from[1];
    case 3:
        return (uint64_t)from[0] << 16 | (uint64_t)from[1] << 8 | from[2];
    default:
        for (size_t i = 0; i < size; i++)
            whole = whole << 8 | from[i];
        return whole;
    }
}

/* An integer of less than 55 bits, the usual number; false: not that. */
static inline bool read_integer(struct byron_bytes *input,
                                struct key_style style, uint8_t tag,
                                struct field *out)
{
    const uint8_t *from = input->data;
    bool is_negative = tag < TAG_ZERO;
    size_t size = is_negative ? TAG_ZERO - tag : tag - TAG_ZERO;
    uint64_t shifted;

    if (size >= WHOLE_SIZE || size >= input->size)
        return false;
    shifted = load_whole(from + 1, size);
    if (style.is_descending != is_negative)
        shifted ^= (UINT64_C(1) << (8 * size)) - 1;
    if (shifted & 1)
        return false; /* A fraction follows. */
    shifted >>= 1;
    out->kind = FIELD_INTEGER;
    out->integer = is_negative ? -(int64_t)shifted : (int64_t)shifted;
    input->data = from + 1 + size;
    input->size -= 1 + size;
    return true;
}

/* Whatever it is. Apart, so that integers do not pay for it. */
__attribute__((noinline)) static byron_status
read_any(struct byron_bytes *input, struct key_style style,
         struct bytes *scratch, struct field *out)
{
    uint8_t number[NUMBER_SIZE];
    uint8_t tag = tag_of(*input, style);
    size_t size;

    if (tag == TAG_TEXT || tag == TAG_BLOB) {
        out->kind = tag == TAG_TEXT ? FIELD_TEXT : FIELD_BLOB;
        return read_content(input, style, scratch, out);
    }
    out->kind = FIELD_NULL;
    size = tag == TAG_NULL ? 1 : copy_number(*input, style, number);
    if (size == 0 || (tag != TAG_NULL && !decode_number(number, out)))
        return BYRON_CORRUPT;
    input->data = (const uint8_t *)input->data + size;
    input->size -= size;
    return BYRON_OK;
}

static inline byron_status read_column(struct byron_bytes *input,
                                       struct key_style style,
                                       struct bytes *scratch, struct field *out)
{
    if (input->size == 0)
        return BYRON_CORRUPT;
    if (read_integer(input, style, tag_of(*input, style), out))
        return BYRON_OK;
    return read_any(input, style, scratch, out);
}

byron_status key_codec_read(struct byron_bytes *input, struct key_style style,
                            struct bytes *scratch, struct field *out)
{
    return read_column(input, style, scratch, out);
}

byron_status key_codec_skip(struct byron_bytes *input, struct key_style style)
{
    struct field ignored;

    return read_column(input, style, NULL, &ignored);
}

byron_status key_codec_read_rowid(struct byron_bytes key, int64_t *out)
{
    if (key.size != KEY_ROWID_SIZE)
        return BYRON_CORRUPT;
    *out = (int64_t)(load_big(key.data) ^ (UINT64_C(1) << 63));
    return BYRON_OK;
}

/* --- What the key keeps -------------------------------------------------- */

static bool keeps_text(const struct field *field, enum collation collation)
{
    const uint8_t *text = field->data;

    if (collation == COLLATION_RTRIM)
        return trimmed_size(field) == field->size;
    if (collation == COLLATION_NOCASE)
        for (size_t i = 0; i < field->size; i++)
            if (text[i] == 0 || (text[i] >= 'A' && text[i] <= 'Z'))
                return false;
    return true;
}

static enum field_kind keeps_real(double real, enum affinity affinity)
{
    if (affinity == AFFINITY_REAL)
        return real == 0.0 && bits_of(real) != 0 ? FIELD_REAL : FIELD_IN_KEY;
    if (real == 0.0)
        return bits_of(real) != 0 ? FIELD_REAL : FIELD_IN_KEY_REAL;
    if (real == -HUGE_LIMIT)
        return FIELD_IN_KEY_REAL;
    if (real > -HUGE_LIMIT && real < HUGE_LIMIT &&
        real == (double)(int64_t)real)
        return FIELD_IN_KEY_REAL;
    return FIELD_IN_KEY;
}

enum field_kind key_codec_keeps(const struct field *field,
                                enum affinity affinity,
                                enum collation collation)
{
    if (field->kind == FIELD_TEXT)
        return keeps_text(field, collation) ? FIELD_IN_KEY : FIELD_TEXT;
    if (field->kind == FIELD_REAL)
        return keeps_real(field->real, affinity);
    return FIELD_IN_KEY;
}
