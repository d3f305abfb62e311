/*
 * ttl: when a row expires, by the option ttl of its table.
 *
 *   ttl=3600      so many seconds after the row was last written
 *   ttl=expires   at the unix time, in seconds, that the column holds;
 *                 never where that is NULL
 *
 * The engine does the rest: what has expired is absent for readers at once,
 * and leaves the disk by compaction.
 */
#ifndef BYRON_EXT_TTL_H
#define BYRON_EXT_TTL_H

#include "field.h"
#include "vtab.h"

static inline bool ttl_is_set(const struct declaration *table)
{
    return table->ttl.kind != TTL_NONE;
}

/* Unix time in ms for the row of these fields; 0: never. SQLITE_MISMATCH with
 * the table's message if the column holds no number. */
int ttl_expiry(struct table *table, byron_txn *txn, const struct field *fields,
               uint64_t *out);

#endif
