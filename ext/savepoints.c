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
    /* One that a table hears of only by joining began before any other took
     * part: they would have been told. */
    savepoints->items[savepoints->count++] =
        (struct savepoint){number, has_joined ? 0 : mark};
    return true;
}

void savepoints_release(struct savepoints *savepoints, int number)
{
    while (savepoints->count > 0 &&
           savepoints->items[savepoints->count - 1].number >= number)
        savepoints->count--;
}

/*
 * A savepoint that was not told of began before any table took part, so before
 * any write: so does -1, the one that began the transaction. What is inside it
 * says nothing, as it may have begun after writes.
 */
uint64_t savepoints_roll_back(struct savepoints *savepoints, int number)
{
    savepoints_release(savepoints, number + 1);
    if (savepoints->count == 0 ||
        savepoints->items[savepoints->count - 1].number != number)
        return 0;
    return savepoints->items[savepoints->count - 1].mark;
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
