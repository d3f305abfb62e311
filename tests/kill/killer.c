/*
 * killer: the kill test. A worker writes to ordinary and byron tables in the
 * same transactions; it is killed at a random moment; a checker compares; the
 * next worker goes on with the same files. docs/testing.md, "Killed processes".
 *
 * Usage: killer extension=PATH [rounds=40] [seed=N] [journal=wal] [dir=PATH]
 * One database in four lies in $TMPDIR or /tmp, the others in memory. With
 * journal=memory or off SQLite promises nothing after a crash, nor do we.
 *        killer check dir=PATH seed=N last=N ...   (as a failure prints it)
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kill/checker.h"
#include "kill/subject.h"
#include "kill/worker.h"
#include "support/seed.h"

/* At most so many on one database; on one in ten, so many more. */
#define DATABASE_ROUNDS 25
#define LONG_ROUNDS     100
#define CHECK_SECONDS   120
#define PATIENCE_US     20000000

extern char **environ;

/* What goes when we are told to end: a child, and the database's folder. */
static volatile pid_t child;
static char *volatile litter;

struct totals {
    uint64_t rounds;
    uint64_t databases;
    uint64_t acknowledged;
    uint64_t in_flight; /* Committed, though not acknowledged. */
    uint64_t leftovers; /* Kills after which unused table files lay there. */
    uint64_t rows;
    uint64_t slowest_us;
    uint64_t kills[WORKER_STAGES];
};

struct run {
    struct subject subject;
    const char *task; /* NULL: the parent. */
    const char *base; /* Folder for the databases; NULL: chosen by itself. */
    uint64_t rounds;
    uint64_t seed;
    struct rng rng;
    struct totals totals;
    char *place; /* Of the present database: live/ and killed/. */
};

/* When the worker dies. */
struct plan {
    uint64_t delay_us; /* After its start, or after the stage. */
    enum worker_stage stage;
    uint64_t acknowledged; /* Not before so many; a hang is a failure. */
};

struct watch {
    enum worker_stage stage;
    uint64_t last;
    uint64_t acknowledged;
    bool is_created;
    bool is_over;
};

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void run_command(const char *a, const char *b, const char *c,
                        const char *d)
{
    char *arguments[] = {strdup(a), strdup(b), strdup(c), d ? strdup(d) : NULL,
                         NULL};
    pid_t pid;
    int status = -1;

    if (posix_spawnp(&pid, a, NULL, NULL, arguments, environ) != 0 ||
        waitpid(pid, &status, 0) != pid || status != 0)
        subject_fail("%s failed", a);
    for (int i = 0; i < 4; i++)
        free(arguments[i]);
}

static void give_up(int number)
{
    (void)number;
    if (child > 0)
        kill(child, SIGKILL);
    if (litter)
        execl("/bin/sh", "sh", "-c", "rm -rf \"$0\"; exit 1", litter, NULL);
    _exit(1);
}

static void end_on_signals(void)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGTERM};
    struct sigaction action = {.sa_handler = give_up};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
}

/* --- children ------------------------------------------------------------ */

/* The arguments that make this program do a task. */
static char **arguments_of(const struct run *run, const char *task,
                           const char *folder, bool is_closing, int pipe)
{
    const struct subject *subject = &run->subject;
    char **words = calloc(14, sizeof *words);
    int n = 0;

    if (!words)
        subject_fail("no memory");
    words[n++] = sqlite3_mprintf("killer");
    words[n++] = sqlite3_mprintf("%s", task);
    words[n++] = sqlite3_mprintf("extension=%s", subject->extension);
    words[n++] = sqlite3_mprintf("dir=%s/%s", run->place, folder);
    words[n++] = sqlite3_mprintf("journal=%s", subject->journal);
    words[n++] = sqlite3_mprintf("seed=%llu", subject->seed);
    words[n++] = sqlite3_mprintf("round=%llu", subject->round);
    words[n++] = sqlite3_mprintf("last=%llu", subject->last);
    words[n++] = sqlite3_mprintf("sure=%llu", subject->sure);
    words[n++] = sqlite3_mprintf("aim=%u", subject->aim);
    words[n++] = sqlite3_mprintf("created=%d", subject->is_created);
    words[n++] = sqlite3_mprintf("close=%d", is_closing);
    if (pipe >= 0)
        words[n++] = sqlite3_mprintf("pipe=%d", pipe);
    return words;
}

