#include "db/wait.h"

#include "base/patience.h"

/* Between two questions whether to go on. */
#define ASK_US 20000
/* With others, where the caller does not say. */
#define BUSY_MS 10000

uint64_t wait_deadline(const struct byron_db *db,
                       const struct byron_patience *patience)
{
    uint64_t busy_ms = patience ? patience->busy_ms : BUSY_MS;
    return db->os->now_us(db->os) + 1000 * busy_ms;
}

/* Asks without the lock: the answer may come from afar. */
static byron_status ask(struct byron_db *db,
                        const struct byron_patience *patience)
{
    if (!patience || !patience->go_on)
        return BYRON_OK;
    mutex_unlock(&db->mutex);
    byron_status status = patience_ask(patience);
    mutex_lock(&db->mutex);
    return status;
}

byron_status wait_for(struct byron_db *db, struct condition *condition,
                      const struct byron_patience *patience)
{
    if (!patience || !patience->go_on) {
        condition_wait(condition, &db->mutex);
        return BYRON_OK;
    }
    condition_wait_us(condition, &db->mutex, ASK_US);
    return ask(db, patience);
}

byron_status wait_for_others(struct byron_db *db, struct condition *condition,
                             const struct byron_patience *patience,
                             uint64_t deadline_us, const char *words)
{
    uint64_t now = db->os->now_us(db->os);
    if (now >= deadline_us)
        return error_set(BYRON_BUSY, db->os->dir_path(db->dir), BYRON_NO_OFFSET,
                         0, "%s", words);
    uint64_t left = deadline_us - now;
    bool asks = patience && patience->go_on && left > ASK_US;
    condition_wait_us(condition, &db->mutex, asks ? ASK_US : left);
    return ask(db, patience);
}

byron_status wait_take_log(struct byron_db *db,
                           const struct byron_patience *patience)
{
    uint64_t deadline_us = wait_deadline(db, patience);
    byron_status status = BYRON_OK;
    mutex_lock(&db->mutex);
    while (db->log_taken && status == BYRON_OK)
        status = wait_for_others(db, &db->log_free, patience, deadline_us,
                                 "another transaction is about to commit");
    if (status == BYRON_OK)
        db->log_taken = true;
    mutex_unlock(&db->mutex);
    return status;
}

void wait_log_is_free(struct byron_db *db)
{
    db->log_taken = false;
    condition_wake_all(&db->log_free);
}

void wait_give_log(struct byron_db *db)
{
    mutex_lock(&db->mutex);
    wait_log_is_free(db);
    mutex_unlock(&db->mutex);
}
