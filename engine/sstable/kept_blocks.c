#include "sstable/kept_blocks.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/try.h"

byron_status kept_blocks_init(struct kept_blocks *kept, size_t count)
{
    kept->pins = alloc_zeroed(count, sizeof *kept->pins);
    if (!kept->pins)
        return error_no_memory();
    kept->count = count;
    return BYRON_OK;
}

void kept_blocks_deinit(struct kept_blocks *kept,
                        const struct table_source *source)
{
    for (size_t i = 0; i < kept->count; i++) {
        struct cached_block *block = kept_blocks_at(kept, i);
        if (block)
            block_cache_unkeep(source->cache, block);
    }
    alloc_free(kept->pins);
    *kept = (struct kept_blocks){0};
}

/* Keeps block, or lets it go if another thread was faster; then *pin is NULL
 * and the one that is kept is the answer. */
static struct cached_block *keep(const struct kept_blocks *kept, size_t index,
                                 const struct table_source *source,
                                 struct cached_block **pin)
{
    struct cached_block *block = *pin;
    struct cached_block *other = NULL;

    if (!block_cache_keep(source->cache, block))
        return block;
    *pin = NULL;
    if (atomic_compare_exchange_strong(&kept->pins[index], &other, block))
        return block;
    block_cache_unkeep(source->cache, block);
    return other;
}

byron_status kept_blocks_load(const struct kept_blocks *kept, size_t index,
                              const struct table_source *source,
                              const struct block_handle *handle,
                              enum block_kind kind, struct slice *body,
                              struct cached_block **pin)
{
    byron_status status = BYRON_OK;
    struct cached_block *block = kept_blocks_at(kept, index);

    *pin = NULL;
    if (!block) {
        TRY(table_source_load(source, handle, kind, pin));
        block = keep(kept, index, source, pin);
    }
    *body = cached_block_bytes(block);
out:
    return status;
}
