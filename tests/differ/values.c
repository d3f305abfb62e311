#include "differ/values.h"

#include <string.h>

static const char *const numbers[] = {"0", "1", "2", "3", "4", "5", "7", "9"};
static const char *const edges[] = {"-1",
                                    "9223372036854775807",
                                    "-9223372036854775808",
                                    "9007199254740993",
                                    "9007199254740992.0",
                                    "-9007199254740993",
                                    "4611686018427387904",
                                    "9223372036854775808.0",
                                    "2147483648",
                                    "-2147483649",
                                    "1e300",
                                    "-1e300",
                                    "5e-324",
                                    "9e999",
                                    "-9e999",
                                    "-0.0",
                                    "255",
                                    "256",
                                    "-129"};
static const char *const reals[] = {"0.5", "1.0", "1.5",  "-0.5", "2.0",
                                    "5.0", "0.1", "3.25", "-2.5"};
static const char *const texts[] = {"'a'",   "'A'",  "'b'",  "'B'",   "'ab'",
                                    "'AB'",  "'Ab'", "'a '", "'abc'", "'ab  '",
                                    "'aB '", "''",   "' '",  "'z'"};
static const char *const odd_texts[] = {"'a' || char(0)",
                                        "'a' || char(0) || 'b'",
                                        "'A' || char(0)",
                                        "char(0)",
                                        "char(233)",
                                        "char(201)",
                                        "'a' || char(0x1f600)",
                                        "char(0xffff)",
                                        "CAST(x'ff28' AS TEXT)",
                                        "CAST(x'c328' AS TEXT)",
                                        "'a%'",
                                        "'a_'",
                                        "'[a'",
                                        "'a' || char(9)",
                                        "'it''s'"};
static const char *const number_texts[] = {"'5'",
                                           "'05'",
                                           "'5.0'",
                                           "' 5'",
                                           "'5 '",
                                           "'1e1'",
                                           "'10'",
                                           "'0x5'",
                                           "'-0'",
                                           "'+5'",
                                           "'1e400'",
                                           "'9223372036854775807'",
                                           "'9007199254740993'",
                                           "'.5'"};
static const char *const blobs[] = {"x''",   "x'00'",   "x'61'",
                                    "x'41'", "x'ff'",   "x'6100'",
                                    "x'35'", "x'ffff'", "zeroblob(3)"};
static const char *const larges[] = {
    "printf('%.*c', 500, 'q')", "printf('%.*c', 5000, 'q')", "zeroblob(9000)",
    "printf('%.*c', 60000, 'Q')", "printf('%.*c', 499, 'q') || 'R'"};

#define OF(list)                                                               \
    {                                                                          \
        list, COUNT_OF(list)                                                   \
    }

static const struct flavour {
    const char *const *literals;
    size_t count;
} flavours[] = {OF(numbers), OF(texts), OF(reals),     OF(number_texts),
                OF(blobs),   OF(edges), OF(odd_texts), OF(larges)};

static const char *literal_of(struct generator *g, size_t flavour)
{
    return flavours[flavour].literals[draw(g, flavours[flavour].count)];
}

const char *value_any(struct generator *g)
{
    if (once_in(g, 12))
        return "NULL";
    return literal_of(g, draw(g, once_in(g, 20) ? 8 : 7));
}

/* Most of what a column of this type usually holds; some of everything. */
static const char *value_for_type(struct generator *g, const char *type)
{
    if (once_in(g, 5))
        return value_any(g);
    if (strstr(type, "INT") || strstr(type, "NUM") || strstr(type, "DATE"))
        return literal_of(g, once_in(g, 4) ? 5 : 0);
    if (strstr(type, "CHAR") || strstr(type, "TEXT"))
        return literal_of(g, once_in(g, 3) ? 3 + 3 * draw(g, 2) : 1);
    if (strstr(type, "BLOB"))
        return literal_of(g, once_in(g, 3) ? 1 : 4);
    if (strstr(type, "REAL") || strstr(type, "DOUB"))
        return literal_of(g, once_in(g, 3) ? 5 : 2);
    return literal_of(g, draw(g, 7));
}

/*
 * The greatest rowids are kept out: what follows them is drawn by chance. So
 * is the least: SQLite does not find it by an equal real number. 1.5 and 'a'
 * are "datatype mismatch", and drawn elsewhere.
 */
static const char *value_for_rowid(struct generator *g)
{
    if (once_in(g, 8))
        return PICK(g, "-1", "-9007199254740993", "'5'", "3.0",
                    "9007199254740993", "' 7'", "4294967296");
    return PICK(g, "1", "2", "3", "4", "5", "6", "7", "8", "9", "11", "12",
                "15", "20", "33");
}

void value_fill_pool(struct generator *g, struct column *column, bool is_rowid)
{
    for (int i = 0; i < POOL; i++) {
        const char *literal =
            is_rowid ? value_for_rowid(g) : value_for_type(g, column->type);

        /* NOT NULL columns meet a NULL now and then all the same. */
        while (strcmp(literal, "NULL") == 0 && column->is_not_null &&
               !once_in(g, 4))
            literal = value_for_type(g, column->type);
        /* An explicit NULL becomes the DEFAULT of a byron table. */
        while (strcmp(literal, "NULL") == 0 && column->has_default)
            literal = value_for_type(g, column->type);
        column->pool[i] = literal;
    }
}

void value_fill_expiry(struct generator *g, struct column *column)
{
    for (int i = 0; i < POOL; i++) {
        const char *literal =
            PICK(g, "0", "-7", "1000", "1.5", "1500000000",
                 "-9223372036854775808", "-9e999", "NULL", "NULL",
                 "99999999999", "99999999999.5", "100000000000", "123456789012",
                 "9223372036854775807", "9007199254740993", "1e300", "9e999",
                 "50000000000", "50000000001", "50000000002");

        column->pool[i] = literal;
    }
}
