#include "main/flags.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "main/config.h"

#define DEFAULT_LISTEN "127.0.0.1:7060"

const char flags_help[] =
    "byrond serves a store of keys and values on this machine, by gRPC.\n"
    "\n"
    "  --config=FILE     lines \"name = value\", the names being those of the\n"
    "                    flags here; the command line counts before it\n"
    "  --print-config    shows what counts, as such a file, and ends\n"
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

static const char *const levels[] = {"none", "errors", "calls"};

static byron_status complain(char *words, const char *what, const char *flag)
{
    snprintf(words, FLAGS_WORDS_SIZE, "%s: %.150s", what, flag);
    return BYRON_MISUSE;
}

/* --- Values ----------------------------------------------------------------*/

struct setting {
    const char *name;
    const char *allowed; /* Words. */
    size_t offset;       /* In struct flags. */
    bool (*set)(const struct setting *setting, const char *value,
                struct flags *out);
    /* False: there is none. */
    bool (*print)(const struct setting *setting, const struct flags *flags,
                  FILE *out);
    unsigned least; /* Of numbers. */
    unsigned most;
};

static const void *field_of(const struct setting *setting,
                            const struct flags *flags)
{
    return (const char *)flags + setting->offset;
}

static bool set_number(const struct setting *setting, const char *value,
                       struct flags *out)
{
    char *end;
    unsigned long number;

    if (*value < '0' || *value > '9')
        return false;
    number = strtoul(value, &end, 10);
    if (*end || number < setting->least || number > setting->most)
        return false;
    *(unsigned *)((char *)out + setting->offset) = (unsigned)number;
    return true;
}

static bool print_number(const struct setting *setting,
                         const struct flags *flags, FILE *out)
{
    fprintf(out, "%s = %u\n", setting->name,
            *(const unsigned *)field_of(setting, flags));
    return true;
}

static bool set_path(const struct setting *setting, const char *value,
                     struct flags *out)
{
    *(const char **)((char *)out + setting->offset) = value;
    return *value;
}

/* A store beside a database has that database as its history. */
static bool set_store(const struct setting *setting, const char *value,
                      struct flags *out)
{
    static const char kept[] = "-byron";
    size_t size = strlen(value);

    while (size > 1 && value[size - 1] == '/')
        size--;
    if (size >= sizeof kept - 1 &&
        memcmp(value + size - (sizeof kept - 1), kept, sizeof kept - 1) == 0)
        return false;
    return set_path(setting, value, out);
}

static bool print_path(const struct setting *setting, const struct flags *flags,
                       FILE *out)
{
    const char *path = *(const char *const *)field_of(setting, flags);

    if (path)
        fprintf(out, "%s = %s\n", setting->name, path);
    return path;
}

static bool add_listen(const struct setting *setting, const char *value,
                       struct flags *out)
{
    (void)setting;
    return out->listen_count < FLAGS_MAX_LISTEN &&
           address_parse(value, &out->listen[out->listen_count]) == BYRON_OK &&
           ++out->listen_count;
}

static void print_address(const char *name, const struct address *address,
                          FILE *out)
{
    char text[ADDRESS_TEXT_SIZE];

    address_print(address, text);
    fprintf(out, "%s = %s\n", name, text);
}

static bool print_listen(const struct setting *setting,
                         const struct flags *flags, FILE *out)
{
    for (unsigned i = 0; i < flags->listen_count; i++)
        print_address(setting->name, &flags->listen[i], out);
    return true;
}

static bool set_metrics(const struct setting *setting, const char *value,
                        struct flags *out)
{
    (void)setting;
    out->has_metrics = true;
    return address_parse(value, &out->metrics) == BYRON_OK;
}

static bool print_metrics(const struct setting *setting,
                          const struct flags *flags, FILE *out)
{
    if (flags->has_metrics)
        print_address(setting->name, &flags->metrics, out);
    return flags->has_metrics;
}

static bool set_log(const struct setting *setting, const char *value,
                    struct flags *out)
{
    size_t i = 0;

    (void)setting;
    while (i < sizeof levels / sizeof *levels && strcmp(value, levels[i]) != 0)
        i++;
    out->log = (enum call_log_level)i;
    return i < sizeof levels / sizeof *levels;
}

static bool print_log(const struct setting *setting, const struct flags *flags,
                      FILE *out)
{
    fprintf(out, "%s = %s\n", setting->name, levels[flags->log]);
    return true;
}

/* --- Names -----------------------------------------------------------------*/

#define FILE_SETTING(name, field)                                              \
    {                                                                          \
        name, "a file", offsetof(struct flags, field), set_path, print_path,   \
            0, 0                                                               \
    }

static const struct setting settings[] = {
    {"listen", "IPV4:PORT, [IPV6]:PORT or unix:PATH, at most 8 of them", 0,
     add_listen, print_listen, 0, 0},
    {"store", "a directory, and none that is kept by a SQLite database",
     offsetof(struct flags, store), set_store, print_path, 0, 0},
    FILE_SETTING("database", database),
    {"threads", "a number from 1 to 64", offsetof(struct flags, loops),
     set_number, print_number, 1, 64},
    {"grace", "a number of seconds from 0 to 3600",
     offsetof(struct flags, grace_seconds), set_number, print_number, 0, 3600},
    {"lease", "a number of seconds from 1 to 3600",
     offsetof(struct flags, lease_seconds), set_number, print_number, 1, 3600},
    FILE_SETTING("tls-certificate", certificate),
    FILE_SETTING("tls-key", key),
    FILE_SETTING("tls-clients", clients),
    FILE_SETTING("tokens", tokens),
    {"metrics", "IPV4:PORT, [IPV6]:PORT or unix:PATH", 0, set_metrics,
     print_metrics, 0, 0},
    {"log", "none, errors or calls", 0, set_log, print_log, 0, 0},
};

