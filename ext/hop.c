#include "hop.h"

#include "try.h"

void hop_deinit(struct hop *hop)
{
    bytes_deinit(&hop->text);
    bytes_deinit(&hop->key);
    bytes_deinit(&hop->scratch);
    memset(hop, 0, sizeof *hop);
}

void hop_set(struct hop *hop, const struct segment *segment)
{
    hop->is_on =
        segment->is_number && number_text_init(&hop->number, segment->number);
    hop->column = segment->column;
    hop->style = segment->style;
}

/* Puts in key where the texts lie that begin so, or text alone: before them
 * or behind them all. */
static byron_status write_key(struct hop *hop, struct byron_bytes prefix,
                              const struct field *text, bool is_alone,
                              bool is_behind)
{
    bool ends_with_key = hop->style.is_last && !hop->style.is_descending;
    byron_status status;

    hop->key.size = 0;
    TRY(bytes_add(&hop->key, prefix.data, prefix.size));
    if (is_alone)
        TRY(key_codec_add(&hop->key, text, hop->style));
    else
        TRY(key_codec_add_beginning(&hop->key, text, hop->style));
    if (!is_behind)
        goto out;
    if (is_alone && ends_with_key)
        TRY(bytes_add_u8(&hop->key, 0)); /* Longer ones are other texts. */
    else
        bytes_raise(&hop->key, 0);
out:
    return status;
}

/* Puts in key where the next one may be: there or behind it, or downwards
 * before it. *step is NUMBER_TEXT_MAY if the text of this key is one. */
static byron_status find_next(struct hop *hop, struct byron_bytes key,
                              bool is_descending, enum number_text_step *step)
{
    struct byron_bytes prefix = {key.data, hop->column};
    struct byron_bytes column = {(const uint8_t *)key.data + hop->column,
                                 key.size - hop->column};
    struct field text;
    size_t kept = 0;
    char next = 0;
    byron_status status;
    int order;

    *step = NUMBER_TEXT_MAY;
    hop->scratch.size = 0;
    TRY(bytes_reserve(&hop->scratch, column.size));
    TRY(key_codec_read(&column, hop->style, &hop->scratch, &text));
    if (text.kind != FIELD_TEXT)
        goto out;
    *step = number_text_seek(&hop->number, text.data, text.size,
                             is_descending != hop->style.is_descending, &kept,
                             &next);
    if (*step == NUMBER_TEXT_MAY || *step == NUMBER_TEXT_END)
        goto out;
    hop->text.size = 0;
    TRY(bytes_add(&hop->text, text.data, kept));
    if (*step == NUMBER_TEXT_BEGIN)
        TRY(bytes_add_u8(&hop->text, (uint8_t)next));
    text.data = hop->text.data;
    text.size = hop->text.size;
    TRY(write_key(hop, prefix, &text, *step == NUMBER_TEXT_PART,
                  is_descending));
    /* Folding and trimming may lead back: then it is one more to check. */
    order = bytes_compare(bytes_view(&hop->key), key);
    if (is_descending ? order > 0 : order <= 0)
        *step = NUMBER_TEXT_MAY;
out:
    return status;
}

/* To the last row before this key. */
static byron_status seek_before(byron_cursor *rows, struct byron_bytes key)
{
    byron_status status = byron_cursor_seek_back(rows, key);

    if (status == BYRON_OK && byron_cursor_valid(rows) &&
        bytes_compare(byron_cursor_key(rows), key) == 0)
        status = byron_cursor_prev(rows);
    return status;
}

byron_status hop_on(struct hop *hop, byron_cursor *rows, bool is_descending,
                    bool *is_at_row)
{
    enum number_text_step step;
    byron_status status = BYRON_OK;

    *is_at_row = false;
    while (byron_cursor_valid(rows)) {
        TRY(find_next(hop, byron_cursor_key(rows), is_descending, &step));
        *is_at_row = step == NUMBER_TEXT_MAY;
        if (step == NUMBER_TEXT_MAY || step == NUMBER_TEXT_END)
            break;
        if (is_descending)
            TRY(seek_before(rows, bytes_view(&hop->key)));
        else
            TRY(byron_cursor_seek(rows, bytes_view(&hop->key)));
    }
out:
    return status;
}

byron_status hop_narrow(struct hop *hop, byron_cursor *rows,
                        struct key_ranges *ranges, struct segment *segment)
{
    struct byron_bytes key = byron_cursor_key(rows);
    struct byron_bytes rest = {(const uint8_t *)key.data + hop->column,
                               key.size - hop->column};
    struct bytes *bytes = &ranges->bytes;
    size_t start = bytes->size;
    bool is_at_row = false;
    size_t size;
    byron_status status;

    TRY(key_codec_skip(&rest, hop->style));
    size = key.size - rest.size;
    TRY(bytes_reserve(bytes, 2 * size));
    TRY(bytes_add(bytes, key.data, size));
    TRY(bytes_add(bytes, key.data, size));
    bytes_raise(bytes, start + size);
    TRY(byron_cursor_seek(rows,
                          (struct byron_bytes){bytes->data + start + size,
                                               bytes->size - start - size}));
    TRY(hop_on(hop, rows, false, &is_at_row));
    if (is_at_row || rest.size == 0)
        goto out;
    segment->lower = start;
    segment->lower_size = size;
    segment->upper = start + size;
    segment->upper_size = bytes->size - segment->upper;
    segment->is_number = false;
out:
    return status;
}
