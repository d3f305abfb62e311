#include "service/descriptors.h"

#include <string.h>

/* Numbers of fields in descriptor.proto. */
enum {
    SET_FILE = 1,
    FILE_NAME = 1,
    FILE_PACKAGE = 2,
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    FILE_SERVICE = 6,
    ANY_NAME = 1,
    MESSAGE_NESTED = 3,
    MESSAGE_ENUM = 4,
    SERVICE_METHOD = 2,
};

struct field {
    uint64_t number;
    struct byron_bytes bytes; /* Empty unless it has a length. */
};

static bool read_varint(struct byron_bytes *input, uint64_t *out)
{
    const uint8_t *bytes = input->data;

    *out = 0;
    for (size_t i = 0; i < input->size && i < 10; i++) {
        *out |= (uint64_t)(bytes[i] & 127) << (7 * i);
        if (bytes[i] < 128) {
            input->data = bytes + i + 1;
            input->size -= i + 1;
            return true;
        }
    }
    return false;
}

static bool skip(struct byron_bytes *input, uint64_t size)
{
    if (size > input->size)
        return false;
    input->data = (const uint8_t *)input->data + size;
    input->size -= (size_t)size;
    return true;
}

/* The next field of a message; false at its end, and where it is malformed. */
static bool next_field(struct byron_bytes *message, struct field *out)
{
    uint64_t tag;
    uint64_t size;

    out->bytes.data = NULL;
    out->bytes.size = 0;
    if (!read_varint(message, &tag))
        return false;
    out->number = tag >> 3;
    switch (tag & 7) {
    case 0:
        return read_varint(message, &size);
    case 1:
        return skip(message, 8);
    case 2:
        if (!read_varint(message, &size))
            return false;
        out->bytes.data = message->data;
        out->bytes.size = (size_t)size;
        return skip(message, size);
    case 5:
        return skip(message, 4);
    default:
        return false;
    }
}

static struct byron_bytes first_of(struct byron_bytes message, uint64_t number)
{
    struct byron_bytes none = {"", 0};
    struct field field;

    while (next_field(&message, &field))
        if (field.number == number)
            return field.bytes;
    return none;
}

static bool is_same(struct byron_bytes bytes, const char *text, size_t size)
{
    return bytes.size == size && memcmp(bytes.data, text, size) == 0;
}

/* One declaration and what it contains; symbol is the name from here on. */
static bool declares(struct byron_bytes message, const char *symbol,
                     uint64_t nested, uint64_t leaf)
{
    size_t size = strcspn(symbol, ".");
    struct field field;

    if (!is_same(first_of(message, ANY_NAME), symbol, size))
        return false;
    if (!symbol[size])
        return true;
    symbol += size + 1;
    while (next_field(&message, &field)) {
        if (field.number == nested &&
            declares(field.bytes, symbol, nested, leaf))
            return true;
        if (field.number == leaf &&
            is_same(first_of(field.bytes, ANY_NAME), symbol, strlen(symbol)))
            return true;
    }
    return false;
}

static bool file_declares(struct byron_bytes file, const char *symbol)
{
    struct byron_bytes package = first_of(file, FILE_PACKAGE);
    struct field field;

    if (package.size > 0) {
        if (strlen(symbol) <= package.size || symbol[package.size] != '.' ||
            memcmp(symbol, package.data, package.size) != 0)
            return false;
        symbol += package.size + 1;
    }
    while (next_field(&file, &field)) {
        if (field.number == FILE_MESSAGE &&
            declares(field.bytes, symbol, MESSAGE_NESTED, MESSAGE_ENUM))
            return true;
        if (field.number == FILE_SERVICE &&
            declares(field.bytes, symbol, 0, SERVICE_METHOD))
            return true;
        if (field.number == FILE_ENUM && declares(field.bytes, symbol, 0, 0))
            return true;
    }
    return false;
}

bool descriptors_find_file(struct byron_bytes set, const char *name,
                           struct byron_bytes *out)
{
    struct field file;

    while (next_field(&set, &file)) {
        *out = file.bytes;
        if (file.number == SET_FILE &&
            is_same(first_of(file.bytes, FILE_NAME), name, strlen(name)))
            return true;
    }
    return false;
}

bool descriptors_find_symbol(struct byron_bytes set, const char *symbol,
                             struct byron_bytes *out)
{
    struct field file;

    while (next_field(&set, &file)) {
        *out = file.bytes;
        if (file.number == SET_FILE && file_declares(file.bytes, symbol))
            return true;
    }
    return false;
}

void descriptors_list_services(struct byron_bytes set,
                               void (*visit)(void *context,
                                             struct byron_bytes package,
                                             struct byron_bytes name),
                               void *context)
{
    struct field file;
    struct field field;

    while (next_field(&set, &file)) {
        struct byron_bytes rest = file.bytes;
        while (file.number == SET_FILE && next_field(&rest, &field))
            if (field.number == FILE_SERVICE)
                visit(context, first_of(file.bytes, FILE_PACKAGE),
                      first_of(field.bytes, ANY_NAME));
    }
}
