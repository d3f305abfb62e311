/*
 * store: byron.v1.Byron: the keys and values of one store.
 *
 * Loops check requests and answer; readers and one committer, threads of its
 * own, ask the engine. Writes that wait together are one commit and one sync.
 */
#ifndef BYROND_SERVICE_STORE_H
#define BYROND_SERVICE_STORE_H

#include "grpc/server.h"

struct store;

#define STORE_METHODS  11
#define STORE_MAX_KEYS 10000 /* Of a MultiGet, and operations of a Write. */

struct store_settings {
    uint32_t lease_seconds; /* Of a snapshot, at most; of a Range, in all;
                               of a Load, with no message. */
    unsigned max_leases;
    unsigned max_ranges; /* Under way. */
    unsigned max_loads;  /* The same. */
};

/* Sensible ones. */
void store_default_settings(struct store_settings *out);
/* Opens the store in directory path, or creates it. Why not: byron_last_error.
 */
BYRON_MUST_CHECK byron_status store_open(const char *path,
                                         const struct store_settings *settings,
                                         struct store **out);
void store_methods(struct store *store, struct method out[STORE_METHODS]);
/* Before server_start: of what Stats tells as well. Lent until store_stop. */
void store_attach(struct store *store, const struct server *server);
/* Ends its threads; what they have done is posted. Requires: all calls are
   closed. The loops have to run what is posted, before store_close. */
void store_stop(struct store *store); /* NULL is fine. */
/* Requires: stopped. NULL is fine. */
byron_status store_close(struct store *store);

#endif
