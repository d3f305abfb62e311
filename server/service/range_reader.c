#include "service/range_reader.h"

#include <string.h>

#include "service/encode.h"
#include "service/keys.h"

#define USUAL_CHUNK ((size_t)64 * 1024)
#define MIN_CHUNK   ((size_t)1024)
#define AT_ONCE     64

/* Numbers of fields. */
enum { RESPONSE_ROW = 1, RESPONSE_TOKEN = 2, ROW_KEY = 1, ROW_VALUE = 2 };

/*
 * A resume token: its version, the number of rows so far (8 bytes, little
 * endian), the last row's key.
 */
#define TOKEN_VERSION 1
#define TOKEN_HEAD    9

/* --- Bytes -----------------------------------------------------------------*/

static bool is_inside(const struct range_query *query, struct byron_bytes key)
{
    return bytes_compare(key, query->start) >= 0 &&
           bytes_compare(key, query->end) < 0;
}

static const char *read_token(struct range_reader *reader)
{
    static const char words[] = "the resume token is not one of this request";
    struct byron_bytes token = reader->query.token;
    const uint8_t *bytes = token.data;

    if (token.size == 0)
        return NULL;
    if (token.size <= TOKEN_HEAD || token.size > TOKEN_HEAD + BYRON_MAX_KEY ||
        bytes[0] != TOKEN_VERSION)
        return words;
    for (int i = 0; i < 8; i++)
        reader->rows |= (uint64_t)bytes[1 + i] << (8 * i);
    reader->behind.data = bytes + TOKEN_HEAD;
    reader->behind.size = token.size - TOKEN_HEAD;
    return is_inside(&reader->query, reader->behind) ? NULL : words;
}

static byron_status add_token(const struct range_reader *reader,
                              struct byron_bytes key, struct bytes *out)
{
    uint8_t head[TOKEN_HEAD] = {TOKEN_VERSION};
    byron_status status =
        encode_head(out, RESPONSE_TOKEN, sizeof head + key.size);

    for (int i = 0; i < 8; i++)
        head[1 + i] = (uint8_t)(reader->rows >> (8 * i));
    if (status == BYRON_OK)
        status = bytes_add(out, head, sizeof head);
    return status == BYRON_OK ? bytes_add(out, key.data, key.size) : status;
}

static byron_status add_row(struct range_reader *reader, struct byron_bytes key,
                            struct byron_bytes value, struct bytes *out)
{
    size_t size = encode_bytes_size(key.size);
    byron_status status;

    if (reader->query.is_keys_only)
        value.size = 0;
    if (value.size > RANGE_MAX_ROW)
        return BYRON_TOO_BIG;
    if (value.size > 0)
        size += encode_bytes_size(value.size);
    status = encode_head(out, RESPONSE_ROW, size);
    if (status == BYRON_OK)
        status = encode_bytes(out, ROW_KEY, key);
    if (status == BYRON_OK && value.size > 0)
        status = encode_bytes(out, ROW_VALUE, value);
    reader->rows++;
    return status;
}

/* --- Rows ------------------------------------------------------------------*/

/* To the row behind that of the token. */
static byron_status seek_behind(struct range_reader *reader)
{
    byron_cursor *cursor = reader->cursor;
    bool is_reverse = reader->query.is_reverse;
    byron_status status = is_reverse
                              ? byron_cursor_seek_back(cursor, reader->behind)
                              : byron_cursor_seek(cursor, reader->behind);

    if (status != BYRON_OK || !byron_cursor_valid(cursor) ||
        bytes_compare(byron_cursor_key(cursor), reader->behind) != 0)
        return status;
    return is_reverse ? byron_cursor_prev(cursor) : byron_cursor_next(cursor);
}

