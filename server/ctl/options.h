/*
 * options: the command line of byronctl, and what of the environment counts.
 */
#ifndef BYROND_CTL_OPTIONS_H
#define BYROND_CTL_OPTIONS_H

#include "ctl/report.h"
#include "ctl/text.h"

enum command {
    COMMAND_NONE,
    COMMAND_GET,
    COMMAND_PUT,
    COMMAND_DELETE,
    COMMAND_RANGE,
    COMMAND_LOAD,
    COMMAND_QUERY,
    COMMAND_STATS,
    COMMAND_COUNT
};

/* All lent by the arguments and the environment; NULL: not given. */
struct options {
    enum command command;
    const char *server;
    const char *token_file;
    const char *token; /* Of the environment. */
    const char *roots;
    const char *certificate;
    const char *key;
    const char *prefix;
    const char *start;
    const char *end;
    const char *to;
    const char *id;
    unsigned timeout_seconds; /* 0: that of the command. */
    unsigned batch_rows;
    unsigned limit; /* 0: none. */
    enum notation notation;
    enum format format;
    bool is_json; /* Answers and errors. */
    bool is_tls;
    bool is_raw;
    bool is_buffered;
    bool is_if_absent;
    bool is_reverse;
    bool is_keys_only;
    bool is_read_only;
    bool wants_help;
    bool wants_version;
    char *const *arguments; /* That are no flags, in order. */
    int count;
};

/* Moves what is no flag to the front of arguments, which are those of main.
   EXIT_DONE, or EXIT_USAGE, which has been reported. */
enum exit_code options_parse(int count, char **arguments, struct options *out);
const char *options_name(enum command command);
/* The help of a command, or of all. */
const char *options_help(enum command command);

#endif
