/*
 * table_settings: how tables are written, by level. Pure.
 */
#ifndef BYRON_COMPACTION_TABLE_SETTINGS_H
#define BYRON_COMPACTION_TABLE_SETTINGS_H

#include "sstable/table.h"

/* last: what the store's options say, as they hold at the last level. */
struct table_options table_settings_at(const struct table_options *last,
                                       uint32_t level);

/* Whether the hash indexes of so many entries are worth their memory. */
bool table_settings_hash_index_fits(uint64_t entries, uint64_t memory);

#endif
