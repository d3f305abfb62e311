/*
 * table_reader: one SSTable, open to read; immutable and shared.
 *
 * Never trusts a byte: every block is checked against its checksum and its
 * structure once, when it enters the cache.
 */
#ifndef BYRON_SSTABLE_TABLE_READER_H
#define BYRON_SSTABLE_TABLE_READER_H

#include "base/hash.h"
#include "base/pin.h"
#include "entry/iter.h"
#include "entry/range_list.h"
#include "sstable/block_cache.h"
#include "sstable/table.h"

struct table_reader; /* Counted. */
struct file_pool;    /* Open files of many tables, at most so many at once. */

BYRON_MUST_CHECK byron_status file_pool_new(struct byron_os *os,
                                            struct os_dir *dir, size_t max_open,
                                            struct file_pool **out);
void file_pool_free(struct file_pool *pool);

/*
 * Opens table number; checks header, footer, size and uid against facts (from
 * the manifest). Borrows pool and cache, which must outlive it.
 */
BYRON_MUST_CHECK byron_status table_reader_open(struct file_pool *pool,
                                                struct block_cache *cache,
                                                uint64_t number,
                                                const struct table_facts *facts,
                                                struct table_reader **out);
struct table_reader *table_reader_ref(struct table_reader *reader);
/* The last unref closes the file and forgets its cached blocks. */
void table_reader_unref(struct table_reader *reader); /* NULL is fine. */

struct table_found {
    bool skips_large; /* Given: a large value is not wanted, and stays empty
                         but in a timed put. */
    enum entry_kind kind;
    uint64_t sequence;
    struct pin value; /* The caller's to release. */
};
/* Computed once for the filters and hash indexes of many tables. */
static inline uint64_t table_key_hash(struct slice key)
{
    return hash_bytes(key, 0);
}
/* Whether gets go by a hash index. */
bool table_reader_has_hash_index(const struct table_reader *reader);
/* Starts to fetch what a get of that hash begins with; then, with that at hand,
 * what tells where it goes on; and then what is there. */
enum table_ahead { TABLE_AHEAD_FIRST, TABLE_AHEAD_WHERE, TABLE_AHEAD_ENTRY };
void table_reader_prefetch(const struct table_reader *reader, uint64_t key_hash,
                           enum table_ahead ahead);
/*
 * The newest version of key with sequence <= sequence, or BYRON_NOT_FOUND; a
 * tombstone where a newer range delete of the table covers it. Whether the key
 * is between the table's ends at all, who asks knows from its run.
 */
BYRON_MUST_CHECK byron_status table_reader_get(struct table_reader *reader,
                                               struct slice key,
                                               uint64_t key_hash,
                                               uint64_t sequence,
                                               struct table_found *out);
/* Its range deletes, of which an iterator tells nothing; may be empty. */
const struct range_list *table_reader_ranges(const struct table_reader *reader);
enum table_iter_flags {
    TABLE_ITER_BULK = 1, /* A job: leaves the cache alone, reads ahead. */
    TABLE_ITER_LENT = 2, /* The tables outlive the iterator. */
};
/* The iterator holds its own reference, unless the table is lent. */
BYRON_MUST_CHECK byron_status table_reader_iter_new(struct table_reader *reader,
                                                    unsigned flags,
                                                    struct iter **out);
/* Entries and file bytes with lower <= key < upper, about, from the index
 * alone. Bounds with data NULL are open. */
BYRON_MUST_CHECK byron_status table_reader_estimate(struct table_reader *reader,
                                                    struct slice lower,
                                                    struct slice upper,
                                                    uint64_t *entries,
                                                    uint64_t *bytes);
/*
 * Reads the whole file: every checksum, order, filter, count, and the file
 * hash. The first damage is the error.
 */
BYRON_MUST_CHECK byron_status table_reader_verify(
    struct table_reader *reader, const struct byron_patience *patience);

#endif
