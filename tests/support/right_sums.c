#include "support/right_sums.h"

#include "base/hash.h"
#include "base/integer.h"
#include "base/os.h"
#include "log/log_format.h"
#include "sstable/sstable_format.h"

#define HEAD_COPY  2048 /* Each slot has two copies of its record. */
#define CARRY_SEED 0x6d6f6379727261
#define CARRY_HEAD 20

void right_head(uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < 2 * OS_HEAD_SLOT_SIZE && at + 128 <= size;
         at += HEAD_COPY)
        store_u64(bytes + at + 120, hash_bytes(slice_of(bytes + at, 120),
                                               at / OS_HEAD_SLOT_SIZE));
}

void right_log(uint8_t *bytes, size_t size)
{
    size_t at = LOG_HEADER_SIZE;
    uint64_t salt;

    if (size < LOG_HEADER_SIZE)
        return;
    salt = load_u64(bytes + 48);
    store_u64(bytes + 120, hash_bytes(slice_of(bytes, 120), salt));
    while (size - at >= LOG_RECORD_HEAD) {
        struct record_head head = record_head_decode(bytes + at);
        size_t footprint = record_footprint(head.size);

        if (head.size == 0 || footprint > size - at)
            return;
        head.checksum = record_checksum(
            bytes + at, slice_of(bytes + at + LOG_RECORD_HEAD, head.size), salt,
            at);
        record_head_encode(&head, bytes + at);
        at += footprint;
    }
}

void right_table(uint8_t *bytes, size_t size)
{
    uint8_t *footer;

    if (size < TABLE_HEADER_SIZE + TABLE_FOOTER_SIZE)
        return;
    footer = bytes + size - TABLE_FOOTER_SIZE;
    store_u64(bytes + 56,
              hash_bytes(slice_of(bytes, 56), load_u64(bytes + 16)));
    store_u64(footer + 112,
              hash_bytes(slice_of(footer, 112),
                         load_u64(footer + 80) ^ (size - TABLE_FOOTER_SIZE)));
}

void right_carry(uint8_t *bytes, size_t size, const uint8_t store_id[16])
{
    size_t end;

    if (size < CARRY_HEAD || load_u32(bytes + 16) > size - CARRY_HEAD)
        return;
    end = CARRY_HEAD + load_u32(bytes + 16);
    store_u64(bytes, hash_pair(slice_of(store_id, 16),
                               slice_of(bytes + 8, end - 8), CARRY_SEED));
}
