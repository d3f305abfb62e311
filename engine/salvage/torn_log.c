#include "salvage/torn_log.h"

#include "base/alloc.h"
#include "base/integer.h"
#include "base/try.h"

#define WINDOW_SIZE ((size_t)256 * 1024)

/* As in log_reader: what is hashed in a search. */
#define BUDGET_FILES ((uint64_t)4)

/* Bytes between two questions whether to go on. */
#define ASK_SIZE ((uint64_t)1024 * 1024)

struct torn_log {
    struct wreck *wreck;
    struct os_file *file;
    uint64_t size;
    uint64_t end_at; /* Nothing from here on counts. */
    uint64_t at;     /* Where the next record may be. */
    bool has_header;
    bool is_at_end;
    struct log_header header;
    struct buf window;
    uint64_t window_offset;
    struct buf joined; /* Chunks of one record. */
    char path[sizeof((struct byron_error *)NULL)->path];
};

/* One chunk as it lies in the file. */
struct chunk {
    struct record_head head;
    struct slice payload; /* Lent until the next look. */
};

/* Lends size bytes at offset. Requires: the file has them. */
static byron_status look(struct torn_log *log, uint64_t offset, size_t size,
                         const uint8_t **out)
{
    byron_status status = BYRON_OK;
    struct buf *window = &log->window;
    size_t more = size > WINDOW_SIZE ? size : WINDOW_SIZE;

    if (offset < log->window_offset ||
        offset + size > log->window_offset + window->size) {
        if (more > log->size - offset)
            more = (size_t)(log->size - offset);
        buf_clear(window);
        TRY(buf_reserve(window, more));
        TRY(log->wreck->os->file_read(log->file, offset, window->data, more));
        window->size = more;
        log->window_offset = offset;
    }
    *out = window->data + (offset - log->window_offset);
out:
    return status;
}

/* *budget: bytes that may be hashed; UINT64_MAX: any. */
static byron_status look_at_chunk(struct torn_log *log, uint64_t offset,
                                  uint64_t *budget, struct chunk *out,
                                  bool *is_whole)
{
    byron_status status;
    const uint8_t *bytes;

    *is_whole = false;
    if (offset > log->size || log->size - offset < LOG_RECORD_HEAD)
        return BYRON_OK;
    TRY(look(log, offset, LOG_RECORD_HEAD, &bytes));
    out->head = record_head_decode(bytes);
    if (out->head.size == 0 || out->head.size > LOG_PAYLOAD_MAX ||
        record_footprint(out->head.size) > log->size - offset ||
        out->head.synced > offset)
        return BYRON_OK;
    if (*budget < out->head.size) {
        *budget = 0;
        return BYRON_OK;
    }
    if (*budget != UINT64_MAX)
        *budget -= out->head.size;
    TRY(look(log, offset, record_footprint(out->head.size), &bytes));
    out->payload = slice_of(bytes + LOG_RECORD_HEAD, out->head.size);
    *is_whole = out->head.checksum ==
                record_checksum(bytes, out->payload, log->header.salt, offset);
out:
    return status;
}

/* --- Behind bad bytes ------------------------------------------------------
 */

struct search {
    uint64_t first;  /* The first whole record behind the bad bytes, or 0. */
    bool is_durable; /* They were on the disk once. */
    uint64_t budget;
};

static byron_status search_behind(struct torn_log *log, struct search *search)
{
    byron_status status = BYRON_OK;
    uint64_t at = log->at + 8;
    uint64_t asked = at;

    while (at + LOG_RECORD_HEAD <= log->size && at < log->end_at &&
           search->budget > 0) {
        struct chunk chunk;
        bool is_whole;

        if (at - asked > ASK_SIZE) {
            TRY(patience_ask(log->wreck->patience));
            asked = at;
        }
        TRY(look_at_chunk(log, at, &search->budget, &chunk, &is_whole));
        if (!is_whole) {
            at += 8;
            continue;
        }
        if (search->first == 0)
            search->first = at;
        search->is_durable = chunk.head.synced > log->at;
        if (search->is_durable)
            break;
        at += record_footprint(chunk.head.size);
    }
out:
    return status;
}

