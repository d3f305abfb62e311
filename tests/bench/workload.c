#include "bench/workload.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/rows.h"

#define FAR_AWAY ((uint64_t)1 << 40) /* No row has this number. */

/* --- Writes ----------------------------------------------------------------
 */

static struct lane_write choose_new(struct lane *lane)
{
    if (lane->rows == lane->capacity)
        peer_die(lane->peer->name, "insert", "more rows than planned");
    return (struct lane_write){WRITE_INSERT, lane->rows++};
}

static struct lane_write choose_update(struct lane *lane)
{
    return (struct lane_write){WRITE_UPDATE, lane_live_row(lane)};
}

static struct lane_write choose_popular_update(struct lane *lane)
{
    uint64_t row =
        mix(zipf_rank(&lane->zipf, lane_random(lane))) % lane->zipf.count;

    return (struct lane_write){
        lane->versions[row] == ROW_DELETED ? WRITE_INSERT : WRITE_UPDATE, row};
}

static struct lane_write choose_delete(struct lane *lane)
{
    return (struct lane_write){WRITE_DELETE, lane_live_row(lane)};
}

static void run_batches(struct lane *lane, const struct workload *workload,
                        uint64_t ops,
                        struct lane_write (*choose)(struct lane *),
                        struct outcome *out)
{
    uint64_t most = workload->batch > 0 ? workload->batch : ops;

    /* A batch of large values is no larger than one of small ones. */
    if (workload->batch > 1 && most * lane->value_bytes > 400000)
        most = 400000 / lane->value_bytes + 1;
    while (ops > 0 && !lane_is_late(lane, out)) {
        uint64_t count = ops < most ? ops : most;

        lane_write(lane, count, choose, out);
        ops -= count;
    }
}

static void fill(struct lane *lane, const struct workload *workload,
                 uint64_t ops, struct outcome *out)
{
    run_batches(lane, workload, ops, choose_new, out);
}

static void overwrite(struct lane *lane, const struct workload *workload,
                      uint64_t ops, struct outcome *out)
{
    run_batches(lane, workload, ops, choose_update, out);
}

static void delete_some(struct lane *lane, const struct workload *workload,
                        uint64_t ops, struct outcome *out)
{
    run_batches(lane, workload, ops, choose_delete, out);
}

/* --- Reads -----------------------------------------------------------------
 */

static void read_random(struct lane *lane, const struct workload *workload,
                        uint64_t ops, struct outcome *out)
{
    (void)workload;
    for (; ops > 0 && !lane_is_late(lane, out); ops--)
        lane_get(lane, lane_random(lane) % lane->rows, out);
}

static void read_held(struct lane *lane, const struct workload *workload,
                      uint64_t ops, struct outcome *out)
{
    while (ops > 0 && !lane_is_late(lane, out)) {
        uint64_t count = ops < workload->batch ? ops : workload->batch;
        uint64_t start = ticks_now();

        lane->peer->hold(lane->store, true);
        out->ticks += ticks_now() - start;
        for (ops -= count; count > 0; count--)
            lane_get(lane, lane_random(lane) % lane->rows, out);
        start = ticks_now();
        lane->peer->hold(lane->store, false);
        out->ticks += ticks_now() - start;
    }
}

static void read_missing(struct lane *lane, const struct workload *workload,
                         uint64_t ops, struct outcome *out)
{
    (void)workload;
    for (; ops > 0 && !lane_is_late(lane, out); ops--)
        lane_get(lane, FAR_AWAY + lane_random(lane) % FAR_AWAY, out);
}

static uint64_t popular_row(struct lane *lane)
{
    return mix(zipf_rank(&lane->zipf, lane_random(lane))) % lane->zipf.count;
}

static void read_hot(struct lane *lane, const struct workload *workload,
                     uint64_t ops, struct outcome *out)
{
    (void)workload;
    for (; ops > 0 && !lane_is_late(lane, out); ops--)
        lane_get(lane, popular_row(lane), out);
}

static void read_forward(struct lane *lane, const struct workload *workload,
                         uint64_t ops, struct outcome *out)
{
    (void)workload, (void)ops;
    lane_scan_all(lane, false, out);
}

