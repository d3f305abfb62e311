#include "log/log_reader.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/integer.h"
#include "base/try.h"

#define WINDOW_SIZE ((size_t)256 * 1024)
#define SKIP_SIZE   ((uint64_t)4096)

/* A search for later records hashes at most so many times the file's size:
 * payloads made to look like records cannot make it quadratic. */
#define SEARCH_BUDGET_FILES 4

struct log_reader {
    struct byron_os *os;
    struct os_file *file;
    uint64_t size;   /* Of the file. */
    uint64_t end_at; /* Nothing from here on counts. */
    uint64_t end;    /* Of the last whole record. */
    bool is_at_end;
    bool is_sealed;           /* The last whole record says so. */
    struct byron_error error; /* code OK: none. */
    struct log_header header;
    struct buf window; /* Bytes of the file from window_offset. */
    uint64_t window_offset;
    struct buf joined; /* Chunks of one record. */
    char path[sizeof((struct byron_error *)NULL)->path];
};

/* Lends size bytes at offset until the next call. Requires: the file has
 * them. */
static byron_status look(struct log_reader *reader, uint64_t offset,
                         size_t size, const uint8_t **out)
{
    byron_status status = BYRON_OK;
    struct buf *window = &reader->window;
    size_t more = size > WINDOW_SIZE ? size : WINDOW_SIZE;

    if (offset < reader->window_offset ||
        offset + size > reader->window_offset + window->size) {
        if (more > reader->size - offset)
            more = (size_t)(reader->size - offset);
        buf_clear(window);
        TRY(buf_reserve(window, more));
        TRY(reader->os->file_read(reader->file, offset, window->data, more));
        window->size = more;
        reader->window_offset = offset;
    }
    *out = window->data + (offset - reader->window_offset);
out:
    return status;
}

/* Whether head can be that of a record at offset, its checksum aside. */
static bool is_plausible(const struct log_reader *reader,
                         const struct record_head *head, uint64_t offset)
{
    return head->size > 0 && head->size <= LOG_PAYLOAD_MAX &&
           record_footprint(head->size) <= reader->size - offset &&
           head->synced <= offset;
}

/* *is_whole: a record stands at offset, and its payload is lent. */
static byron_status look_at_record(struct log_reader *reader, uint64_t offset,
                                   struct record_head *head,
                                   struct slice *payload, bool *is_whole)
{
    byron_status status = BYRON_OK;
    const uint8_t *bytes;

    *is_whole = false;
    if (offset > reader->size || reader->size - offset < LOG_RECORD_HEAD)
        return BYRON_OK;
    TRY(look(reader, offset, LOG_RECORD_HEAD, &bytes));
    *head = record_head_decode(bytes);
    if (!is_plausible(reader, head, offset))
        return BYRON_OK;
    TRY(look(reader, offset, record_footprint(head->size), &bytes));
    *payload = slice_of(bytes + LOG_RECORD_HEAD, head->size);
    *is_whole = head->checksum ==
                record_checksum(bytes, *payload, reader->header.salt, offset);
out:
    return status;
}

/* Moves *at over zeros, which begin no record: most of a log may be zeros that
 * were written ahead. */
static byron_status skip_zeros(struct log_reader *reader, uint64_t *at)
{
    byron_status status = BYRON_OK;
    const uint8_t *bytes;

    while (*at + LOG_RECORD_HEAD <= reader->size) {
        uint64_t size = (reader->size - *at) / 8 * 8;
        if (size > SKIP_SIZE)
            size = SKIP_SIZE;
        TRY(look(reader, *at, (size_t)size, &bytes));
        for (uint64_t i = 0; i < size; i += 8, *at += 8)
            if (load_u64(bytes + i) != 0)
                return BYRON_OK;
    }
out:
    return status;
}

/*
 * Looks behind bad bytes at offset for a whole record that was written when
 * the log was already durable beyond them. Records start at multiples of 8.
 */
static byron_status check_claims(struct log_reader *reader, uint64_t offset)
{
    byron_status status = BYRON_OK;
    uint64_t budget = SEARCH_BUDGET_FILES * reader->size;
    const uint8_t *bytes;

    for (uint64_t at = offset + 8;; at += 8) {
        struct record_head head;
        struct slice payload;
        bool is_whole;

        TRY(skip_zeros(reader, &at));
        if (at + LOG_RECORD_HEAD > reader->size)
            break;
        TRY(look(reader, at, LOG_RECORD_HEAD, &bytes));
        head = record_head_decode(bytes);
        if (head.synced <= offset || !is_plausible(reader, &head, at))
            continue;
        TRY(look_at_record(reader, at, &head, &payload, &is_whole));
        if (is_whole)
            return error_corrupt(reader->path, offset,
                                 "log record is damaged, yet the record at "
                                 "%llu says that it was durable",
                                 (unsigned long long)at);
        if (budget < head.size)
            return error_corrupt(reader->path, offset,
                                 "log record is damaged, and what follows "
                                 "cannot be told from records");
        budget -= head.size;
    }
out:
    return status;
}