/* No whole record stands at log->at. Moves it to the next that counts. */
static byron_status pass_over(struct torn_log *log)
{
    byron_status status;
    uint64_t from = log->at;
    uint64_t next = log->end_at < log->size ? log->end_at : log->size;
    struct search search = {.budget = BUDGET_FILES * log->size + 1};

    TRY(search_behind(log, &search));
    if (search.is_durable || (search.first > 0 && log->end_at != UINT64_MAX))
        next = search.first;
    else if (search.budget > 0 && log->end_at == UINT64_MAX)
        goto end;
    status = error_corrupt(log->path, from, "log record is damaged");
    wreck_tell(log->wreck, next > from ? next - from : 0);
    status = BYRON_OK;
    if (next == search.first && next != 0) {
        log->at = next;
        return BYRON_OK;
    }
end:
    log->is_at_end = true;
out:
    return status;
}

/* --- Records -----------------------------------------------------------------
 */

/* The record whose first chunk, which is whole, stands at *at. *is_whole is
 * false where a later chunk of it is not: then *at is there. */
static byron_status join(struct torn_log *log, uint64_t *at,
                         const struct chunk *first, struct log_record *record,
                         bool *is_whole)
{
    byron_status status = BYRON_OK;
    uint64_t budget = UINT64_MAX;
    struct chunk chunk = *first;

    record->type = (enum record_type)first->head.type;
    record->sequence = first->head.sequence;
    record->is_synced = first->head.synced > LOG_HEADER_SIZE;
    record->offset = *at;
    record->payload = first->payload;
    *is_whole = true;
    *at += record_footprint(chunk.head.size);
    buf_clear(&log->joined);
    if (chunk.head.flags & RECORD_MORE)
        TRY(buf_add(&log->joined, chunk.payload.data, chunk.payload.size));
    while (chunk.head.flags & RECORD_MORE) {
        TRY(look_at_chunk(log, *at, &budget, &chunk, is_whole));
        *is_whole = *is_whole && chunk.head.type == first->head.type &&
                    chunk.head.sequence == first->head.sequence;
        if (!*is_whole)
            return BYRON_OK;
        TRY(buf_add(&log->joined, chunk.payload.data, chunk.payload.size));
        *at += record_footprint(chunk.head.size);
        record->payload = buf_slice(&log->joined);
    }
    record->end = *at;
out:
    return status;
}

static bool is_wanted(const struct record_head *head)
{
    return head->type == RECORD_BATCH || head->type == RECORD_PREPARE ||
           head->type == RECORD_ABORT || head->type == RECORD_BASE ||
           head->type == RECORD_EDIT;
}

/* What the next log says lies here, and does not. */
static void tell_lost_end(struct torn_log *log)
{
    byron_status status;

    log->is_at_end = true;
    if (log->end_at == UINT64_MAX || log->at >= log->end_at)
        return;
    status = error_corrupt(log->path, log->at,
                           "log ends before the end that the next log names, "
                           "%llu",
                           (unsigned long long)log->end_at);
    if (status == BYRON_CORRUPT)
        wreck_tell(log->wreck, log->end_at - log->at);
}

/* Unwanted ones are passed over. */
static byron_status next_record(struct torn_log *log, struct log_record *record,
                                bool *found)
{
    byron_status status;
    uint64_t budget = UINT64_MAX;
    uint64_t at = log->at;
    struct chunk chunk;
    bool is_whole;

    TRY(look_at_chunk(log, at, &budget, &chunk, &is_whole));
    if (!is_whole)
        return pass_over(log);
    if ((chunk.head.flags & ~RECORD_MORE) != 0 || chunk.head.reserved != 0) {
        status = error_set(BYRON_NEWER_FORMAT, log->path, at, 0,
                           "log record with unknown flags");
        wreck_tell(log->wreck, record_footprint(chunk.head.size));
        log->at = at + record_footprint(chunk.head.size);
        return BYRON_OK;
    }
    TRY(join(log, &at, &chunk, record, &is_whole));
    log->at = at;
    *found = is_whole && is_wanted(&chunk.head);
out:
    return status;
}

byron_status torn_log_next(struct torn_log *log, struct log_record *record,
                           bool *found)
{
    byron_status status = BYRON_OK;
    uint64_t asked = log->at;

    *found = false;
    TRY(patience_ask(log->wreck->patience));
    while (!log->is_at_end && !*found) {
        if (log->at - asked > ASK_SIZE) {
            TRY(patience_ask(log->wreck->patience));
            asked = log->at;
        }
        if (log->size - log->at < LOG_RECORD_HEAD || log->at >= log->end_at) {
            tell_lost_end(log);
            break;
        }
        status = next_record(log, record, found);
        if (wreck_is_damage(status))
            log->is_at_end = true;
        TRY(wreck_take(log->wreck, status, log->size - log->at));
    }
out:
    return status;
}

