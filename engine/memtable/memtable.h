/*
 * memtable: a B+tree whose leaves are small sorted vectors with 8-byte heads.
 *
 * One writer, any number of readers that never lock and never wait: a leaf's
 * slots are only appended, its order is one 64-bit word published with
 * release, and a split copies into new leaves before the parent's pointer is
 * swapped. Memory is an arena, freed with the memtable, so whatever a reader
 * stands on stays.
 *
 * Serves the store's memtable and, with positions for sequences, the writes
 * of an open transaction.
 */
#ifndef BYRON_MEMTABLE_MEMTABLE_H
#define BYRON_MEMTABLE_MEMTABLE_H

#include "entry/entry.h"
#include "memtable/range_set.h"

struct memtable; /* Counted. */

/* is_large: it will be, so its memory lies on huge pages from the start. */
BYRON_MUST_CHECK byron_status memtable_new(bool is_large,
                                           struct memtable **out);
/*
 * Gives it a filter of about that size, so that a get of a key that is not
 * there ends after one look. Requires: empty, and no reader yet.
 */
BYRON_MUST_CHECK byron_status memtable_add_filter(struct memtable *memtable,
                                                  size_t bytes);
struct memtable *memtable_ref(struct memtable *memtable);
void memtable_unref(struct memtable *memtable); /* NULL is fine. */

/*
 * After OK, memtable_add_later of count entries whose keys and values are bytes
 * together cannot fail.
 */
BYRON_MUST_CHECK byron_status memtable_reserve(struct memtable *memtable,
                                               size_t count, size_t bytes);
/*
 * Copies the entry in. Requires: sequence is above that of every entry of the
 * same key already there. It may not be visible before memtable_settle: the
 * fastest way in for many that come in ascending order.
 */
BYRON_MUST_CHECK byron_status memtable_add_later(struct memtable *memtable,
                                                 const struct entry *entry);
/* From here on all is visible to readers that look for its sequence. */
void memtable_settle(struct memtable *memtable);
BYRON_MUST_CHECK static inline byron_status
memtable_add(struct memtable *memtable, const struct entry *entry)
{
    byron_status status = memtable_add_later(memtable, entry);

    memtable_settle(memtable);
    return status;
}
/* Its range deletes: memtable_get minds them, an iterator does not. */
struct range_set *memtable_ranges(struct memtable *memtable);
/* Any thread may ask these. */
/* Bytes in use; what is reserved and not used is not among them. */
size_t memtable_footprint(const struct memtable *memtable);
/* Entries and range deletes. */
uint64_t memtable_count(const struct memtable *memtable);
/* Keys, values, and bounds of range deletes. */
uint64_t memtable_data_bytes(const struct memtable *memtable);

#endif
