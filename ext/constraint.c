#include "constraint.h"

#include <ctype.h>
#include <string.h>

#define MOST_LIST_TERMS 32 /* sqlite3_vtab_in knows the first of them. */
/* Older ones name a limit where terms that are not named stand beside it, and
 * where it is that of all parts of a UNION ALL. */
#define LIMIT_IS_SOUND_SINCE 3050000

/* --- Terms --------------------------------------------------------------- */

static const struct sqlite3_index_constraint *term(const struct choice *choice,
                                                   int index)
{
    return &choice->info->aConstraint[index];
}

static bool has_collation(const struct choice *choice, int index, int key_index)
{
    return path_is_rowid(&choice->path) ||
           sqlite3_stricmp(sqlite3_vtab_collation(choice->info, index),
                           path_collation(&choice->path, key_index)) == 0;
}

static bool is_equality(unsigned char op)
{
    return op == SQLITE_INDEX_CONSTRAINT_EQ ||
           op == SQLITE_INDEX_CONSTRAINT_IS ||
           op == SQLITE_INDEX_CONSTRAINT_ISNULL;
}

static bool is_limit(unsigned char op)
{
    return op == SQLITE_INDEX_CONSTRAINT_LIMIT ||
           op == SQLITE_INDEX_CONSTRAINT_OFFSET;
}

static bool is_on_column(const struct choice *choice, int index, int key_index)
{
    return !is_limit(term(choice, index)->op) &&
           path_is_column(&choice->path, key_index,
                          term(choice, index)->iColumn);
}

/* A comparison is ours if it compares as the key does. */
static bool compares_as_key(const struct choice *choice, int index,
                            int key_index)
{
    return is_on_column(choice, index, key_index) &&
           has_collation(choice, index, key_index);
}

static int argument_of(const struct choice *choice, int constraint)
{
    for (int i = 0; i < choice->argument_count; i++)
        if (choice->constraint[i] == constraint)
            return i;
    return -1;
}

/* An index may have a column twice, its own and the key's: it is told once. */
static int find_equality(const struct choice *choice, int key_index)
{
    bool is_numeric =
        path_affinity(&choice->path, key_index) >= AFFINITY_NUMERIC;

    for (int i = 0; i < choice->info->nConstraint; i++) {
        /* A list out of sight is checked by SQLite with the column's affinity
         * alone: right for numbers only. */
        if (i >= MOST_LIST_TERMS && !is_numeric)
            return -1;
        if (term(choice, i)->usable && is_equality(term(choice, i)->op) &&
            argument_of(choice, i) < 0 && compares_as_key(choice, i, key_index))
            return i;
    }
    return -1;
}

static int find_bound(const struct choice *choice, int key_index,
                      unsigned char op, unsigned char closed_op)
{
    for (int i = 0; i < choice->info->nConstraint; i++)
        if (term(choice, i)->usable &&
            (term(choice, i)->op == op || term(choice, i)->op == closed_op) &&
            compares_as_key(choice, i, key_index))
            return i;
    return -1;
}

/* LIKE and GLOB know no collation. */
static int find_pattern(const struct choice *choice, int key_index)
{
    for (int i = 0; i < choice->info->nConstraint; i++)
        if (term(choice, i)->usable &&
            (term(choice, i)->op == SQLITE_INDEX_CONSTRAINT_LIKE ||
             term(choice, i)->op == SQLITE_INDEX_CONSTRAINT_GLOB) &&
            is_on_column(choice, i, key_index))
            return i;
    return -1;
}

static int find_prefix(const struct table *table,
                       const sqlite3_index_info *info)
{
    int column = table->declaration->hidden.prefix;

    for (int i = 0; column >= 0 && i < info->nConstraint; i++)
        if (info->aConstraint[i].iColumn == column &&
            (info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_EQ ||
             info->aConstraint[i].op == SQLITE_INDEX_CONSTRAINT_IS))
            return i;
    return -1;
}