/* The row that the cursor stands on. */
static byron_status add_current(struct range_reader *reader, struct bytes *out)
{
    struct byron_bytes value = {NULL, 0};
    byron_status status = BYRON_OK;

    if (!reader->query.is_keys_only)
        status = byron_cursor_value(reader->cursor, &value);
    return status == BYRON_OK
               ? add_row(reader, byron_cursor_key(reader->cursor), value, out)
               : status;
}

static bool is_done(const struct range_reader *reader)
{
    return reader->rows >= reader->query.limit;
}

/* Those that lie beside it, as far as they cost little. */
static byron_status add_near(struct range_reader *reader, struct bytes *out)
{
    struct byron_pair pairs[AT_ONCE];
    uint64_t most = reader->query.limit - reader->rows;
    size_t count;
    byron_status status = BYRON_OK;

    count = byron_cursor_next_many(
        reader->cursor, most < AT_ONCE ? (size_t)most : AT_ONCE, pairs);
    for (size_t i = 0; i < count && status == BYRON_OK; i++)
        status = add_row(reader, pairs[i].key, pairs[i].value, out);
    return status;
}

byron_status range_reader_fill(struct range_reader *reader, struct bytes *out,
                               bool *is_end)
{
    size_t enough = out->size + reader->query.chunk_bytes;
    byron_cursor *cursor = reader->cursor;
    struct bytes last = {0}; /* The cursor leaves the key before it is used. */
    byron_status status = BYRON_OK;

    while (status == BYRON_OK && byron_cursor_valid(cursor) &&
           !is_done(reader)) {
        status = add_current(reader, out);
        if (status == BYRON_OK && !reader->query.is_reverse &&
            out->size < enough && !is_done(reader))
            status = add_near(reader, out);
        if (status == BYRON_OK) {
            last.size = 0;
            status = bytes_add(&last, byron_cursor_key(cursor).data,
                               byron_cursor_key(cursor).size);
        }
        if (status == BYRON_OK)
            status = reader->query.is_reverse ? byron_cursor_prev(cursor)
                                              : byron_cursor_next(cursor);
        if (out->size >= enough)
            break;
    }
    if (status == BYRON_OK && last.size > 0)
        status = add_token(reader, bytes_lend(&last), out);
    bytes_deinit(&last);
    *is_end = is_done(reader) || !byron_cursor_valid(cursor);
    return status;
}

/* --- Life ------------------------------------------------------------------*/

const char *range_reader_init(struct range_reader *reader,
                              const struct range_query *query)
{
    size_t chunk = query->chunk_bytes ? query->chunk_bytes : USUAL_CHUNK;

    memset(reader, 0, sizeof *reader);
    reader->query = *query;
    if (query->limit == 0)
        reader->query.limit = UINT64_MAX;
    reader->query.chunk_bytes = chunk < MIN_CHUNK         ? MIN_CHUNK
                                : chunk > RANGE_MAX_CHUNK ? RANGE_MAX_CHUNK
                                                          : chunk;
    if (query->start.size > BYRON_MAX_KEY || query->end.size > BYRON_MAX_KEY)
        return "a key has at most 1 MiB";
    if (query->end.size > 0 && bytes_compare(query->start, query->end) > 0)
        return "the range ends before it starts";
    reader->query.start = keys_clip(query->start);
    reader->query.end =
        query->end.size > 0 ? keys_clip(query->end) : keys_end();
    return read_token(reader);
}

byron_status range_reader_open(struct range_reader *reader,
                               byron_snapshot *snapshot)
{
    struct byron_range range = {reader->query.start, reader->query.end};
    byron_status status =
        byron_cursor_open(snapshot, NULL, &range, &reader->cursor);

    if (status != BYRON_OK)
        return status;
    if (reader->behind.size > 0)
        return seek_behind(reader);
    return reader->query.is_reverse ? byron_cursor_last(reader->cursor)
                                    : byron_cursor_first(reader->cursor);
}

void range_reader_close(struct range_reader *reader)
{
    byron_cursor_close(reader->cursor);
    reader->cursor = NULL;
}
