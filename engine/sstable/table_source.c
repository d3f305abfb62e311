#include "sstable/table_source.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/integer.h"
#include "base/try.h"
#include "sstable/block.h"

#define SMALL_DISK_SIZE 8192u
#define SMALL_RAW_SIZE  16384u

byron_status table_source_corrupt(const struct table_source *source,
                                  uint64_t offset, const char *flaw)
{
    return file_pool_corrupt(source->pool, source->number, offset, flaw);
}

/* The kind is part of a block's name in the cache: what was checked as one
 * kind must never be found as another. */
static uint64_t cache_name(uint64_t offset, enum block_kind kind)
{
    return offset | (uint64_t)kind << 56;
}

struct cached_block *table_source_find(const struct table_source *source,
                                       uint64_t offset, enum block_kind kind)
{
    return block_cache_get(source->cache, source->number,
                           cache_name(offset, kind));
}

void table_source_expect(const struct table_source *source, uint64_t offset,
                         enum block_kind kind)
{
    block_cache_expect(source->cache, source->number, cache_name(offset, kind));
}

bool table_source_pin_again(const struct table_source *source,
                            struct cached_block *block, uint64_t offset,
                            enum block_kind kind)
{
    return cached_block_pin_again(block, source->number,
                                  cache_name(offset, kind));
}

byron_status table_source_check_handle(const struct table_source *source,
                                       const struct block_handle *handle)
{
    if (handle->offset < TABLE_HEADER_SIZE ||
        handle->offset > source->blocks_end || handle->offset >> 56 != 0 ||
        handle->disk_size > source->blocks_end - handle->offset ||
        handle->disk_size <= BLOCK_TRAILER_SIZE ||
        handle->raw_size > BLOCK_RAW_MAX)
        return table_source_corrupt(source, handle->offset,
                                    "a block handle points outside the file");
    return BYRON_OK;
}

static bool checksum_is_right(const struct table_source *source,
                              const struct block_handle *handle,
                              const uint8_t *disk)
{
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    /* Let the fuzzer past what it cannot guess. */
    (void)source;
    (void)handle;
    (void)disk;
    return true;
#else
    size_t sum_at = handle->disk_size - 8;
    return load_u64(disk + sum_at) ==
           hash_bytes(slice_of(disk, sum_at), source->uid ^ handle->offset);
#endif
}

/* NULL, or what is wrong with a block before it is unpacked. */
static const char *disk_flaw(const struct table_source *source,
                             const struct block_handle *handle,
                             enum block_kind kind, const uint8_t *disk)
{
    uint32_t body_size = handle->disk_size - BLOCK_TRAILER_SIZE;
    const uint8_t *trailer = disk + body_size;
    uint32_t raw_size = load_u32(trailer + 4);

    if (!checksum_is_right(source, handle, disk))
        return "checksum of a block is wrong";
    if (trailer[1] != kind || load_u16(trailer + 2) != 0)
        return "a block of another kind is in this place";
    if (raw_size == 0 || raw_size > BLOCK_RAW_MAX ||
        (handle->raw_size && handle->raw_size != raw_size) ||
        (trailer[0] == CODEC_NONE && raw_size != body_size))
        return "a block has the wrong size";
    return NULL;
}

/* NULL, or what is wrong with a block once it is unpacked. */
static const char *body_flaw(enum block_kind kind, struct slice body)
{
    struct block view;
    const char *flaw;

    if (kind != BLOCK_DATA && kind != BLOCK_INDEX)
        return NULL;
    flaw = block_flaw(body);
    if (flaw || kind == BLOCK_DATA)
        return flaw;
    block_view(body, &view);
    if (view.values.width != 0 || view.values.stride != INDEX_VALUE_SIZE)
        return "an index block has values of the wrong size";
    return NULL;
}