static void read_backward(struct lane *lane, const struct workload *workload,
                          uint64_t ops, struct outcome *out)
{
    (void)workload, (void)ops;
    lane_scan_all(lane, true, out);
}

static void seek_10(struct lane *lane, const struct workload *workload,
                    uint64_t ops, struct outcome *out)
{
    (void)workload;
    for (; ops > 0 && !lane_is_late(lane, out); ops--)
        lane_seek(lane, lane_random(lane) % lane->rows, 10, out);
}

static void seek_100(struct lane *lane, const struct workload *workload,
                     uint64_t ops, struct outcome *out)
{
    (void)workload;
    for (; ops > 0 && !lane_is_late(lane, out); ops--)
        lane_seek(lane, lane_random(lane) % lane->rows, 100, out);
}

/* --- Reads beside a writer -------------------------------------------------
 */

#define WRITER_BATCH 100
#define WRITER_RATE  20000 /* Rows a second. */

struct writer {
    struct lane lane; /* Shares versions with the reader's. */
    atomic_bool is_over;
};

/* Only rows of its own half, so that the reader knows what it must see. */
static struct lane_write choose_odd_update(struct lane *lane)
{
    uint64_t row = lane_random(lane) % (lane->rows / 2) * 2 + 1;

    return (struct lane_write){
        lane->versions[row] == ROW_DELETED ? WRITE_INSERT : WRITE_UPDATE, row};
}

static void *write_steadily(void *argument)
{
    struct writer *writer = argument;
    static struct outcome ignored;
    double due = seconds();

    while (!writer->is_over) {
        double now = seconds();

        if (now < due) {
            usleep((unsigned)((due - now) * 1e6));
            continue;
        }
        lane_write(&writer->lane, WRITER_BATCH, choose_odd_update, &ignored);
        due += (double)WRITER_BATCH / WRITER_RATE;
    }
    return NULL;
}

static void read_while_writing(struct lane *lane,
                               const struct workload *workload, uint64_t ops,
                               struct outcome *out)
{
    struct writer writer = {.lane = *lane};
    pthread_t thread;

    (void)workload;
    writer.lane.random += FAR_AWAY;
    writer.lane.expected = peer_allocate(lane->value_bytes);
    writer.lane.store = lane->peer->attach(lane->store);
    if (pthread_create(&thread, NULL, write_steadily, &writer) != 0)
        peer_die(lane->peer->name, "thread", "cannot start");
    for (; ops > 0 && !lane_is_late(lane, out); ops--)
        lane_get(lane, lane_random(lane) % (lane->rows / 2) * 2, out);
    writer.is_over = true;
    pthread_join(thread, NULL);
    lane->peer->detach(writer.lane.store);
    free(writer.lane.expected);
    lane->sum = writer.lane.sum;
    lane->live = writer.lane.live;
}

/* --- YCSB: of 100 ops so many reads, updates, inserts, scans, changes -------
 */

struct ycsb {
    char letter;
    unsigned reads, updates, inserts, scans;
    bool reads_latest;
};

static const struct ycsb mixes[] = {
    {'A', 50, 50, 0, 0, false}, {'B', 95, 5, 0, 0, false},
    {'C', 100, 0, 0, 0, false}, {'D', 95, 0, 5, 0, true},
    {'E', 0, 0, 5, 95, false},  {'F', 50, 0, 0, 0, false},
};

/* A row is read and written back changed: the op is both. */
static void read_and_change(struct lane *lane, struct outcome *out)
{
    static struct outcome both;
    uint64_t random = lane->random;

    memset(&both, 0, sizeof both);
    lane_get(lane, popular_row(lane), &both);
    lane->random = random; /* The same row again. */
    lane_write(lane, 1, choose_popular_update, &both);
    out->ops++;
    out->ticks += both.ticks;
    out->row_bytes += both.row_bytes;
    waits_add(&out->waits, (uint64_t)((double)both.ticks * ns_per_tick));
}

