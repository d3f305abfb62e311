#include "plan.h"

#include <string.h>

#include "constraint.h"
#include "cost.h"
#include "order.h"
#include "words.h"

void plan_read(const char *text, struct plan *out)
{
    memcpy(out, text + strlen(text) + 1, sizeof *out);
}

char *plan_write(char *words, const struct plan *plan)
{
    size_t size = words ? strlen(words) + 1 : 0;
    char *text = words ? sqlite3_realloc64(words, size + sizeof *plan) : NULL;

    if (text)
        memcpy(text + size, plan, sizeof *plan);
    else
        sqlite3_free(words);
    return text;
}

#define UNWANTED 1e6 /* Times the cost. */
#define LAST_BIT 63  /* Of colUsed: stands for all columns from there on. */

static bool is_used(const sqlite3_index_info *info, int column)
{
    return column >= 0 && column < LAST_BIT && (info->colUsed >> column & 1);
}

/* UPDATE FROM reads every hidden column, and means none of them. */
static bool asks_for_prefix(const struct choice *choice)
{
    const struct hidden_columns *hidden = &choice->table->declaration->hidden;

    return choice->plan.pattern != PATTERN_PREFIX &&
           is_used(choice->info, hidden->prefix) &&
           !is_used(choice->info, hidden->command);
}

/* Whether an index is of any use to the query. */
static bool is_of_use(const struct choice *choice)
{
    return !choice->path.index || plan_bound_count(&choice->plan) > 0 ||
           choice->is_ordered || choice->plan.is_covering;
}

/* False: the path cannot be taken. */
static bool consider(struct table *table, sqlite3_index_info *info, int number,
                     struct choice *out)
{
    memset(out, 0, sizeof *out);
    out->table = table;
    out->info = info;
    out->path = path_of(table, number);
    out->plan.path = number;
    out->plan.id = out->path.id;
    if (!constraint_choose(out))
        return false;
    out->plan.is_prefix_asked = asks_for_prefix(out);
    out->plan.is_covering = path_covers(&out->path, info->colUsed);
    out->plan.is_key_enough =
        !out->path.index && path_needs_no_value(&out->path, info->colUsed);
    order_choose(out);
    if (!is_of_use(out))
        return false;
    constraint_choose_limit(out);
    cost_estimate(out);
    /* A scan would have to ask for it; an OR may have sides that need not. */
    if (out->plan.is_prefix_asked && plan_bound_count(&out->plan) == 0)
        out->cost *= UNWANTED;
    return true;
}

/* The cheapest path; false if there is none. */
static bool choose(struct table *table, sqlite3_index_info *info,
                   struct choice *best)
{
    int count = constraint_has_prefix(table, info) ? 1 : path_count(table);

    if (!consider(table, info, 0, best))
        return false;
    for (int i = 1; i < count && !cost_is_unique(best); i++) {
        struct choice other;

        if (consider(table, info, i, &other) &&
            cost_with_sort(&other) < cost_with_sort(best))
            *best = other;
    }
    return true;
}

int plan_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    struct choice choice;

    if (!choose((struct table *)base, info, &choice))
        return SQLITE_CONSTRAINT;
    constraint_pass(&choice);
    info->idxNum = choice.plan.path;
    info->orderByConsumed = choice.is_ordered;
    info->estimatedRows = (sqlite3_int64)choice.rows;
    info->estimatedCost = choice.cost;
    if (cost_is_unique(&choice))
        info->idxFlags |= SQLITE_INDEX_SCAN_UNIQUE;
    info->idxStr = plan_write(words_of(&choice), &choice.plan);
    info->needToFreeIdxStr = 1;
    return info->idxStr ? SQLITE_OK : SQLITE_NOMEM;
}
