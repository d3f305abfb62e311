#include "version/replay.h"

#include "base/error.h"
#include "base/try.h"

void replay_deinit(struct replay *replay)
{
    version_edit_deinit(&replay->sum);
    replay->removed = 0;
}

static bool is_live(const struct edit_add *add)
{
    return add->facts.entries != 0;
}

/* The first add whose number is >= number. */
static size_t find_add(const struct version_edit *sum, uint64_t number)
{
    size_t low = 0;
    size_t high = sum->add_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sum->adds[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Takes the removed ones out for good. */
static void squeeze(struct replay *replay)
{
    struct version_edit *sum = &replay->sum;
    size_t kept = 0;

    for (size_t i = 0; i < sum->add_count; i++)
        if (is_live(&sum->adds[i]))
            sum->adds[kept++] = sum->adds[i];
    sum->add_count = kept;
    replay->removed = 0;
}

static byron_status fold_remove(struct replay *replay, uint64_t number,
                                const char *path, uint64_t offset)
{
    struct version_edit *sum = &replay->sum;
    size_t at = find_add(sum, number);

    if (at == sum->add_count || sum->adds[at].number != number ||
        !is_live(&sum->adds[at]))
        return error_corrupt(path, offset,
                             "edit removes table %llu, which is not there",
                             (unsigned long long)number);
    table_facts_deinit(&sum->adds[at].facts);
    memset(&sum->adds[at].facts, 0, sizeof sum->adds[at].facts);
    replay->removed++;
    return BYRON_OK;
}

static byron_status fold_add(struct replay *replay, struct edit_add *add,
                             const char *path, uint64_t offset)
{
    byron_status status = BYRON_OK;
    struct version_edit *sum = &replay->sum;
    size_t at = find_add(sum, add->number);
    bool is_known = at < sum->add_count && sum->adds[at].number == add->number;

    if (is_known && is_live(&sum->adds[at]))
        return error_corrupt(path, offset,
                             "edit adds table %llu, which is there already",
                             (unsigned long long)add->number);
    if (is_known) {
        sum->adds[at] = *add;
        memset(&add->facts, 0, sizeof add->facts);
        replay->removed--;
        return BYRON_OK;
    }
    TRY(version_edit_add(sum, add->level, add->run, add->number, add->created_s,
                         &add->facts));
    /* Numbers ascend but for jobs that overtook one another. */
    for (size_t i = sum->add_count - 1; i > at; i--) {
        struct edit_add later = sum->adds[i - 1];
        sum->adds[i - 1] = sum->adds[i];
        sum->adds[i] = later;
    }
out:
    return status;
}

static byron_status fold_drops(struct version_edit *sum,
                               const struct version_edit *edit,
                               const char *path, uint64_t offset)
{
    byron_status status = BYRON_OK;
    size_t forgotten = (size_t)edit->forget_drops;

    if (edit->forget_drops > sum->drop_count)
        return error_corrupt(
            path, offset, "edit forgets %llu drops, there are %zu",
            (unsigned long long)edit->forget_drops, sum->drop_count);
    for (size_t i = 0; i < forgotten; i++) {
        buf_deinit(&sum->drops[i].lower);
        buf_deinit(&sum->drops[i].upper);
    }
    sum->drop_count -= forgotten;
    if (sum->drop_count > 0)
        memmove(sum->drops, sum->drops + forgotten,
                sum->drop_count * sizeof *sum->drops);
    for (size_t i = 0; i < edit->drop_count; i++)
        TRY(version_edit_drop(sum, edit->drops[i].wal,
                              buf_slice(&edit->drops[i].lower),
                              buf_slice(&edit->drops[i].upper)));
out:
    return status;
}

static void raise_to(uint64_t *value, uint64_t floor)
{
    if (*value < floor)
        *value = floor;
}

byron_status replay_edit(struct replay *replay, struct version_edit *edit,
                         const char *path, uint64_t offset)
{
    byron_status status;
    struct version_edit *sum = &replay->sum;

    for (size_t i = 0; i < edit->remove_count; i++)
        TRY(fold_remove(replay, edit->removes[i], path, offset));
    for (size_t i = 0; i < edit->add_count; i++)
        TRY(fold_add(replay, &edit->adds[i], path, offset));
    TRY(fold_drops(sum, edit, path, offset));
    raise_to(&sum->wal_floor, edit->wal_floor);
    raise_to(&sum->last_sequence, edit->last_sequence);
    raise_to(&sum->next_number, edit->next_number);
    if (edit->has_tip) {
        sum->has_tip = true;
        sum->tip = edit->tip;
        sum->alias = edit->alias;
    }
    if (replay->removed > sum->add_count / 2)
        squeeze(replay);
out:
    return status;
}

const struct version_edit *replay_sum(struct replay *replay)
{
    squeeze(replay);
    return &replay->sum;
}
