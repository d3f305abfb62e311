/*
 * fuzz_salvage: any bytes as the files of a store. Whatever they are, a salvage
 * ends, and hands out keys in ascending order.
 *
 * The input is a list of files: kind (which of H, M, W, S), number, and size
 * (two bytes), then so many bytes. Built as the other fuzzers, checksums of
 * blocks pass; those of logs and headers have to be right.
 */
#include <stdlib.h>

#include "base/error.h"
#include "base/file_name.h"
#include "byron_inspect.h"
#include "support/memfs_inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define FILES_MAX 8

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* Takes one file off the input. */
static bool plant(struct memfs *fs, struct slice *input)
{
    static const char kinds[] = "HMWS";
    char path[OS_NAME_MAX + 8] = "store/HEAD";
    size_t size;

    if (input->size < 4)
        return false;
    if (input->data[0] % 4 > 0) {
        memcpy(path, "store/", 6);
        file_name_format((enum file_kind)kinds[input->data[0] % 4],
                         input->data[1] % 16, path + 6);
    }
    size = (size_t)input->data[2] | (size_t)input->data[3] << 8;
    input->data += 4;
    input->size -= 4;
    if (size > input->size)
        size = input->size;
    memfs_write_all(fs, path, slice_of(input->data, size));
    input->data += size;
    input->size -= size;
    return true;
}

static void salvage(struct memfs *fs)
{
    struct byron_salvage_options options = {.os = memfs_os(fs)};
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
    struct memfs *fs = memfs_new(1);
    struct slice input = slice_of(bytes, size);

    for (int i = 0; i < FILES_MAX && plant(fs, &input); i++) {
    }
    salvage(fs);
    memfs_free(fs);
    return 0;
}
