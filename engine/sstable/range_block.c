#include "sstable/range_block.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/integer.h"
#include "base/try.h"

byron_status range_block_encode(const struct range_list *list, struct buf *out)
{
    byron_status status;

    TRY(buf_add_varint(out, list->count));
    for (size_t i = 0; i < list->count; i++) {
        const struct range_piece *piece = &list->pieces[i];
        TRY(buf_add_sized(out, piece->lower));
        TRY(buf_add_sized(out, piece->upper));
        TRY(buf_add_varint(out, piece->count));
        for (size_t j = 0; j < piece->count; j++)
            TRY(buf_add_varint(out, piece->sequences[j]));
    }
out:
    return status;
}

/* Descending, and none is 0. */
static bool read_sequences(struct slice *body, uint64_t *sequences,
                           uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (!read_varint(body, &sequences[i]) || sequences[i] == 0 ||
            (i > 0 && sequences[i] >= sequences[i - 1]))
            return false;
    }
    return count > 0;
}

/* One piece behind those that are in list already. */
static byron_status read_piece(struct slice *body, uint64_t *sequences,
                               struct range_list *list, bool *is_sound)
{
    struct range_piece piece = {.sequences = sequences};
    const struct range_piece *last =
        list->count ? &list->pieces[list->count - 1] : NULL;
    uint64_t count;

    *is_sound = read_sized(body, &piece.lower) &&
                read_sized(body, &piece.upper) && read_varint(body, &count) &&
                count <= body->size && /* A byte each, at least. */
                piece.lower.size <= BYRON_MAX_KEY &&
                piece.upper.size <= BYRON_MAX_KEY &&
                slice_compare(piece.lower, piece.upper) < 0 &&
                (!last || slice_compare(last->upper, piece.lower) <= 0) &&
                read_sequences(body, sequences, count);
    if (!*is_sound)
        return BYRON_OK;
    piece.count = (size_t)count;
    return range_list_add(list, &piece);
}

byron_status range_block_decode(struct slice body, struct range_list *list,
                                const char **flaw)
{
    bool is_sound;
    uint64_t count;
    byron_status status = BYRON_OK;
    uint64_t *sequences = alloc_bytes((body.size + 1) * sizeof *sequences);

    if (!sequences)
        return error_no_memory();
    is_sound = read_varint(&body, &count) && count > 0;
    for (uint64_t i = 0; i < count && is_sound; i++)
        TRY(read_piece(&body, sequences, list, &is_sound));
    is_sound = is_sound && body.size == 0;
    *flaw = is_sound ? NULL : "the range deletes are malformed";
    range_list_seal(list);
out:
    if (status != BYRON_OK || *flaw)
        range_list_deinit(list);
    alloc_free(sequences);
    return status;
}
