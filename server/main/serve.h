/*
 * serve: listen, serve methods, and drain on a signal.
 */
#ifndef BYROND_MAIN_SERVE_H
#define BYROND_MAIN_SERVE_H

#include "main/flags.h"
#include "service/health.h"
#include "service/sql.h"
#include "service/store.h"

struct services {
    const struct method *methods;
    size_t method_count;
    struct health *health;
    /* NULL: none. Stopped at the end, not closed. */
    struct store *store;
    struct sql *sql;
};

/* From flags to the end; returns the program's exit code. Says on standard
   output where it listens, one line each, then "ready". settings: NULL for
   the usual ones; its loops are those of flags. */
int serve(const struct flags *flags, struct server_settings *settings,
          const struct services *services);
/* The FileDescriptorSet of what byrond serves. */
struct byron_bytes serve_descriptors(void);

#endif
