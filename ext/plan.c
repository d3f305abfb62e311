#include "plan.h"

#include <assert.h>
#include <string.h>

#include "key_range.h"
#include "view.h"

/*
 * A number: 4 bits of equal_count, 2 of lower, 2 of upper, 4 of list, one each
 * of is_descending, is_ordered_after and is_pattern, then the literals.
 */
#define EQUAL_BITS     4
#define BOUND_BITS     2
#define LOWER_SHIFT    EQUAL_BITS
#define UPPER_SHIFT    (LOWER_SHIFT + BOUND_BITS)
#define LIST_SHIFT     (UPPER_SHIFT + BOUND_BITS)
#define DESC_SHIFT     (LIST_SHIFT + EQUAL_BITS)
#define AFTER_SHIFT    (DESC_SHIFT + 1)
#define PATTERN_SHIFT  (AFTER_SHIFT + 1)
#define LITERAL_SHIFT  (PATTERN_SHIFT + 1)
#define MOST_ARGUMENTS (PLAN_MOST_EQUALS + 2)

#define UNKNOWN_ROWS   1e6
#define POINT_COST     10.0
#define ROW_COST       3.0
#define LIST_ROWS      25  /* Values in a list, as SQLite guesses. */
#define BOUND_FRACTION 4.0 /* What a bound lets through, as SQLite guesses. */

_Static_assert(LITERAL_SHIFT + MOST_ARGUMENTS <= 31, "a plan fits an int");

/* What xBestIndex has gathered. */
struct choice {
    struct table *table;
    const struct declaration *declaration;
    sqlite3_index_info *info;
    struct plan plan;
    int key_count;                  /* A rowid counts as one. */
    int constraint[MOST_ARGUMENTS]; /* Of each argument. */
    int argument_count;
};

int plan_encode(const struct plan *plan)
{
    return plan->equal_count | (int)plan->lower << LOWER_SHIFT |
           (int)plan->upper << UPPER_SHIFT | plan->list << LIST_SHIFT |
           plan->is_descending << DESC_SHIFT |
           plan->is_ordered_after << AFTER_SHIFT |
           plan->is_pattern << PATTERN_SHIFT |
           (int)(plan->literals << LITERAL_SHIFT);
}

struct plan plan_decode(int number)
{
    unsigned bits = (unsigned)number;

    return (struct plan){
        .equal_count = (int)(bits & ((1U << EQUAL_BITS) - 1)),
        .lower = (enum bound)(bits >> LOWER_SHIFT & 3),
        .upper = (enum bound)(bits >> UPPER_SHIFT & 3),
        .list = (int)(bits >> LIST_SHIFT & ((1U << EQUAL_BITS) - 1)),
        .is_descending = bits >> DESC_SHIFT & 1,
        .is_ordered_after = bits >> AFTER_SHIFT & 1,
        .is_pattern = bits >> PATTERN_SHIFT & 1,
        .literals = bits >> LITERAL_SHIFT,
    };
}

/* --- Columns of the key -------------------------------------------------- */

static bool has_rowid(const struct declaration *table)
{
    return table->shape < KEY_SINGLE;
}

/* The key column that SQLite's column is, or -1. */
static int key_index_of(const struct declaration *table, int column)
{
    if (has_rowid(table))
        return column < 0 || (table->shape == KEY_ROWID_ALIAS &&
                              column == table->key[0].column)
                   ? 0
                   : -1;
    if (column < 0 || column >= table->column_count)
        return -1;
    return table->columns[column].key_index;
}

static const struct column *key_column(const struct declaration *table,
                                       int index)
{
    return &table->columns[table->key[index].column];
}

static const char *key_name(const struct declaration *table, int index)
{
    if (table->shape == KEY_ROWID_IMPLICIT)
        return "rowid";
    return key_column(table, index)->name;
}

static const char *collation_name(enum collation collation)
{
    static const char *const names[] = {
        [COLLATION_BINARY] = "BINARY",
        [COLLATION_NOCASE] = "NOCASE",
        [COLLATION_RTRIM] = "RTRIM",
    };

    return names[collation];
}