#define SETTING_COUNT (sizeof settings / sizeof *settings)

static const struct setting *find(const char *name, size_t size)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (strlen(settings[i].name) == size &&
            memcmp(settings[i].name, name, size) == 0)
            return &settings[i];
    return NULL;
}

static byron_status set(const struct setting *setting, const char *value,
                        struct flags *out, char *words, size_t size)
{
    if (setting->set(setting, value, out))
        return BYRON_OK;
    snprintf(words, size, "%s: \"%.80s\" is not %s", setting->name, value,
             setting->allowed);
    return BYRON_MISUSE;
}

/* --- The file --------------------------------------------------------------*/

static byron_status set_by_name(void *context, const char *name,
                                const char *value, char *words, size_t size)
{
    const struct setting *setting = find(name, strlen(name));
    size_t length;

    if (setting)
        return set(setting, value, context, words, size);
    length = (size_t)snprintf(words, size, "\"%.40s\" is none of", name);
    for (size_t i = 0; i < SETTING_COUNT && length < size; i++)
        length += (size_t)snprintf(words + length, size - length, "%s %s",
                                   i > 0 ? "," : "", settings[i].name);
    return BYRON_MISUSE;
}

/* --- The command line ------------------------------------------------------*/

static const char *word_of(const struct setting *setting)
{
    return setting ? setting->name : "config";
}

/* "--name=value", or "--name" and the value as the next argument, which *place
   goes on to. setting: NULL: --config. False: it is neither. */
static bool read_argument(char *const *arguments, int count, int *place,
                          const struct setting **setting, const char **value)
{
    const char *name = arguments[*place];
    size_t size;

    if (strncmp(name, "--", 2) != 0)
        return false;
    name += 2;
    size = strcspn(name, "=");
    *setting = find(name, size);
    if (!*setting && (size != 6 || memcmp(name, "config", 6) != 0))
        return false;
    *value = name[size] ? name + size + 1 : NULL;
    if (!*value && *place + 1 < count &&
        strncmp(arguments[*place + 1], "--", 2) != 0)
        *value = arguments[++*place];
    return true;
}

static bool read_switch(const char *argument, struct flags *out)
{
    bool *const switches[] = {&out->wants_help, &out->wants_version,
                              &out->wants_print};
    static const char *const names[] = {"--help", "--version",
                                        "--print-config"};

    for (int i = 0; i < 3; i++) {
        if (strcmp(argument, names[i]) != 0)
            continue;
        *switches[i] = true;
        return true;
    }
    return false;
}

/* The file before all others, so that they count. */
static byron_status read_file(int count, char *const *arguments,
                              struct flags *out, char *words)
{
    struct config_taker taker = {out, set_by_name};
    const struct setting *setting;
    const char *path = NULL;
    const char *value;

    for (int i = 1; i < count; i++)
        if (read_argument(arguments, count, &i, &setting, &value) && !setting) {
            if (!value || !*value || path)
                return complain(words, "one file is needed", "--config");
            path = value;
        }
    return path ? config_read(path, &taker, &out->text, words, FLAGS_WORDS_SIZE)
                : BYRON_OK;
}

static byron_status read_arguments(int count, char *const *arguments,
                                   struct flags *out, char *words)
{
    byron_status status = BYRON_OK;
    bool has_listen = false;

    for (int i = 1; i < count && status == BYRON_OK; i++) {
        const struct setting *setting = NULL;
        const char *value = NULL;
        if (read_switch(arguments[i], out))
            continue;
        if (!read_argument(arguments, count, &i, &setting, &value))
            return complain(words, "no such flag (--help lists them)",
                            arguments[i]);
        if (!value)
            return complain(words, "a value is needed", word_of(setting));
        if (!setting)
            continue; /* It has been read. */
        if (setting == settings && !has_listen)
            out->listen_count = 0;
        has_listen = has_listen || setting == settings;
        status = set(setting, value, out, words, FLAGS_WORDS_SIZE);
    }
    return status;
}

/* --- All of it -------------------------------------------------------------*/

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

byron_status flags_parse(int count, char *const *arguments, struct flags *out,
                         char words[FLAGS_WORDS_SIZE])
{
    byron_status status;

    memset(out, 0, sizeof *out);
    out->loops = 1;
    out->grace_seconds = 10;
    out->lease_seconds = 600;
    out->log = CALL_LOG_ERRORS;
    status = read_file(count, arguments, out, words);
    if (status == BYRON_OK)
        status = read_arguments(count, arguments, out, words);
    if (status == BYRON_OK && out->listen_count == 0)
        status = set(settings, DEFAULT_LISTEN, out, words, FLAGS_WORDS_SIZE);
    return status == BYRON_OK ? check_safety(out, words) : status;
}

void flags_deinit(struct flags *flags)
{
    free(flags->text);
    flags->text = NULL;
}

void flags_print(const struct flags *flags, FILE *out)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (!settings[i].print(&settings[i], flags, out))
            fprintf(out, "# %s = %s\n", settings[i].name, settings[i].allowed);
}