bool constraint_has_prefix(const struct table *table,
                           const sqlite3_index_info *info)
{
    return find_prefix(table, info) >= 0;
}

sqlite3_value *constraint_literal(const struct choice *choice, int constraint)
{
    sqlite3_value *literal = NULL;

    if (sqlite3_vtab_rhs_value(choice->info, constraint, &literal) != SQLITE_OK)
        return NULL;
    return literal;
}

/* --- Arguments ----------------------------------------------------------- */

/*
 * Whether it is a literal that means nothing but itself. A number may be that
 * of a CAST, which compares with a text as a column of its type does.
 */
static bool is_plain(const struct choice *choice, int constraint, int key_index)
{
    sqlite3_value *literal = constraint_literal(choice, constraint);
    int type = literal ? sqlite3_value_type(literal) : SQLITE_INTEGER;

    if (literal && path_affinity(&choice->path, key_index) >= AFFINITY_NUMERIC)
        return true;
    return type != SQLITE_INTEGER && type != SQLITE_FLOAT;
}

/* is_exact: what is read needs no check, as far as this argument goes. */
static void add_argument(struct choice *choice, int constraint, bool is_exact)
{
    unsigned bit = 1U << choice->argument_count;

    if (constraint_literal(choice, constraint))
        choice->plan.literals |= bit;
    /* Behind what was guessed the key is not searched any further. */
    if (is_exact && choice->exact == bit - 1)
        choice->exact |= bit;
    choice->constraint[choice->argument_count++] = constraint;
}

static void add_equality(struct choice *choice, int constraint)
{
    struct plan *plan = &choice->plan;
    int key_index = plan->equal_count++;
    unsigned char op = term(choice, constraint)->op;
    bool is_list = sqlite3_vtab_in(choice->info, constraint, -1);
    bool is_exact = path_affinity(&choice->path, key_index) >= AFFINITY_NUMERIC;

    if (op != SQLITE_INDEX_CONSTRAINT_EQ)
        plan->nulls |= 1U << key_index;
    if (op == SQLITE_INDEX_CONSTRAINT_ISNULL) {
        plan->literals |= 1U << key_index;
        choice->plain |= 1U << key_index;
        is_exact = true;
    }
    if (is_list) {
        /* Of several lists, the later ones may be too long to be combined. */
        is_exact = is_exact && plan->lists == 0;
        plan->lists |= 1U << key_index;
    } else if (is_plain(choice, constraint, key_index)) {
        choice->plain |= 1U << key_index;
        is_exact = true;
    }
    add_argument(choice, constraint, is_exact);
}

static void choose_equals(struct choice *choice, int most)
{
    while (choice->plan.equal_count < most) {
        int found = find_equality(choice, choice->plan.equal_count);

        if (found < 0)
            return;
        add_equality(choice, found);
    }
}

static enum bound add_bound(struct choice *choice, int constraint,
                            unsigned char closed_op)
{
    int key_index = choice->plan.equal_count;
    bool is_exact =
        !choice->plan.is_pattern &&
        (path_affinity(&choice->path, key_index) >= AFFINITY_NUMERIC ||
         is_plain(choice, constraint, key_index));

    add_argument(choice, constraint, is_exact);
    return term(choice, constraint)->op == closed_op ? BOUND_CLOSED
                                                     : BOUND_OPEN;
}

/* What is below the upper bound is no NULL either. */
static void choose_not_null(struct choice *choice)
{
    struct plan *plan = &choice->plan;
    int found;

    if (!choice->path.index || plan->lower != BOUND_NONE ||
        plan->upper != BOUND_NONE)
        return;
    found =
        find_bound(choice, plan->equal_count, SQLITE_INDEX_CONSTRAINT_ISNOTNULL,
                   SQLITE_INDEX_CONSTRAINT_ISNOTNULL);
    if (found < 0)
        return;
    plan->nulls |= 1U << choice->argument_count;
    add_argument(choice, found, true);
    plan->lower = BOUND_OPEN;
}

