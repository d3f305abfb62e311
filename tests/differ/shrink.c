#include "differ/shrink.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOKENS  4000
#define SECONDS 60 /* A shorter script is not worth more. */

struct shrinking {
    struct script *script;
    const struct sides_settings *settings;
    struct sides_result *result;
    time_t end;
};

/* Keeps candidate if it differs in the same way; else drops it. */
static bool accept(struct shrinking *shrinking, struct script *candidate)
{
    struct sides_result result;

    if (time(NULL) < shrinking->end) {
        sides_run(candidate, shrinking->settings, &result);
        /* No new errors: a script that is wrong itself proves little. */
        if (result.verdict == shrinking->result->verdict &&
            result.is_refused == shrinking->result->is_refused &&
            !strstr(result.words, "is not a function") &&
            result.errors <= shrinking->result->errors) {
            script_deinit(shrinking->script);
            *shrinking->script = *candidate;
            *shrinking->result = result;
            return true;
        }
    }
    script_deinit(candidate);
    return false;
}

/* --- Statements ----------------------------------------------------------- */

static bool try_without(struct shrinking *shrinking, int first, int count)
{
    struct script candidate;
    bool *keep = malloc((size_t)shrinking->script->count * sizeof *keep);

    if (!keep)
        abort();
    for (int i = 0; i < shrinking->script->count; i++)
        keep[i] = i < first || i >= first + count ||
                  shrinking->script->steps[i].is_kept;
    script_copy(shrinking->script, keep, &candidate);
    free(keep);
    return accept(shrinking, &candidate);
}

/* From large pieces to single statements, the last ones first. */
static void remove_statements(struct shrinking *shrinking)
{
    int last = shrinking->result->step + 1;

    for (int i = last; i < shrinking->script->count; i++)
        shrinking->script->steps[i].is_kept = false;
    if (last < shrinking->script->count)
        try_without(shrinking, last, shrinking->script->count - last);
    for (int piece = shrinking->script->count / 2; piece > 0; piece /= 2)
        for (int at = shrinking->script->count - piece; at >= 0; at -= piece)
            try_without(shrinking, at, piece);
}

/* --- Tokens --------------------------------------------------------------- */

struct token {
    int start;
    int end;
    bool is_fixed; /* Without it the answer would be nobody's promise. */
};

static int token_end(const char *sql, int at)
{
    char quote = sql[at];

    if (quote == '\'' || quote == '"') {
        for (at++; sql[at] && (sql[at] != quote || sql[at + 1] == quote); at++)
            at += sql[at] == quote;
        return sql[at] ? at + 1 : at;
    }
    if (isalnum((unsigned char)quote) || quote == '_' || quote == '?') {
        for (at++; isalnum((unsigned char)sql[at]) || sql[at] == '_' ||
                   sql[at] == '.';)
            at++;
        return at;
    }
    return at + 1;
}

static bool is_word(const char *sql, const struct token *token,
                    const char *word)
{
    return (int)strlen(word) == token->end - token->start &&
           sqlite3_strnicmp(sql + token->start, word,
                            token->end - token->start) == 0;
}

/* What follows decides which rows come, or meet: all of it is needed. */
static bool is_fixing(const char *sql, const struct token *tokens, int at)
{
    const struct token *token = &tokens[at];

    return is_word(sql, token, "ORDER") || is_word(sql, token, "GROUP") ||
           (is_word(sql, token, "FROM") && is_word(sql, tokens, "UPDATE"));
}

/* From ORDER or GROUP to the end of their SELECT nothing is taken away. */
static int split(const char *sql, struct token *tokens)
{
    int count = 0, depth = 0, fixed_depth = -1;

    for (int at = 0; sql[at] && count < TOKENS;) {
        struct token *token = &tokens[count];

        if (isspace((unsigned char)sql[at])) {
            at++;
            continue;
        }
        token->start = at;
        at = token->end = token_end(sql, at);
        if (sql[token->start] == ')' && depth-- == fixed_depth)
            fixed_depth = -1;
        if (fixed_depth < 0 && is_fixing(sql, tokens, count))
            fixed_depth = depth;
        /* Of a subquery any row is as good, but not of its minimum. */
        token->is_fixed = fixed_depth >= 0 || is_word(sql, token, "min") ||
                          is_word(sql, token, "max");
        depth += sql[token->start] == '(';
        count++;
    }
    return count;
}

/* A piece that can go: balanced, and nothing of it fixed. */
static bool is_removable(const char *sql, const struct token *tokens, int first,
                         int count)
{
    int depth = 0;

    for (int i = first; i < first + count; i++) {
        char c = sql[tokens[i].start];

        depth += (c == '(') - (c == ')');
        if (tokens[i].is_fixed || depth < 0)
            return false;
    }
    return depth == 0;
}

static bool try_piece(struct shrinking *shrinking, int step,
                      const struct token *tokens, int first, int count)
{
    const char *sql = shrinking->script->steps[step].sql;
    struct script candidate;
    char **text;

    if (!is_removable(sql, tokens, first, count))
        return false;
    script_copy(shrinking->script, NULL, &candidate);
    text = &candidate.steps[step].sql;
    sqlite3_free(*text);
    *text = sqlite3_mprintf("%.*s %s", tokens[first].start, sql,
                            sql + tokens[first + count - 1].end);
    return accept(shrinking, &candidate);
}

static bool simplify_step(struct shrinking *shrinking, int step)
{
    struct token *tokens = malloc(TOKENS * sizeof *tokens);
    bool is_shorter = false;
    int count;

    if (!tokens)
        abort();
    count = split(shrinking->script->steps[step].sql, tokens);
    for (int size = count - 1; size > 0; size = size > 12 ? size / 2 : size - 1)
        for (int at = 0; at + size <= count && time(NULL) < shrinking->end;) {
            if (!try_piece(shrinking, step, tokens, at, size)) {
                at++;
                continue;
            }
            is_shorter = true;
            count = split(shrinking->script->steps[step].sql, tokens);
        }
    free(tokens);
    return is_shorter;
}

/* Not where the order is that of the first columns: they must stay first; nor
 * where both sides have words or files of their own: they must match. */
static bool is_simplified(const struct step *step)
{
    return step->sql && !strstr(step->sql, "/*byron:") &&
           !strstr(step->sql, "beside(") &&
           (step->sorted == 0 || step->sorted == SORTED_WHOLE) &&
           step->kind == STEP_BOTH && !step->is_kept &&
           sqlite3_strnicmp(step->sql, "CREATE", 6) != 0;
}

void shrink(struct script *script, const struct sides_settings *settings,
            struct sides_result *result)
{
    struct shrinking shrinking = {script, settings, result,
                                  time(NULL) + SECONDS};
    bool is_shorter = true;

    while (is_shorter && time(NULL) < shrinking.end) {
        is_shorter = false;
        remove_statements(&shrinking);
        for (int i = script->count - 1; i >= 0; i--)
            if (is_simplified(&script->steps[i]))
                is_shorter |= simplify_step(&shrinking, i);
    }
}
