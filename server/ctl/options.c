#include "ctl/options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SERVER "127.0.0.1:7060"
#define DEFAULT_BATCH  1000
#define MAX_BATCH      10000
#define MAX_SECONDS    86400

#define OF(command) (1u << COMMAND_##command)
#define OF_ALL      0xFFFFu
#define OF_KEYS     (OF(GET) | OF(PUT) | OF(DELETE) | OF(RANGE) | OF(LOAD))

static const char *const names[COMMAND_COUNT] = {
    "", "get", "put", "delete", "range", "load", "query", "stats"};

const char *options_name(enum command command)
{
    return names[command];
}

enum kind { KIND_TEXT, KIND_SWITCH, KIND_NUMBER, KIND_NOTATION, KIND_FORMAT };

struct flag {
    const char *name;
    enum kind kind;
    unsigned commands;
    size_t at;     /* In struct options. */
    unsigned most; /* Of a number, which is at least 1. */
};

static const struct flag flags[] = {
    {"server", KIND_TEXT, OF_ALL, offsetof(struct options, server), 0},
    {"token-file", KIND_TEXT, OF_ALL, offsetof(struct options, token_file), 0},
    {"tls", KIND_SWITCH, OF_ALL, offsetof(struct options, is_tls), 0},
    {"tls-roots", KIND_TEXT, OF_ALL, offsetof(struct options, roots), 0},
    {"tls-certificate", KIND_TEXT, OF_ALL,
     offsetof(struct options, certificate), 0},
    {"tls-key", KIND_TEXT, OF_ALL, offsetof(struct options, key), 0},
    {"timeout", KIND_NUMBER, OF_ALL, offsetof(struct options, timeout_seconds),
     MAX_SECONDS},
    {"help", KIND_SWITCH, OF_ALL, offsetof(struct options, wants_help), 0},
    {"version", KIND_SWITCH, OF_ALL, offsetof(struct options, wants_version),
     0},
    {"format", KIND_FORMAT, OF(RANGE) | OF(LOAD) | OF(QUERY),
     offsetof(struct options, format), 0},
    {"as", KIND_NOTATION, OF_KEYS, offsetof(struct options, notation), 0},
    {"raw", KIND_SWITCH, OF(GET), offsetof(struct options, is_raw), 0},
    {"if-absent", KIND_SWITCH, OF(PUT), offsetof(struct options, is_if_absent),
     0},
    {"buffered", KIND_SWITCH, OF(PUT) | OF(DELETE),
     offsetof(struct options, is_buffered), 0},
    {"prefix", KIND_TEXT, OF(RANGE), offsetof(struct options, prefix), 0},
    {"start", KIND_TEXT, OF(RANGE) | OF(DELETE),
     offsetof(struct options, start), 0},
    {"end", KIND_TEXT, OF(RANGE) | OF(DELETE), offsetof(struct options, end),
     0},
    {"limit", KIND_NUMBER, OF(RANGE), offsetof(struct options, limit),
     4000000000u},
    {"reverse", KIND_SWITCH, OF(RANGE), offsetof(struct options, is_reverse),
     0},
    {"keys-only", KIND_SWITCH, OF(RANGE),
     offsetof(struct options, is_keys_only), 0},
    {"to", KIND_TEXT, OF(RANGE), offsetof(struct options, to), 0},
    {"id", KIND_TEXT, OF(LOAD), offsetof(struct options, id), 0},
    {"batch", KIND_NUMBER, OF(LOAD), offsetof(struct options, batch_rows),
     MAX_BATCH},
    {"read-only", KIND_SWITCH, OF(QUERY),
     offsetof(struct options, is_read_only), 0},
};

static enum exit_code wrong(const char *what, const char *argument)
{
    return report_error(EXIT_USAGE, "USAGE",
                        "%s: %.200s (byronctl --help says more)", argument,
                        what);
}

static enum exit_code set_number(const struct flag *flag, const char *text,
                                 unsigned *out, const char *argument)
{
    char *end = NULL;
    unsigned long number = 0;

    if (*text >= '0' && *text <= '9')
        number = strtoul(text, &end, 10);
    if (number == 0 || number > flag->most || *end)
        return report_error(EXIT_USAGE, "USAGE",
                            "%s: not a number from 1 to %u", argument,
                            flag->most);
    *out = (unsigned)number;
    return EXIT_DONE;
}

/* The place of the word in a list that ends with NULL; -1: not in it. */
static int place_of(const char *word, const char *const *list)
{
    for (int i = 0; list[i]; i++)
        if (strcmp(word, list[i]) == 0)
            return i;
    return -1;
}

static enum exit_code set_flag(const struct flag *flag, const char *text,
                               struct options *out, const char *argument)
{
    static const char *const notations[] = {"text", "hex", "base64", NULL};
    static const char *const formats[] = {"table", "tsv", "csv", "json", NULL};
    char *field = (char *)out + flag->at;
    int place;

