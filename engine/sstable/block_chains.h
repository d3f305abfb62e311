/*
 * block_chains: the blocks of a shard of the cache, found by their names.
 *
 * Searches take no lock. They may overlook a block while another thread changes
 * the chains; who holds the shard's mutex overlooks none.
 */
#ifndef BYRON_SSTABLE_BLOCK_CHAINS_H
#define BYRON_SSTABLE_BLOCK_CHAINS_H

#include "sstable/cached_block.h"

struct buckets;

/* All zero is valid for deinit. */
struct block_chains {
    _Atomic(struct buckets *) buckets;
    size_t count;
};

static inline uint64_t block_name_hash(uint64_t file, uint64_t offset)
{
    uint64_t hash = (file * UINT64_C(0x9e3779b97f4a7c15)) ^ offset;
    hash *= UINT64_C(0xbf58476d1ce4e5b9);
    return hash ^ (hash >> 32);
}

/* Pins block if it is alive, in the cache and still of that name. */
bool cached_block_try_pin(struct cached_block *block, uint64_t file,
                          uint64_t offset);

BYRON_MUST_CHECK byron_status block_chains_init(struct block_chains *chains);
void block_chains_deinit(struct block_chains *chains);

/* Pins; NULL where none of that name was seen. hash is that of the name. */
struct cached_block *block_chains_find(const struct block_chains *chains,
                                       uint64_t hash, uint64_t file,
                                       uint64_t offset);
/* A search will begin there soon. */
void block_chains_expect(const struct block_chains *chains, uint64_t hash);

/* These three need the shard's mutex. */
struct cached_block *block_chains_find_surely(const struct block_chains *chains,
                                              uint64_t hash, uint64_t file,
                                              uint64_t offset);
void block_chains_add(struct block_chains *chains, struct cached_block *block);
/* Requires: it was added, and has its name still. */
void block_chains_remove(struct block_chains *chains,
                         struct cached_block *block);

#endif
