#include "support/played_row.h"

#include <check.h>
#include <string.h>

#include "byron_inspect.h"

void played_row_tell(const struct played_row *row,
                     struct byron_options *options)
{
    options->commit_point = &row->point;
    options->carried = (struct byron_bytes){row->carried, row->room};
}

byron_status played_row_prepare(byron_txn *txn, unsigned flags,
                                const struct played_row *before,
                                struct played_row *row)
{
    struct byron_bytes carried = {0};
    struct byron_commit_point point;
    bool is_sure =
        !(flags & BYRON_PREPARE_OWN) && byron_txn_is_carried(txn, before->room);
    byron_status status =
        byron_txn_prepare_in(txn, flags, before->room, &point, &carried);
    if (status != BYRON_OK)
        return status;
    if (row != before)
        *row = *before;
    row->point = point;
    ck_assert_uint_le(carried.size, row->room);
    /* It was, and has not been synced. */
    if (is_sure && (flags & BYRON_PREPARE_SYNC)) {
        ck_assert_uint_gt(carried.size, 0);
        ck_assert(point.synced != point.recent[0]);
    }
    /* What nobody needs any more stays where it is. */
    if (carried.size > 0)
        memcpy(row->carried, carried.data, carried.size);
    return status;
}
