#include "bench/contest.h"

#include <malloc.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/meter.h"
#include "bench/report.h"
#include "bench/rows.h"

#define MOST_TURNS 32
#define COLD_OPS   50000 /* At most: the page cache fills while they run. */
#define SHOW_EVERY 10    /* Seconds, where no terminal looks on. */

static const struct stage stages[] = {
    {"main", KEYS_RANDOM, 100, 1, 0, false,
     "fillrandom readrandom readheld readmissing readhot readseq readreverse "
     "seek10 "
     "seek100 overwrite readwhilewriting ycsbA ycsbB ycsbC ycsbD ycsbE ycsbF "
     "deleterandom"},
    {"seq", KEYS_ASCENDING, 100, 1, 0, false, "fillseq"},
    {"row", KEYS_RANDOM, 100, 0.25, 0, false, "fillrow"},
    {"one", KEYS_RANDOM, 100, 0.5, 0, false, "fillone"},
    {"bulk", KEYS_ASCENDING, 100, 1, 0, false, "bulkload"},
    {"durable", KEYS_RANDOM, 100, 0.002, 3000, true, "durable"},
    {"4k", KEYS_RANDOM, 4096, 1.0 / 40, 0, false,
     "fillrandom readrandom readseq overwrite"},
    {"100k", KEYS_RANDOM, 102400, 1.0 / 1000, 0, false,
     "fillrandom readrandom readseq overwrite"},
};

enum order {
    ORDER_RUN,
    ORDER_SETTLE,
    ORDER_REOPEN,
    ORDER_RELOAD,
    ORDER_VERIFY,
    ORDER_END,
};

/* Memory that the judge and one peer's process share. */
struct desk {
    enum order order;
    const struct workload *workload;
    uint64_t ops;
    double limit_s;
    struct outcome outcome;
    struct meter before, after;
    uint64_t peak, disk, live, live_rows;
    uint64_t cached; /* Bytes that a cold start left in the page cache. */
    double seconds;
};

struct entrant {
    const struct peer *peer;
    char path[4096];
    struct desk *desk;
    pid_t pid;
    int call, answer; /* Pipes: a byte is a word. */
    double left_s;    /* Of the time that this workload may take. */
    bool is_cut;      /* It was stopped in this workload. */
};

struct heat {
    const struct contest *contest;
    const struct stage *stage;
    uint64_t rows;
    bool is_last; /* Round. */
    struct entrant entrants[CONTEST_PEERS];
    const struct peer *peers[CONTEST_PEERS];
    size_t count;
};

/* --- In the peer's process -------------------------------------------------
 */

static void start_cold(struct lane *lane, struct desk *desk,
                       const struct squeeze *squeeze)
{
    const char *path = lane->settings.path;

    lane->peer->close(lane->store);
    malloc_trim(0); /* What it has freed is the next one's under a squeeze. */
    drop_page_cache(path);
    squeeze_empty(squeeze, lane->peer->name);
    desk->cached = cached_bytes(path);
    lane->store = lane->peer->open(&lane->settings);
}

static void obey(struct lane *lane, struct desk *desk,
                 const struct squeeze *squeeze)
{
    const char *path = lane->settings.path;
    double start = seconds();

    meter_reset_peak();
    memset(&desk->outcome, 0, sizeof desk->outcome);
    lane->deadline = UINT64_MAX;
    if (!isinf(desk->limit_s))
        lane->deadline =
            ticks_now() + (uint64_t)(desk->limit_s * 1e9 / ns_per_tick);
    meter_read(&desk->before);
    if (desk->order == ORDER_RUN) {
        desk->workload->run(lane, desk->workload, desk->ops, &desk->outcome);
    } else if (desk->order == ORDER_SETTLE) {
        lane->peer->settle(lane->store);
    } else if (desk->order == ORDER_VERIFY) {
        lane_verify(lane, &desk->outcome);
    } else if (desk->order == ORDER_REOPEN) {
        start_cold(lane, desk, squeeze);
    } else if (desk->order == ORDER_RELOAD) {
        lane_reload(lane, desk->ops);
    }
    meter_read(&desk->after);
    desk->seconds = seconds() - start;
    desk->peak = meter_peak();
    desk->disk = disk_bytes(path);
    desk->live_rows = lane->live;
    desk->live = lane->live * (ROW_KEY_BYTES + lane->value_bytes);
}

