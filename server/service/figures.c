#include "service/figures.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "service/store_parts.h"

#define LABELS_SIZE 160

static void tell(const struct figure_visitor *visitor, const char *name,
                 const char *type, const char *help, double value)
{
    struct figure figure = {name, help, type, "", "", value};
    visitor->visit(visitor->context, &figure);
}

/* --- The store -------------------------------------------------------------*/

struct counted {
    const char *name;
    const char *type;
    const char *help;
    size_t at; /* In what the engine tells. */
};

#define OF_STORE(field) offsetof(struct byron_stats, field)
#define OF_LEVEL(field) offsetof(struct byron_level_stats, field)

static const struct counted of_store[] = {
    {"byron_memtable_bytes", "gauge", "Of the live memtable.",
     OF_STORE(memtable_bytes)},
    {"byron_memtable_entries", "gauge", "In the live memtable.",
     OF_STORE(memtable_entries)},
    {"byron_frozen_bytes", "gauge", "Of memtables that wait for a flush.",
     OF_STORE(frozen_bytes)},
    {"byron_wal_bytes", "gauge", "Of the logs.", OF_STORE(wal_bytes)},
    {"byron_disk_bytes", "gauge", "Of all files.", OF_STORE(disk_bytes)},
    {"byron_cache_bytes", "gauge", "In the block cache.",
     OF_STORE(cache_bytes)},
    {"byron_cache_hits_total", "counter", "Blocks found in the cache.",
     OF_STORE(cache_hits)},
    {"byron_cache_misses_total", "counter", "Blocks that were read.",
     OF_STORE(cache_misses)},
    {"byron_user_bytes_total", "counter", "Keys and values committed.",
     OF_STORE(user_bytes)},
    {"byron_wal_written_bytes_total", "counter", "Written to logs.",
     OF_STORE(wal_bytes_written)},
    {"byron_flush_written_bytes_total", "counter", "Written by flushes.",
     OF_STORE(flush_bytes)},
    {"byron_compaction_written_bytes_total", "counter",
     "Written by compactions.", OF_STORE(compact_bytes)},
    {"byron_flushes_total", "counter", "Memtables made into tables.",
     OF_STORE(flushes)},
    {"byron_compactions_total", "counter", "Compactions finished.",
     OF_STORE(compactions)},
    {"byron_debt_bytes", "gauge", "What due compactions must rewrite.",
     OF_STORE(debt_bytes)},
    {"byron_delayed_writes_total", "counter", "Commits slowed by pacing.",
     OF_STORE(delayed_writes)},
    {"byron_commits_total", "counter", "Commits.", OF_STORE(commits)},
    {"byron_syncs_total", "counter", "Syncs of the log.", OF_STORE(syncs)},
    {"byron_snapshots", "gauge", "States held, leased or being read.",
     OF_STORE(snapshots)},
    {"byron_background_errors_total", "counter",
     "Flushes and compactions that failed.", OF_STORE(background_errors)},
};

static const struct counted of_level[] = {
    {"byron_level_files", "gauge", "Tables of a level.", OF_LEVEL(files)},
    {"byron_level_bytes", "gauge", "On the disk.", OF_LEVEL(bytes)},
    {"byron_level_entries", "gauge", "Puts and tombstones.", OF_LEVEL(entries)},
};

static double number_at(const void *base, size_t at)
{
    uint64_t number;

    memcpy(&number, (const char *)base + at, sizeof number);
    return (double)number;
}

static void tell_levels(const struct figure_visitor *visitor,
                        const struct byron_stats *stats)
{
    for (size_t i = 0; i < sizeof of_level / sizeof *of_level; i++) {
        for (int level = 0; level < BYRON_LEVELS; level++) {
            char labels[LABELS_SIZE];
            struct figure figure = {
                of_level[i].name,
                of_level[i].help,
                of_level[i].type,
                labels,
                "",
                number_at(&stats->level[level], of_level[i].at)};
            snprintf(labels, sizeof labels, "level=\"%d\"", level);
            visitor->visit(visitor->context, &figure);
        }
    }
}

void figures_of_store(struct store *store, const struct figure_visitor *visitor)
{
    struct byron_stats stats;

    byron_stats(store->db, &stats);
    for (size_t i = 0; i < sizeof of_store / sizeof *of_store; i++)
        tell(visitor, of_store[i].name, of_store[i].type, of_store[i].help,
             number_at(&stats, of_store[i].at));
    tell_levels(visitor, &stats);
    tell(visitor, "byrond_leases", "gauge", "Snapshots on lease.",
         leases_count(store->leases));
    tell(visitor, "byrond_ranges", "gauge", "Ranges under way.",
         atomic_load(&store->open_ranges));
    tell(visitor, "byrond_loads", "gauge", "Loads under way.",
         atomic_load(&store->open_loads));
    tell(visitor, "byrond_reads_waiting", "gauge", "For a reader.",
         (double)pool_waiting(store->readers));
    tell(visitor, "byrond_writes_waiting", "gauge", "For the committer.",
         (double)pool_waiting(store->committer));
}

