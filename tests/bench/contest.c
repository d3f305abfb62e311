#include "bench/contest.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/meter.h"
#include "bench/report.h"
#include "bench/rows.h"

#define MOST_TURNS 32
#define COLD_OPS   50000 /* At most: the page cache fills while they run. */

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
    ORDER_VERIFY,
    ORDER_END,
};

/* Memory that the judge and one peer's process share. */
struct desk {
    enum order order;
    const struct workload *workload;
    uint64_t ops;
    struct outcome outcome;
    struct meter before, after;
    uint64_t peak, disk, live;
    double seconds;
};

struct entrant {
    const struct peer *peer;
    char path[4096];
    struct desk *desk;
    pid_t pid;
    int call, answer; /* Pipes: a byte is a word. */
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

static void obey(struct lane *lane, struct desk *desk, const char *path)
{
    double start = seconds();

    meter_reset_peak();
    memset(&desk->outcome, 0, sizeof desk->outcome);
    meter_read(&desk->before);
    if (desk->order == ORDER_RUN) {
        desk->workload->run(lane, desk->workload, desk->ops, &desk->outcome);
    } else if (desk->order == ORDER_SETTLE) {
        lane->peer->settle(lane->store);
    } else if (desk->order == ORDER_VERIFY) {
        lane_verify(lane);
    } else if (desk->order == ORDER_REOPEN) {
        lane->peer->close(lane->store);
        drop_page_cache(path);
        lane->store = lane->peer->open(&lane->settings);
    }
    meter_read(&desk->after);
    desk->seconds = seconds() - start;
    desk->peak = meter_peak();
    desk->disk = disk_bytes(path);
    desk->live = lane->live * (ROW_KEY_BYTES + lane->value_bytes);
}

static _Noreturn void attend(const struct heat *heat, struct entrant *entrant)
{
    struct peer_settings settings = {
        .path = entrant->path,
        .memory = heat->contest->memory,
        .value_bytes = heat->stage->value_bytes,
        .bloom_bits = 10,
        .hash_index = heat->contest->hash_index,
        .is_compressed = heat->contest->is_compressed,
        .is_synced = heat->stage->is_durable,
    };
    static struct lane lane;
    char word;

    /* The judge may be killed while this one is stopped. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    lane_init(&lane, entrant->peer, &settings, heat->stage->order,
              heat->rows + heat->rows / 4 + 10000);
    zipf_init(&lane.zipf, heat->rows);
    while (read(entrant->call, &word, 1) == 1) {
        if (entrant->desk->order == ORDER_END)
            break;
        obey(&lane, entrant->desk, entrant->path);
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

static void enter(struct heat *heat, struct entrant *entrant)
{
    int call[2], answer[2];

    mkdir(entrant->path, 0755);
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

static void let(struct entrant *entrant, enum order order)
{
    char word = 0;

    entrant->desk->order = order;
    kill(entrant->pid, SIGCONT);
    if (write(entrant->call, &word, 1) != 1 ||
        (order != ORDER_END && read(entrant->answer, &word, 1) != 1))
        fail(entrant, "is gone");
    if (order != ORDER_END)
        kill(entrant->pid, SIGSTOP);
}

static void leave(struct entrant *entrant)
{
    char command[5000];
    int status = 0;

    let(entrant, ORDER_END);
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

/*
 * Gets ready for reads, unmeasured: with the store as good as new and what it
 * needs to find its rows read in; or with its caches filled.
 */
static void prepare_reads(struct entrant *entrant, const struct turn *turn,
                          uint64_t ops)
{
    if (turn->is_cold && !entrant->peer->keeps_nothing)
        let(entrant, ORDER_REOPEN);
    if (turn->workload->is_whole)
        return;
    entrant->desk->ops = turn->is_cold ? ops / 4 + 1 : ops;
    let(entrant, ORDER_RUN);
}

/* One part of a workload, every peer in its turn. */
static void run_part(struct heat *heat, const struct turn *turn, uint64_t part,
                     uint64_t ops)
{
    for (size_t i = 0; i < heat->count; i++) {
        size_t n = (i + part) % heat->count;
        struct entrant *entrant = &heat->entrants[n];
        struct desk *desk = entrant->desk;

        desk->workload = turn->workload;
        if (turn->is_cold || (part == 0 && turn->workload->is_plain_read))
            prepare_reads(entrant, turn, ops);
        desk->ops = ops;
        let(entrant, ORDER_RUN);
        add_part(&turn->standings[n], desk);
        if (turn->workload->writes)
            sync_files(entrant->path); /* Not in the next one's time. */
        else
            add_sample(&turn->standings[n],
                       rate_of(desk->outcome.ops, desk->outcome.ticks));
    }
}

/* The rate of writes is that of the round: its parts are not alike. */
static void settle_all(struct heat *heat, const struct turn *turn,
                       const struct standing before[CONTEST_PEERS])
{
    for (size_t i = 0; i < heat->count; i++) {
        struct standing *standing = &turn->standings[i];

        add_sample(standing, rate_of(standing->ops - before[i].ops,
                                     standing->ticks - before[i].ticks));
        let(&heat->entrants[i], ORDER_SETTLE);
        add_meters(standing, heat->entrants[i].desk);
        standing->settle_s += heat->entrants[i].desk->seconds;
        sync_files(heat->entrants[i].path);
    }
}

static void show_progress(const struct heat *heat, const struct turn *turn,
                          uint64_t part, uint64_t parts)
{
    if (!isatty(2))
        return;
    fprintf(stderr, "\r%-60s\r", "");
    if (parts > 0)
        fprintf(stderr, "%s %s%s: part %llu of %llu ", heat->stage->name,
                turn->workload->name, turn->is_cold ? " cold" : "",
                (unsigned long long)part, (unsigned long long)parts);
}

static void run_turn(struct heat *heat, const struct turn *turn)
{
    static struct standing before[CONTEST_PEERS];
    const struct workload *workload = turn->workload;
    uint64_t parts = heat->contest->parts;
    uint64_t ops = (uint64_t)(workload->share * (double)heat->rows);

    memcpy(before, turn->standings, sizeof before);
    if (workload->most > 0 && ops > workload->most)
        ops = workload->most;
    if (turn->is_cold && ops > COLD_OPS)
        ops = COLD_OPS;
    if (workload->is_load && workload->batch == 0)
        parts = 1;
    if (workload->is_whole && parts > 3)
        parts = 3;
    for (uint64_t part = 0; part < parts; part++) {
        uint64_t from = ops * part / parts, to = ops * (part + 1) / parts;

        show_progress(heat, turn, part + 1, parts);
        run_part(heat, turn, part, to - from);
    }
    if (workload->writes)
        settle_all(heat, turn, before);
    show_progress(heat, turn, 0, 0);
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
        let(&heat->entrants[i], ORDER_VERIFY);
    for (size_t i = 0; i < heat->count; i++)
        leave(&heat->entrants[i]);
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
