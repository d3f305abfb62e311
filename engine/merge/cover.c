#include "merge/cover.h"

/* The newest sequence of piece that counts, or 0. */
static uint64_t newest_of(const struct range_piece *piece, uint64_t limit,
                          const struct dead_spans *dead)
{
    for (size_t i = 0; i < piece->count; i++)
        if (piece->sequences[i] <= limit &&
            !(dead && dead_spans_has(dead, piece->sequences[i])))
            return piece->sequences[i];
    return 0;
}

/* The piece that key lies in, of the list where it is deleted last. */
static const struct range_piece *find_newest(const struct seen_deletes *deletes,
                                             struct slice key,
                                             uint64_t *sequence)
{
    const struct range_lists *lists = deletes->lists;
    const struct range_piece *found = NULL;

    *sequence = 0;
    for (size_t i = 0; lists && i < lists->count; i++) {
        const struct range_piece *piece = range_list_find(lists->lists[i], key);
        uint64_t newest =
            piece ? newest_of(piece, deletes->limit, deletes->dead) : 0;
        if (newest <= *sequence)
            continue;
        *sequence = newest;
        found = piece;
    }
    return found;
}

uint64_t seen_deletes_newest(const struct seen_deletes *deletes,
                             struct slice key)
{
    uint64_t newest;

    (void)find_newest(deletes, key, &newest);
    return newest;
}

bool cover_hides(const struct cover *cover, struct slice key, uint64_t sequence,
                 struct cover_span *span)
{
    uint64_t newest;
    const struct range_piece *piece = find_newest(&cover->own, key, &newest);

    span->below = UINT64_MAX;
    if (!piece) {
        piece = find_newest(&cover->deletes, key, &newest);
        if (newest <= sequence)
            return false;
        span->below = newest;
    }
    span->lower = piece->lower;
    span->upper = piece->upper;
    return true;
}

/* Brings *until forward to the first piece after key; false: it lies in one. */
static bool is_outside(const struct range_lists *lists, struct slice key,
                       struct slice *until)
{
    for (size_t i = 0; lists && i < lists->count; i++) {
        const struct range_list *list = lists->lists[i];
        size_t at = range_list_from(list, key);

        if (at == list->count)
            continue;
        if (slice_compare(list->pieces[at].lower, key) <= 0)
            return false;
        if (!until->data || slice_compare(list->pieces[at].lower, *until) < 0)
            *until = list->pieces[at].lower;
    }
    return true;
}

bool cover_is_clear(const struct cover *cover, struct slice key,
                    struct slice *until)
{
    *until = slice_of(NULL, 0);
    return is_outside(cover->own.lists, key, until) &&
           is_outside(cover->deletes.lists, key, until);
}

bool cover_hides_all(const struct cover *cover, struct slice smallest,
                     struct slice largest, bool is_included, uint64_t newest)
{
    struct cover_span span;

    while (cover_hides(cover, smallest, newest, &span)) {
        int order = slice_compare(span.upper, largest);
        if (order > 0 || (order == 0 && !is_included))
            return true;
        smallest = span.upper;
    }
    return false;
}
