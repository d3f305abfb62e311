/*
 * figures: what the server counts and measures, by the names of its metrics.
 *
 * Inside service/ only.
 */
#ifndef BYROND_SERVICE_FIGURES_H
#define BYROND_SERVICE_FIGURES_H

#include "grpc/server.h"
#include "service/store.h"

struct figure {
    const char *name;
    const char *help;
    const char *type;   /* "counter", "gauge", "histogram" */
    const char *labels; /* As between { and }; "": none. */
    const char *suffix; /* Of a histogram's parts; "": none. */
    double value;
};

struct figure_visitor {
    void (*visit)(void *context, const struct figure *figure);
    void *context;
};

/* All of one name come together. May wait for a lock of the engine, not for a
   disk. */
void figures_of_store(struct store *store,
                      const struct figure_visitor *visitor);
void figures_of_server(const struct server *server,
                       struct figure_visitor *visitor);

#endif
