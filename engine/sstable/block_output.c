#include "sstable/block_output.h"

#include "base/integer.h"
#include "base/try.h"

#define APPEND_SIZE ((size_t)256 * 1024)

byron_status block_output_init(struct block_output *output, struct byron_os *os,
                               struct os_file *file, uint64_t uid)
{
    memset(output, 0, sizeof *output);
    output->os = os;
    output->file = file;
    output->uid = uid;
    return hash_stream_new(uid, &output->hash);
}

void block_output_deinit(struct block_output *output)
{
    buf_deinit(&output->pending);
    buf_deinit(&output->squeezed);
    hash_stream_free(output->hash);
    output->hash = NULL;
}

byron_status block_output_flush(struct block_output *output)
{
    byron_status status = BYRON_OK;

    if (output->pending.size == 0)
        return BYRON_OK;
    TRY(output->os->file_append(output->file, output->pending.data,
                                output->pending.size));
    if (output->is_awaited)
        output->os->file_start_sync(output->file);
    hash_stream_add(output->hash, buf_slice(&output->pending));
    buf_clear(&output->pending);
out:
    return status;
}

static byron_status flush_if_full(struct block_output *output)
{
    return output->pending.size >= APPEND_SIZE ? block_output_flush(output)
                                               : BYRON_OK;
}

byron_status block_output_add(struct block_output *output, struct slice bytes)
{
    byron_status status;

    TRY(buf_add(&output->pending, bytes.data, bytes.size));
    output->offset += bytes.size;
    TRY(flush_if_full(output));
out:
    return status;
}

byron_status block_output_seal(struct block_output *output,
                               enum block_kind kind, enum codec codec,
                               struct slice body, struct block_handle *out)
{
    byron_status status;
    struct buf *pending = &output->pending;
    struct slice stored = body;
    bool shrank = false;
    uint8_t *start, *trailer;

    if (codec != CODEC_NONE)
        TRY(codec_compress(codec, body, &output->squeezed, &shrank));
    if (shrank)
        stored = buf_slice(&output->squeezed);
    TRY(buf_reserve(pending, stored.size + BLOCK_TRAILER_SIZE));
    start = pending->data + pending->size;
    if (stored.size)
        memcpy(start, stored.data, stored.size);
    trailer = start + stored.size;
    trailer[0] = (uint8_t)(shrank ? codec : CODEC_NONE);
    trailer[1] = (uint8_t)kind;
    store_u16(trailer + 2, 0);
    store_u32(trailer + 4, (uint32_t)body.size);
    store_u64(trailer + 8, hash_bytes(slice_of(start, stored.size + 8),
                                      output->uid ^ output->offset));
    out->offset = output->offset;
    out->disk_size = (uint32_t)(stored.size + BLOCK_TRAILER_SIZE);
    out->raw_size = (uint32_t)body.size;
    pending->size += out->disk_size;
    output->offset += out->disk_size;
    TRY(flush_if_full(output));
out:
    return status;
}

uint64_t block_output_hash(const struct block_output *output)
{
    return hash_stream_value(output->hash);
}
