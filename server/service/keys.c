#include "service/keys.h"

#include <assert.h>
#include <string.h>

#define OWN_HEAD 16

static const uint8_t own_head[OWN_HEAD] = {255, 255, 255, 255, 255, 255,
                                           255, 255, 255, 255, 255, 255,
                                           255, 255, 255, 255};

const char keys_words[] =
    "a key has 1 byte to 1 MiB, and does not begin with 16 bytes of 255";

struct byron_bytes keys_end(void)
{
    struct byron_bytes end = {own_head, sizeof own_head};
    return end;
}

bool keys_is_key(struct byron_bytes key)
{
    return key.size > 0 && key.size <= BYRON_MAX_KEY &&
           bytes_compare(key, keys_end()) < 0;
}

struct byron_bytes keys_clip(struct byron_bytes end)
{
    return bytes_compare(end, keys_end()) < 0 ? end : keys_end();
}

struct byron_bytes keys_own(enum keys_kind kind, uint64_t scope,
                            struct byron_bytes id, uint8_t room[KEYS_OWN_MAX])
{
    struct byron_bytes key = {room, OWN_HEAD + 1};

    assert(id.size <= KEYS_MAX_ID);
    memcpy(room, own_head, OWN_HEAD);
    room[OWN_HEAD] = (uint8_t)(scope ? (int)kind & ~32 : (int)kind);
    for (int i = 0; scope && i < 8; i++)
        room[key.size++] = (uint8_t)(scope >> (8 * i));
    if (id.size > 0)
        memcpy(room + key.size, id.data, id.size);
    key.size += id.size;
    return key;
}
