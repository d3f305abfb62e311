#include "sstable/hash_writer.h"

#include "base/try.h"

#define PLACE_SIZE 8u

void hash_writer_deinit(struct hash_writer *writer)
{
    buf_deinit(&writer->places);
    buf_deinit(&writer->handles);
}

byron_status hash_writer_add_key(struct hash_writer *writer, uint64_t block,
                                 size_t index)
{
    byron_status status = BYRON_OK;
    uint32_t place[2] = {(uint32_t)block, (uint32_t)index};

    if (writer->is_too_large || block >= HASH_BLOCKS_MAX) {
        buf_deinit(&writer->places);
        writer->is_too_large = true;
        return BYRON_OK;
    }
    TRY(buf_reserve(&writer->places, sizeof place));
    memcpy(writer->places.data + writer->places.size, place, sizeof place);
    writer->places.size += sizeof place;
    if (place[1] > writer->index_max)
        writer->index_max = place[1];
out:
    return status;
}

byron_status hash_writer_add_block(struct hash_writer *writer,
                                   const struct block_handle *handle)
{
    uint8_t bytes[BLOCK_HANDLE_SIZE];

    block_handle_encode(handle, bytes);
    return buf_add(&writer->handles, bytes, sizeof bytes);
}

uint64_t hash_writer_size(const struct hash_writer *writer)
{
    uint64_t keys = writer->places.size / PLACE_SIZE;

    return keys * 21 / 4 + writer->handles.size;
}

static byron_status write_chunks(struct slice bytes, enum block_kind kind,
                                 struct block_output *output,
                                 struct table_section *section)
{
    byron_status status = BYRON_OK;
    struct block_handle handle;

    for (size_t at = 0; at < bytes.size; at += HASH_CHUNK_SIZE) {
        size_t size = bytes.size - at;
        if (size > HASH_CHUNK_SIZE)
            size = HASH_CHUNK_SIZE;
        TRY(block_output_seal(output, kind, CODEC_NONE,
                              slice_of(bytes.data + at, size), &handle));
        section->size += handle.disk_size;
    }
out:
    return status;
}

byron_status hash_writer_finish(struct hash_writer *writer,
                                const struct buf *hashes,
                                struct block_output *output,
                                struct table_section *section,
                                struct hash_shape *shape)
{
    byron_status status = BYRON_OK;
    struct buf lines = {0};

    memset(shape, 0, sizeof *shape);
    if (!writer->is_too_large && hashes->size > 0) {
        hash_shape_choose(hashes->size / sizeof(uint64_t),
                          writer->handles.size / BLOCK_HANDLE_SIZE,
                          writer->index_max, shape);
        TRY(hash_lines_build(shape, hashes, &writer->places, &lines));
    }
    if (shape->lines == 0)
        goto out;
    section->offset = output->offset;
    section->size = 0;
    TRY(write_chunks(buf_slice(&lines), BLOCK_HASH_LINES, output, section));
    TRY(write_chunks(buf_slice(&writer->handles), BLOCK_HANDLES, output,
                     section));
out:
    buf_deinit(&lines);
    return status;
}
