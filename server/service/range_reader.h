/*
 * range_reader: rows of a range, packed as messages, from a cursor.
 *
 * Inside service/ only. Knows no calls; its functions may wait for a disk.
 */
#ifndef BYROND_SERVICE_RANGE_READER_H
#define BYROND_SERVICE_RANGE_READER_H

#include "net/bytes.h"

#define RANGE_MAX_CHUNK ((size_t)1024 * 1024)
#define RANGE_MAX_ROW   ((size_t)16 * 1024 * 1024)

/* What is asked for; borrowed bytes. All zero: every row. */
struct range_query {
    struct byron_bytes start;
    struct byron_bytes end;
    struct byron_bytes token; /* Empty: from the beginning. */
    uint64_t limit;
    size_t chunk_bytes;
    bool is_reverse;
    bool is_keys_only;
};

/* All zero is a valid one, which is not open. */
struct range_reader {
    struct range_query query;
    byron_cursor *cursor;
    struct byron_bytes behind; /* Of the token: the row that was the last. */
    uint64_t rows;             /* That have been read, resumed ones too. */
};

/* NULL, or what is wrong with the query. Borrows what it names. */
const char *range_reader_init(struct range_reader *reader,
                              const struct range_query *query);
/* Stands before the first row. snapshot must outlive the reader. */
BYRON_MUST_CHECK byron_status range_reader_open(struct range_reader *reader,
                                                byron_snapshot *snapshot);
void range_reader_close(struct range_reader *reader);
/*
 * Adds the next rows, as a RangeResponse. TOO_BIG: the next row is larger than
 * RANGE_MAX_ROW. Requires: open, and not at its end.
 */
BYRON_MUST_CHECK byron_status range_reader_fill(struct range_reader *reader,
                                                struct bytes *out,
                                                bool *is_end);

#endif
