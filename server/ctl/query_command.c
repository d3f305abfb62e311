/* query. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "byron/v1/byron.pb-c.h"
#include "ctl/commands.h"
#include "ctl/json.h"
#include "ctl/progress.h"

#define MAX_COLUMNS 2000 /* SQLite's own. */
#define MAX_WIDTH   60   /* Longer ones stand out of the table. */

struct query {
    struct link *link;
    enum format format;
    Byron__V1__QueryRequest request;
    Byron__V1__Value **params;
    struct bytes sql;
    char **columns; /* Names, */
    size_t *widths; /* and how wide they are in a table. */
    size_t column_count;
    uint64_t rows;
    uint64_t changes;
};

/* --- Parameters ------------------------------------------------------------*/

/* Whether text is x'...', or what is wrong with it. */
static bool read_blob(const char *text, struct bytes *out, const char **wrong)
{
    size_t size = strlen(text);
    struct byron_bytes digits;

    if (size < 3 || (text[0] | 0x20) != 'x' || text[1] != '\'' ||
        text[size - 1] != '\'')
        return false;
    digits.data = text + 2;
    digits.size = size - 3;
    *wrong = text_decode(NOTATION_HEX, digits, out);
    return true;
}

static void set_number(const char *text, bool is_whole, Byron__V1__Value *out)
{
    char *end;

    errno = 0;
    out->v_case = BYRON__V1__VALUE__V_INTEGER;
    out->integer = is_whole ? strtoll(text, &end, 10) : 0;
    if (is_whole && errno == 0)
        return;
    out->v_case = BYRON__V1__VALUE__V_REAL;
    out->real = strtod(text, &end);
}

static char *text_of(struct bytes *bytes)
{
    text_add(bytes, "", 1);
    return (char *)bytes->data;
}

/* NULL, or what is wrong. */
static const char *read_param(const char *text, Byron__V1__Value *out)
{
    static Byron__V1__Null null = BYRON__V1__NULL__INIT;
    struct bytes bytes = {0};
    const char *wrong = NULL;
    bool is_whole;

    byron__v1__value__init(out);
    if (strcmp(text, "null") == 0) {
        out->v_case = BYRON__V1__VALUE__V_NULL;
        out->null = &null;
    } else if (json_is_number(text, &is_whole)) {
        set_number(text, is_whole, out);
    } else if (read_blob(text, &bytes, &wrong)) {
        out->v_case = BYRON__V1__VALUE__V_BLOB;
        out->blob = command_binary(&bytes);
    } else {
        if (*text == '"')
            wrong = json_read_string(bytes_of_text(text), &bytes);
        else
            text_add(&bytes, text, strlen(text));
        if (!wrong && bytes.size > 0 && memchr(bytes.data, 0, bytes.size))
            wrong = "text has no zero byte; x'...' is a blob";
        if (!wrong && !text_is_utf8(bytes_lend(&bytes)))
            wrong = "text is UTF-8; x'...' is a blob";
        out->v_case = BYRON__V1__VALUE__V_TEXT;
        out->text = text_of(&bytes);
    }
    return wrong;
}

static enum exit_code read_request(struct query *query)
{
    const struct options *options = query->link->options;
    size_t count = options->count > 0 ? (size_t)options->count - 1 : 0;
    char piece[4096];
    size_t got;

    if (options->count == 0)
        return report_error(
            EXIT_USAGE, "USAGE",
            "query: a statement is needed (--help has examples)");
    if (strcmp(options->arguments[0], "-") == 0)
        while ((got = fread(piece, 1, sizeof piece, stdin)) > 0)
            text_add(&query->sql, piece, got);
    else
        text_add(&query->sql, options->arguments[0],
                 strlen(options->arguments[0]));
    query->request.sql = text_of(&query->sql);
    query->request.read_only = options->is_read_only;
    query->params = calloc(count + 1, sizeof *query->params);
    if (!query->params)
        report_no_memory();
    query->request.params = query->params;
    for (size_t i = 0; i < count; i++) {
        const char *wrong;
        query->params[i] = calloc(1, sizeof **query->params);
        if (!query->params[i])
            report_no_memory();
        query->request.n_params = i + 1;
        wrong = read_param(options->arguments[i + 1], query->params[i]);
        if (wrong)
            return report_error(EXIT_USAGE, "USAGE", "query: %.100s: %s",
                                options->arguments[i + 1], wrong);
    }
    return EXIT_DONE;
}

/* --- Values ----------------------------------------------------------------*/

