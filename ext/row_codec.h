/*
 * row_codec: fields <-> the bytes of a row's value.
 *
 * Bytes: docs/row-format.md. Pure. A reader finds any one field without
 * decoding the others; it trusts nothing it reads.
 */
#ifndef BYRON_EXT_ROW_CODEC_H
#define BYRON_EXT_ROW_CODEC_H

#include "bytes.h"
#include "field.h"

/* Adds the bytes of a row. Trailing FIELD_IN_KEY fields cost nothing. */
BYRON_MUST_CHECK byron_status row_codec_add(struct bytes *out,
                                            const struct field *fields,
                                            int count);

struct row_slot {
    uint64_t type;
    size_t offset; /* Into the value. */
};

/* All zero is valid and empty. */
struct row_reader {
    struct byron_bytes value; /* Borrowed. */
    struct row_slot *slots;   /* Owned; the first known_count are found. */
    int capacity;
    int known_count;
    size_t next_type; /* Offset of the first type not yet read. */
    size_t types_end;
    size_t next_field; /* Offset of its field. */
};

BYRON_MUST_CHECK byron_status row_reader_init(struct row_reader *reader,
                                              int field_count);
void row_reader_deinit(struct row_reader *reader);
/* Borrows value until the next set. BYRON_CORRUPT if it is no row. */
BYRON_MUST_CHECK byron_status row_reader_set(struct row_reader *reader,
                                             struct byron_bytes value);
/*
 * Lends text and blob from the value. FIELD_IN_KEY where the row has no such
 * field. Of what the key holds it tells no more than the kind, and leaves the
 * rest of out as it is.
 */
BYRON_MUST_CHECK byron_status row_reader_get(struct row_reader *reader,
                                             int index, struct field *out);

#endif
