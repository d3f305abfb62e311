/*
 * metrics: the server's figures as Prometheus reads them, at an address of
 * their own: GET /metrics.
 *
 * On a thread of its own, so that nobody else waits for who reads them.
 */
#ifndef BYROND_SERVICE_METRICS_H
#define BYROND_SERVICE_METRICS_H

#include "grpc/server.h"
#include "net/bytes.h"
#include "service/store.h"

struct metrics;

/* Serves them until metrics_free. Lends all; a port of 0 becomes the real one.
   store: NULL: none. */
BYRON_MUST_CHECK byron_status metrics_new(struct address *address,
                                          struct store *store,
                                          const struct server *server,
                                          struct metrics **out);
/* Before the store is stopped and the server freed. NULL is fine. */
void metrics_free(struct metrics *metrics);
/* Adds the text. */
BYRON_MUST_CHECK byron_status metrics_write(struct store *store,
                                            const struct server *server,
                                            struct bytes *out);

#endif
