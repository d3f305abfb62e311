#include "db/db.h"
#include "db/work.h"

/* Input bytes of a compaction between two looks at what else is due. */
#define STEP_BYTES ((uint64_t)1 << 20)
/* Tombstones age, and readers let go of files, without telling anybody. */
#define IDLE_US 1000000

void db_thread_run(void *context)
{
    struct byron_db *db = context;
    mutex_lock(&db->mutex);
    while (!db->stop) {
        uint64_t now = db->os->now_us(db->os);
        if (db->retry_us > now) {
            condition_wait_us(&db->changed, &db->mutex, db->retry_us - now);
            continue;
        }
        if (!db->work_due)
            condition_wait_us(&db->changed, &db->mutex, IDLE_US);
        if (db->stop)
            break;
        mutex_unlock(&db->mutex);
        bool did_some;
        /* What fails is kept in work_error, and tried again. */
        byron_status ignored = db_work(db, STEP_BYTES, &did_some);
        (void)ignored;
        mutex_lock(&db->mutex);
    }
    mutex_unlock(&db->mutex);
}