/* A comparison is ours if it compares as the key does. */
static bool is_usable(const struct choice *choice, int index, int key_index)
{
    const struct declaration *table = choice->declaration;

    if (!choice->info->aConstraint[index].usable ||
        key_index_of(table, choice->info->aConstraint[index].iColumn) !=
            key_index)
        return false;
    return has_rowid(table) ||
           sqlite3_stricmp(sqlite3_vtab_collation(choice->info, index),
                           collation_name(table->key[key_index].collation)) ==
               0;
}

static int find(const struct choice *choice, int key_index, unsigned char op,
                unsigned char other_op)
{
    for (int i = 0; i < choice->info->nConstraint; i++) {
        unsigned char found = choice->info->aConstraint[i].op;

        if ((found == op || found == other_op) &&
            is_usable(choice, i, key_index))
            return i;
    }
    return -1;
}

/* --- Arguments ----------------------------------------------------------- */

static void add_argument(struct choice *choice, int constraint)
{
    sqlite3_value *literal = NULL;

    if (sqlite3_vtab_rhs_value(choice->info, constraint, &literal) ==
            SQLITE_OK &&
        literal)
        choice->plan.literals |= 1U << choice->argument_count;
    choice->constraint[choice->argument_count++] = constraint;
}

/*
 * One list is taken whole. SQLite would walk a second one value by value, and
 * then check each with the column's affinity alone: right for numbers only.
 */
static bool take_list(struct choice *choice, int constraint, int key_index)
{
    struct plan *plan = &choice->plan;

    if (!sqlite3_vtab_in(choice->info, constraint, -1))
        return true;
    if (plan->list == 0) {
        plan->list = key_index + 1;
        return sqlite3_vtab_in(choice->info, constraint, 1);
    }
    return has_rowid(choice->declaration) ||
           key_column(choice->declaration, key_index)->affinity >=
               AFFINITY_NUMERIC;
}

static void choose_equals(struct choice *choice)
{
    struct plan *plan = &choice->plan;

    while (plan->equal_count < choice->key_count &&
           plan->equal_count < PLAN_MOST_EQUALS) {
        int found = find(choice, plan->equal_count, SQLITE_INDEX_CONSTRAINT_EQ,
                         SQLITE_INDEX_CONSTRAINT_IS);

        if (found < 0 || !take_list(choice, found, plan->equal_count))
            return;
        add_argument(choice, found);
        plan->equal_count++;
    }
}

/* SQLite makes bounds out of a pattern, and keeps the pattern beside them. */
static bool has_pattern(const struct choice *choice, int key_index)
{
    for (int i = 0; i < choice->info->nConstraint; i++) {
        unsigned char op = choice->info->aConstraint[i].op;

        if ((op == SQLITE_INDEX_CONSTRAINT_LIKE ||
             op == SQLITE_INDEX_CONSTRAINT_GLOB) &&
            key_index_of(choice->declaration,
                         choice->info->aConstraint[i].iColumn) == key_index)
            return true;
    }
    return false;
}

static void choose_bounds(struct choice *choice)
{
    struct plan *plan = &choice->plan;
    int next = plan->equal_count;
    int found;

    if (next == choice->key_count)
        return;
    plan->is_pattern = has_pattern(choice, next);
    found = find(choice, next, SQLITE_INDEX_CONSTRAINT_GT,
                 SQLITE_INDEX_CONSTRAINT_GE);
    if (found >= 0) {
        plan->lower =
            choice->info->aConstraint[found].op == SQLITE_INDEX_CONSTRAINT_GE
                ? BOUND_CLOSED
                : BOUND_OPEN;
        add_argument(choice, found);
    }
    found = find(choice, next, SQLITE_INDEX_CONSTRAINT_LT,
                 SQLITE_INDEX_CONSTRAINT_LE);
    if (found >= 0) {
        plan->upper =
            choice->info->aConstraint[found].op == SQLITE_INDEX_CONSTRAINT_LE
                ? BOUND_CLOSED
                : BOUND_OPEN;
        add_argument(choice, found);
    }
}

/*
 * Whether an equality of this key column surely means one value of it. A
 * number that is no literal may equal many texts.
 */
static bool is_single(const struct choice *choice, int key_index)
{
    if (choice->plan.list == key_index + 1)
        return false;
    return has_rowid(choice->declaration) ||
           key_column(choice->declaration, key_index)->affinity >=
               AFFINITY_NUMERIC ||
           (choice->plan.literals >> key_index & 1);
}

