/*
 * fuzz_block: any bytes as the body of a block. What block_flaw lets pass must
 * be safe to read and in order.
 */
#include <stdlib.h>

#include "sstable/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Sums what is read, so that it is read. */
static volatile size_t sum;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void read_entry(const struct block *block, uint32_t at, uint8_t *key,
                       size_t room)
{
    bool has_key;
    struct slice value = block_value(block, at);
    size_t size = block_key_after_prefix(block, at, key);
    uint64_t sequence = block_sequence(block, at);

    require(size <= room);
    for (size_t i = 0; i < value.size; i += 64)
        sum += value.data[i];
    require(block_kind(block, at) != ENTRY_DELETE || value.size == 0);
    require(block_seek(block, slice_of(key, size), sequence, &has_key) == at);
    require(has_key);
    require(block_seek(block, slice_of(key, size), UINT64_MAX, &has_key) <= at);
    require(has_key);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct block block;
    uint8_t *key;

    if (block_flaw(slice_of(bytes, size)))
        return 0;
    block_view(slice_of(bytes, size), &block);
    key = malloc(block_key_room(&block));
    require(key != NULL);
    memcpy(key, block.prefix, block.prefix_size);
    for (uint32_t i = 0; i < block.count; i++)
        read_entry(&block, i, key, block_key_room(&block));
    free(key);
    return 0;
}
