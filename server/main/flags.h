/*
 * flags: the settings of byrond: its command line, and a file of settings by
 * the same names. What the command line says counts.
 */
#ifndef BYROND_MAIN_FLAGS_H
#define BYROND_MAIN_FLAGS_H

#include <stdio.h>

#include "main/call_log.h"
#include "net/address.h"

#define FLAGS_MAX_LISTEN 8

struct flags {
    struct address listen[FLAGS_MAX_LISTEN];
    unsigned listen_count;
    unsigned loops;
    unsigned grace_seconds;
    unsigned lease_seconds;
    const char *store;       /* Lent by arguments, or text; NULL: none. */
    const char *database;    /* The same. */
    const char *certificate; /* Of TLS, as are these; lent; NULL: none. */
    const char *key;
    const char *clients;
    const char *tokens;
    struct address metrics;
    bool has_metrics;
    enum call_log_level log;
    bool wants_help;
    bool wants_version;
    bool wants_print;
    char *text; /* Of the file; NULL: there is none. */
};

#define FLAGS_WORDS_SIZE 512

/* MISUSE: words says why, as a sentence. To be deinited in any case. */
BYRON_MUST_CHECK byron_status flags_parse(int count, char *const *arguments,
                                          struct flags *out,
                                          char words[FLAGS_WORDS_SIZE]);
void flags_deinit(struct flags *flags);
/* What counts, as a file of settings. */
void flags_print(const struct flags *flags, FILE *out);
extern const char flags_help[];

#endif