static pid_t start(const struct run *run, const char *task, int *news)
{
    bool is_closing = run->subject.round % 2 == 0;
    int ends[2];
    char **words;
    pid_t pid;

    if (pipe(ends) != 0)
        subject_fail("pipe: %s", strerror(errno));
    words = arguments_of(run, task, "live", is_closing, ends[1]);
    fflush(stdout);
    pid = fork();
    if (pid < 0)
        subject_fail("fork: %s", strerror(errno));
    child = pid;
    if (pid == 0) {
        close(ends[0]);
        execv("/proc/self/exe", words);
        _exit(127);
    }
    close(ends[1]);
    *news = ends[0];
    for (int i = 0; words[i]; i++)
        sqlite3_free(words[i]);
    free(words);
    return pid;
}

static void fail_round(const struct run *run, const char *what)
{
    char **words = arguments_of(run, "check", "killed", false, -1);

    fprintf(stderr,
            "kill: FAILED round %llu of seed %llu: %s\n"
            "kill: the files as the kill left them: %s/killed, now: "
            "%s/live\nkill: check them again, in a copy of that folder:\nkill:",
            (unsigned long long)run->totals.rounds,
            (unsigned long long)run->seed, what, run->place, run->place);
    for (int i = 0; words[i]; i++)
        fprintf(stderr, " %s", words[i]);
    fprintf(stderr, "\nkills: %llu passed, 1 failed\n",
            (unsigned long long)run->totals.rounds);
    exit(1);
}

static pid_t reap(pid_t pid, int *status)
{
    pid_t ended = waitpid(pid, status, 0);
    child = 0;
    return ended;
}

/* Runs a checker to its end. */
static void check(const struct run *run, const char *task,
                  struct checker_news *out)
{
    int status = -1;
    int news;
    pid_t pid = start(run, task, &news);

    if (out && read(news, out, sizeof *out) != sizeof *out)
        memset(out, 0, sizeof *out);
    close(news);
    if (reap(pid, &status) != pid || status != 0)
        fail_round(run, WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
                                            : "the checker has said why");
}

/* --- one round ----------------------------------------------------------- */

static void choose_plan(struct run *run, struct plan *out)
{
    static const enum worker_stage stages[] = {
        WORKER_OPENING,    WORKER_OPENING,      WORKER_COMMITTING,
        WORKER_FLUSHING,   WORKER_COMPACTING,   WORKER_CHECKPOINTING,
        WORKER_COMMITTING, WORKER_ROLLING_BACK, WORKER_CREATING,
        WORKER_CLOSING,    WORKER_BACKING_UP,
    };
    struct rng *rng = &run->rng;
    uint64_t count = sizeof stages / sizeof *stages;

    memset(out, 0, sizeof *out);
    out->stage = WORKER_STARTING;
    switch (rng_below(rng, 10)) {
    case 0:
    case 1:
        out->delay_us = rng_below(rng, 20000);
        break;
    case 2:
    case 3:
    case 4:
        out->stage = stages[rng_below(rng, count)];
        out->delay_us = rng_below(rng, rng_one_in(rng, 2) ? 500 : 10000);
        break;
    case 5:
        if (rng_one_in(rng, 10))
            out->acknowledged = 300;
        break;
    default:
        break;
    }
    if (out->stage == WORKER_STARTING && out->delay_us == 0)
        out->delay_us = rng_below(rng, 300000);
}

/* Reads what the worker says for at most so long. */
static void listen(int news, uint64_t wait_us, struct watch *watch)
{
    struct pollfd poll = {news, POLLIN, 0};
    struct timespec wait = {(time_t)(wait_us / 1000000),
                            (long)(wait_us % 1000000) * 1000};
    struct worker_news message;
    ssize_t size;

    if (ppoll(&poll, 1, &wait, NULL) <= 0)
        return;
    size = read(news, &message, sizeof message);
    watch->is_over = size != sizeof message;
    if (watch->is_over)
        return;
    watch->stage = (enum worker_stage)message.stage;
    if (!message.is_acknowledged)
        return;
    watch->is_created = true;
    if (message.n > 0) {
        watch->last = message.n;
        watch->acknowledged++;
    }
}

/* Returns at the moment to kill. */
static void wait_for_moment(struct run *run, const struct plan *plan, int news,
                            struct watch *watch)
{
    uint64_t begun = now_us();
    uint64_t limit = begun + 500000;
    uint64_t moment =
        plan->stage == WORKER_STARTING ? begun + plan->delay_us : limit;
    bool has_seen = plan->stage == WORKER_STARTING;
    uint64_t before;

    if (plan->acknowledged > 0)
        moment = begun + PATIENCE_US;
    for (;;) {
        uint64_t now = now_us();
        if (watch->is_over || now >= moment)
            break;
        if (plan->acknowledged > 0 && watch->acknowledged > plan->acknowledged)
            return;
        before = watch->acknowledged;
        listen(news, moment - now, watch);
        if (plan->acknowledged > 0 && watch->acknowledged > before)
            moment = now_us() + PATIENCE_US; /* Slow, but it goes on. */
        if (!has_seen && watch->stage == plan->stage) {
            has_seen = true;
            moment = now_us() + plan->delay_us;
        }
    }
    if (plan->acknowledged > 0 && !watch->is_over)
        fail_round(run, "the worker hangs");
}

