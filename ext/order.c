#include "order.h"

/* What sqlite3_vtab_distinct answers. */
enum order_use {
    ORDER_EXACT = 0,
    ORDER_GROUPS = 1,   /* Equal rows side by side. */
    ORDER_DISTINCT = 2, /* The same, and one of them is enough. */
    ORDER_EXACT_DISTINCT = 3,
};

#define LAST_BIT 63 /* Of colUsed: stands for all columns from there on. */
/* Older ones also say GROUPS where an ORDER BY relies on the groups' order. */
#define GROUPS_ARE_SOUND_SINCE 3050000

/* Where the walk through the terms stands. */
struct order {
    int next;   /* Key column that the next term must be. */
    int listed; /* Bound columns, from the first, that are terms or single. */
    bool has_listed; /* One of them is a term and not single. */
    bool is_after;   /* A term follows bound columns that are neither. */
    bool has_direction;
    bool is_descending;
};

/* The first key column that sorts as SQLite's column, or -1. */
static int find_key_column(const struct choice *choice, int column)
{
    for (int i = 0; i < choice->path.key_count; i++)
        if (path_is_column(&choice->path, i, column) &&
            path_sorts_as_column(&choice->path, i))
            return i;
    return -1;
}

static void pass_repeated(const struct choice *choice, struct order *order)
{
    while (order->next < choice->path.key_count &&
           path_is_repeated(&choice->path, order->next))
        order->next++;
}

static bool add_direction(const struct choice *choice, struct order *order,
                          int key_index, bool is_descending)
{
    is_descending ^= path_is_descending(&choice->path, key_index);
    if (order->has_direction && order->is_descending != is_descending)
        return false;
    order->has_direction = true;
    order->is_descending = is_descending;
    return true;
}

/* Passes over single values: what is listed after them is next. */
static void pass_single(const struct choice *choice, struct order *order)
{
    while (order->listed < choice->plan.equal_count &&
           choice_is_single(choice, order->listed))
        order->listed++;
}

/* Whether a bound column that may be many values is missing in the terms. */
static bool passes_over(const struct choice *choice, const struct order *order)
{
    for (int i = order->listed; i < choice->plan.equal_count; i++)
        if (!choice_is_single(choice, i))
            return true;
    return false;
}

static bool add_term(const struct choice *choice,
                     const struct sqlite3_index_orderby *term,
                     struct order *order)
{
    int index = find_key_column(choice, term->iColumn);

    if (index < 0)
        return false;
    if (index < choice->plan.equal_count) {
        if (choice_is_single(choice, index))
            return true; /* One value: in any order. */
        if (index < order->listed)
            return true;
        if (index != order->listed)
            return false;
        order->listed = index + 1;
        order->has_listed = true;
    } else {
        if (index < order->next)
            return true; /* A repeated term changes nothing. */
        if (index != order->next)
            return false;
        order->next++;
        pass_repeated(choice, order);
        order->is_after |= passes_over(choice, order);
    }
    return add_direction(choice, order, index, term->desc);
}

static bool follow_terms(struct choice *choice, struct order *order)
{
    for (int i = 0; i < choice->info->nOrderBy; i++) {
        pass_single(choice, order);
        if (!add_term(choice, &choice->info->aOrderBy[i], order))
            return false;
        /* After the whole key no term can matter. */
        if (order->next == choice->path.key_count &&
            !passes_over(choice, order))
            return true;
    }
    return true;
}

static bool is_term(const struct choice *choice, int key_index)
{
    for (int i = 0; i < choice->info->nOrderBy; i++)
        if (find_key_column(choice, choice->info->aOrderBy[i].iColumn) ==
            key_index)
            return true;
    return false;
}

/* Side by side they are in whichever order the terms are named. */
static bool gather_terms(struct choice *choice, struct order *order)
{
    int found = 0;
    int needed = 0;

    for (int i = 0; i < choice->info->nOrderBy; i++) {
        int index = find_key_column(choice, choice->info->aOrderBy[i].iColumn);

        if (index < 0)
            return false;
        if (index >= choice->plan.equal_count ||
            !choice_is_single(choice, index))
            needed |= 1 << (index < 30 ? index : 30);
    }
    while (order->listed < choice->plan.equal_count &&
           (choice_is_single(choice, order->listed) ||
            is_term(choice, order->listed))) {
        order->has_listed |= !choice_is_single(choice, order->listed);
        found |= 1 << order->listed++;
    }
    order->is_after = (needed & ~found) != 0 && passes_over(choice, order);
    while (order->next < choice->path.key_count && order->next < 30 &&
           (needed & ~found) != 0 && is_term(choice, order->next)) {
        found |= 1 << order->next++;
        pass_repeated(choice, order);
    }
    return (needed & ~found) == 0;
}

/* --- Loose scans --------------------------------------------------------- */

static bool is_before(const struct choice *choice, int column, int key_index)
{
    for (int i = 0; i < key_index; i++)
        if (path_is_column(&choice->path, i, column))
            return true;
    return false;
}

/* SQLite names a key among the used columns even where nobody uses it; the
 * cursor sees whether it is read. */
static bool is_declared_key(const struct choice *choice, int column)
{
    const struct declaration *table = choice->table->declaration;

    return table->shape == KEY_SINGLE && column == table->key[0].column;
}

/* Whether rows alike in the first key columns are alike in all used ones. */
static bool is_loose(const struct choice *choice, int key_index)
{
    int count = choice->table->declaration->column_count;
    sqlite3_uint64 used = choice->info->colUsed;

    if (key_index >= choice->path.key_count)
        return false;
    for (int i = 0; i < count; i++)
        if ((used >> (i < LAST_BIT ? i : LAST_BIT) & 1) &&
            !is_declared_key(choice, i) && !is_before(choice, i, key_index))
            return false;
    return true;
}

static enum order_use order_use(const struct choice *choice)
{
    enum order_use use = (enum order_use)sqlite3_vtab_distinct(choice->info);

    if (use == ORDER_GROUPS &&
        sqlite3_libversion_number() < GROUPS_ARE_SOUND_SINCE)
        return ORDER_EXACT;
    return use;
}

void order_choose(struct choice *choice)
{
    struct plan *plan = &choice->plan;
    struct order order = {.next = plan->equal_count};
    enum order_use use = order_use(choice);

    if (choice->info->nOrderBy == 0)
        return;
    pass_repeated(choice, &order);
    if (use == ORDER_GROUPS || use == ORDER_DISTINCT) {
        if (!gather_terms(choice, &order))
            return;
    } else if (!follow_terms(choice, &order)) {
        return;
    }
    if (order.is_after && (order.has_listed || plan->lists != 0))
        return;
    plan->is_ordered_after = order.is_after;
    plan->is_descending = order.is_descending;
    choice->is_ordered = true;
    if (use >= ORDER_DISTINCT && !plan->is_ordered_after &&
        is_loose(choice, order.next))
        plan->distinct = order.next;
}
