#include "merge/view_iter.h"

#include "merge/newest_iter.h"

byron_status view_iter_start(struct iter *child, uint64_t sequence,
                             struct slice lower, struct slice upper,
                             struct moment *moment, struct iter **view)
{
    struct newest_rules rules = {
        .limit = sequence, .lower = lower, .upper = upper, .moment = moment};
    return newest_iter_lend(child, &rules, view);
}

bool view_iter_restart(struct iter *view, uint64_t sequence, struct slice lower,
                       struct slice upper, struct moment *moment)
{
    struct newest_rules rules = {
        .limit = sequence, .lower = lower, .upper = upper, .moment = moment};
    return newest_iter_restart(view, &rules);
}

bool view_iter_rest(struct iter *view)
{
    return newest_iter_rest(view);
}

uint64_t view_iter_expiry(const struct iter *view)
{
    return newest_iter_expiry(view);
}

uint64_t view_iter_skipped(const struct iter *view)
{
    return newest_iter_skipped(view);
}
