/* get, put, delete. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "byron/v1/byron.pb-c.h"
#include "ctl/commands.h"

#define MAX_KEYS 10000

enum exit_code command_bytes(const struct options *options, const char *text,
                             struct bytes *out)
{
    const char *wrong = NULL;

    if (text)
        wrong = text_decode(options->notation, bytes_of_text(text), out);
    return wrong ? report_error(EXIT_USAGE, "USAGE", "%.100s: %s", text, wrong)
                 : EXIT_DONE;
}

ProtobufCBinaryData command_binary(const struct bytes *bytes)
{
    ProtobufCBinaryData out = {bytes->size, bytes->data};
    return out;
}

enum exit_code command_flush(FILE *out, const char *name)
{
    /* One that was interrupted would wait again. */
    if (ferror(out) && link_is_interrupted())
        return EXIT_STOPPED;
    errno = 0;
    if (fflush(out) == 0 && !ferror(out))
        return EXIT_DONE;
    if (link_is_interrupted())
        return EXIT_STOPPED;
    if (errno == EPIPE)
        return EXIT_FILE; /* Who read us has enough. */
    return report_error(EXIT_FILE, "FILE", "%s: %s", name,
                        errno ? strerror(errno) : "cannot be written");
}

/* --- get -------------------------------------------------------------------*/

/* Keys of the command line as bytes; freed by free_keys. */
static enum exit_code read_keys(const struct options *options,
                                ProtobufCBinaryData **out)
{
    size_t count = (size_t)options->count;
    ProtobufCBinaryData *keys;
    enum exit_code code = EXIT_DONE;

    if (count == 0 || count > MAX_KEYS)
        return report_error(EXIT_USAGE, "USAGE",
                            "1 to %d keys are needed (--help has examples)",
                            MAX_KEYS);
    keys = calloc(count, sizeof *keys);
    if (!keys)
        report_no_memory();
    for (size_t i = 0; i < count && code == EXIT_DONE; i++) {
        struct bytes key = {0};
        code = command_bytes(options, options->arguments[i], &key);
        keys[i] = command_binary(&key);
    }
    *out = keys;
    return code;
}

static void free_keys(ProtobufCBinaryData *keys, int count)
{
    for (int i = 0; keys && i < count; i++)
        free(keys[i].data);
    free(keys);
}

static void print_value(const struct options *options, const char *key,
                        const Byron__V1__GetResponse *result)
{
    struct byron_bytes value = {result->value.data, result->value.len};

    if (options->format == FORMAT_JSON) {
        fputs("{\"key\":", stdout);
        text_print_json(stdout, NOTATION_TEXT, bytes_of_text(key));
        fprintf(stdout, ",\"found\":%s", result->found ? "true" : "false");
        if (result->found) {
            fputs(",\"value\":", stdout);
            text_print_json(stdout, options->notation, value);
        }
        fputs("}\n", stdout);
        return;
    }
    text_print(stdout, options->notation, value,
               !options->is_raw && isatty(STDOUT_FILENO));
    if (!options->is_raw)
        fputc('\n', stdout);
}

enum exit_code command_get(struct link *link)
{
    const struct options *options = link->options;
    Byron__V1__MultiGetRequest request = BYRON__V1__MULTI_GET_REQUEST__INIT;
    const Byron__V1__MultiGetResponse *response;
    ProtobufCMessage *message = NULL;
    ProtobufCBinaryData *keys = NULL;
    enum exit_code code = read_keys(options, &keys);
    bool is_absent = false;

    if (code == EXIT_DONE && options->is_raw && options->count > 1)
        code = report_error(EXIT_USAGE, "USAGE", "get: --raw is for one key");
    request.n_keys = (size_t)options->count;
    request.keys = keys;
    if (code == EXIT_DONE)
        code = link_call(link, "MultiGet", &request.base,
                         &byron__v1__multi_get_response__descriptor, &message);
    response = (const Byron__V1__MultiGetResponse *)message;
    for (size_t i = 0; code == EXIT_DONE && i < request.n_keys; i++) {
        const char *key = options->arguments[i];
        bool is_found = i < response->n_results && response->results[i]->found;
        if (is_found ||
            (options->format == FORMAT_JSON && i < response->n_results))
            print_value(options, key, response->results[i]);
        else
            report_note("byronctl: %.200s: there is no such key", key);
        is_absent = is_absent || !is_found;
    }
    link_free(message);
    free_keys(keys, options->count);
    if (code == EXIT_DONE)
        code = command_flush(stdout, "standard output");
    return code == EXIT_DONE && is_absent ? EXIT_ABSENT : code;
}

/* --- put -------------------------------------------------------------------*/

static enum exit_code read_input(struct bytes *out)
{
    char piece[16384];
    ssize_t got;

    while ((got = read(STDIN_FILENO, piece, sizeof piece)) > 0)
        text_add(out, piece, (size_t)got);
    if (got < 0 && link_is_interrupted())
        return report_error(EXIT_STOPPED, "STOPPED",
                            "put: interrupted; nothing was written");
    return got == 0 ? EXIT_DONE
                    : report_error(EXIT_FILE, "FILE", "standard input: %s",
                                   strerror(errno));
}

