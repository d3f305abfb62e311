/*
 * dropped: the dropped ranges of a store, sorted and merged, asked with
 * ascending keys.
 */
#ifndef BYRON_COMPACTION_DROPPED_H
#define BYRON_COMPACTION_DROPPED_H

#include "version/version_edit.h"

/* All zero holds no range. */
struct dropped {
    uint8_t *bytes;       /* Of all bounds; owned, as the arrays are. */
    struct slice *lowers; /* Inclusive. */
    struct slice *uppers; /* Exclusive; ascending, as the lowers are. */
    size_t count;
    size_t at; /* The first range that does not end before the last key. */
};

/* Copies the bounds. */
BYRON_MUST_CHECK byron_status dropped_init(struct dropped *dropped,
                                           const struct drop_range *drops,
                                           size_t count);
void dropped_deinit(struct dropped *dropped);
/* Requires: key is not before that of the last call. */
static inline bool dropped_has(struct dropped *dropped, struct slice key)
{
    while (dropped->at < dropped->count &&
           slice_compare(key, dropped->uppers[dropped->at]) >= 0)
        dropped->at++;
    return dropped->at < dropped->count &&
           slice_compare(key, dropped->lowers[dropped->at]) >= 0;
}

#endif