static void print_real(FILE *out, double real, enum format format)
{
    char text[40];

    /* As few digits as mean the same. */
    snprintf(text, sizeof text, "%.15g", real);
    if (strtod(text, NULL) != real)
        snprintf(text, sizeof text, "%.17g", real);
    if (isinf(real) && format == FORMAT_JSON)
        snprintf(text, sizeof text, real > 0 ? "9e999" : "-9e999");
    fputs(text, out);
    if (!strpbrk(text, ".eIin"))
        fputs(".0", out);
}

static void print_blob(FILE *out, enum format format, struct byron_bytes bytes)
{
    if (format == FORMAT_JSON) {
        fputs("{\"base64\":\"", out);
        text_print(out, NOTATION_BASE64, bytes, false);
        fputs("\"}", out);
    } else {
        fputs("x'", out);
        text_print(out, NOTATION_HEX, bytes, false);
        fputc('\'', out);
    }
}

static void print_text(FILE *out, enum format format, const char *text)
{
    struct byron_bytes bytes = bytes_of_text(text);

    if (format == FORMAT_JSON)
        text_print_json(out, NOTATION_TEXT, bytes);
    else if (format == FORMAT_CSV)
        text_print_csv(out, NOTATION_TEXT, bytes);
    else
        text_print(out, NOTATION_TEXT, bytes, true);
}

static void print_value(FILE *out, enum format format,
                        const Byron__V1__Value *value)
{
    static const char *const nulls[] = {"NULL", "\\N", "", "null"};

    switch (value->v_case) {
    case BYRON__V1__VALUE__V_INTEGER:
        fprintf(out, "%lld", (long long)value->integer);
        break;
    case BYRON__V1__VALUE__V_REAL:
        print_real(out, value->real, format);
        break;
    case BYRON__V1__VALUE__V_TEXT:
        print_text(out, format, value->text);
        break;
    case BYRON__V1__VALUE__V_BLOB: {
        struct byron_bytes bytes = {value->blob.data, value->blob.len};
        print_blob(out, format, bytes);
        break;
    }
    default:
        fputs(nulls[format], out);
    }
}

/* --- Tables ----------------------------------------------------------------*/

/* Characters of UTF-8. */
static size_t width_of(const char *text, size_t size)
{
    size_t width = 0;

    for (size_t i = 0; i < size; i++)
        width += ((unsigned char)text[i] & 0xC0) != 0x80;
    return width;
}

/* A value, or a name, as it stands in a table; to be freed. */
static char *render(const Byron__V1__Value *value, const char *name,
                    size_t *out_size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, out_size);

    if (!out)
        report_no_memory();
    if (value)
        print_value(out, FORMAT_PLAIN, value);
    else
        print_text(out, FORMAT_PLAIN, name);
    if (fclose(out) != 0)
        report_no_memory();
    return text;
}

static void widen(struct query *query, size_t column,
                  const Byron__V1__Value *value)
{
    size_t size;
    char *text = render(value, query->columns[column], &size);
    size_t width = width_of(text, size);

    if (width > MAX_WIDTH)
        width = MAX_WIDTH;
    if (width > query->widths[column])
        query->widths[column] = width;
    free(text);
}

static void print_cell(const struct query *query, size_t column,
                       const Byron__V1__Value *value)
{
    size_t size;
    char *text = render(value, query->columns[column], &size);
    size_t width = width_of(text, size);
    size_t space =
        width < query->widths[column] ? query->widths[column] - width : 0;
    bool is_number = value && (value->v_case == BYRON__V1__VALUE__V_INTEGER ||
                               value->v_case == BYRON__V1__VALUE__V_REAL);
    bool is_last = column + 1 == query->column_count;

    if (column > 0)
        fputs("  ", stdout);
    if (is_number)
        printf("%*s", (int)space, "");
    fwrite(text, 1, size, stdout);
    if (!is_number && !is_last)
        printf("%*s", (int)space, "");
    free(text);
}

/* As wide as the rows of the first message need. */
static void begin_table(struct query *query,
                        const Byron__V1__QueryResponse *first)
{
    for (size_t i = 0; i < query->column_count; i++)
        widen(query, i, NULL);
    for (size_t i = 0; i < first->n_rows; i++)
        for (size_t j = 0;
             j < first->rows[i]->n_values && j < query->column_count; j++)
            widen(query, j, first->rows[i]->values[j]);
    for (size_t i = 0; i < query->column_count; i++)
        print_cell(query, i, NULL);
    fputc('\n', stdout);
    for (size_t i = 0; i < query->column_count; i++) {
        fputs(i > 0 ? "  " : "", stdout);
        for (size_t j = 0; j < query->widths[i]; j++)
            fputc('-', stdout);
    }
    fputc('\n', stdout);
}

/* --- Rows ------------------------------------------------------------------*/

