/*
 * planted: any bytes as the files of a store in memory, for fuzzers.
 *
 * The bytes are a list: kind (H: HEAD, M, W, S; R: the host's row, as the
 * numbers 0 to 4), number (bits 0 to 3; bit 7: checksums are put right), size
 * (two bytes), then so many bytes. Of the row: the commit point, then what it
 * carries.
 */
#ifndef BYRON_TESTS_PLANTED_H
#define BYRON_TESTS_PLANTED_H

#include "base/buf.h"
#include "byron.h"
#include "support/memfs.h"

struct planted {
    struct memfs *fs; /* The store is "store". */
    bool has_row;
    struct byron_commit_point point;
    struct buf carried;
};

void planted_init(struct planted *planted, struct slice bytes);
void planted_deinit(struct planted *planted);
struct byron_bytes planted_carried(const struct planted *planted);

#endif