/* The check by SQLite may go only where nothing before it was guessed. */
static void pass_arguments(struct choice *choice)
{
    bool is_exact = true;

    for (int i = 0; i < choice->argument_count; i++) {
        struct sqlite3_index_constraint_usage *usage =
            &choice->info->aConstraintUsage[choice->constraint[i]];
        int column =
            i < choice->plan.equal_count ? i : choice->plan.equal_count;

        is_exact =
            is_exact && (has_rowid(choice->declaration) ||
                         key_column(choice->declaration, column)->affinity >=
                             AFFINITY_NUMERIC);
        usage->argvIndex = i + 1;
        usage->omit = is_exact;
    }
}

/* --- Order --------------------------------------------------------------- */

/* Where the walk through the terms of ORDER BY stands. */
struct order {
    int next;   /* Key column that the next term must be. */
    int listed; /* Bound columns that were terms, from the first. */
    bool has_direction;
    bool is_descending;
};

static bool add_term(const struct choice *choice,
                     const struct sqlite3_index_orderby *term,
                     struct order *order)
{
    const struct declaration *table = choice->declaration;
    int index = key_index_of(table, term->iColumn);
    bool is_descending;

    if (index < 0 ||
        (!has_rowid(table) &&
         table->key[index].collation != key_column(table, index)->collation))
        return false;
    is_descending = term->desc;
    if (!has_rowid(table))
        is_descending ^= table->key[index].is_descending;
    if (index < choice->plan.equal_count) {
        if (is_single(choice, index))
            return true; /* One value: in any order. */
        if (index != order->listed)
            return false;
        order->listed = index + 1;
    } else {
        if (index < order->next)
            return true; /* A repeated term changes nothing. */
        if (index != order->next)
            return false;
        order->next++;
    }
    if (order->has_direction && order->is_descending != is_descending)
        return false;
    order->has_direction = true;
    order->is_descending = is_descending;
    return true;
}

/* Whether a bound column that may be many values is missing in the terms. */
static bool passes_over(const struct choice *choice, const struct order *order)
{
    for (int i = order->listed; i < choice->plan.equal_count; i++)
        if (!is_single(choice, i))
            return true;
    return false;
}

static void choose_order(struct choice *choice)
{
    struct plan *plan = &choice->plan;
    struct order order = {.next = plan->equal_count};
    bool is_unique = false;

    if (choice->info->nOrderBy == 0)
        return;
    for (int i = 0; i < choice->info->nOrderBy && !is_unique; i++) {
        if (!add_term(choice, &choice->info->aOrderBy[i], &order))
            return;
        /* After the whole key no term can matter. */
        is_unique =
            order.next == choice->key_count && !passes_over(choice, &order);
    }
    if (passes_over(choice, &order)) {
        if (order.listed > 0 || plan->list > 0)
            return;
        plan->is_ordered_after = true;
    }
    plan->is_descending = order.is_descending;
    choice->info->orderByConsumed = 1;
}

/* --- Estimates ----------------------------------------------------------- */

/* Rows of the whole table, or of the ranges if every argument is known. */
static double count_rows(struct choice *choice, struct key_ranges *ranges)
{
    struct view view;
    double rows = 0;

    if (transaction_view(choice->table, &view) != SQLITE_OK) {
        /* xFilter will say it, should the statement ever run. */
        sqlite3_free(choice->table->base.zErrMsg);
        choice->table->base.zErrMsg = NULL;
        return UNKNOWN_ROWS;
    }
    for (int i = 0; i < ranges->count; i++) {
        struct byron_range range = {key_ranges_lower(ranges, i),
                                    key_ranges_upper(ranges, i)};
        uint64_t found = 1;
        uint64_t bytes;

        if (!ranges->segments[i].is_point &&
            byron_estimate(view.db, &range, &found, &bytes) != BYRON_OK)
            found = (uint64_t)UNKNOWN_ROWS;
        rows += (double)found;
    }
    view_close(&view);
    return rows;
}

