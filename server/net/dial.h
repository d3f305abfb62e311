/*
 * dial: a connection to a server, by name or number: "db.example:7060",
 * "127.0.0.1:7060", "[::1]:7060", "unix:/path".
 */
#ifndef BYROND_NET_DIAL_H
#define BYROND_NET_DIAL_H

#include "byron.h"

#define DIAL_WORDS_SIZE 256
#define DIAL_HOST_SIZE  256

/* A socket that is connected, non-blocking, after at most ms. MISUSE: not an
   address; else IO; words say why, without the address. */
BYRON_MUST_CHECK byron_status dial(const char *address, unsigned ms, int *out,
                                   char words[DIAL_WORDS_SIZE]);
/* Whose certificate the server has to show: the address without its port.
   False: it has none, as a unix socket. */
bool dial_host(const char *address, char out[DIAL_HOST_SIZE]);

#endif
