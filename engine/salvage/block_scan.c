#include "salvage/block_scan.h"

#include "base/hash.h"
#include "base/integer.h"
#include "base/try.h"

/* So much is looked at first, then more; blocks larger than the last are not
 * found, which may only be values, and those are not looked for. */
#define WINDOW_FIRST ((uint64_t)1024 * 1024)
#define WINDOW_LAST  ((uint64_t)64 * 1024 * 1024)

/* A packed block may begin anywhere so far before its trailer. */
#define NEAR ((uint64_t)32 * 1024)

/* Bytes that look like trailers, as small numbers of 32 bits do, cannot make
 * the search quadratic. Where beginnings are tried one by one, which costs the
 * most, it has a budget of its own: what that uses up, the blocks behind do not
 * lack. */
#define BUDGET_FILES ((uint64_t)32)
#define BUDGET_LEAST ((uint64_t)256 * 1024 * 1024)

void block_scan_init(struct block_scan *scan, const struct table_source *source,
                     uint64_t from, uint64_t end)
{
    *scan = (struct block_scan){.source = source, .at = from, .end = end};
    if (scan->end < scan->at)
        scan->end = scan->at;
    scan->budget = BUDGET_FILES * (scan->end - scan->at) + BUDGET_LEAST;
    scan->guesses = scan->budget;
}

void block_scan_deinit(struct block_scan *scan)
{
    buf_deinit(&scan->window);
}

/* The window becomes [at, end). */
static byron_status look(struct block_scan *scan, uint64_t end)
{
    byron_status status;
    size_t size = (size_t)(end - scan->at);

    buf_clear(&scan->window);
    TRY(buf_reserve(&scan->window, size));
    TRY(file_pool_read(scan->source->pool, scan->source->number, scan->at,
                       scan->window.data, size));
    scan->window.size = size;
    scan->window_offset = scan->at;
out:
    return status;
}

static const uint8_t *bytes_at(const struct block_scan *scan, uint64_t offset)
{
    return scan->window.data + (offset - scan->window_offset);
}

/* Whether the bytes can be a trailer, its checksum aside. */
static bool is_plausible(const uint8_t *trailer)
{
    uint32_t raw_size = load_u32(trailer + 4);

    return trailer[0] <= CODEC_ZSTD && trailer[1] >= BLOCK_DATA &&
           trailer[1] <= BLOCK_HANDLES && load_u16(trailer + 2) == 0 &&
           raw_size > 0 && raw_size <= BLOCK_RAW_MAX;
}

/* Whether a block lies from start to the trailer's end. *budget is 0 once it
 * does not suffice. */
static bool is_block_for(const struct block_scan *scan, uint64_t start,
                         uint64_t trailer, uint64_t *budget)
{
    const uint8_t *bytes = bytes_at(scan, start);
    size_t size = (size_t)(trailer - start) + 8;

    *budget = size < *budget ? *budget - size : 0;
    if (*budget == 0)
        return false;
    return load_u64(bytes + size) ==
           hash_bytes(slice_of(bytes, size), scan->source->uid ^ start);
}

static bool is_block(struct block_scan *scan, uint64_t start, uint64_t trailer)
{
    return is_block_for(scan, start, trailer, &scan->budget);
}

/* Whether a block that ends with the trailer may begin at start. */
static bool may_begin(const uint8_t *trailer, uint64_t start, uint64_t at)
{
    uint32_t raw_size = load_u32(trailer + 4);

    if (start >= at)
        return false;
    return trailer[0] == CODEC_NONE ? at - start == raw_size
                                    : at - start <= raw_size;
}

/* The block that begins where the last one ended. */
static bool follow(struct block_scan *scan, uint64_t end, uint64_t *trailer)
{
    for (uint64_t at = scan->at + 1; at + BLOCK_TRAILER_SIZE <= end; at++) {
        const uint8_t *bytes = bytes_at(scan, at);
        if (is_plausible(bytes) && may_begin(bytes, scan->at, at) &&
            is_block(scan, scan->at, at)) {
            *trailer = at;
            return true;
        }
    }
    return false;
}