/* The literal text that the column is compared to by op; NULL: none. */
static sqlite3_value *bound_text(const struct choice *choice, int constraint,
                                 int key_index, unsigned char op)
{
    sqlite3_value *literal;

    if (!term(choice, constraint)->usable ||
        term(choice, constraint)->op != op ||
        !compares_as_key(choice, constraint, key_index))
        return NULL;
    literal = constraint_literal(choice, constraint);
    return literal && sqlite3_value_type(literal) == SQLITE_TEXT ? literal
                                                                 : NULL;
}

static bool has_upper_of_size(const struct choice *choice, int key_index,
                              int size)
{
    for (int i = 0; i < choice->info->nConstraint; i++) {
        sqlite3_value *upper =
            bound_text(choice, i, key_index, SQLITE_INDEX_CONSTRAINT_LT);

        if (upper && sqlite3_value_bytes(upper) == size)
            return true;
    }
    return false;
}

/*
 * SQLite makes bounds out of a pattern, and keeps it beside them; but not a
 * LIKE with ESCAPE, of which all that is told is "from 'AB' to below 'ac'",
 * maybe among other bounds.
 */
static bool is_pattern(const struct choice *choice, int key_index)
{
    if (find_pattern(choice, key_index) >= 0)
        return true;
    for (int i = 0; i < choice->info->nConstraint; i++) {
        sqlite3_value *lower =
            bound_text(choice, i, key_index, SQLITE_INDEX_CONSTRAINT_GE);

        if (lower &&
            has_upper_of_size(choice, key_index, sqlite3_value_bytes(lower)))
            return true;
    }
    return false;
}

static void choose_bounds(struct choice *choice)
{
    struct plan *plan = &choice->plan;
    int next = plan->equal_count;
    int found = find_bound(choice, next, SQLITE_INDEX_CONSTRAINT_GT,
                           SQLITE_INDEX_CONSTRAINT_GE);

    plan->is_pattern = is_pattern(choice, next);
    if (found >= 0)
        plan->lower = add_bound(choice, found, SQLITE_INDEX_CONSTRAINT_GE);
    found = find_bound(choice, next, SQLITE_INDEX_CONSTRAINT_LT,
                       SQLITE_INDEX_CONSTRAINT_LE);
    if (found >= 0)
        plan->upper = add_bound(choice, found, SQLITE_INDEX_CONSTRAINT_LE);
}

/* LIKE tells nothing of a key with case, unless it begins without letters. */
static bool is_telling(const struct choice *choice, int constraint)
{
    bool is_like = term(choice, constraint)->op == SQLITE_INDEX_CONSTRAINT_LIKE;
    sqlite3_value *literal = constraint_literal(choice, constraint);
    const char *text;

    if (!is_like ||
        sqlite3_stricmp(path_collation(&choice->path, choice->plan.equal_count),
                        "NOCASE") == 0)
        return true;
    text = literal ? (const char *)sqlite3_value_text(literal) : NULL;
    return text && *text && !strchr("%_", *text) && !isalpha((uint8_t)*text);
}

/* A number matches patterns by its digits: those have no order here. */
static void choose_pattern(struct choice *choice)
{
    struct plan *plan = &choice->plan;
    int found = find_pattern(choice, plan->equal_count);

    if (found < 0 || plan->lower != BOUND_NONE || plan->upper != BOUND_NONE ||
        path_affinity(&choice->path, plan->equal_count) >= AFFINITY_NUMERIC ||
        !is_telling(choice, found))
        return;
    plan->pattern = term(choice, found)->op == SQLITE_INDEX_CONSTRAINT_LIKE
                        ? PATTERN_LIKE
                        : PATTERN_GLOB;
    add_argument(choice, found, false);
}

/* --- The hidden column prefix -------------------------------------------- */

