#include "differ/sides.h"

#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "differ/mark.h"

#define CONNECTIONS 5
/* SQLITE_TESTCTRL_OPTIMIZATIONS: Bloom filters, joins that come in order. */
#define BLOOM_FILTER 0x00080000
#define JOIN_ORDER   0x00000040

struct side {
    const char *extension; /* NULL: ordinary tables. */
    char path[256];
    sqlite3 *connection[CONNECTIONS];
    sqlite3_stmt *held; /* A statement that is not at its end. */
};

struct run {
    const struct sides_settings *settings;
    struct side plain;
    struct side byron;
    struct sides_result *result; /* Shared with the parent. */
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "differ: %s: %s\n", what, why);
    exit(2);
}

/* --- Connections ---------------------------------------------------------- */

/* beside('name'): a file of this side's own. */
static void beside(sqlite3_context *context, int count, sqlite3_value **names)
{
    const struct side *side = sqlite3_user_data(context);

    (void)count;
    sqlite3_result_text(
        context,
        sqlite3_mprintf("%s-%s", side->path, sqlite3_value_text(names[0])), -1,
        sqlite3_free);
}

static sqlite3 *open_connection(struct side *side, int number)
{
    sqlite3 **db = &side->connection[number];
    char *words = NULL;

    if (*db)
        return *db;
    if (sqlite3_open(side->path, db) != SQLITE_OK)
        die(side->path, sqlite3_errmsg(*db));
    sqlite3_extended_result_codes(*db, 1);
    /* Before 3.41 the filters forget rows under RTRIM, and a LEFT JOIN sorts
     * by a key with DESC as if it had none. */
    if (sqlite3_libversion_number() < 3041000)
        sqlite3_test_control(SQLITE_TESTCTRL_OPTIMIZATIONS, *db,
                             BLOOM_FILTER | (side->extension ? 0 : JOIN_ORDER));
    if (side->extension) {
        sqlite3_db_config(*db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL);
        if (sqlite3_load_extension(*db, side->extension, NULL, &words) !=
            SQLITE_OK)
            die(side->extension, words);
    }
    sqlite3_create_function(*db, "beside", 1, SQLITE_UTF8, side, beside, NULL,
                            NULL);
    sqlite3_exec(*db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
    return *db;
}

static void close_all(struct side *side)
{
    sqlite3_finalize(side->held);
    side->held = NULL;
    for (int i = 0; i < CONNECTIONS; i++) {
        if (sqlite3_close(side->connection[i]) != SQLITE_OK)
            die("close", sqlite3_errmsg(side->connection[i]));
        side->connection[i] = NULL;
    }
}

/* --- Steps ---------------------------------------------------------------- */

static void report(struct run *run, int step, enum verdict verdict,
                   const char *plain, const char *byron)
{
    struct sides_result *result = run->result;

    result->verdict = verdict;
    result->step = step;
    snprintf(result->words, sizeof result->words,
             "  ordinary: %.1900s\n  byron:    %.1900s\n", plain, byron);
}

/* As SQLite says it; byron's words begin with its name. */
static bool is_malformed(const struct outcome *outcome)
{
    return outcome->code == SQLITE_CORRUPT &&
           strcmp(outcome->message, "database disk image is malformed") == 0;
}

/*
 * A commit that changed nothing is a commit on one side only: an UPDATE that
 * sets what was there (SQLite writes no page), one that failed (it writes
 * them). So a reader may be late for one side, and not for the other. And
 * SQLite before 3.41 finds its own tables for IN and EXCEPT malformed under
 * RTRIM.
 */
static bool is_undecided(const struct outcome *plain,
                         const struct outcome *byron)
{
    bool is_old = sqlite3_libversion_number() < 3041000;

    return (is_old && (is_malformed(plain) || is_malformed(byron))) ||
           (plain->code != byron->code &&
            (plain->code == SQLITE_BUSY_SNAPSHOT ||
             byron->code == SQLITE_BUSY_SNAPSHOT));
}

/* SQLite reads texts that match a pattern before blobs that do, each time for
 * the whole of a list before them, and does not sort. */
static bool is_read_twice(enum verdict verdict, const char *sql)
{
    return verdict == VERDICT_ORDER && strstr(sql, " IN (") &&
           (strstr(sql, " LIKE ") || strstr(sql, " GLOB "));
}

/*
 * Before 3.41 SQLite loses rows of outer joins by an index, or by a rowid that
 * is LIKE something, and does not sort by a column that it takes for equal to
 * a constant, though a text and a number compare as equal.
 */
static bool is_doubtful(enum verdict verdict, const char *sql)
{
    if (sqlite3_libversion_number() >= 3041000 || !strstr(sql, " JOIN "))
        return false;
    if (verdict == VERDICT_ORDER)
        return true;
    return verdict == VERDICT_ROWS &&
           (strstr(sql, " FULL ") || strstr(sql, " RIGHT ") ||
            (strstr(sql, " LEFT ") && strstr(sql, " LIKE ")) ||
            (strstr(sql, " ORDER BY ") && strstr(sql, " LIMIT ")));
}

/* Each side has words of its own where a table is gone. */
static bool is_gone(const char *sql, const struct outcome *plain,
                    const struct outcome *byron)
{
    return strstr(sql, "/*byron:") && plain->message && byron->message &&
           strstr(plain->message, "no such table") &&
           strstr(byron->message, "no such");
}

/* Who is locked out of a byron table hears that first: it is connected before
 * SQLite looks at the names that follow. */
static bool is_locked_out(const struct outcome *plain,
                          const struct outcome *byron)
{
    return (byron->code & 0xff) == SQLITE_BUSY && plain->message &&
           strstr(plain->message, "no such table");
}

/*
 * A function of byron's reads its own tables before it is locked out, and goes
 * on reading inside BEGIN; a DELETE does not. So the transaction ends.
 */
static bool has_read(const char *sql, const struct outcome *byron)
{
    return strstr(sql, "/*byron: SELECT") && !byron->is_autocommit &&
           (byron->code & 0xff) == SQLITE_BUSY;
}

/*
 * BEGIN IMMEDIATE inside BEGIN locks one schema after the other up to the one
 * for which this reader is late, and that need not be the same on both sides.
 * Then it ends as well.
 */
static bool is_locked_by_one(struct run *run, int connection,
                             const struct outcome *plain,
                             const struct outcome *byron)
{
    return plain->code == SQLITE_BUSY_SNAPSHOT &&
           byron->code == SQLITE_BUSY_SNAPSHOT &&
           sqlite3_txn_state(open_connection(&run->plain, connection),
                             "main") !=
               sqlite3_txn_state(open_connection(&run->byron, connection),
                                 "main");
}

/*
 * A condition that lets no row of NULLs through makes less of a FULL JOIN, of
 * ordinary tables only: the other table may then not be read. From there on one
 * side has a lock, or met one, that the other has not.
 */
static bool is_joined_otherwise(struct run *run, int connection,
                                const struct outcome *plain,
                                const struct outcome *byron, const char *sql)
{
    sqlite3 *left = open_connection(&run->plain, connection);
    sqlite3 *right = open_connection(&run->byron, connection);
    const char *schema;

    if (!strstr(sql, " FULL JOIN "))
        return false;
    if (byron->code == SQLITE_BUSY && !plain->message)
        return true;
    for (int i = 0; (schema = sqlite3_db_name(left, i)); i++)
        if (sqlite3_txn_state(left, schema) != sqlite3_txn_state(right, schema))
            return true;
    return false;
}

static void roll_back(struct side *side, int connection)
{
    sqlite3_exec(open_connection(side, connection), "ROLLBACK", NULL, NULL,
                 NULL);
}

/* Both did their best: what became of it. */
static void judge(struct run *run, int number, const struct step *step,
                  const struct outcome *plain, const struct outcome *byron)
{
    const char *sql = step->sql ? step->sql : "";
    enum verdict verdict = outcome_compare(step, plain, byron);
    char *plain_words, *byron_words;

    run->result->statements++;
    run->result->answers += plain->row_count > 0;
    run->result->errors += plain->message != NULL;
    run->result->is_refused = plain->message != NULL;
    if (is_read_twice(verdict, sql) || is_doubtful(verdict, sql) ||
        is_gone(sql, plain, byron) || is_locked_out(plain, byron))
        verdict = VERDICT_SAME;
    if (has_read(sql, byron) ||
        is_locked_by_one(run, step->connection, plain, byron)) {
        roll_back(&run->plain, step->connection);
        roll_back(&run->byron, step->connection);
    }
    if (is_undecided(plain, byron) ||
        is_joined_otherwise(run, step->connection, plain, byron, sql)) {
        run->result->is_cut = true;
        verdict = VERDICT_SAME;
    }
    if (verdict == VERDICT_SAME)
        return;
    plain_words = outcome_describe(plain, verdict, byron);
    byron_words = outcome_describe(byron, verdict, plain);
    report(run, number, verdict, plain_words, byron_words);
    sqlite3_free(plain_words);
    sqlite3_free(byron_words);
}

static void run_side(struct side *side, const struct step *step,
                     const char *sql, struct outcome *out)
{
    outcome_run(open_connection(side, step->connection), step, sql, out);
    if (step->hold > 0) {
        sqlite3_finalize(side->held);
        side->held = out->held;
    }
}

static void finish_side(struct side *side, const struct step *step,
                        struct outcome *out)
{
    outcome_finish(side->held, step, out);
    side->held = NULL;
}

static void run_both(struct run *run, int number, const struct step *step)
{
    struct outcome plain, byron;
    char *sql;

    if (step->kind == STEP_FINISH) {
        finish_side(&run->plain, step, &plain);
        finish_side(&run->byron, step, &byron);
    } else {
        sql = mark_byron_sql(step->sql);
        run_side(&run->plain, step, step->sql, &plain);
        run_side(&run->byron, step, sql, &byron);
        sqlite3_free(sql);
    }
    judge(run, number, step, &plain, &byron);
    outcome_deinit(&plain);
    outcome_deinit(&byron);
}

/* What may fail at any moment: somebody else is at work, or the table gone. */
static bool is_excused(const struct outcome *outcome)
{
    int code = outcome->code & 0xff;

    return code == SQLITE_BUSY || code == SQLITE_LOCKED ||
           (outcome->message &&
            (strstr(outcome->message, "not while this connection") ||
             strstr(outcome->message, "no such") ||
             strstr(outcome->message, "cannot VACUUM")));
}

static void run_one_sided(struct run *run, int number, const struct step *step)
{
    bool is_byron = step->kind == STEP_BYRON;
    struct side *side = is_byron ? &run->byron : &run->plain;
    struct outcome outcome;

    outcome_run(open_connection(side, step->connection), step, step->sql,
                &outcome);
    if (outcome.message && !is_excused(&outcome))
        report(run, number, VERDICT_ONE_SIDED, is_byron ? "-" : outcome.message,
               is_byron ? outcome.message : "-");
    else if (outcome.row_count == 1 && is_byron &&
             strcmp(outcome.rows[0].text, "'ok' ") != 0)
        report(run, number, VERDICT_ONE_SIDED, "-", outcome.rows[0].text);
    outcome_deinit(&outcome);
}

/* What no virtual table can do: an error of the SQL, found at once. */
static void run_refused(struct run *run, int number, const struct step *step)
{
    struct outcome outcome;

    outcome_run(open_connection(&run->byron, step->connection), step, step->sql,
                &outcome);
    if (!outcome.message)
        report(run, number, VERDICT_ONE_SIDED, "-", "not refused");
    else if (outcome.code != SQLITE_ERROR && !is_excused(&outcome))
        report(run, number, VERDICT_ONE_SIDED, "-", outcome.message);
    outcome_deinit(&outcome);
}

static void run_step(struct run *run, int number, const struct step *step)
{
    if (run->settings->is_verbose)
        fprintf(stderr, "%d: %d: %s\n", number, step->connection,
                step->sql                   ? step->sql
                : step->kind == STEP_REOPEN ? ".reopen"
                                            : ".finish");
    switch (step->kind) {
    case STEP_REOPEN:
        close_all(&run->plain);
        close_all(&run->byron);
        break;
    case STEP_BOTH:
    case STEP_FINISH:
        run_both(run, number, step);
        break;
    case STEP_REFUSED:
        run_refused(run, number, step);
        break;
    default:
        run_one_sided(run, number, step);
    }
}

/* --- One process per run -------------------------------------------------- */

static void run_child(const struct script *script,
                      const struct sides_settings *settings, const char *folder,
                      struct sides_result *result)
{
    struct run run = {.settings = settings, .result = result};

    snprintf(run.plain.path, sizeof run.plain.path, "%s/plain.db", folder);
    snprintf(run.byron.path, sizeof run.byron.path, "%s/byron.db", folder);
    run.byron.extension = settings->extension;
    for (int i = 0; i < script->count && !result->is_cut &&
                    result->verdict == VERDICT_SAME;
         i++) {
        result->step = i;
        run_step(&run, i, &script->steps[i]);
    }
    close_all(&run.plain);
    close_all(&run.byron);
    exit(0);
}

static int remove_one(const char *path, const struct stat *status, int type,
                      struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

/* The run has its verdict; what may follow is the end of its process. */
static void await_child(pid_t child, const struct sides_settings *settings,
                        struct sides_result *result)
{
    int status = 0;

    for (int waited = 0; waitpid(child, &status, WNOHANG) == 0; waited++) {
        if (waited > settings->timeout_seconds * 1000) {
            kill(child, SIGABRT);
            waitpid(child, &status, 0);
            result->verdict = VERDICT_HANG;
            snprintf(result->words, sizeof result->words,
                     "  no end after %d seconds\n", settings->timeout_seconds);
            return;
        }
        usleep(1000);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    result->verdict = VERDICT_CRASH;
    snprintf(result->words, sizeof result->words,
             "  the process ended by %s %d\n",
             WIFSIGNALED(status) ? "signal" : "exit code",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

void sides_run(const struct script *script,
               const struct sides_settings *settings, struct sides_result *out)
{
    struct sides_result *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char folder[200];
    pid_t child;

    snprintf(folder, sizeof folder, "%s/differ-XXXXXX", settings->folder);
    if (shared == MAP_FAILED || !mkdtemp(folder))
        die(folder, "cannot be made");
    fflush(NULL);
    child = fork();
    if (child < 0)
        die("fork", "failed");
    if (child == 0)
        run_child(script, settings, folder, shared);
    await_child(child, settings, shared);
    *out = *shared;
    munmap(shared, sizeof *shared);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
