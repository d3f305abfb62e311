/*
 * admission: which blocks a full cache takes in.
 *
 * Only those that were missed before, not long ago: what is read once, by a
 * scan or out of a table much larger than the cache, does not drive out what
 * is read again and again, and is not paid for as if it stayed.
 */
#ifndef BYRON_SSTABLE_ADMISSION_H
#define BYRON_SSTABLE_ADMISSION_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/slice.h"

/* Marks of what was missed, each in a place that its hash names. All zero is
 * valid: then everything is taken in. */
struct admission {
    atomic_uint_least32_t *marks; /* Owned. */
    size_t mask;
};

/* Remembers about count misses. */
BYRON_MUST_CHECK byron_status admission_init(struct admission *admission,
                                             size_t count);
void admission_deinit(struct admission *admission);
/* Whether the block of that hash, just missed, should be taken in; remembers
 * it if not. Any thread may ask at any time. */
bool admission_ask(struct admission *admission, uint64_t hash);
/* It will be asked for that hash soon. */
static inline void admission_expect(const struct admission *admission,
                                    uint64_t hash)
{
    if (admission->marks)
        __builtin_prefetch(&admission->marks[hash & admission->mask], 1);
}

#endif
