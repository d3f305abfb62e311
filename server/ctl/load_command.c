/*
 * load: rows of a file as batches of one Load.
 *
 * A batch ends after so many rows, or at BATCH_BYTES: the same input gives the
 * same batches, so those that are there can be skipped by their number. Rows a
 * batch are part of the server's id of the load.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "byron/v1/byron.pb-c.h"
#include "ctl/commands.h"
#include "ctl/progress.h"
#include "ctl/reader.h"

#define BATCH_BYTES ((size_t)1024 * 1024)
#define MAX_NAME    48 /* Of an id of ours. */
#define WAIT_MS     200
#define BUFFER      ((size_t)64 * 1024)

struct row {
    size_t key_size;
    size_t value_size;
};

struct load {
    struct link *link;
    int fd;
    FILE *file;       /* Over fd. */
    const char *name; /* Of the file. */
    uint64_t offset;  /* Of what was read, */
    bool is_cut;      /* and no more is: the call has ended. */
    struct reader reader;
    struct progress progress;
    char id[MAX_NAME + 16]; /* With the rows a batch. */
    size_t name_size;       /* Of the id, without them. */
    struct bytes text;      /* Keys and values of the batch, */
    struct row *rows;       /* their sizes, */
    Byron__V1__Put *puts;   /* and as messages. */
    Byron__V1__Op *ops;
    Byron__V1__Op **list;
    size_t count;
    uint64_t there;      /* Batches that had been there. */
    uint64_t batches;    /* Read so far, */
    uint64_t row_count;  /* and rows. */
    struct bytes counts; /* uint64_t: rows up to the end of each batch. */
};

/* --- Of the input ----------------------------------------------------------*/

/* What the stream reads with: meanwhile pings of the server are answered. */
static ssize_t read_patiently(void *context, char *to, size_t room)
{
    struct load *load = context;
    struct pollfd input = {.fd = load->fd, .events = POLLIN};
    ssize_t got;

    while (!link_is_interrupted() && poll(&input, 1, WAIT_MS) == 0 &&
           !load->is_cut)
        load->is_cut = !client_turn(load->link->client);
    if (load->is_cut || link_is_interrupted()) {
        errno = EINTR;
        return -1;
    }
    got = read(load->fd, to, room);
    if (got > 0)
        load->offset += (uint64_t)got;
    return got;
}

static enum exit_code open_input(struct load *load)
{
    static const cookie_io_functions_t functions = {.read = read_patiently};
    const struct options *options = load->link->options;
    const char *path = options->count > 0 ? options->arguments[0] : "-";
    enum format format = options->format;
    struct stat found;
    uint64_t size = 0;

    if (options->count > 1)
        return report_error(EXIT_USAGE, "USAGE", "load: one file at a time");
    load->name = strcmp(path, "-") == 0 ? "standard input" : path;
    load->fd = strcmp(path, "-") == 0 ? STDIN_FILENO
                                      : open(path, O_RDONLY | O_CLOEXEC);
    if (load->fd < 0)
        return report_error(EXIT_FILE, "FILE", "%s: %s", path, strerror(errno));
    load->file = fopencookie(load, "r", functions);
    if (!load->file || setvbuf(load->file, NULL, _IOFBF, BUFFER) != 0)
        report_no_memory();
    if (format == FORMAT_PLAIN)
        format = reader_format_of(path);
    reader_init(&load->reader, load->file, format, options->notation);
    if (fstat(load->fd, &found) == 0 && S_ISREG(found.st_mode))
        size = (uint64_t)found.st_size;
    progress_begin(&load->progress, "loaded", size, true);
    return EXIT_DONE;
}

/* Names the load, by itself if nobody has. */
static enum exit_code name_load(struct load *load)
{
    const struct options *options = load->link->options;
    uint64_t dice = 0;

    if (options->id && strlen(options->id) > MAX_NAME)
        return report_error(EXIT_USAGE, "USAGE",
                            "load: --id has at most %d letters", MAX_NAME);
    if (options->id)
        snprintf(load->id, sizeof load->id, "%s", options->id);
    else if (getrandom(&dice, sizeof dice, 0) == (ssize_t)sizeof dice)
        snprintf(load->id, sizeof load->id, "%016llx",
                 (unsigned long long)dice);
    else
        return report_error(EXIT_FILE, "FILE",
                            "load: no random number for an id");
    load->name_size = strlen(load->id);
    snprintf(load->id + load->name_size, sizeof load->id - load->name_size,
             "/%u", options->batch_rows);
    return EXIT_DONE;
}

