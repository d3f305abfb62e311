/*
 * picker_shape: how large each level should be, and how far it is off.
 */
#include "compaction/picker.h"

#include "compaction/overlap.h"

#define LAST_LEVEL (BYRON_LEVELS - 1)
/* A level is worth having from this share of a batch on. Measured from 1 to 4:
 * the bytes written are the same, but the larger the base level may become,
 * the larger is the merge of level 0 into it. */
#define LEVEL_BATCH_SHARE 4
/* Level 0 is due too when it holds so many times the bytes of due flushes: a
 * transaction larger than memory leaves one run of any size there. */
#define LEVEL0_BYTES_SLACK 2

/* What level 0 sends down when it is due, about: a batch. */
static uint64_t batch_bytes(const struct picker_options *options)
{
    return options->memtable_bytes * options->level0_runs;
}

static uint32_t first_filled_level(const struct version *version)
{
    uint32_t level = 1;
    while (level < LAST_LEVEL && version->levels[level].bytes == 0)
        level++;
    return level;
}

/*
 * The largest level gives the measure: normally that is the last, but after a
 * large drop the last may be the smaller one, and fills up again from above.
 *
 * A level that has tables may be half as large as one that has yet to begin,
 * so that a store around the limit does not open and close a level by turns.
 */
uint32_t picker_targets(const struct version *version,
                        const struct picker_options *options,
                        uint64_t targets[BYRON_LEVELS])
{
    memset(targets, 0, BYRON_LEVELS * sizeof targets[0]);
    uint64_t target = 0;
    for (uint32_t level = 1; level < BYRON_LEVELS; level++) {
        if (version->levels[level].bytes > target)
            target = version->levels[level].bytes;
    }

    uint32_t base = LAST_LEVEL;
    targets[base] = target;
    while (base > 1) {
        uint64_t least = batch_bytes(options) / LEVEL_BATCH_SHARE;
        if (version->levels[base - 1].bytes > 0)
            least /= 2;
        target /= options->fanout;
        if (target < least)
            break;
        targets[--base] = target;
    }
    /* Nothing may jump over tables that still lie above the base. */
    uint32_t filled = first_filled_level(version);
    return filled < base ? filled : base;
}

double picker_score(const struct version *version,
                    const struct picker_options *options,
                    const uint64_t targets[BYRON_LEVELS], uint32_t level)
{
    const struct level *at = &version->levels[level];
    if (at->count == 0 || level == LAST_LEVEL)
        return 0;
    double batch = (double)batch_bytes(options);
    if (level == 0) {
        double by_runs = (double)at->count / (double)options->level0_runs;
        double by_bytes = (double)at->bytes / (batch * LEVEL0_BYTES_SLACK);
        return by_runs > by_bytes ? by_runs : by_bytes;
    }
    /* Above the base: to be emptied, the sooner the more there is. */
    if (targets[level] == 0)
        return 1 + (double)at->bytes / batch;
    return (double)at->bytes / (double)targets[level];
}

static bool level_has_corrupt(const struct version *version, uint32_t level)
{
    const struct level *at = &version->levels[level];
    for (size_t i = 0; i < at->count; i++) {
        if (stretch_of(&at->runs[i], 0, at->runs[i].count).has_corrupt)
            return true;
    }
    return false;
}

/*
 * What level 0 sends down meets the base level; what is then too much goes
 * on, meeting each time its share of the level below, and so on. Where damage
 * bars the way nothing is counted, or writers would be slowed for ever.
 */
uint64_t picker_debt(const struct version *version,
                     const struct picker_options *options)
{
    uint64_t targets[BYRON_LEVELS];
    uint32_t base = picker_targets(version, options, targets);
    uint64_t debt = 0;
    uint64_t incoming = 0;

    if (picker_score(version, options, targets, 0) >= 1 &&
        !level_has_corrupt(version, 0) && !level_has_corrupt(version, base)) {
        incoming = version->levels[0].bytes;
        debt += incoming + version->levels[base].bytes;
    }
    for (uint32_t level = base; level < LAST_LEVEL; level++) {
        uint64_t bytes = version->levels[level].bytes + incoming;
        incoming = 0;
        if (bytes <= targets[level] || level_has_corrupt(version, level) ||
            level_has_corrupt(version, level + 1))
            continue;
        incoming = bytes - targets[level];
        double share = (double)incoming / (double)bytes;
        debt += incoming +
                (uint64_t)(share * (double)version->levels[level + 1].bytes);
    }
    return debt;
}