static enum exit_code read_value(const struct options *options,
                                 struct bytes *out)
{
    return options->count == 2
               ? command_bytes(options, options->arguments[1], out)
               : read_input(out);
}

/* Whether it is there, and may not be. */
static bool is_taken(const struct link *link)
{
    const char *words;

    return link->options->is_if_absent &&
           client_outcome(link->client, &words) == GRPC_FAILED_PRECONDITION;
}

/* Of Put, Delete and Write alike. */
static enum exit_code tell_done(const struct options *options,
                                enum exit_code code)
{
    if (code == EXIT_DONE && options->format == FORMAT_JSON)
        puts("{\"done\":true}");
    return code == EXIT_DONE ? command_flush(stdout, "standard output") : code;
}

static enum exit_code write_ops(struct link *link, Byron__V1__Op **ops,
                                size_t count, Byron__V1__Condition *condition)
{
    Byron__V1__WriteRequest request = BYRON__V1__WRITE_REQUEST__INIT;
    ProtobufCMessage *response = NULL;
    enum exit_code code;

    request.ops = ops;
    request.n_ops = count;
    request.conditions = &condition;
    request.n_conditions = condition != NULL;
    if (link->options->is_buffered)
        request.durability = BYRON__V1__DURABILITY__DURABILITY_BUFFERED;
    code = link_call(link, "Write", &request.base,
                     &byron__v1__write_response__descriptor, &response);
    link_free(response);
    return code;
}

enum exit_code command_put(struct link *link)
{
    const struct options *options = link->options;
    Byron__V1__Put put = BYRON__V1__PUT__INIT;
    Byron__V1__Op op = BYRON__V1__OP__INIT;
    Byron__V1__Op *ops = &op;
    Byron__V1__Condition absent = BYRON__V1__CONDITION__INIT;
    struct bytes key = {0};
    struct bytes value = {0};
    enum exit_code code;

    if (options->count < 1 || options->count > 2)
        return report_error(EXIT_USAGE, "USAGE",
                            "put: a key and a value are needed, or a key and "
                            "standard input (--help has examples)");
    code = command_bytes(options, options->arguments[0], &key);
    if (code == EXIT_DONE)
        code = read_value(options, &value);
    put.key = command_binary(&key);
    put.value = command_binary(&value);
    op.op_case = BYRON__V1__OP__OP_PUT;
    op.put = &put;
    absent.key = put.key;
    absent.expect_case = BYRON__V1__CONDITION__EXPECT_ABSENT;
    absent.absent = true;
    if (code == EXIT_DONE)
        code = write_ops(link, &ops, 1, options->is_if_absent ? &absent : NULL);
    if (code == EXIT_REFUSED && is_taken(link))
        code = EXIT_ABSENT;
    bytes_deinit(&key);
    bytes_deinit(&value);
    return tell_done(options, code);
}

/* --- delete ----------------------------------------------------------------*/

static enum exit_code delete_range(struct link *link)
{
    const struct options *options = link->options;
    Byron__V1__DeleteRange range = BYRON__V1__DELETE_RANGE__INIT;
    Byron__V1__Op op = BYRON__V1__OP__INIT;
    Byron__V1__Op *ops = &op;
    struct bytes start = {0};
    struct bytes end = {0};
    enum exit_code code;

    if (!options->start || !options->end || options->count > 0)
        return report_error(
            EXIT_USAGE, "USAGE",
            "delete: --start and --end need each other, and no keys "
            "(--help has examples)");
    code = command_bytes(options, options->start, &start);
    if (code == EXIT_DONE)
        code = command_bytes(options, options->end, &end);
    range.start = command_binary(&start);
    range.end = command_binary(&end);
    op.op_case = BYRON__V1__OP__OP_DELETE_RANGE;
    op.delete_range = &range;
    if (code == EXIT_DONE)
        code = write_ops(link, &ops, 1, NULL);
    bytes_deinit(&start);
    bytes_deinit(&end);
    return code;
}

static enum exit_code delete_keys(struct link *link)
{
    size_t count = (size_t)link->options->count;
    ProtobufCBinaryData *keys = NULL;
    enum exit_code code = read_keys(link->options, &keys);
    Byron__V1__Op *room = calloc(count + 1, sizeof *room);
    Byron__V1__Op **ops = calloc(count + 1, sizeof *ops);

    if (!room || !ops)
        report_no_memory();
    for (size_t i = 0; code == EXIT_DONE && i < count; i++) {
        byron__v1__op__init(&room[i]);
        room[i].op_case = BYRON__V1__OP__OP_DELETE_KEY;
        room[i].delete_key = keys[i];
        ops[i] = &room[i];
    }
    if (code == EXIT_DONE)
        code = write_ops(link, ops, count, NULL);
    free(ops);
    free(room);
    free_keys(keys, link->options->count);
    return code;
}

enum exit_code command_delete(struct link *link)
{
    const struct options *options = link->options;

    return tell_done(options, options->start || options->end
                                  ? delete_range(link)
                                  : delete_keys(link));
}
