#include "merge/newest_iter.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/try.h"
#include "merge/key_bound.h"

/* After so many raw entries of one key in a row, seek instead. */
#define STEPS_MAX 8
/* Bytes of a buffer that are kept at rest. */
#define RESTING_MAX ((size_t)4096)

/*
 * Forward the child stands on the entry that is shown, and lends its key and
 * value. Backward it stands left of it: whether an entry is the newest
 * visible one of its key shows only when the child has left it. So backward
 * the key is kept, and the value too if values are being asked for; a value
 * that was not kept sends the child back to the entry, as if forward.
 */
struct newest_iter {
    struct iter base;
    struct iter *child;
    struct iter *owned; /* The child, or NULL: it is lent. */
    uint64_t limit;
    const struct dead_spans *dead;
    bool is_own;
    byron_status error; /* Sticks. */
    bool is_backward;   /* The child stands left of what is shown. */
    bool is_asked;      /* The value that is shown was asked for. */
    bool keeps_values;  /* The one before was. */
    bool has_value;     /* The value is kept. */
    uint64_t sequence;  /* Raw, of what is shown. */
    struct moment *moment;
    uint64_t expires_ms; /* Of the last timed entry that was judged. */
    uint64_t skipped;
    struct key_bound lower;
    struct key_bound upper;
    struct buf key; /* Of what is shown (backward) or passed (forward). */
    struct buf value;
};

static struct newest_iter *self(struct iter *iter)
{
    return (struct newest_iter *)iter;
}

static byron_status fail(struct newest_iter *newest, byron_status status)
{
    newest->error = status;
    newest->base.valid = false;
    return status;
}

/* Otherwise *resume is the next sequence of the same key that may be. */
static inline bool is_visible(const struct newest_iter *newest,
                              uint64_t sequence, uint64_t *resume)
{
    const struct dead_span *dead;

    if (sequence > newest->limit) {
        *resume = newest->limit;
        return sequence == SEQUENCE_MAX;
    }
    dead = newest->dead ? dead_spans_find(newest->dead, sequence) : NULL;
    if (dead)
        *resume = dead->after;
    return !dead;
}

/* A timed entry is to be judged by its value. */
static inline bool is_shown(const struct newest_iter *newest,
                            enum entry_kind kind)
{
    return kind == ENTRY_PUT || newest->is_own;
}

/* Whether the timed entry that the child stands on is still there. */
static byron_status judge_timed(struct newest_iter *newest, bool *lives,
                                struct slice *value)
{
    struct slice raw;
    byron_status status;

    TRY(iter_value(newest->child, &raw));
    TRY(timed_split(raw, &newest->expires_ms, value));
    *lives = !newest->moment ||
             timed_lives(newest->expires_ms, moment_ms(newest->moment));
out:
    return status;
}

static bool stands_on_key(const struct newest_iter *newest)
{
    return newest->child->valid &&
           kept_key_is(&newest->key, newest->child->key);
}

/* --- Forward ------------------------------------------------------------ */

/* The version that the child stands on is to be shown, or hides its key. */
static void note_version(struct newest_iter *newest)
{
    const struct iter *child = newest->child;

    newest->sequence = child->sequence;
    newest->base.kind = child->kind;
    newest->base.sequence = newest->is_own ? SEQUENCE_MAX : child->sequence;
}

static void show_child(struct newest_iter *newest)
{
    note_version(newest);
    newest->base.key = newest->child->key;
    newest->base.valid = true;
}

/*
 * Past all versions of the key that the child stands on. Sequences descend
 * within a key: nothing of the key follows sequence 0, and a sequence that
 * does not descend belongs to another key.
 */
static byron_status pass_key(struct newest_iter *newest)
{
    struct iter *child = newest->child;
    uint64_t sequence = child->sequence;
    byron_status status;

    if (sequence == 0)
        return iter_next(child);
    TRY(kept_key_set(&newest->key, child->key));
    TRY(iter_next(child));
    for (unsigned steps = 1;
         child->valid && child->sequence < sequence && stands_on_key(newest);
         steps++) {
        newest->skipped++;
        sequence = child->sequence;
        if (steps == STEPS_MAX && sequence > 0)
            TRY(iter_seek(child, buf_slice(&newest->key), 0));
        else
            TRY(iter_next(child));
    }
out:
    return status;
}

