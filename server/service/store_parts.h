/*
 * store_parts: what the methods of byron.v1 have in common.
 *
 * Inside service/ only.
 */
#ifndef BYROND_SERVICE_STORE_PARTS_H
#define BYROND_SERVICE_STORE_PARTS_H

#include <stdatomic.h>

#include "service/leases.h"
#include "service/pool.h"
#include "service/store.h"

struct store {
    struct store_settings settings;
    byron_db *db;
    struct pool *readers;
    struct pool *committer;
    struct leases *leases;
    const struct server *server; /* NULL: not attached. */
    atomic_uint open_ranges;
    atomic_uint open_loads;
};

extern const char store_no_lease[]; /* Words. */

#endif