static byron_status decompress(const struct table_source *source,
                               const struct block_handle *handle,
                               const uint8_t *disk, uint8_t *raw,
                               uint32_t raw_size)
{
    uint32_t body_size = handle->disk_size - BLOCK_TRAILER_SIZE;
    byron_status status = codec_decompress(
        (enum codec)disk[body_size], slice_of(disk, body_size), raw, raw_size);

    if (status == BYRON_CORRUPT)
        return table_source_corrupt(source, handle->offset,
                                    "a block cannot be unpacked");
    return status;
}

byron_status table_source_unpack(const struct table_source *source,
                                 const struct block_handle *handle,
                                 enum block_kind kind, struct slice disk,
                                 struct buf *room, struct slice *body)
{
    byron_status status = BYRON_OK;
    uint32_t body_size = handle->disk_size - BLOCK_TRAILER_SIZE;
    const char *flaw = disk_flaw(source, handle, kind, disk.data);
    uint32_t raw_size;

    if (flaw)
        return table_source_corrupt(source, handle->offset, flaw);
    raw_size = load_u32(disk.data + body_size + 4);
    if (disk.data[body_size] == CODEC_NONE) {
        *body = slice_of(disk.data, body_size);
    } else {
        buf_clear(room);
        TRY(buf_reserve(room, raw_size));
        TRY(decompress(source, handle, disk.data, room->data, raw_size));
        room->size = raw_size;
        *body = buf_slice(room);
    }
    flaw = body_flaw(kind, *body);
    if (flaw)
        return table_source_corrupt(source, handle->offset, flaw);
out:
    return status;
}

byron_status table_source_read(const struct table_source *source,
                               const struct block_handle *handle,
                               enum block_kind kind, struct buf *disk,
                               struct buf *room, struct slice *body)
{
    byron_status status;

    TRY(table_source_check_handle(source, handle));
    buf_clear(disk);
    TRY(buf_reserve(disk, handle->disk_size));
    TRY(file_pool_read(source->pool, source->number, handle->offset, disk->data,
                       handle->disk_size));
    disk->size = handle->disk_size;
    TRY(table_source_unpack(source, handle, kind, buf_slice(disk), room, body));
out:
    return status;
}

static uint8_t *room_for(const struct table_source *source,
                         const struct block_handle *handle,
                         enum block_kind kind, size_t size)
{
    return block_cache_room(source->cache, source->number,
                            cache_name(handle->offset, kind), size);
}

/* Checks and unpacks *bytes, read from disk, in an allocation of its own. */
static byron_status unpack_whole(const struct table_source *source,
                                 const struct block_handle *handle,
                                 enum block_kind kind, uint8_t **bytes,
                                 size_t *size)
{
    byron_status status = BYRON_OK;
    uint32_t body_size = handle->disk_size - BLOCK_TRAILER_SIZE;
    uint32_t raw_size = load_u32(*bytes + body_size + 4);
    const char *flaw = disk_flaw(source, handle, kind, *bytes);
    uint8_t *raw = NULL;

    if (flaw)
        return table_source_corrupt(source, handle->offset, flaw);
    if ((*bytes)[body_size] != CODEC_NONE) {
        raw = room_for(source, handle, kind, raw_size);
        if (!raw)
            return error_no_memory();
        TRY(decompress(source, handle, *bytes, raw, raw_size));
    }
    flaw = body_flaw(kind, slice_of(raw ? raw : *bytes, raw_size));
    if (flaw)
        TRY(table_source_corrupt(source, handle->offset, flaw));
    *size = raw_size;
    if (raw) {
        uint8_t *packed = *bytes;
        *bytes = raw;
        raw = packed;
    }
out:
    cached_block_free_room(source->cache, raw);
    return status;
}

