/*
 * memtable_get: one key of a memtable.
 *
 * hash is that of the key, hash_bytes(key, 0): who asks several memtables, and
 * tables besides, makes it once.
 */
#ifndef BYRON_MEMTABLE_MEMTABLE_GET_H
#define BYRON_MEMTABLE_MEMTABLE_GET_H

#include "memtable/memtable.h"

/* A get of that hash is to come: starts to fetch what it begins with. */
void memtable_expect(const struct memtable *memtable, uint64_t hash);
/*
 * The newest version of key with a sequence <= sequence; a tombstone where a
 * newer range delete covers it. Lends the entry as
 * long as the memtable is referenced. False if there is none.
 */
bool memtable_get(const struct memtable *memtable, struct slice key,
                  uint64_t hash, uint64_t sequence, struct entry *out);
/* The same for the writer of one without a filter, who is likely to add the
 * next version of key: that costs less then. */
bool memtable_get_before_add(struct memtable *memtable, struct slice key,
                             uint64_t sequence, struct entry *out);

#endif
