#include "sstable/kept_blocks.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/try.h"

byron_status kept_blocks_init(struct kept_blocks *kept, size_t count)
{
    kept->blocks = alloc_zeroed(count, sizeof *kept->blocks);
    kept->pins = alloc_zeroed(count, sizeof *kept->pins);
    if (!kept->blocks || !kept->pins) {
        alloc_free(kept->blocks);
        alloc_free(kept->pins);
        *kept = (struct kept_blocks){0};
        return error_no_memory();
    }
    kept->count = count;
    return BYRON_OK;
}

void kept_blocks_deinit(struct kept_blocks *kept,
                        const struct table_source *source)
{
    for (size_t i = 0; i < kept->count; i++) {
        struct cached_block *block = atomic_load(&kept->pins[i]);
        if (block)
            block_cache_unkeep(source->cache, block);
    }
    alloc_free(kept->blocks);
    alloc_free(kept->pins);
    *kept = (struct kept_blocks){0};
}

/* Keeps the block of *pin, which is NULL then; not if another thread does. */
static void keep(const struct kept_blocks *kept, size_t index,
                 const struct table_source *source, struct cached_block **pin)
{
    struct kept_block *place = &kept->blocks[index];
    struct slice body = cached_block_bytes(*pin);
    struct cached_block *other = NULL;

    if (!atomic_compare_exchange_strong(&kept->pins[index], &other, *pin))
        return;
    if (!block_cache_keep(source->cache, *pin)) {
        atomic_store(&kept->pins[index], NULL);
        return;
    }
    atomic_store_explicit(&place->size, body.size, memory_order_relaxed);
    atomic_store_explicit(&place->bytes, body.data, memory_order_release);
    *pin = NULL;
}

byron_status kept_blocks_load(const struct kept_blocks *kept, size_t index,
                              const struct table_source *source,
                              const struct block_handle *handle,
                              enum block_kind kind, struct slice *body,
                              struct cached_block **pin)
{
    byron_status status = BYRON_OK;

    *pin = NULL;
    *body = kept_blocks_at(kept, index);
    if (!body->data) {
        TRY(table_source_load(source, handle, kind, pin));
        *body = cached_block_bytes(*pin);
        keep(kept, index, source, pin);
    }
out:
    return status;
}
