#include "sstable/read_ahead.h"

#include "base/try.h"

void read_ahead_init(struct read_ahead *ahead,
                     const struct table_source *source, uint64_t end,
                     uint64_t first, uint64_t most)
{
    memset(ahead, 0, sizeof *ahead);
    ahead->source = source;
    ahead->end = end;
    ahead->size = first;
    ahead->most = most;
}

void read_ahead_deinit(struct read_ahead *ahead)
{
    buf_deinit(&ahead->window);
}

bool read_ahead_has(const struct read_ahead *ahead, uint64_t offset,
                    size_t size, struct slice *out)
{
    uint64_t skipped = offset - ahead->offset;

    if (offset < ahead->offset || skipped > ahead->window.size ||
        size > ahead->window.size - skipped)
        return false;
    *out = slice_of(ahead->window.data + skipped, size);
    return true;
}

/* How much to read for a block: a whole window where the walk goes forward,
 * the block alone where it goes back. */
static uint64_t choose_size(const struct read_ahead *ahead, uint64_t offset,
                            size_t size)
{
    uint64_t window = ahead->size;

    if (offset < ahead->offset)
        return size;
    if (offset < ahead->end && window > ahead->end - offset)
        window = ahead->end - offset;
    return window > size ? window : size;
}

/* Moves the window to [offset, offset + size) of the file. */
static byron_status move(struct read_ahead *ahead, uint64_t offset,
                         uint64_t size)
{
    byron_status status = BYRON_OK;

    ahead->offset = offset;
    buf_clear(&ahead->window);
    TRY(buf_reserve(&ahead->window, (size_t)size));
    TRY(file_pool_read(ahead->source->pool, ahead->source->number, offset,
                       ahead->window.data, (size_t)size));
    ahead->window.size = (size_t)size;
    if (ahead->size < ahead->most)
        ahead->size *= 2;
out:
    return status;
}

byron_status read_ahead_get(struct read_ahead *ahead, uint64_t offset,
                            size_t size, struct slice *out)
{
    byron_status status = BYRON_OK;

    if (read_ahead_has(ahead, offset, size, out))
        return BYRON_OK;
    TRY(move(ahead, offset, choose_size(ahead, offset, size)));
    *out = slice_of(ahead->window.data, size);
out:
    return status;
}

byron_status read_ahead_get_back(struct read_ahead *ahead, uint64_t offset,
                                 size_t size, struct slice *out)
{
    byron_status status = BYRON_OK;
    uint64_t end = offset + size;
    uint64_t take = ahead->size < end ? ahead->size : end;

    if (read_ahead_has(ahead, offset, size, out))
        return BYRON_OK;
    if (take < size)
        take = size;
    TRY(move(ahead, end - take, take));
    *out = slice_of(ahead->window.data + (take - size), size);
out:
    return status;
}
