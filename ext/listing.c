#include "listing.h"

#include <stdlib.h>
#include <string.h>

#define LAST_CHOICE 1e99 /* The cost of a plan that cannot be run. */

/* What a module is registered with. */
struct source {
    struct connection *connection;
    const struct listing *listing;
};

struct listing_table {
    sqlite3_vtab base; /* First: SQLite casts. */
    struct source source;
};

struct listing_cursor {
    sqlite3_vtab_cursor base; /* First: SQLite casts. */
    bool has_begun;           /* state is to be ended. */
    bool is_there;
    sqlite3_int64 number; /* Of the row. */
    _Alignas(max_align_t) unsigned char state[];
};

static const struct source *source_of(sqlite3_vtab_cursor *base)
{
    return &((struct listing_table *)base->pVtab)->source;
}

static int fail(sqlite3_vtab *base, int rc, char *message)
{
    sqlite3_free(base->zErrMsg);
    base->zErrMsg = message;
    return rc;
}

static int connect(sqlite3 *db, void *source, int count,
                   const char *const *arguments, sqlite3_vtab **out,
                   char **message)
{
    struct listing_table *table;
    int rc =
        sqlite3_declare_vtab(db, ((struct source *)source)->listing->schema);

    (void)count;
    (void)arguments;
    (void)message;
    if (rc == SQLITE_OK && ((struct source *)source)->listing->is_direct)
        rc = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    if (rc != SQLITE_OK)
        return rc;
    table = calloc(1, sizeof *table);
    if (!table)
        return SQLITE_NOMEM;
    table->source = *(struct source *)source;
    *out = &table->base;
    return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *base)
{
    sqlite3_free(base->zErrMsg);
    free(base);
    return SQLITE_OK;
}

static int argument_count(const struct listing *listing)
{
    if (listing->argument < 0)
        return 0;
    return listing->has_second ? 2 : 1;
}

/*
 * Arguments, if they are needed, must be given. SQLite also asks what the terms
 * of an OR would do alone, so a plan without them is no failure yet, but the
 * last to choose. The plan's number tells which are given, a bit each.
 */
static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const struct listing *listing =
        ((struct listing_table *)base)->source.listing;
    int all = (1 << argument_count(listing)) - 1;
    int given = 0;

    for (int i = 0; i < info->nConstraint; i++) {
        int argument = info->aConstraint[i].iColumn - listing->argument;

        if (argument < 0 || argument >= argument_count(listing) ||
            info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
            continue;
        if (!info->aConstraint[i].usable)
            return SQLITE_CONSTRAINT;
        if (given & 1 << argument)
            continue;
        info->aConstraintUsage[i].argvIndex = argument + 1;
        info->aConstraintUsage[i].omit = 1;
        given |= 1 << argument;
    }
    /* SQLite wants them without a hole. */
    if (given == 2)
        return SQLITE_CONSTRAINT;
    info->idxNum = given;
    info->estimatedCost = 10.0 + 2.0 * listing->rows;
    info->estimatedRows = listing->rows;
    if (given != all && listing->needs)
        info->estimatedCost = LAST_CHOICE;
    return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    const struct listing *listing =
        ((struct listing_table *)base)->source.listing;
    struct listing_cursor *cursor = calloc(1, sizeof *cursor + listing->size);

    if (!cursor)
        return SQLITE_NOMEM;
    *out = &cursor->base;
    return SQLITE_OK;
}

static void end_scan(struct listing_cursor *cursor)
{
    const struct listing *listing = source_of(&cursor->base)->listing;

    if (cursor->has_begun)
        listing->end(cursor->state);
    memset(cursor->state, 0, listing->size);
    cursor->has_begun = false;
    cursor->is_there = false;
}

static int close_cursor(sqlite3_vtab_cursor *base)
{
    end_scan((struct listing_cursor *)base);
    free(base);
    return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *base)
{
    struct listing_cursor *cursor = (struct listing_cursor *)base;
    char *message = NULL;
    int rc = source_of(base)->listing->next(cursor->state, &cursor->is_there,
                                            &message);

    cursor->number++;
    return rc == SQLITE_OK ? SQLITE_OK : fail(base->pVtab, rc, message);
}

static int filter(sqlite3_vtab_cursor *base, int plan, const char *text,
                  int count, sqlite3_value **arguments)
{
    struct listing_cursor *cursor = (struct listing_cursor *)base;
    const struct source *source = source_of(base);
    const char *given[2] = {NULL, NULL};
    char *message = NULL;
    int rc;

    (void)plan;
    (void)text;
    end_scan(cursor);
    cursor->number = 0;
    for (int i = 0; i < count && i < 2; i++) {
        given[i] = (const char *)sqlite3_value_text(arguments[i]);
        if (!given[i])
            return SQLITE_OK; /* NULL is the name of nothing. */
    }
    if (count < argument_count(source->listing) && source->listing->needs)
        return fail(base->pVtab, SQLITE_ERROR,
                    sqlite3_mprintf("%s", source->listing->needs));
    cursor->has_begun = true;
    rc = source->listing->start(cursor->state, source->connection, given,
                                &message);
    if (rc != SQLITE_OK)
        return fail(base->pVtab, rc, message);
    return next(base);
}

static int is_at_end(sqlite3_vtab_cursor *base)
{
    return !((struct listing_cursor *)base)->is_there;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context,
                  int number)
{
    struct listing_cursor *cursor = (struct listing_cursor *)base;
    const struct listing *listing = source_of(base)->listing;

    if (listing->argument < 0 || number < listing->argument)
        listing->column(cursor->state, context, number);
    return SQLITE_OK;
}

static int rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    *out = ((struct listing_cursor *)base)->number;
    return SQLITE_OK;
}

/* No xCreate: it is there without CREATE VIRTUAL TABLE. */
static const sqlite3_module module = {
    .iVersion = 0,
    .xConnect = connect,
    .xBestIndex = best_index,
    .xDisconnect = disconnect,
    .xDestroy = disconnect,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next,
    .xEof = is_at_end,
    .xColumn = column,
    .xRowid = rowid,
};

int listing_register(struct connection *connection,
                     const struct listing *listing)
{
    struct source *source = malloc(sizeof *source);

    if (!source)
        return SQLITE_NOMEM;
    *source = (struct source){connection, listing};
    return sqlite3_create_module_v2(connection->db, listing->name, &module,
                                    source, free);
}
