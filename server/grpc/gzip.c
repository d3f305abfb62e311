#include "grpc/gzip.h"

#include <string.h>
#include <zlib.h>

#define WINDOW_GZIP (15 + 16) /* zlib's word for a gzip header. */
#define MEMORY      8
#define LEVEL       1 /* Fast: a connection waits for it. */
#define PIECE       ((size_t)16 * 1024)

/* zlib reads only; its type forgets to say so. */
static void set_input(z_stream *stream, struct byron_bytes message)
{
    stream->next_in = (uint8_t *)(uintptr_t)message.data;
    stream->avail_in = (uInt)message.size;
}

byron_status gzip_compress(struct byron_bytes message, struct bytes *out)
{
    z_stream stream = {0};
    byron_status status = BYRON_OK;
    size_t bound;

    if (message.size > UINT32_MAX / 2)
        return BYRON_TOO_BIG;
    if (deflateInit2(&stream, LEVEL, Z_DEFLATED, WINDOW_GZIP, MEMORY,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return BYRON_NO_MEMORY;
    bound = deflateBound(&stream, (uLong)message.size);
    status = bytes_reserve(out, bound);
    if (status == BYRON_OK) {
        set_input(&stream, message);
        stream.next_out = out->data + out->size;
        stream.avail_out = (uInt)bound;
        if (deflate(&stream, Z_FINISH) == Z_STREAM_END)
            out->size += stream.total_out;
        else
            status = BYRON_NO_MEMORY;
    }
    deflateEnd(&stream);
    return status;
}

/* One piece more; OK and not *out_is_end: there is more to come. */
static byron_status expand_piece(z_stream *stream, size_t room,
                                 struct bytes *out, bool *out_is_end)
{
    byron_status status = bytes_reserve(out, room);
    int result;

    if (status != BYRON_OK)
        return status;
    stream->next_out = out->data + out->size;
    stream->avail_out = (uInt)room;
    result = inflate(stream, Z_NO_FLUSH);
    out->size += room - stream->avail_out;
    *out_is_end = result == Z_STREAM_END;
    if (result == Z_MEM_ERROR)
        return BYRON_NO_MEMORY;
    if (result != Z_OK && result != Z_STREAM_END)
        return BYRON_CORRUPT; /* Also Z_BUF_ERROR: the input is cut short. */
    return BYRON_OK;
}

byron_status gzip_expand(struct byron_bytes message, size_t limit,
                         struct bytes *out)
{
    z_stream stream = {0};
    byron_status status = BYRON_OK;
    size_t start = out->size;
    bool is_end = false;

    if (message.size > UINT32_MAX / 2)
        return BYRON_TOO_BIG;
    if (inflateInit2(&stream, WINDOW_GZIP) != Z_OK)
        return BYRON_NO_MEMORY;
    set_input(&stream, message);
    while (status == BYRON_OK && !is_end) {
        size_t made = out->size - start;
        /* One byte beyond the limit tells that there is one. */
        size_t room = limit - made < PIECE ? limit - made + 1 : PIECE;
        status = expand_piece(&stream, room, out, &is_end);
        if (status == BYRON_OK && out->size - start > limit)
            status = BYRON_TOO_BIG;
    }
    if (status == BYRON_OK && stream.avail_in > 0)
        status = BYRON_CORRUPT;
    inflateEnd(&stream);
    return status;
}