static _Noreturn void attend(const struct heat *heat, struct entrant *entrant)
{
    struct peer_settings settings = {
        .path = entrant->path,
        .memory = heat->contest->memory,
        .value_bytes = heat->stage->value_bytes,
        .bloom_bits = 10,
        .is_mapped = heat->contest->is_mapped,
        .hash_index = heat->contest->hash_index,
        .is_compressed = heat->contest->is_compressed,
        .is_synced = heat->stage->is_durable,
    };
    const struct squeeze *squeeze = &heat->contest->squeeze;
    static struct lane lane;
    char word;

    /* The judge may be killed while this one is stopped. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!squeeze_enter(squeeze, entrant->peer->name))
        peer_die(entrant->peer->name, "cannot enter its group",
                 squeeze->prefix);
    lane_init(&lane, entrant->peer, &settings, heat->stage->order,
              heat->rows + heat->rows / 4 + 10000);
    zipf_init(&lane.zipf, heat->rows);
    while (read(entrant->call, &word, 1) == 1) {
        if (entrant->desk->order == ORDER_END)
            break;
        obey(&lane, entrant->desk, squeeze);
        if (write(entrant->answer, &word, 1) != 1)
            break;
    }
    lane.peer->close(lane.store);
    exit(0);
}

/* --- The judge -------------------------------------------------------------
 */

static void fail(const struct entrant *entrant, const char *what)
{
    fprintf(stderr, "%s: %s\n", entrant->peer->name, what);
    exit(1);
}

/* A process that ended by itself has said why. */
static void fail_of(const struct heat *heat, const struct entrant *entrant)
{
    const struct squeeze *squeeze = &heat->contest->squeeze;
    char words[128];

    waitpid(entrant->pid, NULL, 0);
    if (squeeze_kills(squeeze, entrant->peer->name) == 0)
        fail(entrant, "is gone");
    snprintf(words, sizeof words,
             "was killed by the kernel: %llu MB were not enough for it",
             (unsigned long long)heat->contest->squeeze_mb);
    fail(entrant, words);
}

static void enter(struct heat *heat, struct entrant *entrant)
{
    int call[2], answer[2];

    mkdir(entrant->path, 0755);
    if (!squeeze_make(&heat->contest->squeeze, entrant->peer->name))
        fail(entrant, "cannot make its memory group");
    entrant->desk = mmap(NULL, sizeof *entrant->desk, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (entrant->desk == MAP_FAILED || pipe(call) != 0 || pipe(answer) != 0)
        fail(entrant, "cannot start");
    fflush(NULL);
    entrant->pid = fork();
    if (entrant->pid < 0)
        fail(entrant, "cannot fork");
    if (entrant->pid == 0) {
        close(call[1]);
        close(answer[0]);
        entrant->call = call[0];
        entrant->answer = answer[1];
        attend(heat, entrant);
    }
    close(call[0]);
    close(answer[1]);
    entrant->call = call[1];
    entrant->answer = answer[0];
    kill(entrant->pid, SIGSTOP);
}

static void let(const struct heat *heat, struct entrant *entrant,
                enum order order)
{
    char word = 0;

    entrant->desk->order = order;
    kill(entrant->pid, SIGCONT);
    if (write(entrant->call, &word, 1) != 1 ||
        (order != ORDER_END && read(entrant->answer, &word, 1) != 1))
        fail_of(heat, entrant);
    if (order != ORDER_END)
        kill(entrant->pid, SIGSTOP);
}

static void leave(const struct heat *heat, struct entrant *entrant)
{
    char command[5000];
    int status = 0;

    let(heat, entrant, ORDER_END);
    waitpid(entrant->pid, &status, 0);
    if (status != 0)
        fail(entrant, "did not close");
    close(entrant->call);
    close(entrant->answer);
    munmap(entrant->desk, sizeof *entrant->desk);
    snprintf(command, sizeof command, "rm -rf '%s'", entrant->path);
    if (system(command) != 0)
        fail(entrant, "cannot remove its files");
}

static void add_meters(struct standing *standing, const struct desk *desk)
{
    const struct meter *before = &desk->before, *after = &desk->after;

    standing->cpu_us += after->cpu_us - before->cpu_us;
    standing->written += after->written - before->written;
    standing->dirtied += after->dirtied - before->dirtied;
    standing->disk_read += after->read - before->read;
    standing->syncs += after->syncs - before->syncs;
    if (desk->peak > standing->peak)
        standing->peak = desk->peak;
    standing->disk = desk->disk;
    standing->live = desk->live;
}

static double rate_of(uint64_t ops, uint64_t ticks)
{
    return ticks == 0 ? 0 : (double)ops * 1e9 / ((double)ticks * ns_per_tick);
}

static void add_part(struct standing *standing, const struct desk *desk)
{
    const struct outcome *outcome = &desk->outcome;
    double rate = rate_of(outcome->ops, outcome->ticks);

    standing->own_us += desk->after.own_us - desk->before.own_us;
    standing->ops += outcome->ops;
    standing->ticks += outcome->ticks;
    standing->row_bytes += outcome->row_bytes;
    waits_merge(&standing->waits, &outcome->waits);
    add_meters(standing, desk);
    standing->is_cut = standing->is_cut || outcome->is_cut;
    if (standing->most == 0 || rate < standing->least)
        standing->least = rate;
    if (rate > standing->most)
        standing->most = rate;
}

static void add_sample(struct standing *standing, double rate)
{
    if (standing->samples < CONTEST_SAMPLES)
        standing->rate[standing->samples++] = rate;
}

/* What is being done, and for how long this has been going on. */
static void show(const struct heat *heat, const struct turn *turn,
                 const char *what, const char *peer)
{
    static time_t last;
    time_t now = time(NULL);
    long elapsed = (long)now - (long)heat->contest->began;
    bool is_seen = isatty(2);

    if (!is_seen && now - last < SHOW_EVERY)
        return;
    last = now;
    fprintf(stderr, is_seen ? "\r%-78s\r" : "%s", "");
    fprintf(stderr, "[%ld:%02ld] %s, %s%s%s%s: %s %s%s", elapsed / 60,
            elapsed % 60, heat->contest->label, heat->stage->name,
            turn ? " " : "", turn ? turn->workload->name : "",
            turn && turn->is_cold ? " cold" : "", peer, what,
            is_seen ? "" : "\n");
}

static void show_nothing(void)
{
    if (isatty(2))
        fprintf(stderr, "\r%-78s\r", "");
}

/*
 * Gets ready for reads, unmeasured: with the store as good as new and what it
 * needs to find its rows read in; or with its caches filled.
 */
static void prepare_reads(const struct heat *heat, struct entrant *entrant,
                          const struct turn *turn, uint64_t ops)
{
    struct desk *desk = entrant->desk;

    if (turn->is_cold && !entrant->peer->keeps_nothing) {
        let(heat, entrant, ORDER_REOPEN);
        if (desk->cached > desk->disk / 100 + (1 << 20))
            printf("%s: not quite cold, %.1f MB of its files are in the page "
                   "cache\n",
                   entrant->peer->name, (double)desk->cached / 1e6);
    }
    if (turn->workload->is_whole)
        return;
    desk->ops = turn->is_cold ? ops / 4 + 1 : ops;
    desk->limit_s = entrant->left_s / 2; /* Its own time is not lessened. */
    let(heat, entrant, ORDER_RUN);
}

/* One part of a workload, of one peer. */
static void run_entrant(struct heat *heat, const struct turn *turn,
                        struct entrant *entrant, uint64_t part, uint64_t ops)
{
    struct standing *standing = &turn->standings[entrant - heat->entrants];
    struct desk *desk = entrant->desk;

    standing->planned += turn->workload->is_whole ? desk->live_rows : ops;
    if (entrant->is_cut)
        return;
    desk->workload = turn->workload;
    if (turn->is_cold || (part == 0 && turn->workload->is_plain_read))
        prepare_reads(heat, entrant, turn, ops);
    desk->ops = ops;
    desk->limit_s = entrant->left_s;
    let(heat, entrant, ORDER_RUN);
    entrant->left_s -= desk->seconds;
    entrant->is_cut = desk->outcome.is_cut;
    add_part(standing, desk);
    if (turn->workload->writes)
        sync_files(entrant->path); /* Not in the next one's time. */
    else
        add_sample(standing, rate_of(desk->outcome.ops, desk->outcome.ticks));
}

/* One part of a workload, every peer in its turn. */
static void run_part(struct heat *heat, const struct turn *turn, uint64_t part,
                     uint64_t parts, uint64_t ops)
{
    char words[64];

    snprintf(words, sizeof words, "does part %llu of %llu",
             (unsigned long long)part + 1, (unsigned long long)parts);
    for (size_t i = 0; i < heat->count; i++) {
        struct entrant *entrant = &heat->entrants[(i + part) % heat->count];

        if (!entrant->is_cut)
            show(heat, turn, words, entrant->peer->name);
        run_entrant(heat, turn, entrant, part, ops);
    }
}

/*
 * The store of a peer that was stopped in its load is made anew with all its
 * rows, unmeasured, so that it can take part in what comes next.
 */
static void reload(struct heat *heat, const struct turn *turn,
                   struct entrant *entrant)
{
    struct standing *standing = &turn->standings[entrant - heat->entrants];

    show(heat, turn, "is loaded anew, sorted", entrant->peer->name);
    entrant->desk->ops = heat->rows;
    let(heat, entrant, ORDER_RELOAD);
    let(heat, entrant, ORDER_SETTLE);
    sync_files(entrant->path);
    standing->disk = entrant->desk->disk;
    standing->live = entrant->desk->live;
}

/* The rate of writes is that of the round: its parts are not alike. */
static void settle_all(struct heat *heat, const struct turn *turn,
                       const struct standing before[CONTEST_PEERS])
{
    for (size_t i = 0; i < heat->count; i++) {
        struct standing *standing = &turn->standings[i];
        struct entrant *entrant = &heat->entrants[i];

        add_sample(standing, rate_of(standing->ops - before[i].ops,
                                     standing->ticks - before[i].ticks));
        show(heat, turn, "settles", entrant->peer->name);
        let(heat, entrant, ORDER_SETTLE);
        add_meters(standing, entrant->desk);
        standing->settle_s += entrant->desk->seconds;
        sync_files(entrant->path);
        if (entrant->is_cut && turn->workload->is_load)
            reload(heat, turn, entrant);
    }
}

/* How many ops of a workload the peers are asked for. */
static uint64_t ops_of(const struct heat *heat, const struct turn *turn)
{
    const struct workload *workload = turn->workload;
    uint64_t ops = (uint64_t)(workload->share * (double)heat->rows);
    uint64_t reads = heat->contest->reads;

    if (workload->most > 0 && ops > workload->most)
        ops = workload->most;
    if (reads > 0 && ops > reads && !workload->writes && !workload->is_whole)
        ops = reads;
    if (turn->is_cold && ops > COLD_OPS)
        ops = COLD_OPS;
    return ops;
}

static void run_turn(struct heat *heat, const struct turn *turn)
{
    static struct standing before[CONTEST_PEERS];
    const struct workload *workload = turn->workload;
    const struct contest *contest = heat->contest;
    uint64_t parts = contest->parts, ops = ops_of(heat, turn);
    uint64_t limit = workload->is_load  ? contest->load_limit
                     : workload->writes ? contest->write_limit
                                        : contest->limit;

    memcpy(before, turn->standings, sizeof before);
    for (size_t i = 0; i < heat->count; i++) {
        heat->entrants[i].left_s = limit > 0 ? (double)limit : INFINITY;
        heat->entrants[i].is_cut = false;
    }
    if (workload->is_load && workload->batch == 0)
        parts = 1;
    if (workload->is_whole && parts > 3)
        parts = 3;
    for (uint64_t part = 0; part < parts; part++) {
        uint64_t from = ops * part / parts, to = ops * (part + 1) / parts;

        run_part(heat, turn, part, parts, to - from);
    }
    if (workload->writes)
        settle_all(heat, turn, before);
    show_nothing();
}

/* Whether a list of names with commas between has this one. */
static bool has_name(const char *names, const char *name)
{
    size_t size = strlen(name);

    for (const char *at = names; (at = strstr(at, name)); at += size) {
        if ((at == names || at[-1] == ',') &&
            (at[size] == '\0' || at[size] == ','))
            return true;
    }
    return false;
}

/* Whole stages go by their names; a workload alone is that of small rows. */
static bool wants(const struct contest *contest, const struct stage *stage,
                  const char *workload)
{
    return !contest->only || has_name(contest->only, stage->name) ||
           (stage->value_bytes == 100 && has_name(contest->only, workload));
}

/* What a stage has to do; 0 if nothing of it is wanted. */
static size_t plan_turns(const struct contest *contest,
                         const struct stage *stage, struct turn out[MOST_TURNS])
{
    char words[512], *place = NULL;
    size_t count = 0;
    bool is_wanted = false;

    snprintf(words, sizeof words, "%s", stage->workloads);
    for (char *word = strtok_r(words, " ", &place); word;
         word = strtok_r(NULL, " ", &place)) {
        const struct workload *workload = workload_find(word);
        bool is_one = wants(contest, stage, word);

        is_wanted = is_wanted || is_one;
        /* Without its rows a stage cannot do anything. */
        if (is_one || workload->is_load)
            out[count++] = (struct turn){.workload = workload};
        if (is_one && contest->is_cold && workload->is_plain_read)
            out[count++] = (struct turn){.workload = workload, .is_cold = true};
    }
    return is_wanted ? count : 0;
}

static void verify(const struct heat *heat, struct entrant *entrant)
{
    struct desk *desk = entrant->desk;
    uint64_t limit = heat->contest->limit;

    desk->limit_s = limit > 0 ? (double)limit : INFINITY;
    show(heat, NULL, "is looked through", entrant->peer->name);
    let(heat, entrant, ORDER_VERIFY);
    if (desk->outcome.is_cut)
        printf("\n%s: %llu of its %llu rows were compared in the end, for lack "
               "of time\n",
               entrant->peer->name, (unsigned long long)desk->outcome.ops,
               (unsigned long long)desk->live_rows);
}

static void run_round(struct heat *heat, const struct turn *turns, size_t count)
{
    for (size_t i = 0; i < heat->count; i++)
        enter(heat, &heat->entrants[i]);
    for (size_t i = 0; i < count; i++) {
        run_turn(heat, &turns[i]);
        if (heat->is_last)
            report_turn(heat->contest, heat->stage, &turns[i], heat->rows,
                        heat->count, heat->peers);
    }
    for (size_t i = 0; i < heat->count; i++)
        verify(heat, &heat->entrants[i]);
    for (size_t i = 0; i < heat->count; i++)
        leave(heat, &heat->entrants[i]);
    squeeze_remove_all(&heat->contest->squeeze);
    show_nothing();
}

static void take_entrants(struct heat *heat)
{
    const struct contest *contest = heat->contest;

    for (size_t i = 0; i < contest->peer_count; i++) {
        struct entrant *entrant = &heat->entrants[heat->count];
        const struct peer *peer = contest->peers[i];

        if (peer->only_durable && !heat->stage->is_durable)
            continue;
        entrant->peer = heat->peers[heat->count++] = peer;
        snprintf(entrant->path, sizeof entrant->path, "%s/%s-%s",
                 contest->folder, heat->stage->name, peer->name);
    }
}

static void run_stage(const struct contest *contest, const struct stage *stage)
{
    static struct standing standings[MOST_TURNS][CONTEST_PEERS];
    static struct turn turns[MOST_TURNS];
    static struct heat heat;
    size_t count = plan_turns(contest, stage, turns);

    if (count == 0)
        return;
    memset(standings, 0, sizeof standings);
    memset(&heat, 0, sizeof heat);
    heat.contest = contest;
    heat.stage = stage;
    heat.rows = (uint64_t)(stage->share * (double)contest->rows);
    if (stage->most > 0 && heat.rows > stage->most)
        heat.rows = stage->most;
    for (size_t i = 0; i < count; i++)
        turns[i].standings = standings[i];
    take_entrants(&heat);
    for (uint64_t round = 1; round <= contest->rounds; round++) {
        heat.is_last = round == contest->rounds;
        run_round(&heat, turns, count);
    }
}

void contest_run(const struct contest *contest)
{
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        run_stage(contest, &stages[i]);
}
