#include "support/field_model.h"

#include <math.h>
#include <string.h>

static int64_t random_integer(struct rng *rng)
{
    int64_t edge = (int64_t)(UINT64_C(1) << rng_below(rng, 64));

    switch (rng_below(rng, 4)) {
    case 0:
        return (int64_t)rng_below(rng, 5) - 2;
    case 1:
        return (int64_t)rng_next(rng);
    default: /* Around a power of two; the sum may wrap around. */
        return (int64_t)((uint64_t)edge + rng_below(rng, 5) - 2) *
               (rng_one_in(rng, 2) && edge != INT64_MIN ? -1 : 1);
    }
}

static double random_real(struct rng *rng)
{
    static const double edges[] = {
        0.0,       -0.0,   0.5,
        -0.5,      1.0,    INFINITY,
        5e-324,    1e300,  9223372036854775808.0,
        -5e-324,   -1e300, -9223372036854775808.0,
        -INFINITY, 2.5,    9007199254740992.0,
    };
    double real;
    uint64_t bits;

    switch (rng_below(rng, 4)) {
    case 0:
        return edges[rng_below(rng, sizeof edges / sizeof *edges)];
    case 1:
        return (double)random_integer(rng);
    case 2:
        real = (double)random_integer(rng);
        return nextafter(real, rng_one_in(rng, 2) ? INFINITY : -INFINITY);
    default:
        bits = rng_next(rng);
        memcpy(&real, &bits, sizeof real);
        return isnan(real) ? 0.25 : real; /* SQL has no NaN. */
    }
}

struct field field_model_random(struct rng *rng,
                                uint8_t bytes[FIELD_MODEL_BYTES])
{
    static const char letters[] = {'a', 'A', 'b', 'B', ' ', '\0', '\xff', '\1'};
    struct field field = {.data = bytes};

    field.kind = (enum field_kind)rng_below(rng, FIELD_BLOB + 1);
    field.size = rng_below(rng, rng_one_in(rng, 4) ? FIELD_MODEL_BYTES : 4);
    for (size_t i = 0; i < field.size; i++)
        bytes[i] = (uint8_t)letters[rng_below(rng, sizeof letters)];
    field.integer = random_integer(rng);
    field.real = random_real(rng);
    return field;
}

static int compare_reals(double a, double b)
{
    return (a > b) - (a < b);
}

/* Exact, with no wider type: valgrind's long double is a double. */
static int compare_mixed(int64_t integer, double real)
{
    double whole = trunc(real);

    if (real >= 0x1p63 || real < -0x1p63)
        return real > 0 ? -1 : 1;
    if (integer != (int64_t)whole)
        return integer < (int64_t)whole ? -1 : 1;
    return compare_reals(whole, real);
}

static int compare_numbers(const struct field *a, const struct field *b)
{
    if (a->kind == FIELD_INTEGER && b->kind == FIELD_INTEGER)
        return (a->integer > b->integer) - (a->integer < b->integer);
    if (a->kind == FIELD_INTEGER)
        return compare_mixed(a->integer, b->real);
    if (b->kind == FIELD_INTEGER)
        return -compare_mixed(b->integer, a->real);
    return compare_reals(a->real, b->real);
}

static int class_of(const struct field *field)
{
    return field->kind == FIELD_REAL ? FIELD_INTEGER : (int)field->kind;
}

static int compare_bytes(const struct field *a, size_t a_size,
                         const struct field *b, size_t b_size)
{
    size_t size = a_size < b_size ? a_size : b_size;
    int order = size == 0 ? 0 : memcmp(a->data, b->data, size);

    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
}

/* sqlite3_strnicmp over the shorter size, then the sizes. */
static int compare_nocase(const struct field *a, const struct field *b)
{
    const uint8_t *first = a->data;
    const uint8_t *second = b->data;
    size_t size = a->size < b->size ? a->size : b->size;

    for (size_t i = 0; i < size; i++) {
        if (lower(first[i]) != lower(second[i]))
            return lower(first[i]) - lower(second[i]);
        if (first[i] == 0)
            break;
    }
    return (a->size > b->size) - (a->size < b->size);
}

static size_t trimmed(const struct field *field)
{
    size_t size = field->size;

    while (size > 0 && ((const char *)field->data)[size - 1] == ' ')
        size--;
    return size;
}

int field_model_compare(const struct field *a, const struct field *b,
                        enum collation collation)
{
    if (class_of(a) != class_of(b))
        return class_of(a) - class_of(b);
    switch (a->kind) {
    case FIELD_INTEGER:
    case FIELD_REAL:
        return compare_numbers(a, b);
    case FIELD_TEXT:
        if (collation == COLLATION_NOCASE)
            return compare_nocase(a, b);
        if (collation == COLLATION_RTRIM)
            return compare_bytes(a, trimmed(a), b, trimmed(b));
        return compare_bytes(a, a->size, b, b->size);
    case FIELD_BLOB:
        return compare_bytes(a, a->size, b, b->size);
    default:
        return 0;
    }
}

bool field_model_is_same(const struct field *a, const struct field *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case FIELD_INTEGER:
        return a->integer == b->integer;
    case FIELD_REAL:
        return memcmp(&a->real, &b->real, sizeof a->real) == 0;
    case FIELD_TEXT:
    case FIELD_BLOB:
        return a->size == b->size &&
               (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
    default:
        return true;
    }
}
