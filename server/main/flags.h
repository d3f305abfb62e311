/*
 * flags: the command line of byrond.
 */
#ifndef BYROND_MAIN_FLAGS_H
#define BYROND_MAIN_FLAGS_H

#include "main/call_log.h"
#include "net/address.h"

#define FLAGS_MAX_LISTEN 8

struct flags {
    struct address listen[FLAGS_MAX_LISTEN];
    unsigned listen_count;
    unsigned loops;
    unsigned grace_seconds;
    unsigned lease_seconds;
    const char *store;       /* Lent by the arguments; NULL: none. */
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
};

#define FLAGS_WORDS_SIZE 256

/* MISUSE: words says why, as a sentence. */
BYRON_MUST_CHECK byron_status flags_parse(int count, char *const *arguments,
                                          struct flags *out,
                                          char words[FLAGS_WORDS_SIZE]);
extern const char flags_help[];

#endif
