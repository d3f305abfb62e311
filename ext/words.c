#include "words.h"

static void add_term(const struct choice *choice, sqlite3_str *words,
                     int key_index, const char *comparison, bool *has_terms)
{
    sqlite3_str_appendf(words, "%s%s%s", *has_terms ? " AND " : " ",
                        path_column_name(&choice->path, key_index), comparison);
    *has_terms = true;
}

/* An equality is the argument of its column's number. */
static const char *equality_words(const struct choice *choice, int key_index)
{
    int constraint = choice->constraint[key_index];

    if (choice->plan.lists >> key_index & 1)
        return " IN (...)";
    return choice->info->aConstraint[constraint].op ==
                   SQLITE_INDEX_CONSTRAINT_ISNULL
               ? " IS NULL"
               : "=?";
}

static void add_terms(const struct choice *choice, sqlite3_str *words)
{
    static const char *const patterns[] = {
        [PATTERN_PREFIX] = " begins with ?",
        [PATTERN_GLOB] = " GLOB ?",
        [PATTERN_LIKE] = " LIKE ?",
    };
    const struct plan *plan = &choice->plan;
    int next = plan->equal_count;
    bool has_terms = false;

    for (int i = 0; i < next; i++)
        add_term(choice, words, i, equality_words(choice, i), &has_terms);
    if (plan->lower != BOUND_NONE && (plan->nulls >> next & 1))
        add_term(choice, words, next, " IS NOT NULL", &has_terms);
    else if (plan->lower != BOUND_NONE)
        add_term(choice, words, next, plan->lower == BOUND_OPEN ? ">?" : ">=?",
                 &has_terms);
    if (plan->upper != BOUND_NONE)
        add_term(choice, words, next, plan->upper == BOUND_OPEN ? "<?" : "<=?",
                 &has_terms);
    if (plan->pattern != PATTERN_NONE)
        add_term(choice, words, next, patterns[plan->pattern], &has_terms);
    if (!has_terms && choice->path.index)
        sqlite3_str_appendall(words, " scan");
}

static void add_distinct(const struct choice *choice, sqlite3_str *words)
{
    const char *before = " DISTINCT ";

    for (int i = 0; i < choice->plan.distinct; i++) {
        sqlite3_str_appendf(words, "%s%s", before,
                            path_column_name(&choice->path, i));
        before = ", ";
    }
}

char *words_of(const struct choice *choice)
{
    const struct plan *plan = &choice->plan;
    const struct index *index = choice->path.index;
    sqlite3_str *words = sqlite3_str_new(choice->table->db);

    if (index)
        sqlite3_str_appendf(words, "%sindex %s",
                            plan->is_covering ? "covering " : "", index->name);
    else
        sqlite3_str_appendall(words,
                              plan_bound_count(plan) > 0 ? "key" : "scan");
    add_terms(choice, words);
    add_distinct(choice, words);
    if (choice->is_ordered && choice->info->nOrderBy > 0)
        sqlite3_str_appendf(words, " ORDER BY %s%s", index ? "index" : "key",
                            plan->is_descending ? " DESC" : "");
    if (plan->has_limit)
        sqlite3_str_appendall(words, " LIMIT");
    if (plan->has_offset)
        sqlite3_str_appendall(words, " OFFSET");
    return sqlite3_str_finish(words);
}
