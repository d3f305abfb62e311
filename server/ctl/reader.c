#include "ctl/reader.h"

#include <string.h>

#include "ctl/json.h"

void reader_init(struct reader *reader, FILE *file, enum format format,
                 enum notation notation)
{
    memset(reader, 0, sizeof *reader);
    reader->file = file;
    reader->format = format;
    reader->notation = notation;
    reader->next_line = 1;
}

void reader_deinit(struct reader *reader)
{
    bytes_deinit(&reader->text);
    bytes_deinit(&reader->first);
}

enum format reader_format_of(const char *name)
{
    static const struct {
        const char *end;
        enum format format;
    } ends[] = {{".tsv", FORMAT_TSV},
                {".csv", FORMAT_CSV},
                {".json", FORMAT_JSON},
                {".jsonl", FORMAT_JSON},
                {".ndjson", FORMAT_JSON}};
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot && i < sizeof ends / sizeof *ends; i++)
        if (strcmp(dot, ends[i].end) == 0)
            return ends[i].format;
    return FORMAT_PLAIN;
}

static enum reader_found refuse(struct reader *reader, const char *wrong)
{
    reader->wrong = wrong;
    return READER_WRONG;
}

/* The next line into text, without its end. False: there is none. */
static bool next_line(struct reader *reader)
{
    char piece[4096];
    bool is_there = false;

    reader->text.size = 0;
    reader->line = reader->next_line;
    for (int byte = 0; byte != '\n' && byte != EOF;) {
        size_t size = 0;
        while (size < sizeof piece &&
               (byte = getc_unlocked(reader->file)) != EOF && byte != '\n')
            piece[size++] = (char)byte;
        is_there = is_there || size > 0 || byte == '\n';
        text_add(&reader->text, piece, size);
    }
    reader->next_line++;
    /* A line that an error cut short is none. */
    return is_there && !ferror(reader->file);
}

static enum reader_found next_tsv(struct reader *reader, struct bytes *key,
                                  struct bytes *value)
{
    struct byron_bytes left;
    struct byron_bytes right;
    const char *text;
    const char *tab;
    const char *wrong;

    if (!next_line(reader))
        return READER_END;
    text = (const char *)reader->text.data;
    tab = reader->text.size > 0 ? memchr(text, '\t', reader->text.size) : NULL;
    if (!tab)
        return refuse(reader, "no tab between key and value");
    left.data = text;
    left.size = (size_t)(tab - text);
    right.data = tab + 1;
    right.size = reader->text.size - left.size - 1;
    if (memchr(right.data, '\t', right.size))
        return refuse(reader, "more than one tab; \\t is one of the value");
    wrong = text_decode_tsv(reader->notation, left, key);
    if (!wrong)
        wrong = text_decode_tsv(reader->notation, right, value);
    return wrong ? refuse(reader, wrong) : READER_ROW;
}

static enum reader_found next_json(struct reader *reader, struct bytes *key,
                                   struct bytes *value)
{
    const char *wrong;

    if (!next_line(reader))
        return READER_END;
    wrong =
        json_read_row(bytes_lend(&reader->text), reader->notation, key, value);
    return wrong ? refuse(reader, wrong) : READER_ROW;
}

/* --- CSV -------------------------------------------------------------------*/

static int next_byte(struct reader *reader)
{
    int byte = getc_unlocked(reader->file);

    if (byte == '\n')
        reader->next_line++;
    return byte;
}

/* The rest of a field in quotes. Returns what is behind it, or -2: it does not
   end. */
static int rest_of_quoted(struct reader *reader)
{
    for (;;) {
        int byte = next_byte(reader);
        char one = (char)byte;
        if (byte == EOF)
            return -2;
        if (byte == '"') {
            byte = next_byte(reader);
            if (byte != '"')
                return byte;
        }
        text_add(&reader->text, &one, 1);
    }
}

/* A field into text. Returns what ended it: ',', '\n' or EOF; -2: nothing
   that may. */
static int next_field(struct reader *reader)
{
    int byte = next_byte(reader);

    reader->text.size = 0;
    if (byte == '"') {
        byte = rest_of_quoted(reader);
    } else {
        while (byte != ',' && byte != '\n' && byte != EOF && byte != '\r') {
            char one = (char)byte;
            text_add(&reader->text, &one, 1);
            byte = next_byte(reader);
        }
    }
    if (byte == '\r')
        byte = next_byte(reader) == '\n' ? '\n' : -2;
    return byte == ',' || byte == '\n' || byte == EOF ? byte : -2;
}

static enum reader_found next_csv(struct reader *reader, struct bytes *key,
                                  struct bytes *value)
{
    static const char shape[] =
        "not two fields of CSV (a quote within quotes is doubled)";
    const char *wrong;
    int end;

    reader->line = reader->next_line;
    reader->first.size = 0;
    end = next_field(reader);
    if (ferror(reader->file) || (end == EOF && reader->text.size == 0))
        return READER_END;
    if (end != ',')
        return refuse(reader, shape);
    text_add(&reader->first, reader->text.data, reader->text.size);
    end = next_field(reader);
    if (ferror(reader->file))
        return READER_END;
    if (end != '\n' && end != EOF)
        return refuse(reader, shape);
    if (reader->line == 1 && bytes_equal(bytes_lend(&reader->first), "key") &&
        bytes_equal(bytes_lend(&reader->text), "value"))
        return next_csv(reader, key, value); /* That was the heading. */
    wrong = text_decode(reader->notation, bytes_lend(&reader->first), key);
    if (!wrong)
        wrong = text_decode(reader->notation, bytes_lend(&reader->text), value);
    return wrong ? refuse(reader, wrong) : READER_ROW;
}

enum reader_found reader_next(struct reader *reader, struct bytes *key,
                              struct bytes *value)
{
    switch (reader->format) {
    case FORMAT_CSV:
        return next_csv(reader, key, value);
    case FORMAT_JSON:
        return next_json(reader, key, value);
    default:
        return next_tsv(reader, key, value);
    }
}
