#include "db/idle.h"

#include <stddef.h>

/* A look before each exchange spares the others the cache line. */
static struct idle *peek(struct idle_shelf *shelf, size_t index)
{
    return atomic_load_explicit(&shelf->at[index], memory_order_relaxed);
}

struct idle *idle_take(struct idle_shelf *shelf)
{
    for (size_t i = 0; i < IDLE_MOST; i++) {
        struct idle *idle = NULL;
        if (peek(shelf, i))
            idle = atomic_exchange_explicit(&shelf->at[i], NULL,
                                            memory_order_acquire);
        if (idle)
            return idle;
    }
    return NULL;
}

bool idle_put(struct idle_shelf *shelf, struct idle *idle)
{
    for (size_t i = 0; i < IDLE_MOST; i++) {
        struct idle *none = NULL;
        if (!peek(shelf, i) && atomic_compare_exchange_strong_explicit(
                                   &shelf->at[i], &none, idle,
                                   memory_order_release, memory_order_relaxed))
            return true;
    }
    return false;
}

void idle_shelf_deinit(struct idle_shelf *shelf)
{
    for (size_t i = 0; i < IDLE_MOST; i++) {
        struct idle *idle =
            atomic_load_explicit(&shelf->at[i], memory_order_relaxed);
        if (idle)
            idle->free(idle);
    }
}