static void print_heading(struct query *query,
                          const Byron__V1__QueryResponse *first)
{
    char separator = query->format == FORMAT_CSV ? ',' : '\t';

    query->column_count = first->n_columns;
    query->columns = calloc(first->n_columns + 1, sizeof *query->columns);
    query->widths = calloc(first->n_columns + 1, sizeof *query->widths);
    if (!query->columns || !query->widths)
        report_no_memory();
    for (size_t i = 0; i < first->n_columns; i++)
        if (!(query->columns[i] = strdup(first->columns[i])))
            report_no_memory();
    if (query->format == FORMAT_PLAIN)
        begin_table(query, first);
    if (query->format == FORMAT_PLAIN || query->format == FORMAT_JSON)
        return;
    for (size_t i = 0; i < first->n_columns; i++) {
        if (i > 0)
            fputc(separator, stdout);
        print_text(stdout, query->format, first->columns[i]);
    }
    fputc('\n', stdout);
}

static void print_row(const struct query *query, const Byron__V1__SqlRow *row)
{
    bool is_json = query->format == FORMAT_JSON;
    size_t count = row->n_values < query->column_count ? row->n_values
                                                       : query->column_count;

    if (is_json)
        fputc('{', stdout);
    for (size_t i = 0; i < count; i++) {
        if (query->format == FORMAT_PLAIN) {
            print_cell(query, i, row->values[i]);
            continue;
        }
        if (i > 0)
            fputc(query->format == FORMAT_TSV ? '\t' : ',', stdout);
        if (is_json) {
            print_text(stdout, FORMAT_JSON, query->columns[i]);
            fputc(':', stdout);
        }
        print_value(stdout, query->format, row->values[i]);
    }
    fputs(is_json ? "}\n" : "\n", stdout);
}

static void print_message(struct query *query,
                          const Byron__V1__QueryResponse *message)
{
    if (!query->columns && message->n_columns > 0)
        print_heading(query, message);
    for (size_t i = 0; i < message->n_rows; i++)
        print_row(query, message->rows[i]);
    query->rows += message->n_rows;
    query->changes += message->changes;
}

static enum exit_code print_end(const struct query *query)
{
    char number[PROGRESS_NUMBER_SIZE];

    if (query->format == FORMAT_PLAIN && query->columns)
        printf("(%s row%s)\n", progress_number(query->rows, number),
               query->rows == 1 ? "" : "s");
    else if (query->format == FORMAT_PLAIN)
        printf("done, %s row%s changed\n",
               progress_number(query->changes, number),
               query->changes == 1 ? "" : "s");
    else if (query->format == FORMAT_JSON && !query->columns)
        printf("{\"changes\":%llu}\n", (unsigned long long)query->changes);
    return command_flush(stdout, "standard output");
}

static enum exit_code run(struct query *query)
{
    struct link *link = query->link;
    ProtobufCMessage *message;
    enum exit_code code = EXIT_DONE;
    enum client_event event = CLIENT_ENDED;
    char number[PROGRESS_NUMBER_SIZE];

    link_begin(link, "Query", 0);
    if (link_send(link, &query->request.base))
        client_half_close(link->client);
    while (code == EXIT_DONE &&
           (event = link_receive(link, &byron__v1__query_response__descriptor,
                                 &message)) == CLIENT_MESSAGE) {
        print_message(query, (Byron__V1__QueryResponse *)message);
        link_free(message);
        code = command_flush(stdout, "standard output");
    }
    if (event != CLIENT_ENDED)
        client_cancel(link->client);
    if (code == EXIT_STOPPED || event == CLIENT_INTERRUPTED)
        return report_error(
            EXIT_STOPPED, "STOPPED",
            "query: interrupted after at most %s rows; what it wrote is "
            "undone, unless that was all of it",
            progress_number(query->rows, number));
    if (code == EXIT_DONE)
        code = link_failure(link);
    return code == EXIT_DONE ? print_end(query) : code;
}

static void query_deinit(struct query *query)
{
    for (size_t i = 0; i < query->request.n_params; i++) {
        Byron__V1__Value *value = query->params[i];
        if (value->v_case == BYRON__V1__VALUE__V_BLOB)
            free(value->blob.data);
        if (value->v_case == BYRON__V1__VALUE__V_TEXT)
            free(value->text);
        free(value);
    }
    free(query->params);
    bytes_deinit(&query->sql);
    for (size_t i = 0; i < query->column_count; i++)
        free(query->columns[i]);
    free(query->columns);
    free(query->widths);
}

enum exit_code command_query(struct link *link)
{
    struct query query = {.link = link,
                          .format = link->options->format,
                          .request = BYRON__V1__QUERY_REQUEST__INIT};
    enum exit_code code = read_request(&query);

    if (code == EXIT_DONE)
        code = run(&query);
    query_deinit(&query);
    return code;
}