static bool read_literals(struct choice *choice, struct key_argument *arguments)
{
    for (int i = 0; i < choice->argument_count; i++) {
        int column =
            i < choice->plan.equal_count ? i : choice->plan.equal_count;
        sqlite3_value *value = NULL;

        if (choice->plan.list > 0 ||
            sqlite3_vtab_rhs_value(choice->info, choice->constraint[i],
                                   &value) != SQLITE_OK ||
            !value ||
            key_argument_read(value, true, choice->declaration, column,
                              &arguments[i]) != SQLITE_OK)
            return false;
    }
    return true;
}

/* What is left of rows by guess: each key column takes an equal share. */
static double guess_rows(const struct choice *choice, double rows)
{
    const struct plan *plan = &choice->plan;
    int share = 0; /* In bits. */

    for (int bits = 0; (double)(UINT64_C(1) << bits) < rows; bits++)
        share = bits * plan->equal_count / choice->key_count;
    rows /= (double)(UINT64_C(1) << share);
    if (plan->lower != BOUND_NONE)
        rows /= BOUND_FRACTION;
    if (plan->upper != BOUND_NONE)
        rows /= BOUND_FRACTION;
    return rows;
}

static double estimate_rows(struct choice *choice)
{
    static const struct plan everything;
    struct key_argument arguments[MOST_ARGUMENTS] = {0};
    struct key_ranges ranges = {0};
    bool is_known = read_literals(choice, arguments);
    double rows = UNKNOWN_ROWS;

    if (choice->plan.equal_count == choice->key_count)
        return choice->plan.list > 0 ? LIST_ROWS : 1;
    if (key_ranges_add(&ranges, choice->declaration, choice->table->id,
                       is_known ? &choice->plan : &everything,
                       arguments) == BYRON_OK)
        rows = count_rows(choice, &ranges);
    key_ranges_deinit(&ranges);
    if (!is_known)
        rows = guess_rows(choice, rows);
    return rows < 1 ? 1 : rows;
}

static void set_costs(struct choice *choice)
{
    bool is_whole_key = choice->plan.equal_count == choice->key_count;
    double rows = estimate_rows(choice);
    int index = 0;

    choice->info->estimatedRows = (sqlite3_int64)rows;
    choice->info->estimatedCost =
        POINT_COST + (is_whole_key ? POINT_COST : ROW_COST) * rows;
    if (!is_whole_key)
        return;
    while (index < choice->key_count && is_single(choice, index))
        index++;
    if (index == choice->key_count)
        choice->info->idxFlags |= SQLITE_INDEX_SCAN_UNIQUE;
}

/* --- Words --------------------------------------------------------------- */

static char *describe(const struct choice *choice)
{
    const struct plan *plan = &choice->plan;
    const struct declaration *table = choice->declaration;
    sqlite3_str *words = sqlite3_str_new(choice->table->db);
    const char *before = "key ";

    for (int i = 0; i < plan->equal_count; i++) {
        sqlite3_str_appendf(words, "%s%s%s", before, key_name(table, i),
                            plan->list == i + 1 ? " IN (...)" : "=?");
        before = " AND ";
    }
    if (plan->lower != BOUND_NONE) {
        sqlite3_str_appendf(words, "%s%s%s", before,
                            key_name(table, plan->equal_count),
                            plan->lower == BOUND_OPEN ? ">?" : ">=?");
        before = " AND ";
    }
    if (plan->upper != BOUND_NONE)
        sqlite3_str_appendf(words, "%s%s%s", before,
                            key_name(table, plan->equal_count),
                            plan->upper == BOUND_OPEN ? "<?" : "<=?");
    if (sqlite3_str_length(words) == 0)
        sqlite3_str_appendall(words, "scan");
    if (choice->info->orderByConsumed)
        sqlite3_str_appendf(words, " ORDER BY key%s",
                            plan->is_descending ? " DESC" : "");
    return sqlite3_str_finish(words);
}

int plan_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    struct table *table = (struct table *)base;
    struct choice choice = {.table = table,
                            .declaration = table->declaration,
                            .info = info,
                            .key_count = has_rowid(table->declaration)
                                             ? 1
                                             : table->declaration->key_count};

    choose_equals(&choice);
    choose_bounds(&choice);
    pass_arguments(&choice);
    choose_order(&choice);
    set_costs(&choice);
    info->idxNum = plan_encode(&choice.plan);
    info->idxStr = describe(&choice);
    info->needToFreeIdxStr = 1;
    return info->idxStr ? SQLITE_OK : SQLITE_NOMEM;
}
