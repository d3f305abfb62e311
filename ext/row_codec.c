#include "row_codec.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * row   = nothing, where every field is in the key
 *       | size of all types (varint), type (varint)*, body*
 * Integers are little-endian two's complement of as few bytes as they need.
 */
enum type {
    TYPE_NULL = 0,
    TYPE_INTEGER_1 = 1, /* And 2 to 8: as many bytes. */
    TYPE_INTEGER_8 = 8,
    TYPE_REAL = 9, /* 8 bytes. */
    TYPE_ZERO = 10,
    TYPE_ONE = 11,
    TYPE_IN_KEY = 12,
    TYPE_IN_KEY_REAL = 13,
    TYPE_REAL_AS_INTEGER = 14, /* A whole real: 4 bytes of integer. */
    TYPE_BLOB = 16,            /* Plus 2 * size; text: one more. */
};

#define VARINT_MAX_SIZE 10
#define REAL_SIZE       8
#define SHORT_REAL_SIZE 4

static size_t write_varint(uint8_t *to, uint64_t value)
{
    size_t size = 0;

    while (value >= 0x80) {
        to[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    to[size++] = (uint8_t)value;
    return size;
}

/* Reads at *at, before end; false if it is cut or longer than 64 bits. */
static bool read_long_varint(const uint8_t *from, size_t *at, size_t end,
                             uint64_t *out)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = from[(*at)++];

        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = value;
            return shift < 63 || byte < 2;
        }
    }
    return false;
}

/* The same; most are of one byte or two. */
static inline bool read_varint(const uint8_t *from, size_t *at, size_t end,
                               uint64_t *out)
{
    size_t next = *at;

    if (next < end && from[next] < 0x80) {
        *out = from[next];
        *at = next + 1;
        return true;
    }
    if (end - next >= 2 && from[next + 1] < 0x80) {
        *out = (uint64_t)(from[next] & 0x7f) | (uint64_t)from[next + 1] << 7;
        *at = next + 2;
        return true;
    }
    return read_long_varint(from, at, end, out);
}

/* --- Writing ------------------------------------------------------------- */

static int integer_size(int64_t integer)
{
    /* One bit more than the magnitude, for the sign. */
    uint64_t magnitude = (uint64_t)(integer < 0 ? ~integer : integer);

    return magnitude == 0 ? 1 : (64 - __builtin_clzll(magnitude)) / 8 + 1;
}

static bool is_short_real(double real)
{
    int32_t integer;
    double back;

    if (!(real >= INT32_MIN && real <= INT32_MAX))
        return false;
    integer = (int32_t)real;
    back = integer;
    return memcmp(&back, &real, sizeof real) == 0; /* -0.0 is not 0. */
}

static uint64_t type_of(const struct field *field)
{
    switch (field->kind) {
    case FIELD_INTEGER:
        if (field->integer == 0 || field->integer == 1)
            return field->integer == 0 ? TYPE_ZERO : TYPE_ONE;
        return (uint64_t)integer_size(field->integer);
    case FIELD_REAL:
        return is_short_real(field->real) ? TYPE_REAL_AS_INTEGER : TYPE_REAL;
    case FIELD_TEXT:
        return TYPE_BLOB + 1 + 2 * (uint64_t)field->size;
    case FIELD_BLOB:
        return TYPE_BLOB + 2 * (uint64_t)field->size;
    case FIELD_IN_KEY:
        return TYPE_IN_KEY;
    case FIELD_IN_KEY_REAL:
        return TYPE_IN_KEY_REAL;
    default:
        return TYPE_NULL;
    }
}

/* Size of the body; UINT64_MAX for a type never written. */
static inline uint64_t body_size(uint64_t type)
{
    static const uint64_t sizes[TYPE_BLOB] = {
        [TYPE_INTEGER_1] = 1,
        [2] = 2,
        [3] = 3,
        [4] = 4,
        [5] = 5,
        [6] = 6,
        [7] = 7,
        [TYPE_INTEGER_8] = 8,
        [TYPE_REAL] = REAL_SIZE,
        [TYPE_REAL_AS_INTEGER] = SHORT_REAL_SIZE,
        [TYPE_BLOB - 1] = UINT64_MAX,
    };

    return type < TYPE_BLOB ? sizes[type] : (type - TYPE_BLOB) / 2;
}

static void write_body(uint8_t *to, const struct field *field, uint64_t type)
{
    int32_t integer;

    if (type >= TYPE_INTEGER_1 && type <= TYPE_INTEGER_8) {
        memcpy(to, &field->integer, type);
    } else if (type == TYPE_REAL) {
        memcpy(to, &field->real, REAL_SIZE);
    } else if (type == TYPE_REAL_AS_INTEGER) {
        integer = (int32_t)field->real;
        memcpy(to, &integer, SHORT_REAL_SIZE);
    } else if (type >= TYPE_BLOB && field->size > 0) {
        memcpy(to, field->data, field->size);
    }
}