/* Copies disk, or reads it if it is NULL. */
static byron_status read_whole(const struct table_source *source,
                               const struct block_handle *handle,
                               enum block_kind kind, const uint8_t *disk,
                               uint8_t **bytes, size_t *size)
{
    byron_status status;

    *bytes = room_for(source, handle, kind, handle->disk_size);
    if (!*bytes)
        return error_no_memory();
    if (disk)
        memcpy(*bytes, disk, handle->disk_size);
    else
        TRY(file_pool_read(source->pool, source->number, handle->offset, *bytes,
                           handle->disk_size));
    TRY(unpack_whole(source, handle, kind, bytes, size));
out:
    return status;
}

/* Of a known size, that of most blocks. */
static bool is_small(const struct block_handle *handle)
{
    return handle->disk_size <= SMALL_DISK_SIZE && handle->raw_size > 0 &&
           handle->raw_size <= SMALL_RAW_SIZE;
}

static bool is_packed(const struct block_handle *handle)
{
    return handle->disk_size < handle->raw_size;
}

/* Unpacks a small block from disk to bytes. */
static byron_status unpack_small(const struct table_source *source,
                                 const struct block_handle *handle,
                                 enum block_kind kind, const uint8_t *disk,
                                 uint8_t *bytes)
{
    byron_status status = BYRON_OK;
    const char *flaw = disk_flaw(source, handle, kind, disk);

    if (flaw)
        return table_source_corrupt(source, handle->offset, flaw);
    if (disk[handle->disk_size - BLOCK_TRAILER_SIZE] != CODEC_NONE)
        TRY(decompress(source, handle, disk, bytes, handle->raw_size));
    else if (disk != bytes)
        memcpy(bytes, disk, handle->raw_size);
    flaw = body_flaw(kind, slice_of(bytes, handle->raw_size));
    if (flaw)
        status = table_source_corrupt(source, handle->offset, flaw);
out:
    return status;
}

/* Reads a small block, if disk is NULL, and unpacks it to bytes, which has room
 * for it on disk, too. What is unpacked needs a place for a moment only: the
 * stack. */
static byron_status read_small(const struct table_source *source,
                               const struct block_handle *handle,
                               enum block_kind kind, const uint8_t *disk,
                               uint8_t *bytes)
{
    byron_status status;
    uint8_t packed[SMALL_DISK_SIZE];
    uint8_t *to = is_packed(handle) ? packed : bytes;

    if (!disk) {
        TRY(file_pool_read(source->pool, source->number, handle->offset, to,
                           handle->disk_size));
        disk = to;
        if (to == bytes &&
            bytes[handle->disk_size - BLOCK_TRAILER_SIZE] != CODEC_NONE)
            disk = memcpy(packed, bytes, handle->disk_size);
    }
    TRY(unpack_small(source, handle, kind, disk, bytes));
out:
    return status;
}

/* Reads a small block that the cache would only lose another for. */
static byron_status pass(const struct table_source *source,
                         const struct block_handle *handle,
                         enum block_kind kind, const uint8_t *disk,
                         struct cached_block *block)
{
    byron_status status = read_small(source, handle, kind, disk, block->bytes);

    block->size = handle->raw_size;
    if (status != BYRON_OK)
        cached_block_unpin(block);
    return status;
}

/*
 * Memory that a packed block is unpacked to has been away from the processor
 * for long, so it is asked for first, and comes while the system reads.
 */
static byron_status read_to_room(const struct table_source *source,
                                 const struct block_handle *handle,
                                 enum block_kind kind, const uint8_t *disk,
                                 uint8_t **bytes, size_t *size)
{
    *size = handle->raw_size;
    *bytes = room_for(source, handle, kind, *size);
    if (!*bytes)
        return error_no_memory();
    for (size_t at = 0; at < *size; at += 64)
        __builtin_prefetch(*bytes + at, 1);
    return read_small(source, handle, kind, disk, *bytes);
}