/* No whole record stands at offset: the end, or damage? Where the next log
 * names a later end, the caller tells a lost tail from damage: it knows what
 * that log promised. */
static byron_status end_at(struct log_reader *reader, uint64_t offset)
{
    byron_status status;

    TRY(check_claims(reader, offset));
    reader->is_at_end = true;
out:
    return status;
}

/* Whether a type is one that this library may pass over. */
static byron_status check_type(const struct log_reader *reader,
                               const struct record_head *head, uint64_t offset,
                               bool *is_ignored)
{
    *is_ignored = false;
    switch (head->type) {
    case RECORD_BATCH:
    case RECORD_PREPARE:
    case RECORD_ABORT:
    case RECORD_BASE:
    case RECORD_EDIT:
        return BYRON_OK;
    default:
        *is_ignored = (head->type & RECORD_IGNORABLE) != 0;
        if (*is_ignored)
            return BYRON_OK;
        return error_set(BYRON_NEWER_FORMAT, reader->path, offset, 0,
                         "log record of unknown type %u", head->type);
    }
}

/* The chunk at *offset, of the same record as first unless that is NULL.
 * *offset moves behind it. *is_whole is false at the end of the log. */
static byron_status read_chunk(struct log_reader *reader, uint64_t *offset,
                               const struct record_head *first,
                               struct record_head *head, struct slice *payload,
                               bool *is_whole)
{
    byron_status status;

    TRY(look_at_record(reader, *offset, head, payload, is_whole));
    if (!*is_whole) {
        TRY(end_at(reader, *offset));
        return BYRON_OK;
    }
    if ((head->flags & ~RECORD_MORE) != 0 || head->reserved != 0)
        return error_set(BYRON_NEWER_FORMAT, reader->path, *offset, 0,
                         "log record with unknown flags");
    if (first &&
        (head->type != first->type || head->sequence != first->sequence))
        return error_corrupt(reader->path, *offset,
                             "chunk belongs to another log record");
    *offset += record_footprint(head->size);
    if (*offset > reader->end_at)
        return error_corrupt(reader->path, *offset,
                             "log record crosses the end that the next log "
                             "names, %llu",
                             (unsigned long long)reader->end_at);
out:
    return status;
}

/* Joins the chunks behind the first. */
static byron_status read_rest(struct log_reader *reader, uint64_t *offset,
                              const struct record_head *first,
                              struct slice *payload, bool *is_whole)
{
    byron_status status;
    struct record_head head = *first;

    buf_clear(&reader->joined);
    TRY(buf_add(&reader->joined, payload->data, payload->size));
    while (head.flags & RECORD_MORE) {
        TRY(read_chunk(reader, offset, first, &head, payload, is_whole));
        if (!*is_whole)
            return BYRON_OK;
        TRY(buf_add(&reader->joined, payload->data, payload->size));
    }
    *payload = buf_slice(&reader->joined);
out:
    return status;
}

/* One record, known or to be ignored. *found is false at the end. */
static byron_status read_record(struct log_reader *reader,
                                struct log_record *record, bool *is_ignored,
                                bool *found)
{
    byron_status status = BYRON_OK;
    uint64_t offset = reader->end;
    struct record_head head;
    bool is_whole;

    *found = false;
    *is_ignored = false;
    if (offset >= reader->end_at) {
        reader->is_at_end = true;
        return BYRON_OK;
    }
    TRY(read_chunk(reader, &offset, NULL, &head, &record->payload, &is_whole));
    if (!is_whole)
        return BYRON_OK;
    TRY(check_type(reader, &head, reader->end, is_ignored));
    if (head.flags & RECORD_MORE)
        TRY(read_rest(reader, &offset, &head, &record->payload, &is_whole));
    if (!is_whole)
        return BYRON_OK;
    record->type = (enum record_type)head.type;
    record->sequence = head.sequence;
    record->is_synced = head.synced > LOG_HEADER_SIZE;
    record->offset = reader->end;
    record->end = offset;
    reader->end = offset;
    reader->is_sealed = head.type == RECORD_SEAL;
    *found = true;
out:
    return status;
}

