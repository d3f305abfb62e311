#include "bench/report.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

/* The samples in order; answers the median. */
static double median(struct standing *standing)
{
    qsort(standing->rate, standing->samples, sizeof *standing->rate,
          compare_doubles);
    return standing->samples ? standing->rate[standing->samples / 2] : 0;
}

static void print_cpu(void)
{
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[256];

    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "model name", 10) == 0) {
            printf("%s", strchr(line, ':') + 2);
            break;
        }
    }
    if (file)
        fclose(file);
}

/* Of memory beside the budget, and of time. */
static void print_bounds(const struct contest *contest)
{
    const struct squeeze *squeeze = &contest->squeeze;

    if (squeeze->bytes > 0)
        printf("squeezed: each peer and its share of the page cache together "
               "in %llu MB (cgroup v%d)\n",
               (unsigned long long)(squeeze->bytes >> 20),
               squeeze->is_v2 ? 2 : 1);
    else if (contest->squeeze_mb > 0)
        printf("NOT SQUEEZED to %llu MB, the page cache is without bound: %s\n",
               (unsigned long long)contest->squeeze_mb, squeeze->why_not);
    if (contest->load_limit + contest->write_limit + contest->limit > 0)
        printf("a peer is stopped after %llu s of a load, %llu s of other "
               "writes, %llu s of reads (0: never)\n",
               (unsigned long long)contest->load_limit,
               (unsigned long long)contest->write_limit,
               (unsigned long long)contest->limit);
}

void report_begin(const struct contest *contest)
{
    struct utsname system;
    time_t now = time(NULL);
    char date[32];

    uname(&system);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M", gmtime(&now));
    printf("\n%s, %s: %llu rows, %llu MB, compression %s%s, %llu round%s in "
           "%llu turns\n%s UTC, %s %s, ",
           contest->level, contest->label, (unsigned long long)contest->rows,
           (unsigned long long)(contest->memory >> 20),
           contest->is_compressed ? "on" : "none",
           contest->is_cold ? ", reads also cold" : "",
           (unsigned long long)contest->rounds, contest->rounds == 1 ? "" : "s",
           (unsigned long long)contest->parts, date, system.sysname,
           system.release);
    print_cpu();
    print_bounds(contest);
    for (size_t i = 0; i < contest->peer_count; i++) {
        const struct peer *peer = contest->peers[i];

        printf("%-9s %s: %s\n", peer->name, peer->version(), peer->tuning);
    }
    if (contest->figures && ftell(contest->figures) == 0)
        fprintf(contest->figures,
                "level\tlabel\tstage\tworkload\tpeer\trows\tvalue_bytes\t"
                "compressed\tmemory_mb\tcold\tops\tsamples\trate\trate_min\t"
                "rate_max\tp50_us\tp99_us\tp999_us\tp9999_us\tmax_us\town_"
                "us\tcpu_us\t"
                "peak_mb\twritten\tdirtied\tread_mb\tsyncs\tdisk\tsettle_s\t"
                "planned\tcut\tsqueeze_mb\n");
}

/* What the table and the file of figures both show. */
struct figures {
    double rate, least, most, own_us, cpu_us, peak_mb, written, dirtied, syncs,
        disk;
    double p50, p99, p999, p9999, max;
    bool is_cut;
};

static struct figures figures_of(struct standing *standing)
{
    struct figures out;
    double ops = (double)standing->ops;

    out.rate = median(standing);
    out.least = standing->least;
    out.most = standing->most;
    out.own_us = ratio(standing->own_us, ops);
    out.cpu_us = ratio(standing->cpu_us, ops);
    out.peak_mb = (double)standing->peak / 1e6;
    out.written = ratio((double)standing->written, (double)standing->row_bytes);
    out.dirtied = ratio((double)standing->dirtied, (double)standing->row_bytes);
    out.syncs = ratio((double)standing->syncs, ops);
    out.disk = ratio((double)standing->disk, (double)standing->live);
    out.p50 = waits_at(&standing->waits, 0.5);
    out.p99 = waits_at(&standing->waits, 0.99);
    out.p999 = waits_at(&standing->waits, 0.999);
    out.p9999 = waits_at(&standing->waits, 0.9999);
    out.max = (double)standing->waits.max_ns / 1e3;
    out.is_cut = standing->is_cut;
    return out;
}