/*
 * Past an entry that is not to be seen. After some versions of one key (as the
 * sequences suggest) straight to the next that may be.
 */
static byron_status pass_unseen(struct newest_iter *newest, uint64_t resume,
                                unsigned steps)
{
    struct iter *child = newest->child;
    byron_status status;

    newest->skipped++;
    if (steps < STEPS_MAX)
        return iter_next(child);
    TRY(kept_key_set(&newest->key, child->key));
    TRY(iter_seek(child, buf_slice(&newest->key), resume));
out:
    return status;
}

/* A timed entry is shown if it has not expired; else its key is passed, as
 * that of a tombstone is. Apart, so that plain entries do not pay for it. */
__attribute__((noinline)) static byron_status
show_or_pass(struct newest_iter *newest)
{
    struct slice value;
    bool lives = false;
    byron_status status;

    if (newest->child->kind == ENTRY_TIMED)
        TRY(judge_timed(newest, &lives, &value));
    if (lives) {
        show_child(newest);
        return BYRON_OK;
    }
    newest->skipped++;
    TRY(pass_key(newest));
out:
    return status;
}

/* Shows the first entry to be seen from where the child stands on. */
static byron_status find_forward(struct newest_iter *newest)
{
    struct iter *child = newest->child;
    uint64_t before = 0;
    uint64_t resume = 0;
    unsigned steps = 0;
    byron_status status;

    newest->is_backward = false;
    newest->is_asked = false;
    newest->base.valid = false;
    while (child->valid && (!newest->upper.is_set ||
                            key_bound_is_above(&newest->upper, child->key))) {
        if (!is_visible(newest, child->sequence, &resume)) {
            steps = child->sequence < before ? steps + 1 : 0;
            before = child->sequence;
            TRY(pass_unseen(newest, resume, steps));
            continue;
        }
        if (is_shown(newest, child->kind)) {
            show_child(newest);
            return BYRON_OK;
        }
        TRY(show_or_pass(newest));
        if (newest->base.valid)
            return BYRON_OK;
    }
    return BYRON_OK;
out:
    return fail(newest, status);
}

/* --- Backward ----------------------------------------------------------- */

/* Takes note of the version that the child stands on; *lives if it is to be
 * shown, should it be the newest. */
static byron_status keep_version(struct newest_iter *newest, bool *lives)
{
    struct iter *child = newest->child;
    bool is_timed = child->kind == ENTRY_TIMED && !newest->is_own;
    struct slice value;
    byron_status status = BYRON_OK;

    note_version(newest);
    *lives = is_shown(newest, child->kind);
    if (is_timed)
        TRY(judge_timed(newest, lives, &value));
    newest->has_value =
        *lives && newest->keeps_values && child->kind != ENTRY_DELETE;
    if (newest->has_value) {
        if (!is_timed)
            TRY(iter_value(child, &value));
        buf_clear(&newest->value);
        TRY(buf_add(&newest->value, value.data, value.size));
    }
out:
    return status;
}

/* To the newest visible version of the key, when there are many. */
static byron_status jump_to_newest(struct newest_iter *newest)
{
    struct slice key = buf_slice(&newest->key);
    uint64_t resume = 0;
    struct slice value;
    bool lives = false;
    byron_status status;

    TRY(iter_seek(newest->child, key, SEQUENCE_MAX));
    while (stands_on_key(newest) &&
           !is_visible(newest, newest->child->sequence, &resume))
        TRY(iter_seek(newest->child, key, resume));
    if (stands_on_key(newest)) {
        lives = is_shown(newest, newest->child->kind);
        if (!lives && newest->child->kind == ENTRY_TIMED)
            TRY(judge_timed(newest, &lives, &value));
    }
    if (lives) {
        show_child(newest);
        newest->is_backward = false;
    } else {
        TRY(iter_seek_before(newest->child, key));
    }
out:
    return status;
}

/* From the oldest version of a key to left of them all. */
static byron_status pass_versions(struct newest_iter *newest)
{
    bool lives = false;
    uint64_t resume = 0;
    byron_status status;

    TRY(kept_key_set(&newest->key, newest->child->key));
    for (unsigned steps = 0; steps == 0 || stands_on_key(newest); steps++) {
        newest->skipped++;
        if (steps == STEPS_MAX)
            return jump_to_newest(newest);
        if (is_visible(newest, newest->child->sequence, &resume))
            TRY(keep_version(newest, &lives));
        TRY(iter_prev(newest->child));
    }
    if (lives) {
        newest->skipped--;
        newest->base.key = buf_slice(&newest->key);
        newest->base.valid = true;
    }
out:
    return status;
}