static void make_room(struct load *load)
{
    size_t most = load->link->options->batch_rows;

    load->rows = calloc(most, sizeof *load->rows);
    load->puts = calloc(most, sizeof *load->puts);
    load->ops = calloc(most, sizeof *load->ops);
    load->list = calloc(most, sizeof *load->list);
    if (!load->rows || !load->puts || !load->ops || !load->list)
        report_no_memory();
}

/* The next row behind those of the batch. */
static enum reader_found read_row(struct load *load)
{
    struct bytes *text = &load->text;
    struct bytes value = {0};
    size_t before = text->size;
    enum reader_found found = reader_next(&load->reader, text, &value);
    struct row *row = &load->rows[load->count];

    if (found == READER_ROW) {
        row->key_size = text->size - before;
        row->value_size = value.size;
        text_add(text, value.data, value.size);
        load->count++;
    }
    bytes_deinit(&value);
    return found;
}

static enum exit_code read_failure(struct load *load, enum reader_found found)
{
    progress_end(&load->progress);
    if (found == READER_WRONG)
        return report_error(EXIT_FILE, "FILE", "%s, line %llu: %s", load->name,
                            (unsigned long long)load->reader.line,
                            load->reader.wrong);
    if (ferror(load->file) && !link_is_interrupted() && !load->is_cut)
        return report_error(EXIT_FILE, "FILE", "%s: %s", load->name,
                            strerror(errno));
    return EXIT_DONE;
}

/* As many rows as make a batch, or are left. */
static enum exit_code read_batch(struct load *load)
{
    size_t most = load->link->options->batch_rows;
    enum reader_found found = READER_ROW;

    load->text.size = 0;
    load->count = 0;
    while (load->count < most && load->text.size < BATCH_BYTES &&
           found == READER_ROW && !link_is_interrupted())
        found = read_row(load);
    if (load->count > 0) {
        load->batches++;
        load->row_count += load->count;
        text_add(&load->counts, &load->row_count, sizeof load->row_count);
    }
    return found == READER_ROW ? EXIT_DONE : read_failure(load, found);
}

/* --- To the server ---------------------------------------------------------*/

/* False: the call has ended, or has been interrupted. */
static bool send_batch(struct load *load)
{
    Byron__V1__LoadRequest request = BYRON__V1__LOAD_REQUEST__INIT;
    uint8_t *text = load->text.data;

    for (size_t i = 0; i < load->count; i++) {
        const struct row *row = &load->rows[i];
        byron__v1__put__init(&load->puts[i]);
        byron__v1__op__init(&load->ops[i]);
        load->puts[i].key.data = text;
        load->puts[i].key.len = row->key_size;
        text += row->key_size;
        load->puts[i].value.data = text;
        load->puts[i].value.len = row->value_size;
        text += row->value_size;
        load->ops[i].op_case = BYRON__V1__OP__OP_PUT;
        load->ops[i].put = &load->puts[i];
        load->list[i] = &load->ops[i];
    }
    request.load_id.data = (uint8_t *)load->id;
    request.load_id.len = strlen(load->id);
    request.number = load->batches;
    request.n_ops = load->count;
    request.ops = load->list;
    return link_send(load->link, &request.base);
}

/* How many batches of this load are there. False: the server does not say. */
static bool ask(struct load *load, uint64_t *out)
{
    Byron__V1__LoadRequest request = BYRON__V1__LOAD_REQUEST__INIT;
    ProtobufCMessage *response = NULL;
    ProtobufCMessage *end = NULL;

    request.load_id.data = (uint8_t *)load->id;
    request.load_id.len = strlen(load->id);
    link_begin(load->link, "Load", LINK_UNARY_SECONDS);
    if (link_send(load->link, &request.base))
        client_half_close(load->link->client);
    if (link_receive(load->link, &byron__v1__load_response__descriptor,
                     &response) != CLIENT_MESSAGE)
        return false;
    *out = ((const Byron__V1__LoadResponse *)response)->batches;
    link_free(response);
    (void)link_receive(load->link, &byron__v1__load_response__descriptor, &end);
    link_free(end);
    return true;
}

