/*
 * address: where a server listens: "127.0.0.1:0", "[::1]:7060", "unix:/path".
 *
 * Numbers only; names are not looked up.
 */
#ifndef BYROND_NET_ADDRESS_H
#define BYROND_NET_ADDRESS_H

#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>

#include "byron.h"

struct address {
    socklen_t size;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    } as;
};

#define ADDRESS_TEXT_SIZE 128

/* MISUSE: not an address. */
BYRON_MUST_CHECK byron_status address_parse(const char *text,
                                            struct address *out);
/* True if only this machine can come in by it. */
bool address_is_local(const struct address *address);
void address_print(const struct address *address, char out[ADDRESS_TEXT_SIZE]);
/* A socket that listens, non-blocking; a port of 0 becomes the real one. A
   stale unix socket is replaced, a live one is BUSY. */
BYRON_MUST_CHECK byron_status address_listen(struct address *address, int *out);
/* Removes the file of a unix socket. */
void address_unlink(const struct address *address);

#endif
