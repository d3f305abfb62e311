#include "salvage.h"

#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "listing.h"
#include "salvage_target.h"
#include "statement.h"
#include "status.h"

/* So many damages and kinds of refused rows are told one by one. */
#define LINES_MAX 1000

struct line {
    const char *what;
    sqlite3_int64 count;  /* -1: NULL. */
    char *file;           /* sqlite3_mprintf'd, as reason; may be NULL. */
    sqlite3_int64 offset; /* -1: NULL. */
    char *reason;
};

struct salvage {
    sqlite3 *db;
    struct salvage_source source;
    struct salvage_target target;
    struct interrupt interrupt;
    struct byron_salvage *engine;
    uint8_t range[8]; /* Of the table's keys. */
    sqlite3_int64 rows;
    sqlite3_int64 refused;
    struct line *lines; /* Owned: the result. */
    int count, capacity;
    int told;  /* Damages and refusals among them. */
    int index; /* Of the row; 0: before the first. */
    bool is_out_of_memory;
};

/* --- The result
 * --------------------------------------------------------------- */

/* Takes file and reason. */
static void add_line(struct salvage *salvage, struct line line)
{
    if (salvage->count == salvage->capacity) {
        int capacity = salvage->capacity ? 2 * salvage->capacity : 32;
        struct line *grown =
            realloc(salvage->lines, sizeof *grown * (size_t)capacity);

        if (!grown) {
            sqlite3_free(line.file);
            sqlite3_free(line.reason);
            salvage->is_out_of_memory = true;
            return;
        }
        salvage->lines = grown;
        salvage->capacity = capacity;
    }
    salvage->lines[salvage->count++] = line;
}

static void add_count(struct salvage *salvage, const char *what, uint64_t count)
{
    add_line(salvage, (struct line){.what = what,
                                    .count = (sqlite3_int64)count,
                                    .offset = -1});
}

static void note_damage(void *context, const struct byron_error *error,
                        uint64_t bytes)
{
    struct salvage *salvage = context;
    const char *slash = strrchr(error->path, '/');

    if (salvage->told++ >= LINES_MAX)
        return;
    add_line(salvage,
             (struct line){
                 .what = "damage",
                 .count = bytes > 0 ? (sqlite3_int64)bytes : -1,
                 .file = sqlite3_mprintf("%s", slash ? slash + 1 : error->path),
                 .offset = error->offset == BYRON_NO_OFFSET
                               ? -1
                               : (sqlite3_int64)error->offset,
                 .reason = sqlite3_mprintf("%s", error->words)});
}

/* Whether the line before is of the same kind: then it counts this one, too. */
static bool is_told(struct salvage *salvage, const char *words)
{
    struct line *last;

    if (salvage->count == 0 || salvage->told > LINES_MAX || !words)
        return false;
    last = &salvage->lines[salvage->count - 1];
    if (strcmp(last->what, "refusal") != 0 || !last->reason ||
        strcmp(last->reason, words) != 0)
        return false;
    last->count++;
    return true;
}

/* Takes words. */
static void note_refusal(struct salvage *salvage, char *words)
{
    salvage->refused++;
    if (is_told(salvage, words)) {
        sqlite3_free(words);
        return;
    }
    if (salvage->told++ >= LINES_MAX) {
        sqlite3_free(words);
        return;
    }
    add_line(salvage,
             (struct line){
                 .what = "refusal", .count = 1, .offset = -1, .reason = words});
}

static void add_counts(struct salvage *salvage)
{
    struct byron_salvaged counts;

    byron_salvage_counts(salvage->engine, &counts);
    add_count(salvage, "rows", (uint64_t)salvage->rows);
    add_count(salvage, "refused rows", (uint64_t)salvage->refused);
    add_count(salvage, "deleted keys", counts.deleted);
    add_count(salvage, "expired rows", counts.expired);
    add_count(salvage, "lost values", counts.lost_values);
    add_count(salvage, "lost blocks", counts.lost_blocks);
    add_count(salvage, "lost bytes", counts.lost_bytes);
    add_count(salvage, "damages", counts.damages);
    add_count(salvage, "commits left out", counts.left_out);
    add_count(salvage, "files", counts.files);
    add_count(salvage, "ignored tables", counts.ignored);
    if (salvage->told > LINES_MAX)
        add_count(salvage, "damages and refusals not told",
                  (uint64_t)(salvage->told - LINES_MAX));
}

/* --- Salvaging
 * ------------------------------------------------------------------ */

static int fail(struct salvage *salvage, byron_status status, char **message)
{
    if (status == BYRON_INTERRUPTED) {
        *message = sqlite3_mprintf("interrupted");
        return SQLITE_INTERRUPT;
    }
    if (status != BYRON_BUSY)
        return status_message(status, message);
    *message = sqlite3_mprintf(
        "byron: the store of %s is open, and may change while it is read; "
        "salvage by a connection that has not used its tables, into a table of "
        "another database",
        salvage->source.name);
    return SQLITE_BUSY;
}

static int open_engine(struct salvage *salvage, char **message)
{
    static const uint8_t unknown[16];
    const uint8_t *id = salvage->source.store_id;
    struct byron_patience patience = interrupt_patience(&salvage->interrupt);
    struct byron_salvage_options options = {
        .commit_point = &salvage->source.point,
        .carried = {salvage->source.carried.data, salvage->source.carried.size},
        .expected_id = memcmp(id, unknown, sizeof unknown) == 0 ? NULL : id,
        .patience = &patience,
        .report = note_damage,
        .context = salvage};
    byron_status status;

    store_table_range(salvage->source.id, salvage->range, &options.range);
    status = byron_salvage_open(salvage->source.directory, &options,
                                &salvage->engine);
    return status == BYRON_OK ? SQLITE_OK : fail(salvage, status, message);
}

