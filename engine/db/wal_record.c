#include "db/wal_record.h"

#include "base/integer.h"
#include "base/try.h"

byron_status wal_record_begin(uint64_t id, uint64_t previous, unsigned flags,
                              struct buf *out)
{
    byron_status status;
    buf_clear(out);
    TRY(buf_add_u64(out, id));
    TRY(buf_add_u64(out, previous));
    TRY(buf_add_u8(out, (uint8_t)flags));
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
    if (flags & ~(WAL_SPILLED | WAL_TIMED))
        return error_set(BYRON_NEWER_FORMAT, path, record->offset, 0,
                         "commit record with unknown flags %u", flags);
    out->is_spilled = flags & WAL_SPILLED;
    out->body = input;
    return BYRON_OK;
}