static void print_line(const struct peer *peer, const struct figures *at,
                       double first_rate, bool writes)
{
    char written[64] = "";

    if (writes)
        snprintf(written, sizeof written, "%8.2f %6.2f %6.2f", at->written,
                 at->syncs, at->disk);
    printf("  %6.2f x %-9s %11.0f%c(%.0f..%.0f)%*s %7.2f %7.2f %8.1f %9.1f "
           "%9.1f %7.2f %7.2f %6.0f %s\n",
           ratio(first_rate, at->rate), peer->name, at->rate,
           at->is_cut ? '*' : ' ', at->least, at->most,
           (int)(22 - snprintf(NULL, 0, "(%.0f..%.0f)", at->least, at->most)),
           "", at->p50, at->p99, at->p999, at->p9999, at->max, at->own_us,
           at->cpu_us, at->peak_mb, written);
}

/* -1: it was asked for and could not be had. */
static long long squeezed_mb(const struct contest *contest)
{
    if (contest->squeeze_mb > 0 && contest->squeeze.bytes == 0)
        return -1;
    return (long long)(contest->squeeze.bytes >> 20);
}

static void write_line(const struct contest *contest, const struct stage *stage,
                       const struct turn *turn, uint64_t rows,
                       const struct peer *peer, const struct standing *standing)
{
    struct standing copy = *standing;
    struct figures at = figures_of(&copy);

    fprintf(contest->figures,
            "%s\t%s\t%s\t%s\t%s\t%llu\t%llu\t%d\t%llu\t%d\t%llu\t%zu\t"
            "%.1f\t%.1f\t%.1f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%."
            "1f\t%.3f\t"
            "%.3f\t%.1f\t%.4f\t%.3f\t%.2f\t%llu\t%d\t%lld\n",
            contest->level, contest->label, stage->name, turn->workload->name,
            peer->name, (unsigned long long)rows,
            (unsigned long long)stage->value_bytes, contest->is_compressed,
            (unsigned long long)(contest->memory >> 20), turn->is_cold,
            (unsigned long long)standing->ops, standing->samples, at.rate,
            at.least, at.most, at.p50, at.p99, at.p999, at.p9999, at.max,
            at.own_us, at.cpu_us, at.peak_mb, at.written, at.dirtied,
            (double)standing->disk_read / 1e6, at.syncs, at.disk,
            standing->settle_s / (double)contest->rounds,
            (unsigned long long)standing->planned, standing->is_cut,
            squeezed_mb(contest));
    fflush(contest->figures);
}

/* What a peer that was stopped by the limit has done. */
static void print_cut(const struct workload *workload, const struct peer *peer,
                      const struct standing *standing)
{
    printf("  * %s was stopped by the limit of time, at %llu of %llu%s\n",
           peer->name, (unsigned long long)standing->ops,
           (unsigned long long)standing->planned,
           !workload->is_load ? ""
                              : ": its rate so far, which would have fallen on "
                                "the way.\n    Then its store was made anew, "
                                "all rows sorted, unmeasured");
}

void report_turn(const struct contest *contest, const struct stage *stage,
                 const struct turn *turn, uint64_t rows, size_t count,
                 const struct peer *const *peers)
{
    const struct workload *workload = turn->workload;
    double first = median(&turn->standings[0]);

    printf("\n%s%s: %s (%llu rows with values of %llu)\n  %s is%*sops/s, "
           "median (min..max)           p50 us  p99 us p99.9 us p99.99 us    "
           "max us  own us  cpu us peak MB%s\n",
           workload->name, turn->is_cold ? ", cold" : "", workload->words,
           (unsigned long long)rows, (unsigned long long)stage->value_bytes,
           peers[0]->name, 13, "",
           workload->writes ? "  written syncs/op disk" : "");
    for (size_t i = 0; i < count; i++) {
        struct standing *standing = &turn->standings[i];
        struct figures at = figures_of(standing);

        print_line(peers[i], &at, first, workload->writes);
        if (contest->figures)
            write_line(contest, stage, turn, rows, peers[i], standing);
        if (stage->is_durable && at.syncs < 1 && !peers[i]->keeps_nothing)
            printf("  %s did not sync every commit\n", peers[i]->name);
    }
    for (size_t i = 0; i < count; i++) {
        if (turn->standings[i].is_cut)
            print_cut(workload, peers[i], &turn->standings[i]);
    }
    fflush(stdout);
}
