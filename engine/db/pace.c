#include "db/pace.h"

#include "db/work.h"

/* No commit sleeps longer, so that no write waits longer. */
#define SLEEP_MAX_US 20000
/* How often the rate is set anew. */
#define MEASURE_US 100000
#define RATE_MIN   ((uint64_t)512 << 10)
/* Runs at level 0 at which writers begin to slow, and are slowest. */
#define LEVEL0_SOFT 8
#define LEVEL0_HARD 24
/* The same for compaction debt, in memtables. */
#define DEBT_SOFT 16
#define DEBT_HARD 64
/* Input that a commit without a thread works off, per byte that it brings. */
#define INLINE_FACTOR 16
#define INLINE_MIN    ((uint64_t)64 << 10)

static double between(double value, double soft, double hard)
{
    if (value <= soft)
        return 0;
    return value >= hard ? 1 : (value - soft) / (hard - soft);
}

/* 0 where writers are free, 1 at the limit. Needs mutex. */
static double pressure(const struct byron_db *db)
{
    struct picker_options options;
    const struct read_state *state = db->read_state;
    db_picker_options(db, &options);
    double debt = (double)picker_debt(state->version, &options) /
                  (double)db->tuning.memtable;
    double level0 = (double)state->version->levels[0].count;
    double result = between(debt, DEBT_SOFT, DEBT_HARD);
    double runs = between(level0, LEVEL0_SOFT, LEVEL0_HARD);
    double full = 0;
    if (state->frozen_count >= MAX_FROZEN)
        full = between((double)db_memtable_size(state->live),
                       0.5 * (double)db->tuning.memtable,
                       (double)db->tuning.memtable);
    if (runs > result)
        result = runs;
    return full > result ? full : result;
}

void db_pace_measure(struct byron_db *db)
{
    struct pace *pace = &db->pace;
    uint64_t now = db->os->now_us(db->os);
    uint64_t elapsed = now - pace->window_us;
    if (elapsed < MEASURE_US)
        return;
    pace->intake = pace->window_bytes * 1000000 / elapsed;
    pace->window_us = now;
    pace->window_bytes = 0;
    double before = pace->pressure;
    pace->pressure = pressure(db);
    if (pace->pressure <= 0)
        pace->rate = 0;
    else if (pace->rate == 0)
        pace->rate = pace->intake;
    else if (pace->pressure > before)
        pace->rate = pace->rate * 9 / 10;
    else if (pace->pressure < before)
        pace->rate = pace->rate * 11 / 10;
    if (pace->pressure > 0 && pace->rate < RATE_MIN)
        pace->rate = RATE_MIN;
}

static void work_inline(struct byron_db *db, uint64_t bytes)
{
    uint64_t budget = bytes * INLINE_FACTOR;
    mutex_lock(&db->mutex);
    bool is_due = db->work_due && db->retry_us <= db->os->now_us(db->os);
    mutex_unlock(&db->mutex);
    if (budget < INLINE_MIN)
        budget = INLINE_MIN;
    if (is_due) {
        bool did_some;
        /* The write itself can still succeed: what fails here is kept, and
         * stops writers once no memtable is free. */
        byron_status ignored = db_work(db, budget, &did_some);
        (void)ignored;
    }
}

void db_pace(struct byron_db *db, uint64_t bytes)
{
    struct pace *pace = &db->pace;
    if (!db->has_thread) {
        work_inline(db, bytes);
        return;
    }
    if (atomic_load_explicit(&pace->rate, memory_order_relaxed) == 0)
        return;
    mutex_lock(&db->mutex);
    uint64_t wait = 0;
    if (pace->rate > 0) {
        uint64_t now = db->os->now_us(db->os);
        if (pace->next_us > now)
            wait = pace->next_us - now;
        if (wait > SLEEP_MAX_US)
            wait = SLEEP_MAX_US;
        pace->next_us = now + wait + bytes * 1000000 / pace->rate;
    }
    if (wait > 0) {
        db->stats.delayed_writes++;
        db->stats.delay_us += wait;
        if (wait > db->stats.delay_max_us)
            db->stats.delay_max_us = wait;
    }
    mutex_unlock(&db->mutex);
    if (wait > 0)
        db->os->sleep_us(db->os, wait);
}
