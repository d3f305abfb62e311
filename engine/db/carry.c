#include "db/carry.h"

#include <assert.h>

#include "base/hash.h"
#include "base/integer.h"
#include "base/try.h"

#define CARRY_SEED 0x6d6f6379727261 /* No other checksum has it. */

void carry_deinit(struct carry *carry)
{
    buf_deinit(&carry->bytes);
    *carry = (struct carry){0};
}

void carry_clear(struct carry *carry)
{
    buf_clear(&carry->bytes);
    carry->last = 0;
}

byron_status carry_copy(const struct carry *from, struct carry *to)
{
    carry_clear(to);
    byron_status status =
        buf_add(&to->bytes, from->bytes.data, from->bytes.size);
    if (status == BYRON_OK)
        to->last = from->last;
    return status;
}

bool carry_has_room(const struct carry *carry, size_t payload_size, size_t room)
{
    size_t used = carry->last ? carry->bytes.size : CARRY_HEAD;
    /* The sizes are stored in 32 bits. */
    if (room > UINT32_MAX)
        room = UINT32_MAX;
    return used <= room && room - used >= CARRY_RECORD_HEAD &&
           payload_size <= room - used - CARRY_RECORD_HEAD;
}

byron_status carry_add(struct carry *carry, uint64_t id, uint64_t sequence,
                       struct slice payload)
{
    byron_status status;
    if (carry_is_empty(carry)) {
        buf_clear(&carry->bytes);
        TRY(buf_add_zeros(&carry->bytes, CARRY_HEAD));
    }
    TRY(buf_reserve(&carry->bytes, CARRY_RECORD_HEAD + payload.size));
    TRY(buf_add_u32(&carry->bytes, (uint32_t)payload.size));
    TRY(buf_add_u64(&carry->bytes, sequence));
    TRY(buf_add(&carry->bytes, payload.data, payload.size));
    carry->last = id;
out:
    return status;
}

/* Of what lies behind the checksum. */
static uint64_t checksum(struct slice bytes, const uint8_t store_id[16])
{
    struct slice id = {store_id, 16};
    return hash_pair(id, slice_of(bytes.data + 8, bytes.size - 8), CARRY_SEED);
}

void carry_seal(struct carry *carry, const uint8_t store_id[16], uint64_t tip)
{
    assert(!carry_is_empty(carry));
    store_u64(carry->bytes.data + 8, tip);
    store_u32(carry->bytes.data + 16,
              (uint32_t)(carry->bytes.size - CARRY_HEAD));
    store_u64(carry->bytes.data, checksum(buf_slice(&carry->bytes), store_id));
}

static byron_status damaged(const char *path)
{
    return error_corrupt(path, BYRON_NO_OFFSET,
                         "the commits that the database file carries in its "
                         "table byron_store are damaged");
}

byron_status carry_open(struct slice bytes, const uint8_t store_id[16],
                        uint64_t tip, const char *path, struct slice *records)
{
    struct slice input = bytes;
    uint64_t sum = 0;
    uint64_t named = 0;
    uint32_t size = 0;
    *records = (struct slice){0};
    if (!read_u64(&input, &sum) || !read_u64(&input, &named) ||
        !read_u32(&input, &size) || (sum == 0 && named == 0 && size == 0))
        return BYRON_OK; /* No room, or it was never used. */
    if (size > input.size)
        return damaged(path);
    bytes.size = CARRY_HEAD + (size_t)size;
    if (checksum(bytes, store_id) != sum)
        return damaged(path);
    /* Left by an older commit: this one brought nothing along. */
    if (named == tip)
        *records = (struct slice){input.data, size};
    return BYRON_OK;
}

byron_status carry_next(struct slice *records, const char *path,
                        struct log_record *out)
{
    uint32_t size = 0;
    *out = (struct log_record){.type = RECORD_PREPARE,
                               .offset = BYRON_NO_OFFSET,
                               .end = BYRON_NO_OFFSET};
    if (!read_u32(records, &size) || !read_u64(records, &out->sequence) ||
        !read_bytes(records, size, &out->payload))
        return damaged(path);
    return BYRON_OK;
}
