/*
 * range_block: the range deletes of a table as the body of one block.
 *
 * body  = count(varint) piece*
 * piece = lower(varint size, bytes) upper(varint size, bytes)
 *         count(varint) sequence(varint)*    descending
 * Pieces ascend and share no key. Bytes: docs/sstable-format.md.
 */
#ifndef BYRON_SSTABLE_RANGE_BLOCK_H
#define BYRON_SSTABLE_RANGE_BLOCK_H

#include "base/buf.h"
#include "entry/range_list.h"

/* Appends to out. Requires: list is not empty. */
BYRON_MUST_CHECK byron_status range_block_encode(const struct range_list *list,
                                                 struct buf *out);
/* Lends the bounds from body; list is all zero before. *flaw: what is wrong
 * with the bytes, or NULL; then list is empty. */
BYRON_MUST_CHECK byron_status range_block_decode(struct slice body,
                                                 struct range_list *list,
                                                 const char **flaw);

#endif
