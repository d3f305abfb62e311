/*
 * hop: a cursor over texts, on to the next that may read as a number.
 *
 * SQLite checks the rows again; this only spares it those in between.
 */
#ifndef BYRON_EXT_HOP_H
#define BYRON_EXT_HOP_H

#include "key_range.h"
#include "number_text.h"

/* All zero is valid. */
struct hop {
    bool is_on; /* Else every row is taken. */
    struct number_text number;
    size_t column; /* Where the text begins in each key. */
    struct key_style style;
    struct bytes text; /* The beginning of the next, */
    struct bytes key;  /* and where that is. */
    struct bytes scratch;
};

void hop_deinit(struct hop *hop);
/* For the segment's number, if it has one. */
void hop_set(struct hop *hop, const struct segment *segment);
/* Requires: is_on; rows stands in the segment, or has come to its end.
 * *is_at_row: it stands at a row that counts, perhaps farther on than before.
 */
BYRON_MUST_CHECK byron_status hop_on(struct hop *hop, byron_cursor *rows,
                                     bool is_descending, bool *is_at_row);
/* Requires: is_on; rows stands at the segment's first row that counts. If none
 * of another text does, makes of the segment the range of this one. rows is
 * then anywhere. */
BYRON_MUST_CHECK byron_status hop_narrow(struct hop *hop, byron_cursor *rows,
                                         struct key_ranges *ranges,
                                         struct segment *segment);

#endif