/* Shows the last key to be seen from where the child stands back. */
static byron_status find_backward(struct newest_iter *newest)
{
    struct iter *child = newest->child;
    byron_status status;

    newest->is_backward = true;
    newest->is_asked = false;
    newest->base.valid = false;
    while (!newest->base.valid && child->valid &&
           !(newest->lower.is_set &&
             key_bound_is_above(&newest->lower, child->key)))
        TRY(pass_versions(newest));
    return BYRON_OK;
out:
    return fail(newest, status);
}

/* --- Moves -------------------------------------------------------------- */

static byron_status seek(struct iter *base, struct slice key, uint64_t sequence)
{
    struct newest_iter *newest = self(base);
    byron_status status = newest->error;
    uint64_t from = SEQUENCE_MAX;

    if (newest->is_own && sequence != SEQUENCE_MAX)
        from = 0;
    if (status != BYRON_OK)
        return status;
    if (newest->lower.is_set && key_bound_is_above(&newest->lower, key))
        key = buf_slice(&newest->lower.key);
    status = iter_seek(newest->child, key, from);
    return status == BYRON_OK ? find_forward(newest) : fail(newest, status);
}

static byron_status seek_before(struct iter *base, struct slice key)
{
    struct newest_iter *newest = self(base);
    byron_status status = newest->error;

    if (status != BYRON_OK)
        return status;
    if (newest->upper.is_set && !key_bound_is_above(&newest->upper, key))
        key = buf_slice(&newest->upper.key);
    newest->keeps_values = true;
    status = iter_seek_before(newest->child, key);
    return status == BYRON_OK ? find_backward(newest) : fail(newest, status);
}

static byron_status first(struct iter *base)
{
    struct newest_iter *newest = self(base);
    byron_status status = newest->error;

    if (status != BYRON_OK)
        return status;
    status = newest->lower.is_set
                 ? iter_seek(newest->child, buf_slice(&newest->lower.key),
                             SEQUENCE_MAX)
                 : iter_first(newest->child);
    return status == BYRON_OK ? find_forward(newest) : fail(newest, status);
}

static byron_status last(struct iter *base)
{
    struct newest_iter *newest = self(base);
    byron_status status = newest->error;

    if (status != BYRON_OK)
        return status;
    newest->keeps_values = true;
    status =
        newest->upper.is_set
            ? iter_seek_before(newest->child, buf_slice(&newest->upper.key))
            : iter_last(newest->child);
    return status == BYRON_OK ? find_backward(newest) : fail(newest, status);
}

/* From left of the shown key's versions to right of them. */
static byron_status turn_forward(struct newest_iter *newest)
{
    byron_status status;

    TRY(iter_seek(newest->child, buf_slice(&newest->key), 0));
    if (stands_on_key(newest))
        TRY(iter_next(newest->child));
out:
    return status;
}

static byron_status next(struct iter *base)
{
    struct newest_iter *newest = self(base);
    byron_status status = newest->error;

    if (status != BYRON_OK)
        return status;
    assert(base->valid);
    status = newest->is_backward ? turn_forward(newest) : pass_key(newest);
    return status == BYRON_OK ? find_forward(newest) : fail(newest, status);
}

static byron_status turn_backward(struct newest_iter *newest)
{
    byron_status status;

    TRY(kept_key_set(&newest->key, newest->child->key));
    TRY(iter_seek_before(newest->child, buf_slice(&newest->key)));
out:
    return status;
}

static byron_status prev(struct iter *base)
{
    struct newest_iter *newest = self(base);
    byron_status status = newest->error;

    if (status != BYRON_OK)
        return status;
    assert(base->valid);
    newest->keeps_values = newest->is_asked;
    if (!newest->is_backward)
        status = turn_backward(newest);
    return status == BYRON_OK ? find_backward(newest) : fail(newest, status);
}

/* A put that is the only version of its key is to be seen, but for rules
 * beyond sequence and bounds. */
