/*
 * client: calls of a gRPC server, one after the other, for programs that have
 * nothing else to do meanwhile.
 *
 * Bytes: PROTOCOL-HTTP2.md of gRPC. Messages are bytes here. Not for threads.
 */
#ifndef BYROND_GRPC_CLIENT_H
#define BYROND_GRPC_CLIENT_H

#include <signal.h>

#include "grpc/code.h"
#include "net/bytes.h"

struct client;

struct client_settings {
    const char *address; /* As dial.h has it. */
    const char *token;   /* Goes with every call; NULL: none. */
    bool is_tls;
    const char *roots; /* As tls.h has them, as are these. */
    const char *certificate;
    const char *key;
    /* Not 0: what waits stops waiting. NULL: there is no such thing. */
    const volatile sig_atomic_t *is_interrupted;
};

#define CLIENT_WORDS_SIZE 512

/* Connects when the first call begins. Borrows the settings until close.
   MISUSE: they cannot be; words say why. */
BYRON_MUST_CHECK byron_status
client_open(const struct client_settings *settings, struct client **out,
            char words[CLIENT_WORDS_SIZE]);
void client_close(struct client *client); /* NULL is fine. */

/* Begins a call, and gives up one that is open. timeout_ms of 0: none. What
   fails is told by client_receive. */
void client_begin(struct client *client, const char *path, unsigned timeout_ms);
/* Sends a message, and waits while much of those before is under way. False:
   the call has ended, or has been interrupted. */
bool client_send(struct client *client, struct byron_bytes message);
/* Sends and takes what may go and come at once, for those who wait for
   something else. False: the call has ended. */
bool client_turn(struct client *client);
void client_half_close(struct client *client);

enum client_event {
    CLIENT_MESSAGE, /* Lent until the next call of any function. */
    CLIENT_ENDED,
    CLIENT_INTERRUPTED, /* Still open. */
};
enum client_event client_receive(struct client *client,
                                 struct byron_bytes *out);
/* How it has ended, and the server's or our words for it, lent. */
enum grpc_code client_outcome(const struct client *client,
                              const char **out_words);
/* The server may have done none, part or all of it: no answer came. */
bool client_is_lost(const struct client *client);
void client_cancel(struct client *client);

#endif