static char *path_of(const struct run *run, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", run->place, name) < 0)
        subject_fail("no memory");
    return path;
}

/* Files of tables as the kill left them. */
static uint64_t count_tables(const char *folder)
{
    char *path = sqlite3_mprintf("%s/kill.db-byron", folder);
    DIR *directory = opendir(path);
    struct dirent *entry;
    uint64_t count = 0;

    while (directory && (entry = readdir(directory)) != NULL)
        count += strncmp(entry->d_name, "S-", 2) == 0;
    if (directory)
        closedir(directory);
    sqlite3_free(path);
    return count;
}

/* The evidence: a checker recovers, and a close writes. */
static uint64_t keep_copy(const struct run *run)
{
    char *live = path_of(run, "live");
    char *killed = path_of(run, "killed");
    uint64_t tables;

    run_command("rm", "-rf", killed, NULL);
    run_command("cp", "-a", live, killed);
    tables = count_tables(killed);
    free(live);
    free(killed);
    return tables;
}

/* One worker's life and death. */
static void kill_worker(struct run *run)
{
    struct subject *subject = &run->subject;
    struct watch watch = {WORKER_STARTING, subject->last, 0,
                          subject->is_created, false};
    struct plan plan;
    int status;
    int news;
    pid_t pid;

    choose_plan(run, &plan);
    subject->aim = plan.stage;
    pid = start(run, "worker", &news);
    wait_for_moment(run, &plan, news, &watch);
    kill(pid, SIGKILL);
    if (reap(pid, &status) != pid)
        subject_fail("waitpid: %s", strerror(errno));
    while (!watch.is_over)
        listen(news, 0, &watch);
    close(news);
    subject->last = watch.last;
    if (watch.acknowledged > 0)
        subject->sure = watch.last;
    subject->is_created = watch.is_created;
    run->totals.acknowledged += watch.acknowledged;
    run->totals.kills[watch.stage]++;
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        keep_copy(run);
        fail_round(run, "the worker ended by itself");
    }
}

static void play_round(struct run *run)
{
    struct subject *subject = &run->subject;
    struct totals *totals = &run->totals;
    struct checker_news news;
    uint64_t tables;

    kill_worker(run);
    tables = keep_copy(run);
    check(run, "check", &news);
    totals->in_flight += news.last > subject->last;
    totals->leftovers += tables > news.table_files;
    totals->rows += news.rows;
    if (news.open_us > totals->slowest_us)
        totals->slowest_us = news.open_us;
    subject->last = news.last;
    subject->is_created = news.is_created != 0;
    totals->rounds++;
}

/* --- databases ----------------------------------------------------------- */

static const char *choose_base(const struct run *run)
{
    const char *disk = getenv("TMPDIR");

    if (run->base)
        return run->base;
    if (run->totals.databases % 4 != 1 && access("/dev/shm", W_OK) == 0)
        return "/dev/shm";
    return disk && *disk ? disk : "/tmp";
}

static void begin_database(struct run *run)
{
    char *live;

    if (asprintf(&run->place, "%s/byron-kill-XXXXXX", choose_base(run)) < 0 ||
        !mkdtemp(run->place))
        subject_fail("%s: %s", run->place, strerror(errno));
    litter = run->place;
    live = path_of(run, "live");
    if (mkdir(live, 0700) != 0)
        subject_fail("%s: %s", live, strerror(errno));
    free(live);
    run->subject.seed = rng_below(&run->rng, 1000000000);
    run->subject.last = run->subject.sure = 0;
    run->subject.is_created = false;
    run->totals.databases++;
}

static void remove_place(struct run *run)
{
    run_command("rm", "-rf", run->place, NULL);
    litter = NULL;
    free(run->place);
}

static void end_database(struct run *run)
{
    if (run->subject.is_created)
        check(run, "finish", NULL);
    remove_place(run);
}

/* A second process beside a living worker. */
static void expect_busy(struct run *run)
{
    struct watch watch = {0};
    uint64_t limit = now_us() + PATIENCE_US;
    int status;
    int news;
    pid_t pid;

    begin_database(run);
    run->subject.round = 1; /* Never closes. */
    pid = start(run, "worker", &news);
    while (watch.acknowledged == 0 && !watch.is_over && now_us() < limit)
        listen(news, 100000, &watch);
    kill(pid, SIGSTOP);
    check(run, "busy", NULL);
    kill(pid, SIGKILL);
    reap(pid, &status);
    close(news);
    remove_place(run);
}

