/*
 * call_log: a line of JSON for each call that has ended.
 *
 * Loops leave what is to be said in a ring; a thread writes it. If that is
 * slower, lines are dropped, and their number is written. What clients send is
 * not logged.
 */
#ifndef BYROND_MAIN_CALL_LOG_H
#define BYROND_MAIN_CALL_LOG_H

#include "grpc/tally.h"
#include "http/stream.h"

struct call_log;

enum call_log_level {
    CALL_LOG_NONE,
    CALL_LOG_ERRORS, /* Where the server failed, not its client. */
    CALL_LOG_CALLS,
};

/* Writes to fd, which is lent. */
BYRON_MUST_CHECK byron_status call_log_new(enum call_log_level level, int fd,
                                           struct call_log **out);
/* Writes what is there. Requires: no more is added. NULL is fine. */
void call_log_free(struct call_log *log);
/* From any thread; of server_settings. peer NULL: not known. */
void call_log_add(void *log, const struct tally_call *call,
                  const struct stream *stream);

#endif
