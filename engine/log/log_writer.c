#include "log/log_writer.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/integer.h"
#include "base/try.h"

/* Records up to here are laid out in memory and written at once; larger ones
 * are written from where they lie. */
#define GATHER_MAX ((size_t)1024 * 1024)

/* A sync of bytes that lie over zeros need not sync the file's size too. */
#define EXTENT_MIN ((uint64_t)1024 * 1024)
#define EXTENT_MAX ((uint64_t)4 * 1024 * 1024)

struct log_writer {
    struct byron_os *os;
    struct os_file *file;
    uint64_t salt;
    size_t chunk_size;
    uint64_t end;        /* Of the last whole record. */
    uint64_t written;    /* Beyond end only while chunks are underway. */
    uint64_t synced;     /* A record's end; nothing below is lost. */
    uint64_t prewritten; /* The file has zeros up to here. */
    uint64_t extent;     /* How far to prewrite next. */
    bool prewrites;
    bool may_prewrite;
    struct buf gather;
    struct byron_error poison; /* code OK: none. */
    bool is_unsyncable;        /* A sync failed, or might not tell. */
};

/* A walk over parts as if they were one. */
struct parts {
    const struct slice *next;
    size_t used; /* Of *next. */
};

static byron_status poison(struct log_writer *writer, byron_status status)
{
    writer->poison = *error_last();
    writer->poison.code = status;
    /* What a full disk refused was never there; what is there is well. */
    writer->is_unsyncable = writer->is_unsyncable || status != BYRON_FULL;
    return status;
}

static byron_status write_header(struct log_writer *writer, struct os_dir *dir,
                                 const struct log_header *header)
{
    byron_status status;
    uint8_t bytes[LOG_HEADER_SIZE];

    log_header_encode(header, bytes);
    TRY(writer->os->file_append(writer->file, bytes, sizeof bytes));
    TRY(writer->os->file_sync(writer->file));
    TRY(writer->os->dir_sync(dir));
    writer->end = sizeof bytes;
    writer->written = sizeof bytes;
    writer->synced = sizeof bytes;
out:
    return status;
}

byron_status log_writer_create(struct byron_os *os, struct os_dir *dir,
                               const struct log_header *header,
                               struct log_writer **out)
{
    byron_status status;
    struct log_header salted = *header;
    struct log_writer *writer = alloc_zeroed(1, sizeof *writer);
    char name[OS_NAME_MAX];

    if (!writer)
        return error_no_memory();
    writer->os = os;
    writer->chunk_size = LOG_PAYLOAD_MAX;
    writer->extent = EXTENT_MIN;
    writer->may_prewrite = header->kind == FILE_WAL;
    file_name_format(header->kind, header->number, name);
    TRY(os->random(os, &salted.salt, sizeof salted.salt));
    writer->salt = salted.salt;
    TRY(os->file_create(dir, name, &writer->file));
    TRY(write_header(writer, dir, &salted));
    *out = writer;
    writer = NULL;
out:
    if (writer && writer->file) {
        struct byron_error first = *error_last();
        /* Best effort: a leftover is an orphan that nobody names. */
        (void)os->file_remove(dir, name);
        (void)error_restore(&first);
    }
    log_writer_close(writer);
    return status;
}

void log_writer_close(struct log_writer *writer)
{
    if (!writer)
        return;
    writer->os->file_close(writer->file);
    buf_deinit(&writer->gather);
    alloc_free(writer);
}

/* Lends the next piece, at most max bytes of it. Requires: one is left. */
static struct slice take_piece(struct parts *parts, size_t max)
{
    struct slice piece;

    while (parts->used == parts->next->size) {
        parts->next++;
        parts->used = 0;
    }
    piece = slice_of(parts->next->data + parts->used,
                     parts->next->size - parts->used);
    if (piece.size > max)
        piece.size = max;
    parts->used += piece.size;
    return piece;
}

static byron_status append_bytes(struct log_writer *writer, const void *bytes,
                                 size_t size)
{
    byron_status status = writer->os->file_append(writer->file, bytes, size);

    if (status != BYRON_OK)
        return poison(writer, status);
    writer->written += size;
    return BYRON_OK;
}

/* Keeps zeros ahead of the next size bytes, so that they land on them. */
static byron_status prewrite(struct log_writer *writer, size_t size)
{
    byron_status status;

    if (!writer->prewrites || writer->written + size <= writer->prewritten ||
        size >= writer->extent)
        return BYRON_OK;
    status = writer->os->file_extend(writer->file, writer->extent);
    if (status == BYRON_FULL) {
        /* There may still be room for the record itself. */
        writer->prewrites = false;
        writer->may_prewrite = false;
        return BYRON_OK;
    }
    if (status != BYRON_OK)
        return poison(writer, status);
    writer->prewritten = writer->written + writer->extent;
    if (writer->extent < EXTENT_MAX)
        writer->extent *= 2;
    return BYRON_OK;
}

static byron_status append_gathered(struct log_writer *writer,
                                    struct record_head *head,
                                    struct parts *parts)
{
    byron_status status;
    size_t size = record_footprint(head->size);
    uint8_t *record;
    uint8_t *to;