static uint64_t skip(struct iter *base, const struct skip_limits *limits)
{
    struct newest_iter *newest = self(base);
    struct skip_limits nearer = *limits;
    uint64_t count;

    if (newest->error != BYRON_OK || newest->is_backward || newest->is_own ||
        newest->dead)
        return 0;
    if (nearer.sequence > newest->limit)
        nearer.sequence = newest->limit;
    nearer.passes_older = true;
    if (newest->upper.is_set &&
        (!nearer.key.data || !key_bound_is_above(&newest->upper, nearer.key)))
        nearer.key = buf_slice(&newest->upper.key);
    count = iter_skip(newest->child, &nearer);
    if (count > 0)
        show_child(newest);
    return count;
}

static byron_status value(struct iter *base, struct slice *out)
{
    struct newest_iter *newest = self(base);
    byron_status status = newest->error;

    if (status != BYRON_OK)
        return status;
    assert(base->valid);
    newest->is_asked = true;
    if (newest->is_backward && newest->has_value) {
        *out = buf_slice(&newest->value);
        return BYRON_OK;
    }
    if (newest->is_backward) {
        TRY(iter_seek(newest->child, base->key, newest->sequence));
        newest->is_backward = false;
    }
    TRY(iter_value(newest->child, out));
    if (base->kind == ENTRY_TIMED && !newest->is_own)
        TRY(timed_split(*out, &newest->expires_ms, out));
    return BYRON_OK;
out:
    return fail(newest, status);
}

static void release(struct iter *base)
{
    struct newest_iter *newest = self(base);

    iter_free(newest->owned);
    buf_deinit(&newest->lower.key);
    buf_deinit(&newest->upper.key);
    buf_deinit(&newest->key);
    buf_deinit(&newest->value);
    alloc_free(newest);
}

static const struct iter_ops newest_iter_ops = {
    .seek = seek,
    .seek_before = seek_before,
    .first = first,
    .last = last,
    .next = next,
    .prev = prev,
    .value = value,
    .free = release,
    .skip = skip,
};

/* All of the rules but the bounds. */
static void take_rules(struct newest_iter *newest,
                       const struct newest_rules *rules)
{
    newest->limit = rules->limit;
    newest->dead = rules->dead;
    newest->is_own = rules->is_own;
    newest->moment = rules->moment;
    newest->skipped = 0;
    newest->base.valid = false;
    newest->keeps_values = false;
}

byron_status newest_iter_lend(struct iter *child,
                              const struct newest_rules *rules,
                              struct iter **inout)
{
    struct newest_iter *newest = *inout ? self(*inout) : NULL;
    byron_status status;

    if (!newest)
        newest = alloc_zeroed(1, sizeof *newest);
    if (!newest)
        return error_no_memory();
    assert(!newest->owned && newest->error == BYRON_OK);
    *inout = &newest->base;
    newest->base.ops = &newest_iter_ops;
    newest->child = child;
    take_rules(newest, rules);
    TRY(key_bound_set(&newest->lower, rules->lower));
    TRY(key_bound_set(&newest->upper, rules->upper));
out:
    return status;
}

byron_status newest_iter_new(struct iter *child,
                             const struct newest_rules *rules,
                             struct iter **out)
{
    struct iter *newest = NULL;
    byron_status status = newest_iter_lend(child, rules, &newest);

    if (newest)
        self(newest)->owned = child;
    else
        iter_free(child);
    if (status == BYRON_OK)
        *out = newest;
    else
        iter_free(newest);
    return status;
}

bool newest_iter_restart(struct iter *base, const struct newest_rules *rules)
{
    struct newest_iter *newest = self(base);

    if (!key_bound_is(&newest->lower, rules->lower) ||
        !key_bound_is(&newest->upper, rules->upper))
        return false;
    take_rules(newest, rules);
    return true;
}

static void rest(struct buf *buf)
{
    if (buf->capacity > RESTING_MAX)
        buf_deinit(buf);
}

bool newest_iter_rest(struct iter *base)
{
    struct newest_iter *newest = self(base);

    rest(&newest->key);
    rest(&newest->value);
    base->valid = false;
    return newest->error == BYRON_OK &&
           newest->lower.key.capacity <= RESTING_MAX &&
           newest->upper.key.capacity <= RESTING_MAX;
}

uint64_t newest_iter_expiry(const struct iter *newest)
{
    if (newest->kind != ENTRY_TIMED)
        return 0;
    return ((const struct newest_iter *)newest)->expires_ms;
}

uint64_t newest_iter_skipped(const struct iter *newest)
{
    return ((const struct newest_iter *)newest)->skipped;
}