/* --- the report ---------------------------------------------------------- */

static void print_totals(const struct run *run)
{
    static const char *const names[WORKER_STAGES] = {
        "starting",   "opening",       "creating",     "idle",
        "writing",    "committing",    "rolling back", "flushing",
        "compacting", "checkpointing", "closing",      "backing up",
    };
    const struct totals *totals = &run->totals;

    printf("kill: %llu rounds on SQLite %s, journal_mode=%s, %llu databases\n",
           (unsigned long long)totals->rounds, sqlite3_libversion(),
           run->subject.journal, (unsigned long long)totals->databases);
    printf("kill: %llu transactions acknowledged, %llu more found committed; "
           "%llu rows compared\n",
           (unsigned long long)totals->acknowledged,
           (unsigned long long)totals->in_flight,
           (unsigned long long)totals->rows);
    printf("kill: killed while");
    for (int i = 0; i < WORKER_STAGES; i++)
        printf("%s %s %llu", i ? "," : "", names[i],
               (unsigned long long)totals->kills[i]);
    printf("\nkill: %llu kills left table files that belong to no version; "
           "slowest recovery %.1f ms\n",
           (unsigned long long)totals->leftovers,
           (double)totals->slowest_us / 1000);
}

static void play(struct run *run)
{
    printf("kill: seed %llu, %llu rounds\n", (unsigned long long)run->seed,
           (unsigned long long)run->rounds);
    rng_init(&run->rng, run->seed);
    if (strcmp(run->subject.journal, "wal") == 0)
        expect_busy(run);
    while (run->totals.rounds < run->rounds) {
        uint64_t end =
            run->totals.rounds + 1 + rng_below(&run->rng, DATABASE_ROUNDS);
        if (rng_one_in(&run->rng, 10))
            end += LONG_ROUNDS;
        begin_database(run);
        while (run->totals.rounds < end && run->totals.rounds < run->rounds) {
            run->subject.round = run->totals.rounds;
            play_round(run);
        }
        end_database(run);
    }
    print_totals(run);
    printf("kills: %llu passed, 0 failed\n",
           (unsigned long long)run->totals.rounds);
}

static void set_argument(struct run *run, const char *name, const char *value)
{
    struct subject *subject = &run->subject;
    uint64_t number = strtoull(value, NULL, 10);

    if (strcmp(name, "extension") == 0)
        subject->extension = value;
    else if (strcmp(name, "journal") == 0)
        subject->journal = value;
    else if (strcmp(name, "dir") == 0)
        run->base = subject->directory = value;
    else if (strcmp(name, "seed") == 0)
        run->seed = subject->seed = number;
    else if (strcmp(name, "rounds") == 0)
        run->rounds = number;
    else if (strcmp(name, "round") == 0)
        subject->round = number;
    else if (strcmp(name, "last") == 0)
        subject->last = number;
    else if (strcmp(name, "sure") == 0)
        subject->sure = number;
    else if (strcmp(name, "aim") == 0)
        subject->aim = (unsigned)number;
    else if (strcmp(name, "created") == 0)
        subject->is_created = number != 0;
    else if (strcmp(name, "close") == 0)
        subject->is_closing = number != 0;
    else if (strcmp(name, "pipe") == 0)
        subject->pipe = (int)number;
    else
        subject_fail("what is %s=%s?", name, value);
}

static void read_arguments(struct run *run, int count, char **arguments)
{
    for (int i = 1; i < count; i++) {
        char *equals = strchr(arguments[i], '=');
        if (!equals) {
            run->task = arguments[i];
            continue;
        }
        *equals = '\0';
        set_argument(run, arguments[i], equals + 1);
    }
    if (!run->subject.extension)
        subject_fail("extension=PATH is missing");
    if (!strstr(" wal delete truncate persist ", run->subject.journal))
        subject_fail("journal=%s does not survive a crash",
                     run->subject.journal);
}

int main(int count, char **arguments)
{
    struct run run = {0};

    run.subject.journal = "wal";
    run.subject.file = "kill.db";
    run.subject.pipe = -1;
    run.rounds = 40;
    run.seed = test_seed();
    read_arguments(&run, count, arguments);
    if (!run.task) {
        end_on_signals();
        play(&run);
        return 0;
    }
    alarm(CHECK_SECONDS);
    if (strcmp(run.task, "worker") == 0)
        worker_run(&run.subject);
    else if (strcmp(run.task, "check") == 0)
        checker_run(&run.subject);
    else if (strcmp(run.task, "finish") == 0)
        checker_finish(&run.subject);
    else
        checker_expect_busy(&run.subject);
    return 0;
}