static bool has_equality(const struct choice *choice, int key_index)
{
    for (int i = 0; i < choice->info->nConstraint; i++)
        if (is_equality(term(choice, i)->op) &&
            compares_as_key(choice, i, key_index))
            return true;
    return false;
}

/*
 * The prefix is of the first key column without an equality, so all those
 * before it must be usable: the answer may not depend on the plan.
 */
static bool choose_prefix(struct choice *choice, int prefix)
{
    int target = 0;

    if (!term(choice, prefix)->usable)
        return false;
    while (target < choice->path.key_count - 1 && target < PLAN_MOST_EQUALS &&
           has_equality(choice, target))
        target++;
    choose_equals(choice, target);
    if (choice->plan.equal_count < target)
        return false;
    choice->plan.pattern = PATTERN_PREFIX;
    add_argument(choice, prefix, true);
    return true;
}

bool constraint_choose(struct choice *choice)
{
    int prefix = find_prefix(choice->table, choice->info);
    int most = choice->path.key_count;

    if (prefix >= 0)
        return choose_prefix(choice, prefix);
    choose_equals(choice, most < PLAN_MOST_EQUALS ? most : PLAN_MOST_EQUALS);
    if (choice->plan.equal_count < most) {
        choose_bounds(choice);
        choose_pattern(choice);
        choose_not_null(choice);
    }
    return true;
}

/* --- Limit --------------------------------------------------------------- */

/*
 * A comparison of row values arrives as >= or <= of their first columns, which
 * lets more rows through. It has no literal on its right side.
 */
static bool may_be_row_value(const struct choice *choice, int constraint)
{
    unsigned char op = term(choice, constraint)->op;

    return (op == SQLITE_INDEX_CONSTRAINT_GE ||
            op == SQLITE_INDEX_CONSTRAINT_LE) &&
           !constraint_literal(choice, constraint);
}

/* Whether the rows are exactly those that WHERE lets through. */
static bool is_exact(const struct choice *choice)
{
    for (int i = 0; i < choice->info->nConstraint; i++) {
        int argument = argument_of(choice, i);

        if (is_limit(term(choice, i)->op))
            continue;
        if (argument < 0 || !(choice->exact >> argument & 1) ||
            may_be_row_value(choice, i))
            return false;
    }
    return true;
}

static int find_limit(const struct choice *choice, unsigned char op)
{
    for (int i = 0; i < choice->info->nConstraint; i++)
        if (term(choice, i)->op == op)
            return i;
    return -1;
}

void constraint_choose_limit(struct choice *choice)
{
    int limit = find_limit(choice, SQLITE_INDEX_CONSTRAINT_LIMIT);
    int offset = find_limit(choice, SQLITE_INDEX_CONSTRAINT_OFFSET);

    if (sqlite3_libversion_number() < LIMIT_IS_SOUND_SINCE)
        return;
    if (limit < 0 || !term(choice, limit)->usable ||
        (offset >= 0 && !term(choice, offset)->usable) ||
        (choice->info->nOrderBy > 0 && !choice->is_ordered) ||
        !is_exact(choice))
        return;
    choice->plan.has_limit = true;
    choice->constraint[choice->argument_count++] = limit;
    if (offset < 0)
        return;
    choice->plan.has_offset = true;
    choice->constraint[choice->argument_count++] = offset;
}

/* --- The end ------------------------------------------------------------- */

void constraint_pass(const struct choice *choice)
{
    for (int i = 0; i < choice->argument_count; i++) {
        int constraint = choice->constraint[i];
        struct sqlite3_index_constraint_usage *usage =
            &choice->info->aConstraintUsage[constraint];

        usage->argvIndex = i + 1;
        usage->omit =
            (choice->exact >> i & 1) || i >= plan_bound_count(&choice->plan);
        if (i < choice->plan.equal_count && (choice->plan.lists >> i & 1))
            sqlite3_vtab_in(choice->info, constraint, 1);
    }
}
