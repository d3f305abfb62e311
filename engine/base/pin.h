/*
 * pin: bytes that stay in place until they are let go: a cached block, a
 * memtable, or a buffer of their own. The engine's side of byron_value.
 */
#ifndef BYRON_BASE_PIN_H
#define BYRON_BASE_PIN_H

#include "base/slice.h"

struct pin {
    struct slice bytes;
    void (*release)(void *owner); /* NULL: nothing to let go. */
    void *owner;
};

static inline void pin_release(struct pin *pin)
{
    if (pin->release)
        pin->release(pin->owner);
    pin->release = NULL;
    pin->owner = NULL;
    pin->bytes = slice_of(NULL, 0);
}

#endif
