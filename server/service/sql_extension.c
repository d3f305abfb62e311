#include "service/sql_extension.h"

#include <pthread.h>

/* Calls by name go to SQLite itself, as in a program of its own. */
#define SQLITE_CORE 1
#include <sqlite3ext.h>

int sqlite3_byron_init(sqlite3 *db, char **message,
                       const sqlite3_api_routines *api);

static _Thread_local unsigned depth;
static const sqlite3_api_routines *sqlite; /* As SQLite gave it. */
static sqlite3_api_routines told;          /* What the extension is given. */

bool sql_extension_is_asking(void)
{
    return depth > 0;
}

static int prepare_v2(sqlite3 *db, const char *sql, int size,
                      sqlite3_stmt **out, const char **rest)
{
    int rc;

    depth++;
    rc = sqlite->prepare_v2(db, sql, size, out, rest);
    depth--;
    return rc;
}

static int prepare_v3(sqlite3 *db, const char *sql, int size, unsigned flags,
                      sqlite3_stmt **out, const char **rest)
{
    int rc;

    depth++;
    rc = sqlite->prepare_v3(db, sql, size, flags, out, rest);
    depth--;
    return rc;
}

static int exec(sqlite3 *db, const char *sql, sqlite3_callback each,
                void *context, char **message)
{
    int rc;

    depth++;
    rc = sqlite->exec(db, sql, each, context, message);
    depth--;
    return rc;
}

/* It may have to prepare it anew. */
static int step(sqlite3_stmt *statement)
{
    int rc;

    depth++;
    rc = sqlite->step(statement);
    depth--;
    return rc;
}

/* SQLite's table is the same for all connections; it is copied once, as others
   of them use the copy. */
static int init(sqlite3 *db, char **message, const sqlite3_api_routines *api)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&mutex);
    if (!sqlite) {
        sqlite = api;
        told = *api;
        told.prepare_v2 = prepare_v2;
        told.prepare_v3 = prepare_v3;
        told.exec = exec;
        told.step = step;
    }
    pthread_mutex_unlock(&mutex);
    return sqlite3_byron_init(db, message, &told);
}

byron_status sql_extension_register(void)
{
    return sqlite3_auto_extension((void (*)(void))init) == SQLITE_OK
               ? BYRON_OK
               : BYRON_NO_MEMORY;
}
