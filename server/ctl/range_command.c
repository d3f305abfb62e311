/* range. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "byron/v1/byron.pb-c.h"
#include "ctl/commands.h"
#include "ctl/progress.h"

struct range {
    struct link *link;
    Byron__V1__RangeRequest request;
    struct bytes start;
    struct bytes end;
    struct bytes token; /* Of the last message. */
    FILE *out;
    const char *name; /* Of out. */
    struct progress progress;
    uint64_t rows;
};

/* The first key behind all that begin so; empty: there is none. */
static void end_of_prefix(const struct bytes *prefix, struct bytes *out)
{
    size_t size = prefix->size;

    while (size > 0 && prefix->data[size - 1] == 0xFF)
        size--;
    text_add(out, prefix->data, size);
    if (size > 0)
        out->data[size - 1]++;
}

static enum exit_code read_bounds(struct range *range)
{
    const struct options *options = range->link->options;
    enum exit_code code;

    if (options->count > 0)
        return report_error(
            EXIT_USAGE, "USAGE",
            "range: %.100s: --prefix, --start and --end name keys",
            options->arguments[0]);
    if (options->prefix && (options->start || options->end))
        return report_error(
            EXIT_USAGE, "USAGE",
            "range: --prefix has no --start or --end beside it");
    code = command_bytes(options,
                         options->prefix ? options->prefix : options->start,
                         &range->start);
    if (code == EXIT_DONE)
        code = command_bytes(options, options->end, &range->end);
    if (code == EXIT_DONE && options->prefix)
        end_of_prefix(&range->start, &range->end);
    return code;
}

static enum exit_code open_output(struct range *range)
{
    const struct options *options = range->link->options;

    range->out = stdout;
    range->name = "standard output";
    if (options->to) {
        range->out = fopen(options->to, "we");
        range->name = options->to;
        if (!range->out)
            return report_error(EXIT_FILE, "FILE", "%s: %s", options->to,
                                strerror(errno));
    }
    if (options->format == FORMAT_CSV)
        fputs(options->is_keys_only ? "key\n" : "key,value\n", range->out);
    return EXIT_DONE;
}

static void print_rows(struct range *range,
                       const Byron__V1__RangeResponse *response)
{
    const struct options *options = range->link->options;

    for (size_t i = 0; i < response->n_rows; i++) {
        const Byron__V1__Row *row = response->rows[i];
        struct byron_bytes key = {row->key.data, row->key.len};
        struct byron_bytes value = {row->value.data, row->value.len};
        text_print_row(range->out, options->format, options->notation, key,
                       options->is_keys_only ? NULL : &value);
    }
    range->rows += response->n_rows;
    range->token.size = 0;
    text_add(&range->token, response->resume_token.data,
             response->resume_token.len);
}

static enum exit_code stopped(const struct range *range, bool is_cut)
{
    char number[PROGRESS_NUMBER_SIZE];

    progress_number(range->rows, number);
    return report_error(EXIT_STOPPED, "STOPPED",
                        is_cut
                            ? "range: interrupted; %s was not read on, and has "
                              "less than %s rows"
                            : "range: interrupted; %s has the first %s rows",
                        range->name, number);
}

/* One call. EXIT_LOST: it may be taken up again; that has not been reported. */
static enum exit_code run_once(struct range *range)
{
    struct link *link = range->link;
    ProtobufCMessage *message;
    enum exit_code code = EXIT_DONE;
    enum client_event event = CLIENT_ENDED;
    const char *words;
    uint64_t before = range->rows;

    range->request.resume_token = command_binary(&range->token);
    link_begin(link, "Range", 0);
    if (link_send(link, &range->request.base))
        client_half_close(link->client);
    while (code == EXIT_DONE &&
           (event = link_receive(link, &byron__v1__range_response__descriptor,
                                 &message)) == CLIENT_MESSAGE) {
        print_rows(range, (Byron__V1__RangeResponse *)message);
        link_free(message);
        code = command_flush(range->out, range->name);
        progress_set(&range->progress, range->rows, range->rows);
    }
    if (code == EXIT_DONE && event == CLIENT_ENDED) {
        enum grpc_code ended = client_outcome(link->client, &words);
        bool may_go_on = ended == GRPC_ABORTED || ended == GRPC_UNAVAILABLE ||
                         client_is_lost(link->client);
        if (may_go_on && range->rows > before &&
            ended != GRPC_DEADLINE_EXCEEDED)
            return EXIT_LOST;
    }
    progress_end(&range->progress);
    if (code != EXIT_DONE || event == CLIENT_INTERRUPTED)
        client_cancel(link->client);
    if (code == EXIT_STOPPED || event == CLIENT_INTERRUPTED)
        return stopped(range, code == EXIT_STOPPED);
    return code == EXIT_DONE ? link_failure(link) : code;
}

static enum exit_code run(struct range *range)
{
    char number[PROGRESS_NUMBER_SIZE];
    enum exit_code code;

    for (;;) {
        uint64_t before = range->rows;
        code = run_once(range);
        if (code != EXIT_LOST || range->rows == before)
            return code;
        progress_end(&range->progress);
        report_note("byronctl: range: broken off, and taken up again: what "
                    "follows %s rows is of a later state",
                    progress_number(range->rows, number));
    }
}

static enum exit_code close_output(struct range *range, enum exit_code code)
{
    char number[PROGRESS_NUMBER_SIZE];

    if (!range->out || range->out == stdout)
        return code;
    if (fclose(range->out) != 0 && code == EXIT_DONE)
        return report_error(EXIT_FILE, "FILE", "%s: %s", range->name,
                            strerror(errno));
    if (code == EXIT_DONE)
        report_note("%s: %s rows", range->name,
                    progress_number(range->rows, number));
    return code;
}

enum exit_code command_range(struct link *link)
{
    struct range range = {.link = link,
                          .request = BYRON__V1__RANGE_REQUEST__INIT};
    const struct options *options = link->options;
    enum exit_code code = read_bounds(&range);

    if (code == EXIT_DONE)
        code = open_output(&range);
    range.request.start = command_binary(&range.start);
    range.request.end = command_binary(&range.end);
    range.request.limit = options->limit;
    range.request.reverse = options->is_reverse;
    range.request.keys_only = options->is_keys_only;
    progress_begin(&range.progress, "read", options->limit,
                   options->to != NULL);
    if (code == EXIT_DONE)
        code = close_output(&range, run(&range));
    bytes_deinit(&range.start);
    bytes_deinit(&range.end);
    bytes_deinit(&range.token);
    return code;
}
