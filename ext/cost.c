#include "cost.h"

#include "constraint.h"
#include "key_range.h"
#include "statistics.h"

#define SEEK_COST      10.0 /* In steps of SQLite's, as all costs. */
#define ROW_COST       3.0  /* Of a row, or an entry, that is walked over. */
#define ENTRY_COST     1.0  /* Of one in an index: it is smaller. */
#define LOOKUP_COST    20.0 /* From an entry to its row. */
#define SORT_COST      0.5  /* Of each comparison. */
#define LIST_ROWS      25.0 /* Values in a list, as SQLite guesses. */
#define BOUND_FRACTION 4.0  /* What a bound lets through, as SQLite guesses. */
#define FEW_ROWS       100.0

/* Leading arguments that are known now. */
static int count_known(const struct choice *choice)
{
    int bound = plan_bound_count(&choice->plan);
    int count = 0;

    while (count < bound && (choice->plan.literals >> count & 1))
        count++;
    return count;
}

static bool read_known(const struct choice *choice, int count,
                       struct key_argument *arguments)
{
    static const struct field nothing = {.kind = FIELD_NULL};

    for (int i = 0; i < count; i++) {
        int equals = choice->plan.equal_count;
        sqlite3_value *value =
            constraint_literal(choice, choice->constraint[i]);

        if (!value)
            arguments[i].field = nothing; /* IS NULL */
        else if (key_argument_read(value, true, choice->path.entry,
                                   i < equals ? i : equals,
                                   &arguments[i]) != SQLITE_OK)
            return false;
    }
    return true;
}

/* The part of the plan whose arguments are known. */
static struct plan known_plan(const struct choice *choice, int *count)
{
    struct plan plan = choice->plan;
    int known = count_known(choice);

    if (known < plan_bound_count(&plan)) {
        if (known > plan.equal_count)
            known = plan.equal_count;
        plan.equal_count = known;
        plan.lower = BOUND_NONE;
        plan.upper = BOUND_NONE;
        plan.pattern = PATTERN_NONE;
    }
    *count = known;
    return plan;
}

/* Rows in the ranges of what is known. */
static double count_known_rows(const struct choice *choice, struct plan *known)
{
    struct key_argument arguments[PLAN_MOST_ARGUMENTS] = {0};
    struct key_ranges ranges = {0};
    double rows = statistics_unknown();
    int count;

    *known = known_plan(choice, &count);
    if (read_known(choice, count, arguments) &&
        key_ranges_add(&ranges, choice->path.entry, choice->path.id, known,
                       arguments) == BYRON_OK)
        rows = statistics_rows(choice->table, &ranges);
    key_ranges_deinit(&ranges);
    return rows;
}

static double guess_bounds(const struct choice *choice, double rows)
{
    const struct plan *plan = &choice->plan;

    if (plan->lower != BOUND_NONE)
        rows /= BOUND_FRACTION;
    if (plan->upper != BOUND_NONE)
        rows /= BOUND_FRACTION;
    if (plan->pattern != PATTERN_NONE)
        rows /= BOUND_FRACTION * BOUND_FRACTION;
    return rows;
}

/* A table may be filled after its statements are planned. */
static double expect_more(const struct choice *choice, double rows)
{
    if (rows >= FEW_ROWS || choice->plan.equal_count > 0)
        return rows;
    return rows + guess_bounds(choice, FEW_ROWS);
}

static double multiply_lists(const struct choice *choice, double rows,
                             double most)
{
    for (int i = 0; i < choice->plan.equal_count; i++)
        if (choice->plan.lists >> i & 1)
            rows *= LIST_ROWS;
    return rows < most ? rows : most;
}

/* Key columns that make out one row. In a UNIQUE index only NULL, which IS may
 * meet, is there more than once. */
static int count_needed(const struct choice *choice)
{
    const struct index *index = choice->path.index;

    if (index && index->is_unique && choice->plan.nulls == 0)
        return index->column_count;
    return choice->path.key_count;
}

bool cost_is_unique(const struct choice *choice)
{
    int needed = count_needed(choice);

    if (choice->plan.equal_count < needed)
        return false;
    for (int i = 0; i < needed; i++)
        if (!choice_is_single(choice, i))
            return false;
    return true;
}

static bool is_whole(const struct choice *choice)
{
    return choice->plan.equal_count >= count_needed(choice);
}

static double estimate_rows(const struct choice *choice)
{
    struct plan known;
    double rows;

    if (cost_is_unique(choice))
        return 1;
    if (is_whole(choice))
        return multiply_lists(choice, 1, 1e9);
    rows = count_known_rows(choice, &known);
    if (known.equal_count < choice->plan.equal_count)
        rows = multiply_lists(
            choice,
            statistics_share(choice->table, choice->path.number,
                             known.equal_count, choice->plan.equal_count, rows),
            rows);
    if (plan_bound_count(&known) < plan_bound_count(&choice->plan))
        rows = guess_bounds(choice, rows);
    return rows < 1 ? 1 : rows;
}

static double read_limit(const struct choice *choice)
{
    int first = plan_bound_count(&choice->plan);
    double most = 0;

    for (int i = first; i < choice->argument_count; i++) {
        sqlite3_value *value =
            constraint_literal(choice, choice->constraint[i]);
        double number = value ? sqlite3_value_double(value) : FEW_ROWS;

        /* A negative limit is none. */
        if (number < 0 && i == first)
            return 1e18;
        most += number < 0 ? 0 : number;
    }
    return most;
}

void cost_estimate(struct choice *choice)
{
    const struct path *path = &choice->path;
    double per_row = path->index ? ENTRY_COST : ROW_COST;
    double rows = estimate_rows(choice);

    choice->rows = rows;
    if (choice->plan.has_limit && read_limit(choice) < rows)
        rows = choice->rows = read_limit(choice);
    rows = expect_more(choice, rows);
    if (is_whole(choice))
        per_row = SEEK_COST;
    if (path->index && !choice->plan.is_covering)
        per_row += LOOKUP_COST;
    choice->cost = SEEK_COST + per_row * rows;
}

double cost_with_sort(const struct choice *choice)
{
    double steps = 0;

    if (choice->info->nOrderBy == 0 || choice->is_ordered)
        return choice->cost;
    for (double left = choice->rows; left > 1; left /= 2)
        steps++;
    return choice->cost + SORT_COST * choice->rows * steps;
}
