#include "sorting.h"

#include <stdlib.h>

#include "status.h"

struct sort_context {
    const struct key_ranges *rows;
    const struct path *path;
    int bound; /* Columns, from the first. */
};

static struct byron_bytes row_columns(const struct sort_context *context,
                                      const struct segment *segment)
{
    return (struct byron_bytes){context->rows->bytes.data + segment->lower +
                                    KEY_ID_SIZE,
                                segment->lower_size - KEY_ID_SIZE};
}

/* The bytes of the first column, which *rest then has no more. */
static bool take_column(struct byron_bytes *rest, struct key_style style,
                        struct byron_bytes *out)
{
    *out = *rest;
    if (key_codec_skip(rest, style) != BYRON_OK)
        return false;
    out->size -= rest->size;
    return true;
}

/* By the columns after the bound ones; what repeats one of those, or of
 * themselves, was promised to nobody. */
static int compare_rows(const void *a, const void *b, void *opaque)
{
    const struct sort_context *context = opaque;
    const struct path *path = context->path;
    struct byron_bytes left = row_columns(context, a);
    struct byron_bytes right = row_columns(context, b);

    for (int i = 0; i < path->key_count; i++) {
        struct key_style style = key_style_of(path->entry, i);
        struct byron_bytes columns[2];
        int order;

        if (!take_column(&left, style, &columns[0]) ||
            !take_column(&right, style, &columns[1]))
            return 0; /* xColumn will say that it is damaged. */
        if (i < context->bound || path_is_repeated(path, i))
            continue;
        order = bytes_compare(columns[0], columns[1]);
        if (order != 0)
            return order;
    }
    return 0;
}

static int collect(struct scan *scan, struct key_ranges *rows)
{
    int rc = scan_start(scan, false);

    while (rc == SQLITE_OK && scan->is_at_row) {
        rc = status_fail(scan->table,
                         key_ranges_add_point(rows, scan_key(scan)));
        if (rc == SQLITE_OK)
            rc = scan_next(scan);
    }
    return rc;
}

int sorting_apply(struct scan *scan, const struct path *path, int bound)
{
    struct key_ranges rows = {0};
    struct sort_context context = {&rows, path, bound};
    int rc = scan_narrow(scan);

    if (rc != SQLITE_OK || scan->ranges.count == 0 ||
        (scan->ranges.count == 1 && !scan->ranges.segments[0].is_number))
        return rc;
    rc = collect(scan, &rows);
    if (rc != SQLITE_OK) {
        key_ranges_deinit(&rows);
        return rc;
    }
    if (rows.count > 1)
        qsort_r(rows.segments, (size_t)rows.count, sizeof *rows.segments,
                compare_rows, &context);
    key_ranges_deinit(&scan->ranges);
    scan->ranges = rows;
    return SQLITE_OK;
}
