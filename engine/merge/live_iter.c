#include "merge/live_iter.h"

#include "merge/newest_iter.h"

byron_status live_iter_new(struct iter *child, const struct dead_spans *dead,
                           uint64_t limit, struct iter **out)
{
    struct newest_rules rules = {.limit = limit, .dead = dead, .is_own = true};
    return newest_iter_new(child, &rules, out);
}
