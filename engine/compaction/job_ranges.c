#include "compaction/job_ranges.h"

#include "base/alloc.h"
#include "base/try.h"

byron_status job_ranges_collect(struct table_meta *table,
                                struct range_deletes *out)
{
    struct table_reader *reader;
    const struct range_list *list;
    byron_status status = BYRON_OK;

    if (table->facts.ranges == 0)
        return BYRON_OK;
    TRY(table_meta_reader(table, &reader));
    list = table_reader_ranges(reader);
    for (size_t i = 0; i < list->count; i++) {
        const struct range_piece *piece = &list->pieces[i];
        for (size_t j = 0; j < piece->count; j++) {
            struct range_delete delete = {piece->lower, piece->upper,
                                          piece->sequences[j]};
            TRY(range_deletes_add(out, &delete));
        }
    }
out:
    return status;
}

/* --- Which of them somebody can tell apart ---------------------------------
 */

/* Whether some reader sees sequence and not the next newer one. */
static bool is_told_apart(const uint64_t *points, size_t count,
                          uint64_t sequence, uint64_t newer)
{
    size_t at = 0;

    while (at < count && points[at] < sequence)
        at++;
    return at == count || points[at] < newer;
}

static byron_status add_told_apart(const struct range_piece *piece,
                                   const uint64_t *points, size_t count,
                                   uint64_t *room, struct range_list *out)
{
    struct range_piece told = {piece->lower, piece->upper, room, 0};
    uint64_t newer = UINT64_MAX;

    for (size_t i = 0; i < piece->count; i++) {
        if (i == 0 || is_told_apart(points, count, piece->sequences[i], newer))
            room[told.count++] = piece->sequences[i];
        newer = piece->sequences[i];
    }
    return range_list_add(out, &told);
}

/* --- Which of them stay -----------------------------------------------------
 */

struct keeping {
    uint64_t first_point;
    const struct dropped *dropped;
    const struct older *older;
    struct range_list *out;
};

static byron_status keep(struct keeping *keeping, struct range_piece piece)
{
    uint64_t last = piece.sequences[piece.count - 1];

    if (slice_compare(piece.lower, piece.upper) >= 0)
        return BYRON_OK;
    if (last <= keeping->first_point &&
        !older_may_touch(keeping->older, piece.lower, piece.upper))
        piece.count--;
    return piece.count ? range_list_add(keeping->out, &piece) : BYRON_OK;
}

/* What of piece lies outside of the dropped ranges. */
static byron_status keep_parts(struct keeping *keeping,
                               struct range_piece piece)
{
    const struct dropped *dropped = keeping->dropped;
    byron_status status = BYRON_OK;

    for (size_t i = 0; i < dropped->count; i++) {
        struct range_piece before = piece;
        if (slice_compare(dropped->uppers[i], piece.lower) <= 0)
            continue;
        if (slice_compare(dropped->lowers[i], piece.upper) >= 0)
            break;
        before.upper = dropped->lowers[i];
        TRY(keep(keeping, before));
        piece.lower = dropped->uppers[i];
    }
    TRY(keep(keeping, piece));
out:
    return status;
}

byron_status job_ranges_init(struct job_ranges *ranges,
                             const struct range_deletes *deletes,
                             const uint64_t *points, size_t point_count,
                             const struct dropped *dropped,
                             const struct older *older)
{
    struct range_list raw = {0};
    struct keeping keeping = {points[0], dropped, older, &ranges->kept};
    uint64_t *room = NULL;
    byron_status status = BYRON_OK;

    if (deletes->count == 0)
        return BYRON_OK;
    TRY(range_list_build(&raw, deletes));
    room = alloc_bytes((raw.sequence_count + 1) * sizeof *room);
    if (!room) {
        status = error_no_memory();
        goto out;
    }
    for (size_t i = 0; i < raw.count; i++)
        TRY(add_told_apart(&raw.pieces[i], points, point_count, room,
                           &ranges->all));
    range_list_seal(&ranges->all);
    for (size_t i = 0; i < ranges->all.count; i++)
        TRY(keep_parts(&keeping, ranges->all.pieces[i]));
    range_list_seal(&ranges->kept);
out:
    range_list_deinit(&raw);
    alloc_free(room);
    if (status != BYRON_OK)
        job_ranges_deinit(ranges);
    return status;
}

void job_ranges_deinit(struct job_ranges *ranges)
{
    range_list_deinit(&ranges->all);
    range_list_deinit(&ranges->kept);
}

bool job_ranges_hide(const struct job_ranges *ranges,
                     const struct table_meta *table, uint64_t point)
{
    struct slice at = table_meta_smallest(table);
    const struct range_piece *piece;

    if (ranges->all.count == 0)
        return false;
    while ((piece = range_list_find(&ranges->all, at)) != NULL &&
           range_piece_newest(piece, point) > table->facts.max_sequence) {
        if (table_meta_ends_before(table, piece->upper))
            return true;
        at = piece->upper;
    }
    return false;
}