    if (flag->kind == KIND_SWITCH) {
        *(bool *)field = true;
        return text ? wrong("takes no value", argument) : EXIT_DONE;
    }
    if (!text || !*text)
        return wrong("needs a value, as in --name=VALUE", argument);
    switch (flag->kind) {
    case KIND_NUMBER:
        return set_number(flag, text, (unsigned *)field, argument);
    case KIND_NOTATION:
        place = place_of(text, notations);
        out->notation = (enum notation)place;
        return place < 0 ? wrong("text, hex or base64", argument) : EXIT_DONE;
    case KIND_FORMAT:
        place = place_of(text, formats);
        out->format = (enum format)place;
        if (place == 0 && out->command != COMMAND_QUERY)
            place = -1;
        return place < 0 ? wrong(out->command == COMMAND_QUERY
                                     ? "table, tsv, csv or json"
                                     : "tsv, csv or json",
                                 argument)
                         : EXIT_DONE;
    default:
        *(const char **)field = text;
        return EXIT_DONE;
    }
}

static enum exit_code parse_flag(const char *argument, struct options *out)
{
    const char *name = argument + 2;
    size_t size = strcspn(name, "=");
    const char *text = name[size] ? name + size + 1 : NULL;

    if (size == 4 && strncmp(name, "json", size) == 0 && !text) {
        out->is_json = true;
        report_as_json();
        return EXIT_DONE;
    }
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        const struct flag *flag = &flags[i];
        if (strlen(flag->name) != size || strncmp(name, flag->name, size) != 0)
            continue;
        if (out->command != COMMAND_NONE &&
            !(flag->commands & (1u << out->command)))
            return report_error(
                EXIT_USAGE, "USAGE",
                "%s is no flag of %s (byronctl %s --help lists them)", argument,
                names[out->command], names[out->command]);
        return set_flag(flag, text, out, argument);
    }
    return wrong(size == 5 && strncmp(name, "token", 5) == 0
                     ? "others would see it; --token-file=FILE or "
                       "BYRON_TOKEN take a token"
                     : "there is no such flag",
                 size == 5 && text ? "--token" : argument);
}

/* The first that is no flag; NULL: all are. */
static const char *first_word(int count, char *const *arguments)
{
    for (int i = 1; i < count; i++)
        if (strncmp(arguments[i], "--", 2) != 0)
            return arguments[i];
    return NULL;
}

static enum command find_command(const char *word)
{
    if (!word)
        return COMMAND_NONE;
    for (int one = COMMAND_GET; one < COMMAND_COUNT; one++)
        if (strcmp(word, names[one]) == 0)
            return (enum command)one;
    return COMMAND_COUNT;
}

/* What a token, or TLS, needs besides. */
static enum exit_code check(struct options *out)
{
    bool is_local = strncmp(out->server, "unix:", 5) == 0;

    /* Of load it is the input that has a format. */
    if (out->is_json && out->command != COMMAND_LOAD &&
        out->format == FORMAT_PLAIN)
        out->format = FORMAT_JSON;
    if (out->roots || out->certificate)
        out->is_tls = true;
    if (!out->certificate != !out->key)
        return wrong("one needs the other", "--tls-certificate and --tls-key");
    if (is_local && out->is_tls)
        return wrong("unix sockets have no TLS", out->server);
    if (out->token_file)
        out->token = NULL;
    for (const char *at = out->token; at && *at; at++)
        if (*at <= ' ' || *at > '~')
            return wrong("not a token alone", "BYRON_TOKEN");
    if (is_local)
        out->token = out->token_file = NULL; /* Of no use there. */
    if ((out->token || out->token_file) && !out->is_tls)
        return wrong("is sent by TLS alone: add --tls, or --tls-roots=FILE",
                     out->token_file ? "--token-file" : "BYRON_TOKEN");
    return EXIT_DONE;
}

enum exit_code options_parse(int count, char **arguments, struct options *out)
{
    const char *word = first_word(count, arguments);
    enum exit_code code = EXIT_DONE;
    bool is_end = false;
    int kept = 0;

    memset(out, 0, sizeof *out);
    out->server = getenv("BYRON_SERVER");
    out->token = getenv("BYRON_TOKEN");
    if (!out->server || !*out->server)
        out->server = DEFAULT_SERVER;
    if (out->token && !*out->token)
        out->token = NULL;
    out->batch_rows = DEFAULT_BATCH;
    out->command = find_command(word);
    if (out->command == COMMAND_COUNT)
        return wrong("there is no such command", word);
    for (int i = 1; i < count && code == EXIT_DONE; i++) {
        if (is_end || strncmp(arguments[i], "--", 2) != 0)
            arguments[kept++] = arguments[i];
        else if (!arguments[i][2])
            is_end = true;
        else
            code = parse_flag(arguments[i], out);
    }
    if (code != EXIT_DONE || out->wants_help || out->wants_version)
        return code;
    if (out->command == COMMAND_NONE)
        return wrong("a command is needed", "byronctl");
    out->arguments = arguments + 1; /* Behind the command. */
    out->count = kept - 1;
    return check(out);
}
