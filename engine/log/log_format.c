#include "log/log_format.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/integer.h"

#define FORMAT         1
#define INCOMPAT_KNOWN 0u
#define CHECKSUM_AT    120
#define HEAD_CHECKED   24 /* Bytes of a record's head before its checksum. */

static const char *magic_of(enum file_kind kind)
{
    return kind == FILE_WAL ? "byronWAL" : "byronMAN";
}

void log_header_encode(const struct log_header *header,
                       uint8_t out[LOG_HEADER_SIZE])
{
    memset(out, 0, LOG_HEADER_SIZE);
    memcpy(out, magic_of(header->kind), 8);
    store_u16(out + 8, FORMAT);
    store_u16(out + 10, LOG_HEADER_SIZE);
    memcpy(out + 24, header->store_id, sizeof header->store_id);
    store_u64(out + 40, header->number);
    store_u64(out + 48, header->salt);
    store_u64(out + 56, header->first_sequence);
    store_u64(out + 64, header->previous_number);
    store_u64(out + 72, header->previous_end);
    store_u64(out + 80, header->previous_sequence);
    store_u64(out + 88, header->tip);
    store_u64(out + 96, header->alias);
    store_u64(out + CHECKSUM_AT,
              hash_bytes(slice_of(out, CHECKSUM_AT), header->salt));
}

byron_status log_header_decode(const uint8_t bytes[LOG_HEADER_SIZE],
                               enum file_kind kind, const char *path,
                               struct log_header *out)
{
    uint64_t salt = load_u64(bytes + 48);

    if (memcmp(bytes, magic_of(kind), 8) != 0)
        return error_corrupt(path, 0, "not a log of this kind");
    /* Every format keeps magic, salt and checksum where they are, so that
     * damage is never taken for a newer format. */
    if (load_u64(bytes + CHECKSUM_AT) !=
        hash_bytes(slice_of(bytes, CHECKSUM_AT), salt))
        return error_corrupt(path, 0, "checksum of the log header is wrong");
    if (load_u16(bytes + 8) > FORMAT ||
        load_u16(bytes + 10) != LOG_HEADER_SIZE ||
        (load_u32(bytes + 12) & ~INCOMPAT_KNOWN) != 0)
        return error_set(BYRON_NEWER_FORMAT, path, 0, 0,
                         "log format %u, features %#x, are unknown here",
                         (unsigned)load_u16(bytes + 8),
                         (unsigned)load_u32(bytes + 12));
    out->kind = kind;
    memcpy(out->store_id, bytes + 24, sizeof out->store_id);
    out->number = load_u64(bytes + 40);
    out->salt = salt;
    out->first_sequence = load_u64(bytes + 56);
    out->previous_number = load_u64(bytes + 64);
    out->previous_end = load_u64(bytes + 72);
    out->previous_sequence = load_u64(bytes + 80);
    out->tip = load_u64(bytes + 88);
    out->alias = load_u64(bytes + 96);
    return BYRON_OK;
}

void record_head_encode(const struct record_head *head,
                        uint8_t out[LOG_RECORD_HEAD])
{
    store_u32(out, head->size);
    out[4] = head->type;
    out[5] = head->flags;
    store_u16(out + 6, head->reserved);
    store_u64(out + 8, head->sequence);
    store_u64(out + 16, head->synced);
    store_u64(out + HEAD_CHECKED, head->checksum);
}

struct record_head record_head_decode(const uint8_t bytes[LOG_RECORD_HEAD])
{
    struct record_head head = {
        .size = load_u32(bytes),
        .type = bytes[4],
        .flags = bytes[5],
        .reserved = load_u16(bytes + 6),
        .sequence = load_u64(bytes + 8),
        .synced = load_u64(bytes + 16),
        .checksum = load_u64(bytes + HEAD_CHECKED),
    };
    return head;
}

uint64_t record_checksum(const uint8_t head[LOG_RECORD_HEAD],
                         struct slice payload, uint64_t salt, uint64_t offset)
{
    return hash_pair(slice_of(head, HEAD_CHECKED), payload, salt ^ offset);
}
