#include "version/head.h"

#include <stdio.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/integer.h"
#include "base/try.h"

#define MAGIC          "byronDB\n"
#define FORMAT         1
#define INCOMPAT_KNOWN 0u
#define RECORD_SIZE    128
#define CHECKSUM_AT    120
#define SECOND_AT      2048 /* The copy, in another sector. */
#define LIBRARY_SIZE   32

void head_encode(const struct head *head, uint8_t out[OS_HEAD_SLOT_SIZE])
{
    memset(out, 0, OS_HEAD_SLOT_SIZE);
    memcpy(out, MAGIC, 8);
    store_u32(out + 8, FORMAT);
    store_u32(out + 12, 0);
    store_u32(out + 16, head->ro_compat);
    store_u32(out + 20, head->compat);
    memcpy(out + 24, head->store_id, sizeof head->store_id);
    store_u64(out + 40, head->epoch);
    store_u64(out + 48, head->manifest);
    store_u64(out + 56, head->next_number);
    snprintf((char *)out + 64, LIBRARY_SIZE, "%s", BYRON_VERSION);
    store_u64(out + CHECKSUM_AT,
              hash_bytes(slice_of(out, CHECKSUM_AT), head->epoch % 2));
    memcpy(out + SECOND_AT, out, RECORD_SIZE);
}

static bool is_valid(const uint8_t *record, unsigned slot)
{
    return memcmp(record, MAGIC, 8) == 0 &&
           load_u64(record + CHECKSUM_AT) ==
               hash_bytes(slice_of(record, CHECKSUM_AT), slot) &&
           load_u64(record + 40) % 2 == slot;
}

byron_status head_decode(const uint8_t bytes[OS_HEAD_SLOT_SIZE],
                         const char *path, unsigned slot, struct head *out)
{
    const uint8_t *first = is_valid(bytes, slot) ? bytes : NULL;
    const uint8_t *second =
        is_valid(bytes + SECOND_AT, slot) ? bytes + SECOND_AT : NULL;
    const uint8_t *record = first ? first : second;

    /* A write that a crash cut short may have replaced just one copy. */
    if (first && second && load_u64(second + 40) > load_u64(first + 40))
        record = second;
    if (!record)
        return BYRON_NOT_FOUND;
    if (load_u32(record + 8) > FORMAT ||
        (load_u32(record + 12) & ~INCOMPAT_KNOWN) != 0)
        return error_set(
            BYRON_NEWER_FORMAT, path, (uint64_t)slot * OS_HEAD_SLOT_SIZE, 0,
            "store has format %u, features %#x; library %.32s "
            "or newer is needed",
            (unsigned)load_u32(record + 8), (unsigned)load_u32(record + 12),
            (const char *)record + 64);
    out->ro_compat = load_u32(record + 16);
    out->compat = load_u32(record + 20);
    memcpy(out->store_id, record + 24, sizeof out->store_id);
    out->epoch = load_u64(record + 40);
    out->manifest = load_u64(record + 48);
    out->next_number = load_u64(record + 56);
    return BYRON_OK;
}

static bool is_zero(const uint8_t bytes[OS_HEAD_SLOT_SIZE])
{
    return bytes[0] == 0 &&
           memcmp(bytes, bytes + 1, OS_HEAD_SLOT_SIZE - 1) == 0;
}

byron_status head_load(struct byron_os *os, struct os_dir *dir,
                       struct head *out)
{
    byron_status status;
    uint8_t bytes[OS_HEAD_SLOT_SIZE];
    char path[sizeof((struct byron_error *)NULL)->path];
    struct head heads[2];
    unsigned valid = 0;
    bool is_blank = false;

    snprintf(path, sizeof path, "%s/HEAD", os->dir_path(dir));
    for (unsigned slot = 0; slot < 2; slot++) {
        TRY(os->head_read(dir, slot, bytes));
        is_blank = is_blank || (slot == 0 && is_zero(bytes));
        status = head_decode(bytes, path, slot, &heads[slot]);
        if (status == BYRON_NOT_FOUND)
            continue;
        TRY(status);
        valid |= 1u << slot;
    }
    /* The first epoch goes to slot 1: whatever a crash left of it there, the
     * store was not completed. */
    if (valid == 0 && is_blank)
        return error_set(BYRON_MISSING, path, BYRON_NO_OFFSET, 0,
                         "store was never completed");
    if (valid == 0)
        return error_corrupt(path, 0, "neither slot is valid");
    if (valid == 3 && memcmp(heads[0].store_id, heads[1].store_id, 16) != 0)
        return error_corrupt(path, 0, "the slots name different stores");
    if (valid == 3)
        *out = heads[heads[1].epoch > heads[0].epoch];
    else
        *out = heads[valid == 2];
    status = BYRON_OK;
out:
    return status;
}

byron_status head_store(struct byron_os *os, struct os_dir *dir,
                        const struct head *head)
{
    uint8_t bytes[OS_HEAD_SLOT_SIZE];

    head_encode(head, bytes);
    return os->head_write(dir, head->epoch % 2, bytes);
}
