#include "main/flags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_LISTEN "127.0.0.1:7060"
#define MAX_LOOPS      64
#define MAX_GRACE      3600
#define MAX_LEASE      3600

const char flags_help[] =
    "byrond serves a store of keys and values on this machine, by gRPC.\n"
    "\n"
    "  --listen=ADDRESS  IPV4:PORT, [IPV6]:PORT or unix:PATH, up to 8\n"
    "                    times; port 0 lets the system choose\n"
    "                    (default " DEFAULT_LISTEN ")\n"
    "  --store=DIRECTORY the store; created if there is none. Not one that is\n"
    "                    kept by a SQLite database\n"
    "  --database=FILE   a SQLite database with byron tables, for Query; "
    "created\n"
    "                    if there is none. Beside --store, or without it\n"
    "  --threads=COUNT   event loops, 1 to 64 (default 1)\n"
    "  --grace=SECONDS   SIGTERM and SIGINT let calls go on for so long\n"
    "                    (default 10); a second signal ends at once\n"
    "  --lease=SECONDS   a snapshot that is not renewed and a Range that goes\n"
    "                    on end after so long, at most 3600 (default 600)\n"
    "  --tls-certificate=FILE, --tls-key=FILE  TLS, but for unix sockets\n"
    "  --tls-clients=FILE  what signs the certificates of clients, which then\n"
    "                    have to show one, or a token if there are tokens\n"
    "  --tokens=FILE     lines \"read TOKEN\", write or admin, perhaps for "
    "places\n"
    "                    alone (table=NAME, prefix=KEY, range=KEY..KEY); mode "
    "0600\n"
    "  --metrics=ADDRESS GET /metrics there tells Prometheus the figures\n"
    "  --log=LEVEL       a line of JSON on standard error for each call: "
    "none,\n"
    "                    errors (those where the server failed; the default)\n"
    "                    or calls\n"
    "  --help, --version\n";

static byron_status complain(char *words, const char *what, const char *flag)
{
    snprintf(words, FLAGS_WORDS_SIZE, "%s: %.150s", what, flag);
    return BYRON_MISUSE;
}

/* The text behind --name=, or NULL. */
static const char *value_of(const char *argument, const char *name)
{
    size_t size = strlen(name);

    return strncmp(argument, name, size) == 0 && argument[size] == '='
               ? argument + size + 1
               : NULL;
}

static bool parse_number(const char *text, unsigned most, unsigned *out)
{
    char *end;
    unsigned long number;

    if (*text < '0' || *text > '9')
        return false;
    number = strtoul(text, &end, 10);
    *out = (unsigned)number;
    return !*end && number <= most;
}

static byron_status read_address(const char *text, struct address *out,
                                 char *words)
{
    if (address_parse(text, out) != BYRON_OK)
        return complain(words, "not an address", text);
    return BYRON_OK;
}

/* Without TLS, and proof of who calls, nobody else's machine comes in. */
static byron_status check_safety(const struct flags *flags, char *words)
{
    bool is_safe = flags->certificate && (flags->clients || flags->tokens);

    if (!flags->certificate != !flags->key)
        return complain(words, "needs --tls-key and --tls-certificate", "TLS");
    if (!flags->certificate && (flags->clients || flags->tokens))
        return complain(words, "need --tls-certificate",
                        "--tls-clients and --tokens");
    for (unsigned i = 0; i < flags->listen_count && !is_safe; i++)
        if (!address_is_local(&flags->listen[i]))
            return complain(words,
                            "beyond this machine there is no TLS without "
                            "--tls-certificate, and --tls-clients or --tokens",
                            "--listen");
    if (flags->has_metrics && !address_is_local(&flags->metrics))
        return complain(words, "metrics stay on this machine, as no TLS is",
                        "--metrics");
    return BYRON_OK;
}

