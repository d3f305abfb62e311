/*
 * key_codec: key columns <-> bytes whose memcmp order is SQL order.
 *
 * Bytes: docs/key-encoding.md. Pure: knows nothing of SQLite's API. NULL sorts
 * before numbers (integers and reals compared exactly, 1 = 1.0, -0.0 = 0),
 * then text by its collation, then blob; a descending column is inverted.
 * A column's bytes are never the beginning of another value's, except those
 * of the last ascending text or blob, which end with the key.
 */
#ifndef BYRON_EXT_KEY_CODEC_H
#define BYRON_EXT_KEY_CODEC_H

#include "bytes.h"
#include "field.h"

#define KEY_ID_SIZE    4 /* The table's id, big-endian, begins each key. */
#define KEY_ROWID_SIZE 8

/* How one column is written. */
struct key_style {
    enum collation collation;
    bool is_descending;
    bool is_last; /* Of the whole key. */
};

static inline struct key_style key_style_of(const struct declaration *table,
                                            int index)
{
    return (struct key_style){table->key[index].collation,
                              table->key[index].is_descending,
                              index == table->key_count - 1};
}

BYRON_MUST_CHECK byron_status key_codec_add_id(struct bytes *out, uint32_t id);
BYRON_MUST_CHECK byron_status key_codec_add_rowid(struct bytes *out,
                                                  int64_t rowid);
/* Borrows field; not for FIELD_IN_KEY. */
BYRON_MUST_CHECK byron_status key_codec_add(struct bytes *out,
                                            const struct field *field,
                                            struct key_style style);
/* The same of a text or blob without its end: what longer ones begin with. */
BYRON_MUST_CHECK byron_status key_codec_add_beginning(struct bytes *out,
                                                      const struct field *field,
                                                      struct key_style style);
/*
 * Reads one column and advances *input. Text and blob are lent by the key, or
 * by scratch (added there). What the bytes lost stays lost: text is folded,
 * whole numbers are integers. BYRON_CORRUPT for bytes never written.
 */
BYRON_MUST_CHECK byron_status key_codec_read(struct byron_bytes *input,
                                             struct key_style style,
                                             struct bytes *scratch,
                                             struct field *out);
/* Advances *input past one column. */
BYRON_MUST_CHECK byron_status key_codec_skip(struct byron_bytes *input,
                                             struct key_style style);
/* key is what follows the table's id. */
BYRON_MUST_CHECK byron_status key_codec_read_rowid(struct byron_bytes key,
                                                   int64_t *out);
/* Whether the bytes of key tell this field exactly as it was. */
enum field_kind key_codec_keeps(const struct field *field,
                                enum affinity affinity,
                                enum collation collation);

#endif