static int add_row(struct salvage *salvage,
                   const struct byron_salvaged_row *row, char **message)
{
    char *words;
    bool is_fatal;
    int rc = salvage_target_add(&salvage->target, row, &words, &is_fatal);

    if (rc == SQLITE_OK) {
        salvage->rows++;
        return SQLITE_OK;
    }
    if (is_fatal) {
        *message = words;
        return rc;
    }
    note_refusal(salvage, words);
    return SQLITE_OK;
}

static int add_rows(struct salvage *salvage, char **message)
{
    struct byron_salvaged_row row;
    bool found = true;
    int rc = SQLITE_OK;

    while (rc == SQLITE_OK && found) {
        byron_status status = byron_salvage_next(salvage->engine, &row, &found);

        if (status != BYRON_OK)
            return fail(salvage, status, message);
        if (found)
            rc = add_row(salvage, &row, message);
        if (rc == SQLITE_OK)
            rc = interrupt_check(&salvage->interrupt);
        if (salvage->is_out_of_memory)
            rc = SQLITE_NOMEM;
    }
    return rc;
}

/* The target first: its store, where it is the same, is open then. */
static int run(struct salvage *salvage, const char *target, char **message)
{
    int rc = salvage_target_open(salvage->db, target, &salvage->source,
                                 &salvage->target, message);

    if (rc == SQLITE_OK)
        rc = open_engine(salvage, message);
    if (rc == SQLITE_OK)
        rc = add_rows(salvage, message);
    if (rc == SQLITE_OK)
        add_counts(salvage);
    byron_salvage_close(salvage->engine);
    salvage->engine = NULL;
    salvage_target_close(&salvage->target);
    return rc;
}

/* All rows or none. */
static int run_in_savepoint(struct salvage *salvage, const char *target,
                            char **message)
{
    int rc =
        sqlite3_exec(salvage->db, "SAVEPOINT byron_salvage", NULL, NULL, NULL);

    if (rc != SQLITE_OK) {
        *message = sqlite3_mprintf("%s", sqlite3_errmsg(salvage->db));
        return rc;
    }
    rc = run(salvage, target, message);
    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(salvage->db, "RELEASE byron_salvage", NULL, NULL,
                          NULL);
        if (rc == SQLITE_OK)
            return rc;
        *message = sqlite3_mprintf("%s", sqlite3_errmsg(salvage->db));
    }
    /* After some failures SQLite has rolled it back itself. */
    sqlite3_exec(salvage->db,
                 "ROLLBACK TO byron_salvage; RELEASE byron_salvage", NULL, NULL,
                 NULL);
    return rc;
}

/* --- The listing
 * ------------------------------------------------------------------ */

static int start(void *state, struct connection *connection,
                 const char *const *arguments, char **message)
{
    struct salvage *salvage = state;
    int rc;

    salvage->db = connection->db;
    salvage->interrupt.db = connection->db;
    rc = salvage_source_open(salvage->db, arguments[0], &salvage->source,
                             message);
    if (rc == SQLITE_OK)
        rc = run_in_savepoint(salvage, arguments[1], message);
    interrupt_deinit(&salvage->interrupt);
    return rc;
}

static int next(void *state, bool *is_there, char **message)
{
    struct salvage *salvage = state;

    (void)message;
    *is_there = ++salvage->index <= salvage->count;
    return SQLITE_OK;
}

enum {
    COLUMN_WHAT,
    COLUMN_COUNT,
    COLUMN_FILE,
    COLUMN_OFFSET,
    COLUMN_REASON,
    COLUMN_TABLE,
};

/* The counts first, which come last. */
static const struct line *line_of(const struct salvage *salvage)
{
    int details = salvage->told < LINES_MAX ? salvage->told : LINES_MAX;

    return &salvage->lines[(salvage->index - 1 + details) % salvage->count];
}

static void column(void *state, sqlite3_context *context, int number)
{
    const struct line *line = line_of(state);

    if (number == COLUMN_WHAT)
        sqlite3_result_text(context, line->what, -1, SQLITE_STATIC);
    else if (number == COLUMN_COUNT && line->count >= 0)
        sqlite3_result_int64(context, line->count);
    else if (number == COLUMN_OFFSET && line->offset >= 0)
        sqlite3_result_int64(context, line->offset);
    else if (number == COLUMN_FILE && line->file)
        sqlite3_result_text(context, line->file, -1, SQLITE_TRANSIENT);
    else if (number == COLUMN_REASON && line->reason)
        sqlite3_result_text(context, line->reason, -1, SQLITE_TRANSIENT);
}

static void end(void *state)
{
    struct salvage *salvage = state;

    for (int i = 0; i < salvage->count; i++) {
        sqlite3_free(salvage->lines[i].file);
        sqlite3_free(salvage->lines[i].reason);
    }
    free(salvage->lines);
    salvage_source_close(&salvage->source);
}

int salvage_register(struct connection *connection)
{
    static const struct listing listing = {
        .name = "byron_salvage",
        .schema = "CREATE TABLE x(what TEXT, count INTEGER, file TEXT, "
                  "\"offset\" INTEGER, reason TEXT, \"table\" TEXT HIDDEN, "
                  "target TEXT HIDDEN)",
        .argument = COLUMN_TABLE,
        .has_second = true,
        .is_direct = true,
        .needs = "byron: byron_salvage needs the damaged table and the one for "
                 "its rows: SELECT * FROM byron_salvage('t', 'other.t')",
        .rows = 100,
        .size = sizeof(struct salvage),
        .start = start,
        .next = next,
        .column = column,
        .end = end,
    };

    return listing_register(connection, &listing);
}
