/*
 * record: one entry as it lies in a memtable's arena, and where to look for
 * one in the order of entries.
 *
 * Written once, before it is published, and never moved.
 */
#ifndef BYRON_MEMTABLE_RECORD_H
#define BYRON_MEMTABLE_RECORD_H

#include "entry/entry.h"

struct record {
    uint64_t sequence;
    uint32_t key_size;
    uint32_t value_size;
    uint8_t kind;
    uint8_t bytes[]; /* Key, then value. */
};

static inline size_t record_size(const struct entry *entry)
{
    return offsetof(struct record, bytes) + entry->key.size + entry->value.size;
}

static inline struct slice record_key(const struct record *record)
{
    return slice_of(record->bytes, record->key_size);
}

static inline struct slice record_value(const struct record *record)
{
    return slice_of(record->bytes + record->key_size, record->value_size);
}

/* A point between two entries: right before (key, sequence), or right after
 * it. */
struct target {
    struct slice key;
    uint64_t sequence;
    bool is_after;
};

static inline struct target record_target(const struct record *record,
                                          bool is_after)
{
    struct target target = {record_key(record), record->sequence, is_after};
    return target;
}

/* Whether the record lies before the point. */
static inline bool record_is_before(const struct record *record,
                                    const struct target *target)
{
    int order = entry_compare(record_key(record), record->sequence, target->key,
                              target->sequence);
    return order < 0 || (order == 0 && target->is_after);
}

#endif
