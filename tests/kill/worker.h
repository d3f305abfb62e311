/*
 * worker: writes transactions until it is killed, and tells its parent what it
 * is about to do and which transactions are acknowledged.
 */
#ifndef BYRON_TESTS_KILL_WORKER_H
#define BYRON_TESTS_KILL_WORKER_H

#include "kill/subject.h"

/* Said before it begins; what is said last is what the kill hit. */
enum worker_stage {
    WORKER_STARTING,
    WORKER_OPENING, /* Recovery, at the first look at a byron table. */
    WORKER_CREATING,
    WORKER_IDLE,
    WORKER_WRITING,
    WORKER_COMMITTING,
    WORKER_ROLLING_BACK,
    WORKER_FLUSHING,
    WORKER_COMPACTING,
    WORKER_CHECKPOINTING,
    WORKER_CLOSING,
    WORKER_BACKING_UP,
    WORKER_STAGES,
};

/* One message. Its stage is IDLE where transaction n has been acknowledged;
 * number 0 is the one that creates the tables. */
struct worker_news {
    uint64_t stage;
    uint64_t n;
    uint64_t is_acknowledged;
};

_Noreturn void worker_run(struct subject *subject);
#endif
