/*
 * block_scan: the blocks of a table whose index is lost, found by their
 * checksums.
 *
 * A block says in its trailer, at its end, how large it is once unpacked, and
 * its checksum is of this file and this place alone. So what is found is what
 * was written there; what is not found may be anything.
 */
#ifndef BYRON_SALVAGE_BLOCK_SCAN_H
#define BYRON_SALVAGE_BLOCK_SCAN_H

#include "base/buf.h"
#include "sstable/table_source.h"

#define BLOCK_SCAN_ENDS 8

struct block_scan {
    const struct table_source *source; /* Borrowed. */
    uint64_t at;                       /* Where the next block may begin. */
    uint64_t end;
    uint64_t budget;  /* Bytes that may still be hashed in the search, */
    uint64_t guesses; /* and where beginnings are tried one by one. */
    struct buf window;
    uint64_t window_offset;
    uint64_t ends[BLOCK_SCAN_ENDS]; /* Where the latest that looked like */
    unsigned end_count;             /* trailers end: blocks may begin there. */
};

/* Of [from, end). */
void block_scan_init(struct block_scan *scan, const struct table_source *source,
                     uint64_t from, uint64_t end);
void block_scan_deinit(struct block_scan *scan);
/* The next block in the file; at moves behind it. *found is false where there
 * is none. BYRON_CORRUPT, BYRON_IO: the file cannot be read there. */
BYRON_MUST_CHECK byron_status block_scan_next(struct block_scan *scan,
                                              struct block_handle *out,
                                              enum block_kind *kind,
                                              bool *found);

#endif