    buf_clear(&writer->gather);
    TRY(buf_reserve(&writer->gather, size));
    record = writer->gather.data;
    to = record + LOG_RECORD_HEAD;
    for (size_t left = head->size; left > 0;) {
        struct slice piece = take_piece(parts, left);
        memcpy(to, piece.data, piece.size);
        to += piece.size;
        left -= piece.size;
    }
    memset(to, 0, (size_t)(record + size - to));
    record_head_encode(head, record);
    head->checksum =
        record_checksum(record, slice_of(record + LOG_RECORD_HEAD, head->size),
                        writer->salt, writer->written);
    record_head_encode(head, record);
    TRY(append_bytes(writer, record, size));
out:
    return status;
}

static byron_status checksum_parts(const struct log_writer *writer,
                                   struct record_head *head, struct parts parts)
{
    byron_status status;
    uint8_t bytes[LOG_RECORD_HEAD];
    struct hash_stream *stream = NULL;

    record_head_encode(head, bytes);
    TRY(hash_stream_new(writer->salt ^ writer->written, &stream));
    hash_stream_add(stream, slice_of(bytes, LOG_RECORD_HEAD - 8));
    for (size_t left = head->size; left > 0;) {
        struct slice piece = take_piece(&parts, left);
        hash_stream_add(stream, piece);
        left -= piece.size;
    }
    head->checksum = hash_stream_value(stream);
out:
    hash_stream_free(stream);
    return status;
}

static byron_status append_in_place(struct log_writer *writer,
                                    struct record_head *head,
                                    struct parts *parts)
{
    static const uint8_t zeros[8];
    byron_status status;
    uint8_t bytes[LOG_RECORD_HEAD];
    uint64_t end = writer->written + record_footprint(head->size);

    TRY(checksum_parts(writer, head, *parts));
    record_head_encode(head, bytes);
    TRY(append_bytes(writer, bytes, sizeof bytes));
    for (size_t left = head->size; left > 0;) {
        struct slice piece = take_piece(parts, left);
        TRY(append_bytes(writer, piece.data, piece.size));
        left -= piece.size;
    }
    if (writer->written < end)
        TRY(append_bytes(writer, zeros, (size_t)(end - writer->written)));
out:
    return status;
}

static byron_status append_chunk(struct log_writer *writer,
                                 struct record_head *head, struct parts *parts)
{
    byron_status status;

    TRY(prewrite(writer, record_footprint(head->size)));
    if (record_footprint(head->size) <= GATHER_MAX)
        TRY(append_gathered(writer, head, parts));
    else
        TRY(append_in_place(writer, head, parts));
out:
    return status;
}

byron_status log_writer_append(struct log_writer *writer, enum record_type type,
                               uint64_t sequence, const struct slice *parts,
                               size_t part_count)
{
    byron_status status;
    struct parts walk = {parts, 0};
    struct record_head head = {
        .type = (uint8_t)type, .sequence = sequence, .synced = writer->synced};
    size_t left = 0;

    if (writer->poison.code != BYRON_OK)
        return error_restore(&writer->poison);
    for (size_t i = 0; i < part_count; i++)
        left += parts[i].size;
    assert(left > 0);
    while (left > writer->chunk_size) {
        head.size = (uint32_t)writer->chunk_size;
        head.flags = RECORD_MORE;
        TRY(append_chunk(writer, &head, &walk));
        left -= head.size;
    }
    head.size = (uint32_t)left;
    head.flags = 0;
    TRY(append_chunk(writer, &head, &walk));
    writer->end = writer->written;
out:
    /* A record that stopped half-way cannot be taken back. */
    if (status != BYRON_OK && writer->poison.code == BYRON_OK &&
        writer->written != writer->end)
        return poison(writer, status);
    return status;
}

byron_status log_writer_sync(struct log_writer *writer)
{
    byron_status status;

    if (writer->is_unsyncable)
        return error_restore(&writer->poison);
    writer->prewrites = writer->may_prewrite;
    if (writer->synced == writer->end)
        return BYRON_OK;
    status = writer->os->file_sync(writer->file);
    if (status != BYRON_OK) {
        writer->is_unsyncable = true;
        return poison(writer, status);
    }
    writer->synced = writer->end;
    return BYRON_OK;
}

byron_status log_writer_seal(struct log_writer *writer)
{
    uint8_t synced[8];
    struct slice part = slice_of(synced, sizeof synced);

    store_u64(synced, writer->synced);
    return log_writer_append(writer, RECORD_SEAL, 0, &part, 1);
}

uint64_t log_writer_end(const struct log_writer *writer)
{
    return writer->end;
}

uint64_t log_writer_synced(const struct log_writer *writer)
{
    return writer->synced;
}

byron_status log_writer_poison(const struct log_writer *writer)
{
    return writer->poison.code;
}

void log_writer_set_chunk_size(struct log_writer *writer, size_t size)
{
    assert(size > 0 && size <= LOG_PAYLOAD_MAX);
    writer->chunk_size = size;
}