/* True: it was one of these. */
static bool set_path(const char *argument, struct flags *out)
{
    const char *value;

    if ((value = value_of(argument, "--tls-certificate")) != NULL)
        out->certificate = value;
    else if ((value = value_of(argument, "--tls-key")) != NULL)
        out->key = value;
    else if ((value = value_of(argument, "--tls-clients")) != NULL)
        out->clients = value;
    else if ((value = value_of(argument, "--tokens")) != NULL)
        out->tokens = value;
    return value;
}

static byron_status add_listen(struct flags *flags, const char *text,
                               char *words)
{
    byron_status status;

    if (flags->listen_count == FLAGS_MAX_LISTEN)
        return complain(words, "too many addresses", text);
    status = read_address(text, &flags->listen[flags->listen_count], words);
    flags->listen_count += status == BYRON_OK;
    return status;
}

static byron_status set_log(struct flags *flags, const char *text, char *words)
{
    static const char *const levels[] = {"none", "errors", "calls"};

    for (int i = 0; i < 3; i++) {
        if (strcmp(text, levels[i]) != 0)
            continue;
        flags->log = (enum call_log_level)i;
        return BYRON_OK;
    }
    return complain(words, "none, errors or calls", text);
}

/* A store beside a database has that database as its history. */
static byron_status set_store(struct flags *flags, const char *path,
                              char *words)
{
    static const char kept[] = "-byron";
    size_t size = strlen(path);

    while (size > 1 && path[size - 1] == '/')
        size--;
    if (size == 0)
        return complain(words, "not a directory", "--store=");
    if (size >= sizeof kept - 1 &&
        memcmp(path + size - (sizeof kept - 1), kept, sizeof kept - 1) == 0)
        return complain(words, "this store is kept by a SQLite database", path);
    flags->store = path;
    return BYRON_OK;
}

static byron_status parse_one(const char *argument, struct flags *out,
                              char *words)
{
    const char *value = value_of(argument, "--listen");

    if (value)
        return add_listen(out, value, words);
    if (set_path(argument, out))
        return BYRON_OK;
    if ((value = value_of(argument, "--database")) != NULL) {
        out->database = value;
        return *value ? BYRON_OK : complain(words, "not a file", argument);
    }
    if ((value = value_of(argument, "--log")) != NULL)
        return set_log(out, value, words);
    if ((value = value_of(argument, "--metrics")) != NULL) {
        out->has_metrics = true;
        return read_address(value, &out->metrics, words);
    }
    if ((value = value_of(argument, "--threads")) != NULL) {
        if (!parse_number(value, MAX_LOOPS, &out->loops) || out->loops == 0)
            return complain(words, "not a number from 1 to 64", argument);
    } else if ((value = value_of(argument, "--grace")) != NULL) {
        if (!parse_number(value, MAX_GRACE, &out->grace_seconds))
            return complain(words, "not a number of seconds up to 3600",
                            argument);
    } else if ((value = value_of(argument, "--lease")) != NULL) {
        if (!parse_number(value, MAX_LEASE, &out->lease_seconds) ||
            out->lease_seconds == 0)
            return complain(words, "not a number of seconds up to 3600",
                            argument);
    } else if ((value = value_of(argument, "--store")) != NULL) {
        return set_store(out, value, words);
    } else if (strcmp(argument, "--help") == 0) {
        out->wants_help = true;
    } else if (strcmp(argument, "--version") == 0) {
        out->wants_version = true;
    } else {
        return complain(words, "no such flag (--help lists them)", argument);
    }
    return BYRON_OK;
}

byron_status flags_parse(int count, char *const *arguments, struct flags *out,
                         char words[FLAGS_WORDS_SIZE])
{
    byron_status status = BYRON_OK;

    memset(out, 0, sizeof *out);
    out->loops = 1;
    out->grace_seconds = 10;
    out->lease_seconds = 600;
    out->log = CALL_LOG_ERRORS;
    for (int i = 1; i < count && status == BYRON_OK; i++)
        status = parse_one(arguments[i], out, words);
    if (status == BYRON_OK && out->listen_count == 0)
        status = add_listen(out, DEFAULT_LISTEN, words);
    return status == BYRON_OK ? check_safety(out, words) : status;
}
