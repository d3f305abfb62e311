#include "db/wal_record.h"

#include "base/integer.h"
#include "base/try.h"

byron_status wal_record_begin(uint64_t id, uint64_t previous, unsigned flags,
                              struct buf *out)
{
    byron_status status;
    buf_clear(out);
    TRY(buf_reserve(out, WAL_RECORD_HEAD));
    store_u64(out->data, id);
    store_u64(out->data + 8, previous);
    out->data[16] = (uint8_t)flags;
    out->size = WAL_RECORD_HEAD;
out:
    return status;
}

byron_status wal_record_add_ranges(const struct range_deletes *deletes,
                                   struct buf *out)
{
    byron_status status;
    TRY(buf_add_varint(out, deletes->count));
    for (size_t i = 0; i < deletes->count; i++) {
        TRY(buf_add_sized(out, deletes->items[i].lower));
        TRY(buf_add_sized(out, deletes->items[i].upper));
    }
out:
    return status;
}

byron_status wal_record_read_ranges(struct slice *body, uint64_t sequence,
                                    struct range_deletes *out, bool *is_sound)
{
    byron_status status = BYRON_OK;
    struct slice last = {0};
    uint64_t count;
    *is_sound = read_varint(body, &count);
    for (uint64_t i = 0; i < count && *is_sound; i++) {
        struct range_delete delete = {.sequence = sequence};
        *is_sound = sequence > 0 && read_sized(body, &delete.lower) &&
                    read_sized(body, &delete.upper) &&
                    delete.lower.size <= BYRON_MAX_KEY &&
                    delete.upper.size <= BYRON_MAX_KEY &&
                    slice_compare(delete.lower, delete.upper) < 0 &&
                    (i == 0 || slice_compare(last, delete.lower) <= 0);
        if (*is_sound)
            TRY(range_deletes_add(out, &delete));
        last = delete.upper;
    }
out:
    return status;
}

byron_status wal_record_decode(const struct log_record *record,
                               const char *path, struct wal_record *out)
{
    struct slice input = record->payload;
    uint8_t flags = 0;
    *out =
        (struct wal_record){.type = record->type, .sequence = record->sequence};
    bool is_whole = read_u64(&input, &out->id);
    if (record->type != RECORD_ABORT)
        is_whole = is_whole && read_u64(&input, &out->previous) &&
                   read_u8(&input, &flags);
    if (!is_whole || out->id == 0)
        return error_corrupt(path, record->offset, "malformed commit record");
    if (flags & ~(WAL_SPILLED | WAL_TIMED | WAL_RANGES))
        return error_set(BYRON_NEWER_FORMAT, path, record->offset, 0,
                         "commit record with unknown flags %u", flags);
    out->is_spilled = flags & WAL_SPILLED;
    out->has_ranges = (flags & WAL_RANGES) && !out->is_spilled;
    out->body = input;
    return BYRON_OK;
}
