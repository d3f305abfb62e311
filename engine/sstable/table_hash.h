/*
 * table_hash: from a key's hash straight to its entry, by the hash index of a
 * table.
 *
 * The lines and the handles of data blocks come in chunks through the cache,
 * each under a checksum of its own; a search touches one chunk of lines. Of
 * each data block it is remembered where in the cache it was last, which spares
 * the way by its handle.
 */
#ifndef BYRON_SSTABLE_TABLE_HASH_H
#define BYRON_SSTABLE_TABLE_HASH_H

#include "sstable/block.h"
#include "sstable/kept_blocks.h"

/*
 * Where a data block was last; no promise that it still is there, unless bytes
 * are of the table's map, and slot stays NULL. What is at bytes is asked for,
 * never read, at the places that where and shape tell:
 *
 *     where = offset in the file(44) sequences_at(16) width of a sequence(4);
 *             of a mapped block its size in place of the offset
 *     shape = values_at(20) size of a value(20) suffixes_at(16) of a suffix(8)
 *
 * Half a line, so that all of a table stay in the processor's caches.
 */
struct block_hint {
    _Atomic(struct cached_block *) slot; /* Known after all others. */
    _Atomic(const uint8_t *) bytes; /* NULL: nowhere yet. Known before slot. */
    atomic_uint_least64_t where;
    atomic_uint_least64_t shape;
};

struct table_hash {
    const struct table_source *source; /* Borrowed. */
    uint64_t lines_at;                 /* Of the first chunk of lines, and */
    uint64_t handles_at;               /* of handles. */
    struct hash_shape shape;           /* No lines: no hash index. */
    uint64_t keys;
    uint64_t block_count;
    struct kept_blocks lines;
    struct kept_blocks handles;
    struct block_hint *hints; /* Owned; by block number. */
};

/* NULL, or what is wrong with the place and shape of a hash index. */
const char *table_hash_flaw(const struct table_section *section,
                            const struct table_properties *properties);
/* Requires: no flaw. Borrows source until it is closed. */
BYRON_MUST_CHECK byron_status
table_hash_open(struct table_hash *hash, const struct table_source *source,
                const struct table_section *section,
                const struct table_properties *properties);
void table_hash_close(struct table_hash *hash); /* All zero is fine. */
/* Starts to fetch the line that a search will look at; once that is at hand,
 * the hint of the block that it leads to; and then the entry in it. */
void table_hash_prefetch(const struct table_hash *hash, uint64_t key_hash);
void table_hash_prefetch_hint(const struct table_hash *hash, uint64_t key_hash);
void table_hash_prefetch_entry(const struct table_hash *hash,
                               uint64_t key_hash);

/* An entry of a block, which is pinned. */
struct entry_place {
    struct cached_block *pin; /* The caller's to unpin; NULL: it is mapped. */
    struct block block;
    uint32_t at;
};
/*
 * The newest version of key at or below sequence, or BYRON_NOT_FOUND. Where
 * the hash index alone does not tell, *is_unsure, and the answer counts for
 * nothing. Requires: there is a hash index.
 */
BYRON_MUST_CHECK byron_status table_hash_find(
    const struct table_hash *hash, struct slice key, uint64_t key_hash,
    uint64_t sequence, struct entry_place *out, bool *is_unsure);

/* To verify: the handle of a data block; whether the hash leads to that entry;
 * and how many slots are not empty. */
BYRON_MUST_CHECK byron_status table_hash_handle(const struct table_hash *hash,
                                                uint64_t number,
                                                struct block_handle *out);
BYRON_MUST_CHECK byron_status table_hash_leads_to(const struct table_hash *hash,
                                                  uint64_t key_hash,
                                                  uint64_t number,
                                                  uint32_t index, bool *out);
BYRON_MUST_CHECK byron_status table_hash_count(const struct table_hash *hash,
                                               uint64_t *out);

#endif
