#include "ctl/link.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "grpc/tally.h"

static volatile sig_atomic_t is_interrupted;

static void interrupt(int number)
{
    (void)number;
    is_interrupted = 1;
}

bool link_is_interrupted(void)
{
    return is_interrupted;
}

bool link_was_interrupted(void)
{
    bool was = is_interrupted;

    is_interrupted = 0;
    return was;
}

/* --- Opening ---------------------------------------------------------------*/

/* The first line of the file. */
static enum exit_code read_token(const char *path, char *token, size_t room)
{
    FILE *file = fopen(path, "re");
    struct stat found;
    enum exit_code code = EXIT_DONE;

    if (!file)
        return report_error(EXIT_FILE, "FILE", "%s: %s", path, strerror(errno));
    if (fstat(fileno(file), &found) != 0 || (found.st_mode & 077) != 0)
        code = report_error(EXIT_FILE, "FILE",
                            "%s: others may read this token; chmod 600 %s",
                            path, path);
    else if (!fgets(token, (int)room, file))
        token[0] = '\0';
    fclose(file);
    if (code != EXIT_DONE)
        return code;
    token[strcspn(token, "\r\n")] = '\0';
    for (const char *at = token; *at; at++)
        if (*at <= ' ' || *at > '~')
            token[0] = '\0';
    return *token ? EXIT_DONE
                  : report_error(EXIT_FILE, "FILE",
                                 "%s: the first line is no token alone", path);
}

static void hear_signals(void)
{
    struct sigaction action = {.sa_handler = interrupt,
                               .sa_flags = (int)SA_RESETHAND};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

enum exit_code link_open(const struct options *options, struct link *out)
{
    struct client_settings settings = {.address = options->server,
                                       .token = options->token,
                                       .is_tls = options->is_tls,
                                       .roots = options->roots,
                                       .certificate = options->certificate,
                                       .key = options->key,
                                       .is_interrupted = &is_interrupted};
    char words[CLIENT_WORDS_SIZE];
    enum exit_code code;

    memset(out, 0, sizeof *out);
    out->options = options;
    out->settings = settings;
    if (options->token_file) {
        code = read_token(options->token_file, out->token, sizeof out->token);
        if (code != EXIT_DONE)
            return code;
        out->settings.token = out->token;
    }
    hear_signals();
    if (client_open(&out->settings, &out->client, words) == BYRON_OK)
        return EXIT_DONE;
    return report_error(EXIT_FILE, "FILE", "%s", words);
}

void link_close(struct link *link)
{
    client_close(link->client);
    bytes_deinit(&link->packed);
    explicit_bzero(link->token, sizeof link->token);
}

/* --- Calls -----------------------------------------------------------------*/

void link_begin(struct link *link, const char *method, unsigned seconds)
{
    char path[64];

    if (link->options->timeout_seconds > 0)
        seconds = link->options->timeout_seconds;
    snprintf(path, sizeof path, "/byron.v1.Byron/%s", method);
    client_begin(link->client, path, seconds * 1000);
}

bool link_send(struct link *link, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);

    link->packed.size = 0;
    if (bytes_reserve(&link->packed, size) != BYRON_OK)
        report_no_memory();
    if (size > 0)
        link->packed.size = protobuf_c_message_pack(message, link->packed.data);
    return client_send(link->client, bytes_lend(&link->packed));
}

enum client_event link_receive(struct link *link,
                               const ProtobufCMessageDescriptor *descriptor,
                               ProtobufCMessage **out)
{
    static const uint8_t none = 0;
    struct byron_bytes bytes;
    enum client_event event = client_receive(link->client, &bytes);

    *out = NULL;
    if (event != CLIENT_MESSAGE)
        return event;
    *out = protobuf_c_message_unpack(descriptor, NULL, bytes.size,
                                     bytes.size > 0 ? bytes.data : &none);
    if (*out)
        return CLIENT_MESSAGE;
    client_cancel(link->client);
    return CLIENT_ENDED;
}

void link_free(ProtobufCMessage *message)
{
    if (message)
        protobuf_c_message_free_unpacked(message, NULL);
}

enum exit_code link_call(struct link *link, const char *method,
                         const ProtobufCMessage *request,
                         const ProtobufCMessageDescriptor *descriptor,
                         ProtobufCMessage **out)
{
    ProtobufCMessage *second = NULL;
    enum client_event event;
    enum exit_code code;

    *out = NULL;
    link_begin(link, method, LINK_UNARY_SECONDS);
    if (link_send(link, request))
        client_half_close(link->client);
    event = link_receive(link, descriptor, out);
    if (event == CLIENT_MESSAGE) /* The status follows. */
        event = link_receive(link, descriptor, &second);
    link_free(second);
    if (event != CLIENT_ENDED)
        client_cancel(link->client);
    code = event == CLIENT_INTERRUPTED
               ? report_error(EXIT_STOPPED, "STOPPED",
                              "%s: interrupted; it may be done, or not",
                              options_name(link->options->command))
               : link_failure(link);
    if (code == EXIT_DONE && !*out)
        code = report_error(EXIT_REFUSED, "INTERNAL", "%s: there is no answer",
                            options_name(link->options->command));
    if (code == EXIT_DONE)
        return EXIT_DONE;
    link_free(*out);
    *out = NULL;
    return code;
}

/* --- What went wrong -------------------------------------------------------*/

/* What can be done about it, or "". */
static const char *way_out(const struct link *link, enum grpc_code code)
{
    const struct options *options = link->options;

    switch (code) {
    case GRPC_UNAVAILABLE:
        return "; is byrond running there? --server=ADDRESS or BYRON_SERVER "
               "name another";
    case GRPC_UNAUTHENTICATED:
        return link->settings.token
                   ? "; the server does not know this token"
                   : "; --token-file=FILE, BYRON_TOKEN or --tls-certificate "
                     "show who we are";
    case GRPC_DEADLINE_EXCEEDED:
        return "; --timeout=SECONDS gives it longer";
    case GRPC_UNIMPLEMENTED:
        return options->command == COMMAND_QUERY
                   ? "; was byrond started with --database=FILE?"
                   : "; was byrond started with --store=DIRECTORY?";
    case GRPC_FAILED_PRECONDITION:
        return options->is_if_absent ? "; the key is there already" : "";
    default:
        return "";
    }
}

enum exit_code link_failure(struct link *link)
{
    const char *words;
    enum grpc_code code = client_outcome(link->client, &words);
    bool is_lost = client_is_lost(link->client);

    if (code == GRPC_OK)
        return EXIT_DONE;
    return report_error(
        code == GRPC_UNAVAILABLE || is_lost ? EXIT_LOST : EXIT_REFUSED,
        tally_code_words(code), "%s: %s (%s)%s%s",
        options_name(link->options->command),
        *words ? words : "the answer cannot be read", tally_code_words(code),
        way_out(link, code), is_lost ? "; it may be done, or not" : "");
}
