#include "db/group.h"

#include "base/alloc.h"
#include "db/batch.h"
#include "db/db.h"

/* What one commit may have of others. More would make all of them wait, and
 * costs little to write when its turn comes. */
#define GROUP_BYTES ((uint64_t)1 << 20)

struct group_member {
    const struct batch *batch;
    bool is_done;
    byron_status status;
    struct byron_error error;
    struct condition turn; /* It is done, or the first. With group's mutex. */
    struct group_member *next;
};

/* Who commits together: those from first to last. */
struct crew {
    struct group_member *first, *last;
    struct batch sum; /* Without the operations. */
};

void group_init(struct group *group)
{
    mutex_init(&group->mutex);
    group->first = group->last = NULL;
    group->count = 0;
}

void group_deinit(struct group *group)
{
    mutex_deinit(&group->mutex);
}

/* Waits until member is done, or the first. */
static void wait_for_turn(struct group *group, struct group_member *member)
{
    if (group->last)
        group->last->next = member;
    else
        group->first = member;
    group->last = member;
    group->count++;
    while (!member->is_done && group->first != member)
        condition_wait(&member->turn, &group->mutex);
}

static uint64_t room_of(const struct group_member *member)
{
    return member->batch->bytes + 64 * (uint64_t)member->batch->count;
}

/* Needs the mutex. No more than gets into a memtable at once. */
static struct crew gather(const struct byron_db *db, struct group_member *first)
{
    uint64_t limit = db->tuning.memtable / 4;
    uint64_t room = room_of(first);
    struct crew crew = {first, first, *first->batch};
    struct group_member *next;
    if (limit > GROUP_BYTES)
        limit = GROUP_BYTES;
    while ((next = crew.last->next) && room + room_of(next) <= limit) {
        room += room_of(next);
        crew.sum.count += next->batch->count;
        crew.sum.bytes += next->batch->bytes;
        crew.last = next;
    }
    return crew;
}

/* Who follows the last of the crew is nothing to look at without the mutex. */
static void copy_ops(const struct crew *crew, struct byron_op *to)
{
    const struct group_member *member = crew->first;
    for (;;) {
        const struct batch *batch = member->batch;
        if (batch->count > 0)
            memcpy(to, batch->ops, batch->count * sizeof *to);
        to += batch->count;
        if (member == crew->last)
            return;
        member = member->next;
    }
}

/* All of them in their order. Without memory, the first alone. */
static byron_status commit(byron_db *db, struct crew *crew)
{
    struct batch batch = crew->sum;
    struct byron_op *ops = NULL;
    if (crew->last != crew->first && batch.count > 0)
        ops = alloc_bytes(batch.count * sizeof *ops);
    if (!ops) {
        crew->last = crew->first;
        return batch_commit(db, crew->first->batch, true);
    }
    batch.ops = ops;
    copy_ops(crew, ops);
    byron_status status = batch_commit(db, &batch, true);
    alloc_free(ops);
    return status;
}

/* Tells the crew, and who is first now. Needs the mutex. */
static void dismiss(struct group *group, const struct crew *crew,
                    byron_status status)
{
    struct group_member *member = crew->first;
    struct group_member *end = crew->last->next;
    group->first = end;
    if (end)
        condition_wake_one(&end->turn);
    else
        group->last = NULL;
    while (member != end) {
        struct group_member *next = member->next; /* Gone once it is awake. */
        member->status = status;
        if (status != BYRON_OK)
            member->error = *error_last();
        member->is_done = true;
        group->count--;
        condition_wake_one(&member->turn);
        member = next;
    }
}

byron_status group_write(byron_db *db, const struct batch *batch)
{
    struct group *group = &db->group;
    struct group_member member = {.batch = batch};
    condition_init(&member.turn);
    mutex_lock(&group->mutex);
    wait_for_turn(group, &member);
    if (!member.is_done) {
        struct crew crew = gather(db, &member);
        mutex_unlock(&group->mutex);
        byron_status status = commit(db, &crew);
        mutex_lock(&group->mutex);
        dismiss(group, &crew, status);
    }
    mutex_unlock(&group->mutex);
    condition_deinit(&member.turn);
    return member.status == BYRON_OK ? BYRON_OK : error_restore(&member.error);
}
