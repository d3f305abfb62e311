#include "support/planted.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file_name.h"
#include "base/integer.h"
#include "support/memfs_inspect.h"
#include "support/right_sums.h"

#define FILES_MAX 12
#define ROW_SIZE  (8 * (BYRON_RECENT_COMMITS + 1))

static void add(struct buf *out, struct slice bytes)
{
    if (buf_add(out, bytes.data, bytes.size) != BYRON_OK)
        abort();
}

/* As the row lies in the database: little-endian. */
static void take_row(struct planted *planted, struct slice bytes)
{
    struct slice input = bytes;

    if (bytes.size < ROW_SIZE)
        return;
    for (size_t i = 0; i < BYRON_RECENT_COMMITS; i++)
        (void)read_u64(&input, &planted->point.recent[i]);
    (void)read_u64(&input, &planted->point.synced);
    buf_clear(&planted->carried);
    add(&planted->carried, input);
    planted->has_row = true;
}

static void write_file(struct planted *planted, unsigned kind, unsigned number,
                       struct slice bytes)
{
    static const char kinds[] = "HMWS";
    static void (*const right[])(uint8_t *, size_t) = {right_head, right_log,
                                                       right_log, right_table};
    char path[OS_NAME_MAX + 8] = "store/HEAD";
    struct buf file = {0};

    add(&file, bytes);
    if (number & 128)
        right[kind](file.data, file.size);
    if (kind > 0)
        file_name_format((enum file_kind)kinds[kind], number % 16, path + 6);
    memfs_write_all(planted->fs, path, buf_slice(&file));
    buf_deinit(&file);
}

/* Takes one file off the input. */
static bool plant(struct planted *planted, struct slice *input)
{
    unsigned kind, number;
    size_t size;

    if (input->size < 4)
        return false;
    kind = input->data[0] % 5;
    number = input->data[1];
    size = load_u16(input->data + 2);
    input->data += 4;
    input->size -= 4;
    if (size > input->size)
        size = input->size;
    if (kind == 4)
        take_row(planted, slice_of(input->data, size));
    else
        write_file(planted, kind, number, slice_of(input->data, size));
    input->data += size;
    input->size -= size;
    return true;
}

/* The checksum of what the row carries is of HEAD's store. */
static void right_row(struct planted *planted)
{
    struct buf head = {0};

    if (memfs_read_all(planted->fs, "store/HEAD", &head) &&
        head.size >= 2 * OS_HEAD_SLOT_SIZE && planted->carried.size > 0)
        right_carry(planted->carried.data, planted->carried.size,
                    head.data + OS_HEAD_SLOT_SIZE + 24);
    buf_deinit(&head);
}

void planted_init(struct planted *planted, struct slice bytes)
{
    *planted = (struct planted){.fs = memfs_new(1)};
    memfs_use_virtual_time(planted->fs);
    for (int i = 0; i < FILES_MAX && plant(planted, &bytes); i++) {
    }
    right_row(planted);
}

void planted_deinit(struct planted *planted)
{
    buf_deinit(&planted->carried);
    memfs_free(planted->fs);
}

struct byron_bytes planted_carried(const struct planted *planted)
{
    return (struct byron_bytes){planted->carried.data, planted->carried.size};
}
