/*
 * fuzz_wal_record: any bytes as the payload of a WAL record. What is accepted
 * of its range deletes can be written again, to bytes that say the same.
 */
#include <stdlib.h>

#include "db/wal_record.h"
#include "entry/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_rewrite(const struct range_deletes *deletes)
{
    struct buf bytes = {0};
    struct range_deletes again = {0};
    struct range_list list = {0};
    bool is_sound;

    require(wal_record_add_ranges(deletes, &bytes) == BYRON_OK);
    struct slice input = buf_slice(&bytes);
    require(wal_record_read_ranges(&input, 7, &again, &is_sound) == BYRON_OK);
    require(is_sound && input.size == 0 && again.count == deletes->count);
    for (size_t i = 0; i < again.count; i++)
        require(slice_equal(again.items[i].lower, deletes->items[i].lower) &&
                slice_equal(again.items[i].upper, deletes->items[i].upper));
    require(range_list_build(&list, &again) == BYRON_OK);
    require(list.count <= again.count);
    range_list_deinit(&list);
    range_deletes_deinit(&again);
    buf_deinit(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct log_record record = {
        .type = RECORD_BATCH, .sequence = 7, .payload = slice_of(bytes, size)};
    struct range_deletes deletes = {0};
    struct wal_record commit;
    struct entry entry;
    bool is_sound = true;

    if (wal_record_decode(&record, "fuzz", &commit) != BYRON_OK)
        return 0;
    if (commit.has_ranges) {
        require(wal_record_read_ranges(&commit.body, 7, &deletes, &is_sound) ==
                BYRON_OK);
        if (is_sound)
            check_rewrite(&deletes);
    }
    while (is_sound && commit.body.size > 0)
        is_sound = entry_decode(&commit.body, &entry);
    range_deletes_deinit(&deletes);
    return 0;
}