/* --- Calls -----------------------------------------------------------------*/

static uint64_t ended_of(const struct tally_sum *sum)
{
    uint64_t ended = 0;

    for (unsigned i = 0; i < TALLY_CODES; i++)
        ended += sum->ended[i];
    return ended;
}

static const char *name_of(const char *method)
{
    return *method ? method + 1 : "unknown";
}

static void tell_codes(void *context, const char *method,
                       const struct tally_sum *sum)
{
    const struct figure_visitor *visitor = context;
    char labels[LABELS_SIZE];
    struct figure figure = {"byrond_calls_total",
                            "Calls that have ended.",
                            "counter",
                            labels,
                            "",
                            0};

    for (unsigned i = 0; i < TALLY_CODES; i++) {
        if (sum->ended[i] == 0)
            continue;
        snprintf(labels, sizeof labels, "method=\"%.100s\",code=\"%s\"",
                 name_of(method), tally_code_words((enum grpc_code)i));
        figure.value = (double)sum->ended[i];
        visitor->visit(visitor->context, &figure);
    }
}

/* One number a method, where it has had calls. */
static void tell_one(const struct figure_visitor *visitor, struct figure figure,
                     const char *method, double value)
{
    char labels[LABELS_SIZE];

    snprintf(labels, sizeof labels, "method=\"%.100s\"", name_of(method));
    figure.labels = labels;
    figure.suffix = figure.suffix ? figure.suffix : "";
    figure.value = value;
    visitor->visit(visitor->context, &figure);
}

static void tell_flight(void *context, const char *method,
                        const struct tally_sum *sum)
{
    struct figure figure = {.name = "byrond_calls_in_flight",
                            .help = "Calls that have not ended.",
                            .type = "gauge"};

    if (sum->begun > 0)
        tell_one(context, figure, method, (double)(sum->begun - ended_of(sum)));
}

static void tell_received(void *context, const char *method,
                          const struct tally_sum *sum)
{
    struct figure figure = {.name = "byrond_received_bytes_total",
                            .help = "Of messages, by calls that have ended.",
                            .type = "counter"};

    if (sum->begun > 0)
        tell_one(context, figure, method, (double)sum->bytes_in);
}

static void tell_sent(void *context, const char *method,
                      const struct tally_sum *sum)
{
    struct figure figure = {.name = "byrond_sent_bytes_total",
                            .help = "Of messages, by calls that have ended.",
                            .type = "counter"};

    if (sum->begun > 0)
        tell_one(context, figure, method, (double)sum->bytes_out);
}

static void tell_times(void *context, const char *method,
                       const struct tally_sum *sum)
{
    const struct figure_visitor *visitor = context;
    char labels[LABELS_SIZE];
    struct figure figure = {"byrond_call_seconds",
                            "From the first byte of a call to its end.",
                            "histogram",
                            labels,
                            "_bucket",
                            0};

    if (sum->begun == 0)
        return;
    for (unsigned i = 0; i < TALLY_BUCKETS; i++) {
        snprintf(labels, sizeof labels, "method=\"%.100s\",le=\"%g\"",
                 name_of(method), (double)tally_bound_us(i) / 1e6);
        figure.value += (double)sum->within[i];
        visitor->visit(visitor->context, &figure);
    }
    snprintf(labels, sizeof labels, "method=\"%.100s\",le=\"+Inf\"",
             name_of(method));
    figure.value = (double)ended_of(sum);
    visitor->visit(visitor->context, &figure);
    figure.suffix = "_count";
    tell_one(visitor, figure, method, (double)ended_of(sum));
    figure.suffix = "_sum";
    tell_one(visitor, figure, method, (double)sum->us / 1e6);
}

static void tell_connections(const struct figure_visitor *visitor,
                             const struct server *server)
{
    uint64_t ends[CONNECTION_END_COUNT];
    char labels[LABELS_SIZE];
    struct figure figure = {"byrond_connections_ended_total",
                            "Connections that have gone, and why.",
                            "counter",
                            labels,
                            "",
                            0};

    tell(visitor, "byrond_connections", "gauge", "Open now.",
         (double)server_count_ends(server, ends));
    for (int i = 0; i < CONNECTION_END_COUNT; i++) {
        snprintf(labels, sizeof labels, "end=\"%s\"",
                 connection_end_words((enum connection_end)i));
        figure.value = (double)ends[i];
        visitor->visit(visitor->context, &figure);
    }
}

void figures_of_server(const struct server *server,
                       struct figure_visitor *visitor)
{
    tell_connections(visitor, server);
    server_visit_tallies(server, tell_codes, visitor);
    server_visit_tallies(server, tell_flight, visitor);
    server_visit_tallies(server, tell_received, visitor);
    server_visit_tallies(server, tell_sent, visitor);
    server_visit_tallies(server, tell_times, visitor);
}
