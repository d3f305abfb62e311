#include "merge/retain_iter.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/try.h"
#include "entry/timed.h"
#include "merge/kept_key.h"

struct retain_iter {
    struct iter base;
    struct iter *child;
    struct retain_rules rules;
    struct retain_counts counts;
    byron_status error; /* Sticks. */
    /* Of the entry before: more of its key may follow. */
    bool has_key;
    bool is_key_dropped;
    uint64_t newer;
    struct buf key;
    /* Of the key: the range delete's piece that covers it, or NULL. */
    const struct range_piece *range;
    bool is_range_kept;
    size_t range_at; /* The first pieces that do not end before the key. */
    size_t kept_at;
    struct slice value; /* Of a timed entry that is shown; lent. */
};

static struct retain_iter *self(struct iter *iter)
{
    return (struct retain_iter *)iter;
}

/* Whether the child stands on an older version of the key before. */
static bool is_same_key(const struct retain_iter *retain)
{
    const struct iter *child = retain->child;

    return retain->has_key && child->sequence < retain->newer &&
           kept_key_is(&retain->key, child->key);
}

/* As range_list_find, for ascending keys: *at goes along. */
static const struct range_piece *step_to(const struct range_list *list,
                                         size_t *at, struct slice key)
{
    if (!list)
        return NULL;
    while (*at < list->count &&
           slice_compare(list->pieces[*at].upper, key) <= 0)
        ++*at;
    if (*at == list->count || slice_compare(list->pieces[*at].lower, key) > 0)
        return NULL;
    return &list->pieces[*at];
}

static byron_status begin_key(struct retain_iter *retain)
{
    const struct iter *child = retain->child;

    if (retain->rules.ranges) {
        retain->range =
            step_to(retain->rules.ranges, &retain->range_at, child->key);
        retain->is_range_kept =
            step_to(retain->rules.kept, &retain->kept_at, child->key) != NULL;
    }

    retain->is_key_dropped =
        retain->rules.is_dropped(retain->rules.context, child->key);
    /* Nothing of a key follows its sequence 0: its bytes are not needed. */
    retain->has_key = child->sequence > 0;
    if (!retain->has_key)
        return BYRON_OK;
    return kept_key_set(&retain->key, child->key);
}

