/*
 * entry: one version of one key: key, sequence, kind, value.
 *
 * Order everywhere: key ascending as memcmp, then sequence descending, so the
 * newest version of a key comes first. A sequence numbers a commit: all
 * entries of one commit share it, and a commit has one entry per key.
 *
 * plain  = kind(u8) key(varint size, bytes) value(varint size, bytes)
 *          Where an entry stands alone: batches in the WAL.
 * delta  = the entry against the prefix and head of its block: sstable/block.h.
 */
#ifndef BYRON_ENTRY_ENTRY_H
#define BYRON_ENTRY_ENTRY_H

#include "base/buf.h"
#include "base/integer.h"

enum entry_kind {
    ENTRY_PUT = 1,
    ENTRY_DELETE = 2, /* A tombstone; its value is empty. */
    ENTRY_TIMED = 3,  /* A put that expires: entry/timed.h. */
};

#define SEQUENCE_MAX UINT64_MAX
/* What the plain form has besides key and value, at most. */
#define ENTRY_HEAD_MAX (1 + 2 * VARINT_MAX_SIZE)

struct entry {
    struct slice key;
    struct slice value;
    uint64_t sequence;
    enum entry_kind kind;
};

/* Appends the plain form (the sequence is not in it). */
BYRON_MUST_CHECK byron_status entry_encode(const struct entry *entry,
                                           struct buf *out);
/* Takes one plain entry off input; key and value are lent from its bytes.
 * False where the bytes are malformed or a size is beyond BYRON_MAX_*. */
bool entry_decode(struct slice *input, struct entry *out);
/* Order of (key, sequence) pairs. */
int entry_compare(struct slice a_key, uint64_t a_sequence, struct slice b_key,
                  uint64_t b_sequence);

#endif