static void run_ycsb(struct lane *lane, const struct workload *workload,
                     uint64_t ops, struct outcome *out)
{
    const struct ycsb *ycsb = &mixes[workload->name[4] - 'A'];

    for (; ops > 0 && !lane_is_late(lane, out); ops--) {
        unsigned die = (unsigned)(lane_random(lane) % 100);

        if (die < ycsb->reads && ycsb->reads_latest)
            lane_get(lane,
                     lane->rows - 1 -
                         zipf_rank(&lane->zipf, lane_random(lane)) % lane->rows,
                     out);
        else if (die < ycsb->reads)
            lane_get(lane, popular_row(lane), out);
        else if ((die -= ycsb->reads) < ycsb->updates)
            lane_write(lane, 1, choose_popular_update, out);
        else if ((die -= ycsb->updates) < ycsb->inserts)
            lane_write(lane, 1, choose_new, out);
        else if ((die -= ycsb->inserts) < ycsb->scans)
            lane_seek(lane, popular_row(lane), 1 + lane_random(lane) % 100,
                      out);
        else
            read_and_change(lane, out);
    }
}

/* --- All of them -----------------------------------------------------------
 */

#define LOAD  .is_load = true, .writes = true, .share = 1, .run = fill
#define PLAIN .is_plain_read = true
#define YCSB(letter, words_)                                                   \
    {                                                                          \
        .name = "ycsb" letter, .words = words_, .writes = letter[0] != 'C',    \
        .share = 0.2, .most = 500000, .run = run_ycsb                          \
    }

static const struct workload workloads[] = {
    {"fillseq", "a row, ascending keys, 1,000 in a commit", LOAD,
     .batch = 1000},
    {"fillrandom", "a row, random keys, 1,000 in a commit", LOAD,
     .batch = 1000},
    {"fillrow", "a row, random keys, each its own commit", LOAD, .batch = 1},
    {"fillone", "a row, random keys, all in one transaction", LOAD},
    {"bulkload", "a row, ascending keys, all in one transaction", LOAD},
    {"durable", "a row, random keys, each a durable commit", LOAD, .batch = 1},
    {"overwrite", "a row, random, 1,000 in a commit", .writes = true,
     .batch = 1000, .share = 1, .run = overwrite},
    {"deleterandom", "a row, random, 1,000 in a commit", .writes = true,
     .batch = 1000, .share = 0.1, .run = delete_some},
    {"readrandom", "a get of a row that is there", PLAIN, .share = 0.5,
     .most = 1000000, .run = read_random},
    {"readheld", "a get, 1,000 in a read transaction or of a snapshot",
     .batch = 1000, .share = 0.5, .most = 1000000, .run = read_held},
    {"readmissing", "a get of a key that is not there", PLAIN, .share = 0.5,
     .most = 1000000, .run = read_missing},
    {"readhot", "a get, some rows often (zipf 0.99)", PLAIN, .share = 0.5,
     .most = 1000000, .run = read_hot},
    {"readseq", "a row of a full scan", PLAIN, .is_whole = true, .share = 1,
     .run = read_forward},
    {"readreverse", "a row of a full scan backward", PLAIN, .is_whole = true,
     .share = 1, .run = read_backward},
    {"seek10", "a seek and 10 rows", PLAIN, .share = 0.1, .most = 200000,
     .run = seek_10},
    {"seek100", "a seek and 100 rows", PLAIN, .share = 0.05, .most = 50000,
     .run = seek_100},
    {"readwhilewriting", "a get, while 20,000 rows a second are overwritten",
     .share = 0.5, .most = 500000, .run = read_while_writing},
    YCSB("A", "half reads, half updates"),
    YCSB("B", "95 % reads, 5 % updates"),
    YCSB("C", "reads"),
    YCSB("D", "95 % reads of new rows, 5 % inserts"),
    YCSB("E", "95 % scans of up to 100 rows, 5 % inserts"),
    YCSB("F", "half reads, half read and write back"),
};

const struct workload *workload_find(const char *name)
{
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++) {
        if (strcmp(workloads[i].name, name) == 0)
            return &workloads[i];
    }
    return NULL;
}