byron_status row_codec_add(struct bytes *out, const struct field *fields,
                           int count)
{
    uint8_t number[VARINT_MAX_SIZE];
    uint64_t types_size = 0;
    uint64_t size = 0;
    byron_status status;
    uint8_t *at;

    while (count > 0 && fields[count - 1].kind == FIELD_IN_KEY)
        count--;
    if (count == 0)
        return BYRON_OK;
    for (int i = 0; i < count; i++) {
        uint64_t type = type_of(&fields[i]);

        types_size += write_varint(number, type);
        size += body_size(type);
    }
    size += types_size + write_varint(number, types_size);
    status = bytes_reserve(out, size);
    if (status != BYRON_OK)
        return status;
    at = out->data + out->size;
    at += write_varint(at, types_size);
    for (int i = 0; i < count; i++)
        at += write_varint(at, type_of(&fields[i]));
    for (int i = 0; i < count; i++) {
        uint64_t type = type_of(&fields[i]);

        write_body(at, &fields[i], type);
        at += body_size(type);
    }
    out->size += size;
    return BYRON_OK;
}

/* --- Reading ------------------------------------------------------------- */

byron_status row_reader_init(struct row_reader *reader, int field_count)
{
    memset(reader, 0, sizeof *reader);
    reader->slots = calloc((size_t)field_count + 1, sizeof *reader->slots);
    reader->capacity = field_count;
    return reader->slots ? BYRON_OK : BYRON_NO_MEMORY;
}

void row_reader_deinit(struct row_reader *reader)
{
    free(reader->slots);
    memset(reader, 0, sizeof *reader);
}

byron_status row_reader_set(struct row_reader *reader, struct byron_bytes value)
{
    uint64_t types_size = 0;
    size_t at = 0;

    reader->value = value;
    reader->known_count = 0;
    reader->next_type = 0;
    reader->types_end = 0;
    reader->next_field = 0;
    if (value.size == 0)
        return BYRON_OK;
    if (!read_varint(value.data, &at, value.size, &types_size) ||
        types_size > value.size - at)
        return BYRON_CORRUPT;
    reader->next_type = at;
    reader->types_end = at + types_size;
    reader->next_field = reader->types_end;
    return BYRON_OK;
}

/* Finds slots up to index, or to the last type there is. */
static byron_status find_slots(struct row_reader *reader, int index)
{
    const uint8_t *value = reader->value.data;
    struct row_slot *slot = &reader->slots[reader->known_count];
    size_t end = reader->types_end;
    size_t type_at = reader->next_type;
    size_t field_at = reader->next_field;
    byron_status status = BYRON_OK;

    for (; slot <= &reader->slots[index] && type_at < end; slot++) {
        uint64_t type;
        uint64_t size;

        if (!read_varint(value, &type_at, end, &type)) {
            status = BYRON_CORRUPT;
            break;
        }
        size = body_size(type);
        if (size > reader->value.size - field_at) {
            status = BYRON_CORRUPT;
            break;
        }
        slot->type = type;
        slot->offset = field_at;
        field_at += size;
    }
    reader->known_count = (int)(slot - reader->slots);
    reader->next_type = type_at;
    reader->next_field = field_at;
    return status;
}

static int64_t load_integer(const uint8_t *from, uint64_t size)
{
    /* Shifted up and down again to spread the sign. */
    unsigned unused_bits = (unsigned)(8 * (sizeof(int64_t) - size));
    uint64_t integer = 0;

    memcpy(&integer, from, size);
    return (int64_t)(integer << unused_bits) >> unused_bits;
}

static void decode_body(const uint8_t *from, uint64_t type, struct field *out)
{
    int32_t integer;

    if (type >= TYPE_BLOB) {
        out->kind = type & 1 ? FIELD_TEXT : FIELD_BLOB;
        out->data = from;
        out->size = (type - TYPE_BLOB) / 2;
    } else if (type >= TYPE_INTEGER_1 && type <= TYPE_INTEGER_8) {
        out->kind = FIELD_INTEGER;
        out->integer = load_integer(from, type);
    } else if (type == TYPE_REAL) {
        out->kind = FIELD_REAL;
        memcpy(&out->real, from, REAL_SIZE);
    } else if (type == TYPE_REAL_AS_INTEGER) {
        out->kind = FIELD_REAL;
        memcpy(&integer, from, SHORT_REAL_SIZE);
        out->real = integer;
    } else if (type == TYPE_ZERO || type == TYPE_ONE) {
        out->kind = FIELD_INTEGER;
        out->integer = type == TYPE_ONE;
    } else if (type == TYPE_IN_KEY || type == TYPE_IN_KEY_REAL) {
        out->kind = type == TYPE_IN_KEY ? FIELD_IN_KEY : FIELD_IN_KEY_REAL;
    } else {
        out->kind = FIELD_NULL;
    }
}

byron_status row_reader_get(struct row_reader *reader, int index,
                            struct field *out)
{
    byron_status status;

    assert(index >= 0 && index < reader->capacity);
    if (index >= reader->known_count) {
        status = find_slots(reader, index);
        if (status != BYRON_OK)
            return status;
    }
    out->kind = FIELD_IN_KEY;
    if (index < reader->known_count)
        decode_body((const uint8_t *)reader->value.data +
                        reader->slots[index].offset,
                    reader->slots[index].type, out);
    return BYRON_OK;
}
