/*
 * key_range: a plan and its arguments -> ranges of key bytes.
 *
 * Pure. The ranges hold every row that SQL's comparisons accept; interval.h
 * says where they hold more.
 */
#ifndef BYRON_EXT_KEY_RANGE_H
#define BYRON_EXT_KEY_RANGE_H

#include "bytes.h"
#include "interval.h"
#include "key_codec.h"

struct segment {
    size_t lower; /* Offset into bytes. */
    size_t lower_size;
    size_t upper;
    size_t upper_size; /* 0: open. */
    bool is_point;     /* Only the key lower; no upper is given. */
    bool is_number;    /* Only the texts that read as number are wanted: */
    double number;
    size_t column; /* Where the text begins in each key; */
    struct key_style style;
};

/* All zero is valid and empty. Segments are in key order and disjoint. */
struct key_ranges {
    struct bytes bytes;
    struct bytes prefix;      /* For the time of one call. */
    struct segment *segments; /* Owned. */
    int count;
    int capacity;
    bool is_wide; /* An equality became more than one value. */
};

void key_ranges_deinit(struct key_ranges *ranges);
void key_ranges_clear(struct key_ranges *ranges);
/* Reads an argument as this column compares with it. SQLite's code. */
int key_argument_read(sqlite3_value *value, bool is_bare,
                      const struct declaration *table, int key_index,
                      struct key_argument *out);
/* Reads the argument of a pattern or prefix. SQLite's code. */
int key_pattern_read(sqlite3_value *value, struct key_argument *out);
/* Adds the ranges of a plan; of a list the argument is one value. */
BYRON_MUST_CHECK byron_status key_ranges_add(
    struct key_ranges *out, const struct declaration *table, uint32_t id,
    const struct plan *plan, const struct key_argument *arguments);
/* After the last value of a list: into key order, without doubles. */
void key_ranges_sort(struct key_ranges *ranges);
/* Adds one key as it is, last. */
BYRON_MUST_CHECK byron_status key_ranges_add_point(struct key_ranges *out,
                                                   struct byron_bytes key);

static inline struct byron_bytes
key_ranges_lower(const struct key_ranges *ranges, int index)
{
    const struct segment *segment = &ranges->segments[index];

    return (struct byron_bytes){ranges->bytes.data + segment->lower,
                                segment->lower_size};
}
static inline struct byron_bytes
key_ranges_upper(const struct key_ranges *ranges, int index)
{
    const struct segment *segment = &ranges->segments[index];

    if (segment->upper_size == 0)
        return (struct byron_bytes){NULL, 0};
    return (struct byron_bytes){ranges->bytes.data + segment->upper,
                                segment->upper_size};
}

#endif