/* Where a packed block that ends with the trailer at at begins. */
static bool find_start(struct block_scan *scan, uint64_t at, uint64_t *start)
{
    const uint8_t *bytes = bytes_at(scan, at);
    uint64_t first = scan->at + 1;
    uint32_t raw_size = load_u32(bytes + 4);
    uint64_t far = raw_size < NEAR ? raw_size : NEAR;

    for (unsigned i = 0; i < scan->end_count && i < BLOCK_SCAN_ENDS; i++) {
        *start = scan->ends[i];
        if (*start >= first && may_begin(bytes, *start, at) &&
            is_block(scan, *start, at))
            return true;
    }
    if (at - first > far && at > far)
        first = at - far;
    for (*start = at - 1; *start >= first && scan->guesses > 0; --*start)
        if (is_block_for(scan, *start, at, &scan->guesses))
            return true;
    return false;
}

/* The first block behind what is damaged. */
static bool resume(struct block_scan *scan, uint64_t end, uint64_t *start,
                   uint64_t *trailer)
{
    scan->end_count = 0;
    for (uint64_t at = scan->at + 1; at + BLOCK_TRAILER_SIZE <= end; at++) {
        const uint8_t *bytes = bytes_at(scan, at);
        bool found;

        if (!is_plausible(bytes))
            continue;
        *trailer = at;
        if (bytes[0] == CODEC_NONE) {
            uint32_t raw_size = load_u32(bytes + 4);
            *start = at - raw_size;
            found = raw_size <= at - scan->at && is_block(scan, *start, at);
        } else {
            found = find_start(scan, at, start);
        }
        if (found)
            return true;
        scan->ends[scan->end_count++ % BLOCK_SCAN_ENDS] =
            at + BLOCK_TRAILER_SIZE;
    }
    return false;
}

static void take(struct block_scan *scan, uint64_t start, uint64_t trailer,
                 struct block_handle *out, enum block_kind *kind)
{
    const uint8_t *bytes = bytes_at(scan, trailer);

    out->offset = start;
    out->disk_size = (uint32_t)(trailer - start) + BLOCK_TRAILER_SIZE;
    out->raw_size = load_u32(bytes + 4);
    *kind = (enum block_kind)bytes[1];
    scan->at = trailer + BLOCK_TRAILER_SIZE;
}

/* The window as it is, if it reaches far enough, else a new one. */
static byron_status prepare(struct block_scan *scan, uint64_t size,
                            uint64_t *end)
{
    uint64_t left = scan->end - scan->at;
    uint64_t window_end = scan->window_offset + scan->window.size;

    if (scan->window.size > 0 && window_end > scan->at + size / 2 &&
        scan->at >= scan->window_offset) {
        *end = window_end;
        return BYRON_OK;
    }
    *end = scan->at + (size < left ? size : left);
    return look(scan, *end);
}

byron_status block_scan_next(struct block_scan *scan, struct block_handle *out,
                             enum block_kind *kind, bool *found)
{
    byron_status status = BYRON_OK;
    uint64_t size = WINDOW_FIRST;
    uint64_t start;
    uint64_t trailer;
    uint64_t end;

    *found = false;
    while (scan->end - scan->at > BLOCK_TRAILER_SIZE) {
        TRY(prepare(scan, size, &end));
        start = scan->at;
        if (follow(scan, end, &trailer) ||
            resume(scan, end, &start, &trailer)) {
            take(scan, start, trailer, out, kind);
            *found = true;
            return BYRON_OK;
        }
        if (end == scan->end)
            break;
        if (size < WINDOW_LAST) {
            size *= 4;
        } else {
            scan->at += WINDOW_LAST / 2;
            size = WINDOW_LAST;
        }
        buf_clear(&scan->window);
    }
    scan->at = scan->end;
out:
    return status;
}
