/*
 * fuzz_head: any bytes as a slot of HEAD. What is accepted can be written
 * again, and says the same.
 *
 * The first byte chooses: bit 0, the slot; bit 1, whether checksums are put
 * right. The rest is the slot, cut or filled with zeros.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "base/integer.h"
#include "version/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void put_right(uint8_t *slot_bytes, unsigned slot)
{
    for (size_t at = 0; at < OS_HEAD_SLOT_SIZE; at += 2048)
        store_u64(slot_bytes + at + 120,
                  hash_bytes(slice_of(slot_bytes + at, 120), slot));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint8_t slot_bytes[OS_HEAD_SLOT_SIZE] = {0};
    struct head head;
    struct head again;
    unsigned slot;

    if (size < 1)
        return 0;
    slot = bytes[0] & 1;
    memcpy(slot_bytes, bytes + 1,
           size - 1 < sizeof slot_bytes ? size - 1 : sizeof slot_bytes);
    if (bytes[0] & 2)
        put_right(slot_bytes, slot);
    if (head_decode(slot_bytes, "fuzz", slot, &head) != BYRON_OK)
        return 0;
    head_encode(&head, slot_bytes);
    require(head_decode(slot_bytes, "fuzz", slot, &again) == BYRON_OK);
    require(memcmp(head.store_id, again.store_id, 16) == 0);
    require(head.epoch == again.epoch && head.manifest == again.manifest);
    require(head.next_number == again.next_number);
    require(head.compat == again.compat && head.ro_compat == again.ro_compat);
    return 0;
}
