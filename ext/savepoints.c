#include "savepoints.h"

#include <stdlib.h>
#include <string.h>

bool savepoints_open(struct savepoints *savepoints, int number, uint64_t mark,
                     bool has_joined)
{
    struct savepoint *top;

    savepoints_release(savepoints, number + 1);
    if (savepoints->count > 0) {
        top = &savepoints->items[savepoints->count - 1];
        if (top->number == number) {
            if (!has_joined)
                top->mark = mark;
            return true;
        }
    }
    if (savepoints->count == savepoints->capacity) {
        size_t capacity = savepoints->capacity * 2 + 8;
        struct savepoint *items =
            realloc(savepoints->items, capacity * sizeof *items);
        if (!items)
            return false;
        savepoints->items = items;
        savepoints->capacity = capacity;
    }
    savepoints->items[savepoints->count++] = (struct savepoint){number, mark};
    return true;
}

void savepoints_release(struct savepoints *savepoints, int number)
{
    while (savepoints->count > 0 &&
           savepoints->items[savepoints->count - 1].number >= number)
        savepoints->count--;
}

uint64_t savepoints_roll_back(struct savepoints *savepoints, int number)
{
    uint64_t mark = 0; /* Never heard of: it began before any write. */

    /* -1 is the savepoint that began the transaction. */
    if (number < 0) {
        savepoints_clear(savepoints);
        return 0;
    }
    for (size_t i = savepoints->count; i > 0; i--) {
        if (savepoints->items[i - 1].number < number)
            break;
        mark = savepoints->items[i - 1].mark;
    }
    savepoints_release(savepoints, number + 1);
    return mark;
}

void savepoints_clear(struct savepoints *savepoints)
{
    savepoints->count = 0;
}

void savepoints_deinit(struct savepoints *savepoints)
{
    free(savepoints->items);
    memset(savepoints, 0, sizeof *savepoints);
}
