/*
 * cover: what range deletes hide from a reader.
 */
#ifndef BYRON_MERGE_COVER_H
#define BYRON_MERGE_COVER_H

#include "entry/range_list.h"
#include "merge/dead_spans.h"

/* Range deletes, as one reader sees them. All is borrowed. */
struct seen_deletes {
    const struct range_lists *lists; /* NULL: none. */
    uint64_t limit;                  /* Sequences above it do not count. */
    const struct dead_spans *dead;   /* Nor do these; NULL: none. */
};
/* The newest sequence that covers key, or 0. */
uint64_t seen_deletes_newest(const struct seen_deletes *deletes,
                             struct slice key);

/* All zero hides nothing. */
struct cover {
    struct seen_deletes deletes; /* Hide what is older than they are. */
    /* Of the reader's own transaction: they hide whatever is committed. */
    struct seen_deletes own;
};

/* Keys that are hidden where their sequence is below. */
struct cover_span {
    struct slice lower; /* Inclusive. */
    struct slice upper; /* Exclusive. */
    uint64_t below;
};

/* Whether an entry is hidden, and which others around it are too. */
bool cover_hides(const struct cover *cover, struct slice key, uint64_t sequence,
                 struct cover_span *span);
/* Whether nothing is hidden from key on, whatever its sequence, up to *until
 * (data NULL: to the end of all keys). False: perhaps not even at key. */
bool cover_is_clear(const struct cover *cover, struct slice key,
                    struct slice *until);
/* Whether all entries from smallest to before largest (and largest itself, if
 * it is included) are hidden, as far as none is newer than newest. */
bool cover_hides_all(const struct cover *cover, struct slice smallest,
                     struct slice largest, bool is_included, uint64_t newest);

#endif