/* Reads the block if disk is NULL. Requires: the handle was checked. */
static byron_status fetch(const struct table_source *source,
                          const struct block_handle *handle,
                          enum block_kind kind, const uint8_t *disk,
                          struct cached_block **out)
{
    byron_status status;
    uint64_t name = cache_name(handle->offset, kind);
    uint8_t *bytes = NULL;
    size_t size = 0;

    if (kind == BLOCK_DATA && is_small(handle)) {
        size_t room = is_packed(handle) ? handle->raw_size : handle->disk_size;
        struct cached_block *block =
            block_cache_pass(source->cache, source->number, name, room);

        if (block) {
            TRY(pass(source, handle, kind, disk, block));
            *out = block;
            return BYRON_OK;
        }
    }
    if (is_small(handle) && is_packed(handle))
        TRY(read_to_room(source, handle, kind, disk, &bytes, &size));
    else
        TRY(read_whole(source, handle, kind, disk, &bytes, &size));
    status =
        block_cache_add(source->cache, source->number, name, bytes, size, out);
    bytes = NULL; /* The cache's, even on failure. */
out:
    cached_block_free_room(source->cache, bytes);
    return status;
}

byron_status table_source_load(const struct table_source *source,
                               const struct block_handle *handle,
                               enum block_kind kind, struct cached_block **out)
{
    byron_status status = BYRON_OK;

    *out = table_source_find(source, handle->offset, kind);
    if (*out)
        return BYRON_OK;
    TRY(table_source_check_handle(source, handle));
    TRY(fetch(source, handle, kind, NULL, out));
out:
    return status;
}

static byron_status check_mapped(const struct table_source *source,
                                 const struct block_handle *handle,
                                 enum block_kind kind, const uint8_t *disk)
{
    const char *flaw = disk_flaw(source, handle, kind, disk);

    if (!flaw)
        flaw = body_flaw(kind, slice_of(disk, handle->raw_size));
    if (flaw)
        return table_source_corrupt(source, handle->offset, flaw);
    table_map_note_checked(source->map, handle->offset, handle->disk_size);
    return BYRON_OK;
}

byron_status table_source_map(const struct table_source *source,
                              const struct block_handle *handle,
                              enum block_kind kind, struct slice *body)
{
    byron_status status = BYRON_OK;
    const uint8_t *disk;

    *body = slice_of(NULL, 0);
    if (!source->map)
        return BYRON_OK;
    TRY(table_source_check_handle(source, handle));
    if (handle->disk_size - BLOCK_TRAILER_SIZE != handle->raw_size)
        return BYRON_OK;
    disk = source->map->bytes + handle->offset;
    if (!table_map_is_checked(source->map, handle->offset, handle->disk_size)) {
        if (disk[handle->raw_size] != CODEC_NONE)
            return BYRON_OK; /* Packed, for all that. */
        TRY(check_mapped(source, handle, kind, disk));
    }
    *body = slice_of(disk, handle->raw_size);
out:
    return status;
}

byron_status table_source_lend(const struct table_source *source,
                               const struct block_handle *handle,
                               enum block_kind kind, struct slice *body,
                               struct cached_block **pin)
{
    byron_status status;

    *pin = NULL;
    TRY(table_source_map(source, handle, kind, body));
    if (body->data)
        return BYRON_OK;
    TRY(table_source_load(source, handle, kind, pin));
    *body = cached_block_bytes(*pin);
out:
    return status;
}

byron_status table_source_view(const struct table_source *source,
                               uint64_t offset, struct slice body,
                               struct block *out)
{
    if (!table_map_has(source->map, body.data)) {
        block_view(body, out);
        return BYRON_OK;
    }
    if (block_view_again(body, out))
        return BYRON_OK;
    return table_source_corrupt(source, offset,
                                "a block has changed since it was checked");
}

byron_status table_source_take(const struct table_source *source,
                               const struct block_handle *handle,
                               enum block_kind kind, struct slice disk,
                               struct cached_block **out)
{
    return fetch(source, handle, kind, disk.data, out);
}
