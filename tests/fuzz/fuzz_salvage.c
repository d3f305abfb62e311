/*
 * fuzz_salvage: any bytes as the files of a store. Whatever they are, a salvage
 * ends, and hands out keys in ascending order.
 *
 * Input: support/planted.h. Built as the other fuzzers, checksums of blocks
 * pass.
 */
#include <stdlib.h>

#include "byron_inspect.h"
#include "support/planted.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void salvage(const struct planted *planted)
{
    struct byron_salvage_options options = {
        .commit_point = planted->has_row ? &planted->point : NULL,
        .carried = planted_carried(planted),
        .os = memfs_os(planted->fs),
    };
    struct byron_salvage *salvage;
    struct byron_salvaged_row row;
    struct buf last = {0};
    bool has_last = false;
    bool found = true;

    if (byron_salvage_open("store", &options, &salvage) != BYRON_OK)
        return;
    while (byron_salvage_next(salvage, &row, &found) == BYRON_OK && found) {
        struct slice key = slice_from(row.key);

        require(!has_last || slice_compare(buf_slice(&last), key) < 0);
        buf_clear(&last);
        require(buf_add(&last, key.data, key.size) == BYRON_OK);
        has_last = true;
    }
    buf_deinit(&last);
    byron_salvage_close(salvage);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct planted planted;

    planted_init(&planted, slice_of(bytes, size));
    salvage(&planted);
    planted_deinit(&planted);
    return 0;
}
