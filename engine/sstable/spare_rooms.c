#include "sstable/spare_rooms.h"

#include "base/alloc.h"

#define ROOM_STEP 256u
/* Malloc's share of each step: then a room is aligned where the last one is. */
#define ROOM_LEFT 16u
#define ROOM_MIN  1024u
#define ROOM_MAX  ((size_t)32 * 1024)

void spare_rooms_deinit(struct spare_rooms *spares)
{
    for (size_t i = 0; i < SPARE_ROOM_COUNT; i++)
        alloc_free(spares->rooms[i].bytes);
    *spares = (struct spare_rooms){0};
}

bool spare_room_suits(size_t size)
{
    return size >= ROOM_MIN && size <= ROOM_MAX;
}

size_t spare_room_size(size_t size)
{
    if (!spare_room_suits(size))
        return size;
    return (size + ROOM_LEFT + ROOM_STEP - 1) / ROOM_STEP * ROOM_STEP -
           ROOM_LEFT;
}

void spare_rooms_put(struct spare_rooms *spares, uint8_t *bytes, size_t size)
{
    struct spare_room *room = &spares->rooms[spares->next];

    if (!spare_room_suits(size)) {
        alloc_free(bytes);
        return;
    }
    spares->next = (spares->next + 1) % SPARE_ROOM_COUNT;
    alloc_free(room->bytes);
    room->bytes = bytes;
    room->size = spare_room_size(size);
}

uint8_t *spare_rooms_take(struct spare_rooms *spares, size_t size)
{
    size = spare_room_size(size);
    for (size_t i = 0; i < SPARE_ROOM_COUNT; i++) {
        struct spare_room *room = &spares->rooms[i];
        uint8_t *bytes = room->bytes;

        if (bytes && room->size == size) {
            room->bytes = NULL;
            spares->next = i;
            return bytes;
        }
    }
    return NULL;
}
