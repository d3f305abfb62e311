/*
 * fuzz_log: any bytes as a log file. Whatever they are, the reader gives whole
 * records in order, or an error.
 *
 * The first byte chooses: bit 0, whether the log is one whose end is known
 * (half-way); bit 1, whether checksums are put right, so that what lies behind
 * them is reached. The rest is the file.
 */
#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/integer.h"
#include "log/log_reader.h"
#include "support/right_sums.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* --- one file in memory, as an operating system ------------------------- */

struct os_file {
    int unused;
};
struct os_dir {
    int unused;
};
static struct os_file the_file;
static struct os_dir the_dir;
static struct buf content;

static const char *dir_path(struct os_dir *dir)
{
    (void)dir;
    return "fuzz";
}

static byron_status file_open(struct os_dir *dir, const char *name,
                              struct os_file **out)
{
    (void)dir;
    (void)name;
    *out = &the_file;
    return BYRON_OK;
}

static void file_close(struct os_file *file)
{
    (void)file;
}

static byron_status file_read(struct os_file *file, uint64_t offset,
                              void *bytes, size_t size)
{
    (void)file;
    /* The reader knows the file's size, and asks for nothing beyond. */
    require(offset <= content.size && size <= content.size - offset);
    memcpy(bytes, content.data + offset, size);
    return BYRON_OK;
}

static byron_status file_size(struct os_file *file, uint64_t *out)
{
    (void)file;
    *out = content.size;
    return BYRON_OK;
}

static struct byron_os fuzz_os = {
    .dir_path = dir_path,
    .file_open = file_open,
    .file_close = file_close,
    .file_read = file_read,
    .file_size = file_size,
};

/* --- what recovery does -------------------------------------------------- */

static void read_all(enum file_kind kind, uint64_t end_at)
{
    struct log_reader *reader;
    struct log_record record;
    uint64_t end = LOG_HEADER_SIZE;
    uint64_t payloads = 0;
    bool found;

    if (log_reader_open(&fuzz_os, &the_dir, kind, load_u64(content.data + 40),
                        NULL, end_at, &reader) != BYRON_OK)
        return;
    while (log_reader_next(reader, &record, &found) == BYRON_OK && found) {
        require(record.offset >= end && record.offset % 8 == 0);
        require(record.end > record.offset && record.end <= content.size);
        require(record.end <= end_at && record.payload.size > 0);
        require(record.end == log_reader_end(reader));
        end = record.end;
        payloads += hash_bytes(record.payload, 0); /* Touches every byte. */
    }
    require(!found && (payloads == 0 || end > LOG_HEADER_SIZE));
    log_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint64_t end_at = UINT64_MAX;

    if (size < 1 + LOG_HEADER_SIZE)
        return 0;
    buf_clear(&content);
    require(buf_add(&content, bytes + 1, size - 1) == BYRON_OK);
    if (bytes[0] & 1)
        end_at = (LOG_HEADER_SIZE + content.size) / 2 & ~(uint64_t)7;
    if (bytes[0] & 2)
        right_log(content.data, content.size);
    read_all(FILE_WAL, end_at);
    read_all(FILE_MANIFEST, end_at);
    buf_deinit(&content);
    return 0;
}