byron_status log_reader_next(struct log_reader *reader,
                             struct log_record *record, bool *found)
{
    byron_status status = BYRON_OK;
    bool is_ignored = true;

    *found = false;
    if (reader->error.code != BYRON_OK)
        return error_restore(&reader->error);
    while (is_ignored && !reader->is_at_end)
        TRY(read_record(reader, record, &is_ignored, found));
out:
    if (status != BYRON_OK) {
        *found = false;
        reader->error = *error_last();
        reader->error.code = status;
    }
    return status;
}

/* Whether anything but zeros stands behind the header. */
static byron_status has_content(struct log_reader *reader, bool *out)
{
    byron_status status = BYRON_OK;
    const uint8_t *bytes;

    *out = false;
    for (uint64_t at = LOG_HEADER_SIZE; at < reader->size && !*out;) {
        size_t size = WINDOW_SIZE;
        if (size > reader->size - at)
            size = (size_t)(reader->size - at);
        TRY(look(reader, at, size, &bytes));
        *out = bytes[0] != 0 || memcmp(bytes, bytes + 1, size - 1) != 0;
        at += size;
    }
out:
    return status;
}

static byron_status check_identity(const struct log_reader *reader,
                                   uint64_t number, const uint8_t *store_id)
{
    const struct log_header *header = &reader->header;

    if (header->number != number)
        return error_corrupt(reader->path, 0,
                             "log is number %llu by its header",
                             (unsigned long long)header->number);
    if (store_id && memcmp(header->store_id, store_id, 16) != 0)
        return error_corrupt(reader->path, 0, "log belongs to another store");
    return BYRON_OK;
}

/* A file with a bad header, for which status is the verdict otherwise. */
static byron_status check_unfinished(struct log_reader *reader,
                                     byron_status status)
{
    struct byron_error first = *error_last();
    bool is_used =
        reader->end_at != UINT64_MAX && reader->end_at > LOG_HEADER_SIZE;

    /* The header is durable before the first record is written. */
    if (!is_used)
        TRY(has_content(reader, &is_used));
    if (is_used)
        return error_restore(&first);
    return error_set(BYRON_NOT_FOUND, reader->path, BYRON_NO_OFFSET, 0,
                     "log was never finished");
out:
    return status;
}

static byron_status read_header(struct log_reader *reader, enum file_kind kind,
                                uint64_t number, const uint8_t *store_id)
{
    byron_status status;
    const uint8_t *bytes;

    TRY(reader->os->file_size(reader->file, &reader->size));
    if (reader->size < LOG_HEADER_SIZE)
        return check_unfinished(
            reader, error_corrupt(reader->path, 0, "log has no header"));
    TRY(look(reader, 0, LOG_HEADER_SIZE, &bytes));
    status = log_header_decode(bytes, kind, reader->path, &reader->header);
    if (status == BYRON_CORRUPT)
        return check_unfinished(reader, status);
    TRY(status);
    TRY(check_identity(reader, number, store_id));
    reader->end = LOG_HEADER_SIZE;
out:
    return status;
}

byron_status log_reader_open(struct byron_os *os, struct os_dir *dir,
                             enum file_kind kind, uint64_t number,
                             const uint8_t *store_id, uint64_t end_at_offset,
                             struct log_reader **out)
{
    byron_status status;
    struct log_reader *reader = alloc_zeroed(1, sizeof *reader);
    char name[OS_NAME_MAX];

    if (!reader)
        return error_no_memory();
    reader->os = os;
    reader->end_at = end_at_offset;
    file_name_format(kind, number, name);
    snprintf(reader->path, sizeof reader->path, "%s/%s", os->dir_path(dir),
             name);
    TRY(os->file_open(dir, name, &reader->file));
    TRY(read_header(reader, kind, number, store_id));
    *out = reader;
    reader = NULL;
out:
    log_reader_close(reader);
    return status;
}

void log_reader_close(struct log_reader *reader)
{
    if (!reader)
        return;
    reader->os->file_close(reader->file);
    buf_deinit(&reader->window);
    buf_deinit(&reader->joined);
    alloc_free(reader);
}

const struct log_header *log_reader_header(const struct log_reader *reader)
{
    return &reader->header;
}

bool log_reader_is_sealed(const struct log_reader *reader)
{
    return reader->is_sealed;
}

uint64_t log_reader_end(const struct log_reader *reader)
{
    return reader->end;
}

const char *log_reader_path(const struct log_reader *reader)
{
    return reader->path;
}
