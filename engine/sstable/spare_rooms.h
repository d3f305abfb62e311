/*
 * spare_rooms: memory that blocks have left, for the next ones.
 *
 * Blocks of about the size of most are rounded up to few sizes, so that the
 * memory of one that goes suits the one that comes. Not for several threads.
 */
#ifndef BYRON_SSTABLE_SPARE_ROOMS_H
#define BYRON_SSTABLE_SPARE_ROOMS_H

#include "base/slice.h"

#define SPARE_ROOM_COUNT 4u

struct spare_room {
    uint8_t *bytes; /* NULL: none. */
    size_t size;
};

/* All zero is valid and empty. */
struct spare_rooms {
    struct spare_room rooms[SPARE_ROOM_COUNT];
    size_t next;
};

void spare_rooms_deinit(struct spare_rooms *spares);
size_t spare_room_size(size_t size); /* What a block of size takes. */
bool spare_room_suits(size_t size);  /* Whether any is kept for a block. */
/* Bytes of spare_room_size(size); NULL if there are none. */
uint8_t *spare_rooms_take(struct spare_rooms *spares, size_t size);
/* Takes bytes, to keep or to free. NULL is fine. */
void spare_rooms_put(struct spare_rooms *spares, uint8_t *bytes, size_t size);

#endif
