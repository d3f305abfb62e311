/*
 * health: grpc.health.v1.Health: whether services are served.
 *
 * All are, until health_drain.
 */
#ifndef BYROND_SERVICE_HEALTH_H
#define BYROND_SERVICE_HEALTH_H

#include "grpc/server.h"

struct health;

#define HEALTH_METHODS 2

/* Lends names for its life; "" (the server as a whole) is added. */
BYRON_MUST_CHECK byron_status health_new(const char *const *names,
                                         size_t name_count,
                                         struct health **out);
/* Requires: the server is over. NULL is fine. */
void health_free(struct health *health);
void health_methods(struct health *health, struct method out[HEALTH_METHODS]);
/* Before server_start: learns the loops. */
BYRON_MUST_CHECK byron_status health_attach(struct health *health,
                                            struct server *server);
/* From any thread, once: nothing is served any more, and who watches is told
   and sent away. */
void health_drain(struct health *health);

#endif