byron_status torn_log_read(struct torn_log *log, uint64_t offset,
                           struct log_record *record)
{
    byron_status status;
    uint64_t budget = UINT64_MAX;
    uint64_t at = offset;
    struct chunk chunk;
    bool is_whole;

    TRY(look_at_chunk(log, offset, &budget, &chunk, &is_whole));
    if (is_whole)
        TRY(join(log, &at, &chunk, record, &is_whole));
    if (!is_whole)
        status = error_corrupt(log->path, offset, "log record is damaged");
out:
    return status;
}

/* --- Opening
 * ------------------------------------------------------------------ */

/* Whether any whole record has the salt. */
static byron_status is_proven(struct torn_log *log, bool *out)
{
    byron_status status;
    struct search search = {.budget = BUDGET_FILES * log->size + 1};

    log->at = LOG_HEADER_SIZE - 8; /* The search begins 8 bytes behind. */
    status = search_behind(log, &search);
    log->at = LOG_HEADER_SIZE;
    *out = search.first > 0;
    return status;
}

static byron_status is_blank(struct torn_log *log, bool *out)
{
    byron_status status = BYRON_OK;
    const uint8_t *bytes;

    *out = true;
    for (uint64_t at = LOG_HEADER_SIZE; at < log->size && *out;) {
        size_t size = WINDOW_SIZE;
        if (size > log->size - at)
            size = (size_t)(log->size - at);
        TRY(look(log, at, size, &bytes));
        *out = bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
        at += size;
    }
out:
    return status;
}

/* *is_usable: records can be told from other bytes. */
static byron_status read_header(struct torn_log *log, enum file_kind kind,
                                bool *is_usable)
{
    byron_status status;
    const uint8_t *bytes;
    bool blank;

    *is_usable = false;
    TRY(is_blank(log, &blank));
    status = BYRON_NOT_FOUND;
    if (log->size < LOG_HEADER_SIZE)
        return status;
    TRY(look(log, 0, LOG_HEADER_SIZE, &bytes));
    log->header.salt = load_u64(bytes + 48);
    log->at = LOG_HEADER_SIZE;
    status = log_header_decode(bytes, kind, log->path, &log->header);
    log->has_header = status == BYRON_OK;
    if (log->has_header && !wreck_is_own(log->wreck, log->header.store_id)) {
        log->has_header = false;
        return error_corrupt(log->path, 0, "log belongs to another store");
    }
    *is_usable = log->has_header;
    if (log->has_header || !wreck_is_damage(status))
        return status;
    if (blank)
        return BYRON_NOT_FOUND;
    wreck_tell(log->wreck, LOG_HEADER_SIZE);
    TRY(is_proven(log, is_usable));
    if (*is_usable)
        return BYRON_OK;
    status = error_corrupt(log->path, LOG_HEADER_SIZE,
                           "no log record can be told without the header");
    wreck_tell(log->wreck, log->size - LOG_HEADER_SIZE);
    status = BYRON_OK;
out:
    return status;
}

byron_status torn_log_open(struct wreck *wreck, enum file_kind kind,
                           uint64_t number, struct torn_log **out)
{
    byron_status status;
    struct torn_log *log = alloc_zeroed(1, sizeof *log);
    char name[OS_NAME_MAX];
    bool is_usable = false;

    *out = NULL;
    if (!log)
        return error_no_memory();
    log->wreck = wreck;
    log->end_at = UINT64_MAX;
    wreck_path(wreck, kind, number, log->path, sizeof log->path);
    file_name_format(kind, number, name);
    status = wreck->os->file_open(wreck->dir, name, &log->file);
    if (status == BYRON_OK)
        status = wreck->os->file_size(log->file, &log->size);
    if (status == BYRON_OK)
        status = read_header(log, kind, &is_usable);
    if (!log->has_header)
        log->header.number = number;
    TRY(wreck_take(wreck, status, log->size));
    if (is_usable) {
        *out = log;
        log = NULL;
    }
out:
    torn_log_close(log);
    return status;
}

void torn_log_close(struct torn_log *log)
{
    if (!log)
        return;
    log->wreck->os->file_close(log->file);
    buf_deinit(&log->window);
    buf_deinit(&log->joined);
    alloc_free(log);
}

const struct log_header *torn_log_header(const struct torn_log *log)
{
    return &log->header;
}

bool torn_log_has_header(const struct torn_log *log)
{
    return log->has_header;
}

const char *torn_log_path(const struct torn_log *log)
{
    return log->path;
}

void torn_log_set_end(struct torn_log *log, uint64_t end)
{
    log->end_at = end;
}
