#include "db/idle.h"

#include <stddef.h>

/*
 * A look before each exchange spares the others the cache line. All in one
 * order with what the callers do themselves: see snapshot.c.
 */
struct idle *idle_take(struct idle_shelf *shelf)
{
    for (size_t i = 0; i < IDLE_MOST; i++) {
        struct idle *idle = atomic_load(&shelf->at[i]);
        if (idle)
            idle = atomic_exchange(&shelf->at[i], NULL);
        if (idle)
            return idle;
    }
    return NULL;
}

bool idle_put(struct idle_shelf *shelf, struct idle *idle)
{
    for (size_t i = 0; i < IDLE_MOST; i++) {
        struct idle *none = NULL;
        if (!atomic_load(&shelf->at[i]) &&
            atomic_compare_exchange_strong(&shelf->at[i], &none, idle))
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
