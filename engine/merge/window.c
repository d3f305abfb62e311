#include "merge/window.h"

#include "base/alloc.h"
#include "base/try.h"

#define ENOUGH     4  /* Fewer at once are not worth asking for. */
#define PAUSE_MOST 64 /* Entries until it is tried again. */

/* Where few lie side by side it is tried ever less often. Where the window
 * before ended, a block did. */
static void note(struct window *window, uint64_t count)
{
    if (count >= ENOUGH) {
        window->next_pause = 1;
    } else if (!window->is_lent) {
        window->pause = window->next_pause;
        if (window->next_pause < PAUSE_MOST)
            window->next_pause = (uint8_t)(window->next_pause * 2);
    }
    if (window->wanted < WINDOW_MOST)
        window->wanted = (uint8_t)(window->wanted * 2);
}

bool window_fill(struct window *window, const struct skip_limits *limits)
{
    struct skip_limits asked = *limits;
    uint64_t count;

    if (!window->entries)
        window->entries = alloc_bytes(sizeof *window->entries);
    if (!window->entries)
        return false;
    asked.most = window->wanted;
    asked.passes_older = false;
    asked.pairs = window->entries->pairs;
    asked.sequences = window->entries->sequences;
    count = iter_skip(window->iter, &asked);
    note(window, count);
    if (count == 0)
        return false;
    window->next = 0;
    window->left = (uint8_t)count;
    return true;
}

byron_status window_next(struct window *window, bool is_long)
{
    static const struct skip_limits none = {.sequence = SEQUENCE_MAX};
    byron_status status = BYRON_OK;

    if (window->left == 0 && is_long && window->iter->ops->skip) {
        if (window->pause > 0)
            window->pause--;
        else
            (void)window_fill(window, &none);
    }
    if (window->left > 0) {
        window_step(window);
        return BYRON_OK;
    }
    TRY(iter_next(window->iter));
    window_stand(window);
out:
    return status;
}

byron_status window_value(const struct window *window, struct slice *out)
{
    if (!window->is_lent)
        return iter_value(window->iter, out);
    *out = slice_from(window_pair(window)->value);
    return BYRON_OK;
}
