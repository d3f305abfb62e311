#include "service/metrics.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/plain.h"
#include "service/figures.h"

struct metrics {
    struct loop *loop;
    struct plain *plain;
    struct plain_settings settings;
    struct store *store;
    const struct server *server;
    struct task stop;
    bool is_running;
    pthread_t thread;
};

/* --- Text ------------------------------------------------------------------*/

struct page {
    struct bytes *out;
    byron_status status;
    const char *last; /* The name that was described last. */
};

static void add_text(struct page *page, const char *text, int size)
{
    if (page->status == BYRON_OK)
        page->status = bytes_add(page->out, text, (size_t)size);
}

static void add_figure(void *context, const struct figure *figure)
{
    struct page *page = context;
    char line[512];
    bool has_labels = *figure->labels;

    if (!page->last || strcmp(page->last, figure->name) != 0)
        add_text(page, line,
                 snprintf(line, sizeof line,
                          "# HELP %.100s %.200s\n# TYPE %.100s %.20s\n",
                          figure->name, figure->help, figure->name,
                          figure->type));
    page->last = figure->name;
    add_text(page, line,
             snprintf(line, sizeof line, "%.100s%.20s%s%.200s%s %.16g\n",
                      figure->name, figure->suffix, has_labels ? "{" : "",
                      figure->labels, has_labels ? "}" : "", figure->value));
}

byron_status metrics_write(struct store *store, const struct server *server,
                           struct bytes *out)
{
    struct page page = {.out = out, .status = BYRON_OK};
    struct figure_visitor visitor = {add_figure, &page};

    figures_of_server(server, &visitor);
    if (store)
        figures_of_store(store, &visitor);
    return page.status;
}

static byron_status get(void *context, struct byron_bytes path,
                        struct bytes *out)
{
    struct metrics *metrics = context;

    return bytes_equal(path, "/metrics")
               ? metrics_write(metrics->store, metrics->server, out)
               : BYRON_NOT_FOUND;
}

/* --- Life ------------------------------------------------------------------*/

static void stop(struct task *task)
{
    loop_stop(
        ((struct metrics *)((char *)task - offsetof(struct metrics, stop)))
            ->loop);
}

static void *run(void *context)
{
    struct metrics *metrics = context;

    loop_run(metrics->loop);
    return NULL;
}

static byron_status start(struct metrics *metrics)
{
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    metrics->is_running =
        pthread_create(&metrics->thread, NULL, run, metrics) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return metrics->is_running ? BYRON_OK : BYRON_NO_MEMORY;
}

byron_status metrics_new(struct address *address, struct store *store,
                         const struct server *server, struct metrics **out)
{
    static const struct plain_settings settings = {.max_connections = 16,
                                                   .max_request = 8192,
                                                   .patience_ms = 5000,
                                                   .get = get};
    struct metrics *metrics = calloc(1, sizeof *metrics);
    byron_status status;

    if (!metrics)
        return BYRON_NO_MEMORY;
    metrics->settings = settings;
    metrics->settings.context = metrics;
    metrics->store = store;
    metrics->server = server;
    metrics->stop.run = stop;
    status = loop_new(&metrics->loop);
    if (status == BYRON_OK)
        status = plain_new(metrics->loop, &metrics->settings, address,
                           &metrics->plain);
    if (status == BYRON_OK)
        status = start(metrics);
    if (status == BYRON_OK)
        *out = metrics;
    else
        metrics_free(metrics);
    return status;
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    if (metrics->is_running) {
        loop_post(metrics->loop, &metrics->stop);
        pthread_join(metrics->thread, NULL);
    }
    plain_free(metrics->plain);
    loop_free(metrics->loop);
    free(metrics);
}
