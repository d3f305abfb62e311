#include "extension.h"

#include <dlfcn.h>
#include <pthread.h>

#include "backup.h"
#include "config.h"
#include "count.h"
#include "debug.h"
#include "dump.h"
#include "ending.h"
#include "functions.h"
#include "module.h"
#include "range_delete.h"
#include "salvage.h"
#include "sstables.h"
#include "stats.h"
#include "tables.h"

#define OLDEST_SQLITE 3038000
#define EXPORTED      __attribute__((visibility("default")))

#ifndef SQLITE_CORE
const sqlite3_api_routines *sqlite3_api;

/* Written once, as connections in other threads read it. */
static void keep_api(const sqlite3_api_routines *api)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&mutex);
    if (sqlite3_api != api)
        sqlite3_api = api;
    pthread_mutex_unlock(&mutex);
}

/* The engine's threads outlive a connection's sqlite3_close, which would
 * unmap their code: stay loaded for good. */
static void stay_loaded(void)
{
    Dl_info here;
    if (dladdr(&sqlite3_api, &here) != 0 && here.dli_fname)
        (void)dlopen(here.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}
#endif

/* What is there beside the module itself. */
static int (*const parts[])(struct connection *connection) = {
    functions_register,    count_register,  config_register,
    debug_register,        stats_register,  sstables_register,
    tables_register,       dump_register,   ending_register,
    range_delete_register, backup_register, salvage_register,
};

EXPORTED int sqlite3_byron_init(sqlite3 *db, char **message,
                                const sqlite3_api_routines *api)
{
    struct connection *connection;
    bool is_new;
    int rc;

#ifdef SQLITE_CORE
    (void)api;
#else
    keep_api(api);
#endif
    if (sqlite3_libversion_number() < OLDEST_SQLITE) {
        *message = sqlite3_mprintf("byron needs SQLite 3.38 or newer, this is "
                                   "%s",
                                   sqlite3_libversion());
        return SQLITE_ERROR;
    }
#ifndef SQLITE_CORE
    stay_loaded();
#endif
    connection = connection_of(db, &is_new);
    if (!connection)
        return SQLITE_NOMEM;
    if (!is_new)
        return SQLITE_OK; /* Loaded before. */
    /* Takes the connection, even where it fails. */
    rc = module_register(connection);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && rc == SQLITE_OK; i++)
        rc = parts[i](connection);
    return rc;
}

#ifndef SQLITE_CORE
EXPORTED int sqlite3_extension_init(sqlite3 *db, char **message,
                                    const sqlite3_api_routines *api)
{
    int rc = sqlite3_byron_init(db, message, api);
    return rc == SQLITE_OK ? SQLITE_OK_LOAD_PERMANENTLY : rc;
}
#endif
