/*
 * leases: snapshots that clients hold by a number, for a time.
 *
 * A lease that nobody renews ends by itself, on a thread of this module, so
 * that a lost client pins no files for ever. Who reads takes a lease, which
 * keeps its snapshot in place until it is dropped, ended or not. Thread-safe.
 */
#ifndef BYROND_SERVICE_LEASES_H
#define BYROND_SERVICE_LEASES_H

#include "byron.h"

struct leases;
struct lease;

struct lease_settings {
    unsigned max;     /* Open at once. */
    uint32_t ttl_ms;  /* Where none is asked for. */
    uint32_t most_ms; /* No longer, whatever is asked for. */
};

BYRON_MUST_CHECK byron_status leases_new(byron_db *db,
                                         const struct lease_settings *settings,
                                         struct leases **out);
/* Ends all. Requires: none is taken. NULL is fine. */
void leases_free(struct leases *leases);
/* Of the newest state. ttl_ms: asked for (0: the usual), then granted. BUSY:
   as many as may be are open. */
BYRON_MUST_CHECK byron_status leases_open(struct leases *leases,
                                          uint32_t *ttl_ms, uint64_t *out_id);
/* Its time begins anew; false: there is none of this number. */
bool leases_renew(struct leases *leases, uint64_t id, uint32_t *ttl_ms);
/* Ends it, if there is one. */
void leases_close(struct leases *leases, uint64_t id);
/* NULL: there is none of this number. */
struct lease *leases_take(struct leases *leases, uint64_t id);
/* NULL is fine. Closing a snapshot may remove files: not on a loop. */
void leases_drop(struct leases *leases, struct lease *lease);
/* Lent until dropped. */
byron_snapshot *lease_snapshot(const struct lease *lease);
unsigned leases_count(struct leases *leases);

#endif