/* Index of the first point at or above sequence. */
static size_t point_from(const struct retain_rules *rules, uint64_t sequence)
{
    size_t low = 0;
    size_t high = rules->point_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (rules->points[middle] < sequence)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Of the range deletes above sequence the oldest; UINT64_MAX: none. */
static uint64_t deleted_at(const struct range_piece *piece, uint64_t sequence)
{
    uint64_t oldest = UINT64_MAX;

    for (size_t i = 0; i < piece->count && piece->sequences[i] > sequence; i++)
        oldest = piece->sequences[i];
    return oldest;
}

/* Whether a point sees sequence, and nothing newer instead. */
static bool is_seen(const struct retain_iter *retain, uint64_t sequence,
                    bool is_newest)
{
    const struct retain_rules *rules = &retain->rules;
    size_t point = point_from(rules, sequence);
    uint64_t newer = is_newest ? UINT64_MAX : retain->newer;

    if (retain->range) {
        uint64_t deleted = deleted_at(retain->range, sequence);
        newer = deleted < newer ? deleted : newer;
    }
    if (newer == UINT64_MAX || point == rules->point_count)
        return true;
    return rules->points[point] < newer;
}

/* A timed entry whose time is over is a tombstone. */
static byron_status judge_timed(struct retain_iter *retain)
{
    uint64_t expires_ms;
    struct slice value;
    byron_status status;

    TRY(iter_value(retain->child, &retain->value));
    TRY(timed_split(retain->value, &expires_ms, &value));
    if (!timed_lives(expires_ms, retain->rules.expired_ms))
        retain->base.kind = ENTRY_DELETE;
out:
    return status;
}

/*
 * Decides over the entry that the child stands on, and shows it if it stays.
 * At or below the first point it is the last of its key that stays: nobody
 * tells its age any more, and a tombstone has nothing left to hide.
 */
static byron_status judge(struct retain_iter *retain)
{
    struct iter *base = &retain->base;
    const struct iter *child = retain->child;
    const struct retain_rules *rules = &retain->rules;
    bool is_newest = !is_same_key(retain);
    bool is_last;
    byron_status status = BYRON_OK;

    if (is_newest)
        TRY(begin_key(retain));
    base->valid =
        !retain->is_key_dropped && is_seen(retain, child->sequence, is_newest);
    retain->newer = child->sequence;
    if (!base->valid)
        return BYRON_OK;
    is_last = child->sequence <= rules->points[0] && !retain->is_range_kept &&
              !rules->deeper_may_hold(rules->context, child->key);
    base->kind = child->kind;
    if (base->kind == ENTRY_TIMED)
        TRY(judge_timed(retain));
    base->valid = !is_last || base->kind != ENTRY_DELETE;
    base->key = child->key;
    base->sequence = is_last ? 0 : child->sequence;
out:
    return status;
}

/* Shows the first entry that stays, from where the child stands on. */
static byron_status find(struct retain_iter *retain)
{
    byron_status status = BYRON_OK;

    retain->base.valid = false;
    while (retain->child->valid) {
        retain->counts.in++;
        TRY(judge(retain));
        if (retain->base.valid) {
            retain->counts.out++;
            return BYRON_OK;
        }
        retain->counts.dropped++;
        TRY(iter_next(retain->child));
    }
out:
    return status;
}

static byron_status end_move(struct retain_iter *retain, byron_status status)
{
    if (status != BYRON_OK) {
        retain->error = status;
        retain->base.valid = false;
    }
    return status;
}

static byron_status first(struct iter *base)
{
    struct retain_iter *retain = self(base);
    byron_status status;

    TRY(retain->error);
    retain->has_key = false;
    TRY(iter_first(retain->child));
    TRY(find(retain));
out:
    return end_move(retain, status);
}

static byron_status next(struct iter *base)
{
    struct retain_iter *retain = self(base);
    byron_status status;

    TRY(retain->error);
    assert(base->valid);
    TRY(iter_next(retain->child));
    TRY(find(retain));
out:
    return end_move(retain, status);
}

static byron_status refuse(void)
{
    return error_set(BYRON_MISUSE, NULL, BYRON_NO_OFFSET, 0,
                     "a rewrite only moves forward");
}

static byron_status refuse_seek(struct iter *base, struct slice key,
                                uint64_t sequence)
{
    (void)key;
    (void)sequence;
    return end_move(self(base), refuse());
}

static byron_status refuse_seek_before(struct iter *base, struct slice key)
{
    (void)key;
    return end_move(self(base), refuse());
}

static byron_status refuse_move(struct iter *base)
{
    return end_move(self(base), refuse());
}

static byron_status value(struct iter *base, struct slice *out)
{
    struct retain_iter *retain = self(base);
    byron_status status;

    TRY(retain->error);
    assert(base->valid);
    if (base->kind == ENTRY_TIMED)
        *out = retain->value;
    else
        TRY(iter_value(retain->child, out));
out:
    return end_move(retain, status);
}

static void release(struct iter *base)
{
    iter_free(self(base)->child);
    buf_deinit(&self(base)->key);
    alloc_free(base);
}

static const struct iter_ops retain_iter_ops = {
    .seek = refuse_seek,
    .seek_before = refuse_seek_before,
    .first = first,
    .last = refuse_move,
    .next = next,
    .prev = refuse_move,
    .value = value,
    .free = release,
};

byron_status retain_iter_new(struct iter *child,
                             const struct retain_rules *rules,
                             struct iter **out)
{
    struct retain_iter *retain = alloc_zeroed(1, sizeof *retain);

    assert(rules->point_count > 0);
    if (!retain) {
        iter_free(child);
        return error_no_memory();
    }
    retain->base.ops = &retain_iter_ops;
    retain->child = child;
    retain->rules = *rules;
    *out = &retain->base;
    return BYRON_OK;
}

void retain_iter_counts(const struct iter *retain, struct retain_counts *out)
{
    *out = ((const struct retain_iter *)retain)->counts;
}
