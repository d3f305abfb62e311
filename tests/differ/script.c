#include "differ/script.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

void script_add(struct script *script, const struct step *step)
{
    if (script->count == script->capacity) {
        script->capacity = script->capacity ? 2 * script->capacity : 64;
        script->steps = realloc(script->steps, (size_t)script->capacity *
                                                   sizeof *script->steps);
        if (!script->steps)
            abort();
    }
    script->steps[script->count++] = *step;
}

static char *copy_text(const char *text)
{
    return text ? sqlite3_mprintf("%s", text) : NULL;
}

void script_copy(const struct script *from, const bool *keep,
                 struct script *out)
{
    *out = (struct script){0};
    for (int i = 0; i < from->count; i++) {
        struct step step = from->steps[i];

        if (keep && !keep[i])
            continue;
        step.sql = copy_text(step.sql);
        step.binds = copy_text(step.binds);
        step.again = copy_text(step.again);
        script_add(out, &step);
    }
}

void script_deinit(struct script *script)
{
    for (int i = 0; i < script->count; i++) {
        sqlite3_free(script->steps[i].sql);
        sqlite3_free(script->steps[i].binds);
        sqlite3_free(script->steps[i].again);
    }
    free(script->steps);
    *script = (struct script){0};
}

/* --- Text ----------------------------------------------------------------- */

static void print_answer(const struct step *step, FILE *out)
{
    if (step->sorted == 0 && !step->is_folded && !step->is_uncounted &&
        !step->is_untotalled && !step->is_mute && !step->is_kept)
        return;
    fputs("--answer:", out);
    if (step->sorted == SORTED_WHOLE)
        fputs(" exact", out);
    else if (step->sorted > 0)
        fprintf(out, " sorted %d", step->sorted);
    fprintf(out, "%s%s%s%s%s%s\n", step->is_partial ? " partial" : "",
            step->is_folded ? " folded" : "",
            step->is_uncounted ? " uncounted" : "",
            step->is_untotalled ? " untotalled" : "",
            step->is_mute ? " mute" : "", step->is_kept ? " kept" : "");
}

static const char *side_words(enum step_kind kind)
{
    return kind == STEP_BYRON     ? "--byron: "
           : kind == STEP_PLAIN   ? "--plain: "
           : kind == STEP_REFUSED ? "--refused: "
                                  : "";
}

void script_print(const struct script *script, FILE *out)
{
    int connection = 0;

    for (int i = 0; i < script->count; i++) {
        const struct step *step = &script->steps[i];

        if (step->kind == STEP_REOPEN) {
            fputs(".reopen\n", out);
            connection = 0;
            continue;
        }
        if (step->kind == STEP_FINISH) {
            fputs(".finish\n", out);
            continue;
        }
        if (step->connection != connection)
            fprintf(out, ".connection %d\n", step->connection);
        connection = step->connection;
        print_answer(step, out);
        if (step->binds)
            fprintf(out, ".bind %s\n", step->binds);
        if (step->hold > 0)
            fprintf(out, ".hold %d\n", step->hold);
        if (step->again)
            fprintf(out, ".again %s\n", step->again);
        fprintf(out, "%s%s;\n", side_words(step->kind), step->sql);
    }
}

static void read_answer(const char *words, struct step *step)
{
    const char *sorted = strstr(words, "sorted ");

    if (strstr(words, "exact"))
        step->sorted = SORTED_WHOLE;
    else if (sorted)
        step->sorted = atoi(sorted + strlen("sorted "));
    step->is_partial = strstr(words, "partial") != NULL;
    step->is_folded = strstr(words, "folded") != NULL;
    step->is_uncounted = strstr(words, "uncounted") != NULL;
    step->is_untotalled = strstr(words, "untotalled") != NULL;
    step->is_mute = strstr(words, "mute") != NULL;
    step->is_kept = strstr(words, "kept") != NULL;
}

/* The text without space and semicolon at its end. */
static char *trimmed(const char *text)
{
    size_t size;

    while (isspace((unsigned char)*text))
        text++;
    size = strlen(text);
    while (size > 0 &&
           (isspace((unsigned char)text[size - 1]) || text[size - 1] == ';'))
        size--;
    return sqlite3_mprintf("%.*s", (int)size, text);
}

static void add_sql(struct script *script, struct step *step,
                    enum step_kind kind, const char *sql)
{
    step->kind = kind;
    step->sql = trimmed(sql);
    script_add(script, step);
    *step = (struct step){.connection = step->connection};
}

/* What is of one side alone, or about the next statement. */
static void take_note(struct script *script, struct step *step,
                      const char *line)
{
    if (strncmp(line, "--byron:", 8) == 0)
        add_sql(script, step, STEP_BYRON, line + 8);
    else if (strncmp(line, "--plain:", 8) == 0)
        add_sql(script, step, STEP_PLAIN, line + 8);
    else if (strncmp(line, "--refused:", 10) == 0)
        add_sql(script, step, STEP_REFUSED, line + 10);
    else if (strncmp(line, "--answer:", 9) == 0)
        read_answer(line + 9, step);
}

static void take_directive(struct script *script, struct step *step,
                           const char *line)
{
    if (strncmp(line, ".bind ", 6) == 0) {
        step->binds = trimmed(line + 6);
    } else if (strncmp(line, ".again ", 7) == 0) {
        step->again = trimmed(line + 7);
    } else if (strncmp(line, ".hold ", 6) == 0) {
        step->hold = atoi(line + 6);
    } else if (strncmp(line, ".connection ", 12) == 0) {
        step->connection = atoi(line + 12);
    } else if (strncmp(line, ".finish", 7) == 0) {
        script_add(script,
                   &(struct step){.kind = STEP_FINISH, .sorted = SORTED_WHOLE});
    } else if (strncmp(line, ".reopen", 7) == 0) {
        script_add(script, &(struct step){.kind = STEP_REOPEN});
        *step = (struct step){0};
    }
}

static void take_line(struct script *script, struct step *step,
                      const char *line, sqlite3_str *pending)
{
    if (sqlite3_str_length(pending) == 0) {
        if (strncmp(line, "--", 2) == 0)
            take_note(script, step, line);
        else if (*line == '.')
            take_directive(script, step, line);
        if (*line == '.' || *line == '\n' || strncmp(line, "--", 2) == 0)
            return;
    }
    sqlite3_str_appendall(pending, line);
    if (sqlite3_complete(sqlite3_str_value(pending))) {
        add_sql(script, step, STEP_BOTH, sqlite3_str_value(pending));
        sqlite3_str_reset(pending);
    }
}

bool script_read(const char *path, struct script *out)
{
    FILE *file = fopen(path, "r");
    sqlite3_str *pending = sqlite3_str_new(NULL);
    struct step step = {0};
    char *line = NULL;
    size_t capacity = 0;
    bool is_whole;

    *out = (struct script){0};
    while (file && getline(&line, &capacity, file) >= 0)
        take_line(out, &step, line, pending);
    is_whole = file && sqlite3_str_length(pending) == 0 && out->count > 0;
    sqlite3_free(sqlite3_str_finish(pending));
    free(line);
    if (file)
        fclose(file);
    return is_whole;
}