/* Rows of the first batches. */
static uint64_t rows_of(const struct load *load, uint64_t batches)
{
    uint64_t rows = 0;

    if (batches > load->batches)
        batches = load->batches;
    if (batches > 0)
        memcpy(&rows, load->counts.data + (batches - 1) * sizeof rows,
               sizeof rows);
    return rows;
}

/* It does not come to its end: says how far it came. */
static enum exit_code break_off(struct load *load, enum exit_code code)
{
    char number[PROGRESS_NUMBER_SIZE];
    uint64_t there = 0;

    client_cancel(load->link->client);
    progress_end(&load->progress);
    if (link_was_interrupted())
        code = EXIT_STOPPED;
    load->id[load->name_size] = '/';
    if (ask(load, &there))
        progress_number(rows_of(load, there), number);
    else
        snprintf(number, sizeof number, "an unknown number of");
    load->id[load->name_size] = '\0';
    report_error(
        code, code == EXIT_STOPPED ? "STOPPED" : "BROKEN",
        "load: %s; %s rows are there; the same command with --id=%s goes on",
        code == EXIT_STOPPED ? "interrupted" : "broken off", number, load->id);
    return code;
}

/* Reads and sends until the end of the input. */
static enum exit_code run(struct load *load)
{
    enum exit_code code;

    link_begin(load->link, "Load", 0);
    for (;;) {
        code = read_batch(load);
        if (link_is_interrupted() || code != EXIT_DONE)
            return break_off(load, code);
        if (load->count == 0 || load->is_cut)
            break;
        if (load->batches > load->there && !send_batch(load))
            break;
        progress_set(&load->progress, load->offset, load->row_count);
    }
    client_half_close(load->link->client);
    return EXIT_DONE;
}

static enum exit_code tell(const struct load *load)
{
    char rows[PROGRESS_NUMBER_SIZE];
    char old[PROGRESS_NUMBER_SIZE];
    uint64_t before = rows_of(load, load->there);

    if (load->link->options->is_json)
        printf("{\"rows\":%llu,\"batches\":%llu,\"skipped\":%llu}\n",
               (unsigned long long)load->row_count,
               (unsigned long long)load->batches, (unsigned long long)before);
    else if (before > 0)
        printf("loaded %s rows, of which %s had been there\n",
               progress_number(load->row_count, rows),
               progress_number(before, old));
    else
        printf("loaded %s row%s\n", progress_number(load->row_count, rows),
               load->row_count == 1 ? "" : "s");
    return command_flush(stdout, "standard output");
}

/* The answer to all of it. */
static enum exit_code finish(struct load *load)
{
    ProtobufCMessage *response = NULL;
    ProtobufCMessage *end = NULL;
    enum client_event event;
    enum exit_code code;

    event = link_receive(load->link, &byron__v1__load_response__descriptor,
                         &response);
    if (event == CLIENT_MESSAGE)
        event = link_receive(load->link, &byron__v1__load_response__descriptor,
                             &end);
    link_free(response);
    link_free(end);
    if (event == CLIENT_INTERRUPTED)
        return break_off(load, EXIT_STOPPED);
    progress_end(&load->progress);
    code = link_failure(load->link);
    return code == EXIT_DONE ? tell(load) : break_off(load, code);
}

static void load_deinit(struct load *load)
{
    reader_deinit(&load->reader);
    bytes_deinit(&load->text);
    bytes_deinit(&load->counts);
    free(load->rows);
    free(load->puts);
    free(load->ops);
    free(load->list);
    if (load->file)
        fclose(load->file);
    if (load->fd > STDIN_FILENO)
        close(load->fd);
}

enum exit_code command_load(struct link *link)
{
    struct load load = {.link = link};
    enum exit_code code = open_input(&load);

    if (code == EXIT_DONE)
        code = name_load(&load);
    if (code == EXIT_DONE) {
        make_room(&load);
        if (link->options->id && !ask(&load, &load.there))
            code = link_failure(link);
    }
    if (code == EXIT_DONE)
        code = run(&load);
    if (code == EXIT_DONE && !load.is_cut && load.batches < load.there)
        code = report_error(
            EXIT_FILE, "FILE",
            "load: %s has %llu batches, and the load of --id=%s has "
            "%llu: it was of another input",
            load.name, (unsigned long long)load.batches, link->options->id,
            (unsigned long long)load.there);
    else if (code == EXIT_DONE)
        code = finish(&load);
    load_deinit(&load);
    return code;
}
