#include "store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "barrier.h"
#include "settings.h"
#include "status.h"

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct store *first;
} registry = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL};

/* --- fork -------------------------------------------------------------- */

static pthread_once_t watch_once = PTHREAD_ONCE_INIT;
static _Atomic unsigned generation;

/* In the child, where the parent's stores are not ours, nor is whatever lock
 * another thread held at that moment. */
static void count_fork(void)
{
    atomic_fetch_add(&generation, 1);
    pthread_mutex_init(&registry.mutex, NULL);
    pthread_cond_init(&registry.changed, NULL);
    registry.first = NULL;
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, count_fork);
}

bool store_is_forked(const struct store *store)
{
    return store->generation !=
           atomic_load_explicit(&generation, memory_order_relaxed);
}

/* --- registry ---------------------------------------------------------- */

static bool is_same(const struct directory_identity *a,
                    const struct directory_identity *b)
{
    return a->device == b->device && a->inode == b->inode;
}

/* Needs the registry's mutex. Waits while the store opens or closes. */
static struct store *find(const struct directory_identity *identity,
                          const uint8_t *private_id)
{
    struct store *store = registry.first;

    while (store) {
        bool is_found = private_id
                            ? !store->database && store->state == STORE_OPEN &&
                                  memcmp(store->id, private_id, 16) == 0
                            : is_same(&store->identity, identity);
        if (is_found && store->state == STORE_OPEN)
            return store;
        if (is_found) {
            pthread_cond_wait(&registry.changed, &registry.mutex);
            store = registry.first;
            continue;
        }
        store = store->next;
    }
    return NULL;
}

static void free_store(struct store *store)
{
    pthread_mutex_destroy(&store->mutex);
    pinned_list_deinit(&store->pins);
    free(store->dropped);
    free(store->directory);
    free(store->database);
    free(store);
}

/* Needs the registry's mutex. */
static struct store *add(const char *directory, const char *database)
{
    struct store *store = calloc(1, sizeof *store);

    if (!store)
        return NULL;
    store->directory = strdup(directory);
    store->database = database ? strdup(database) : NULL;
    pthread_mutex_init(&store->mutex, NULL);
    pinned_list_init(&store->pins);
    if (!store->directory || (database && !store->database) ||
        !directory_identify(directory, &store->identity)) {
        free_store(store);
        return NULL;
    }
    store->generation = atomic_load(&generation);
    store->references = 1;
    store->state = STORE_OPENING;
    store->next = registry.first;
    registry.first = store;
    return store;
}

/* Needs the registry's mutex. */
static void forget(struct store *store)
{
    struct store **link = &registry.first;
    while (*link != store)
        link = &(*link)->next;
    *link = store->next;
    pthread_cond_broadcast(&registry.changed);
    free_store(store);
}

/* --- opening ----------------------------------------------------------- */

static int explain(byron_status status, const char *directory, char **message)
{
    struct directory_identity identity;
    bool is_there = directory_identify(directory, &identity);

    switch (status) {
    case BYRON_MISSING:
        *message = sqlite3_mprintf(
            "byron: directory %s %s; a database file and its directory "
            "are copied and restored together (byron_backup makes such a "
            "copy): put it back, or DROP TABLE to give its rows up",
            directory, is_there ? "has no store in it" : "is missing");
        break;
    case BYRON_BUSY:
        *message = sqlite3_mprintf("byron: store %s is open in another process",
                                   directory);
        break;
    default:
        return status_message(status, message);
    }
    return status_code(status);
}

static int refuse_foreign(const char *directory, char **message)
{
    *message = sqlite3_mprintf(
        "byron: directory %s belongs to another database; each database file "
        "has a directory of its own (byron_backup makes a copy of both)",
        directory);
    return status_code(BYRON_FOREIGN);
}

static int refuse_strangers(const struct store_request *request, char **message)
{
    uid_t owner;

    if (!directory_is_strangers(request->directory, request->database, &owner))
        return SQLITE_OK;
    *message = sqlite3_mprintf(
        "byron: directory %s belongs to user %u, who is not the owner of its "
        "database; chown one of them, or move the directory away",
        request->directory, (unsigned)owner);
    return SQLITE_CANTOPEN;
}

/* Another process may be about to leave. */
static byron_status open_patiently(const char *directory,
                                   const struct byron_options *options,
                                   uint32_t wait_ms, byron_db **out)
{
    byron_status status = byron_open(directory, options, out);
    for (uint32_t waited = 0; status == BYRON_BUSY && waited < wait_ms;
         waited += 10) {
        usleep(10 * 1000);
        status = byron_open(directory, options, out);
    }
    return status;
}

static void fill_options(const struct store *store, const char *settings,
                         struct byron_options *out)
{
    memset(out, 0, sizeof *out);
    settings_apply(settings, out);
    out->barrier = barrier_sync;
    out->barrier_context = store->database;
    out->like = store->database;
}

/* The host may have moved on between the reading of its commit point and the
 * taking of the store's lock: then what was opened is history. */
static int open_at_newest(struct store *store,
                          const struct store_request *request, char **message)
{
    struct byron_commit_point point;
    struct byron_commit_point again;
    struct byron_options options;
    struct carried carried;
    int rc = request->newest(request->context, &point, &carried);

    fill_options(store, request->options, &options);
    options.commit_point = &point;
    options.expected_id = request->id;
    options.read_only = !directory_is_writable(store->directory);
    while (rc == SQLITE_OK) {
        byron_status status;
        options.carried = (struct byron_bytes){carried.data, carried.size};
        status = open_patiently(store->directory, &options, request->wait_ms,
                                &store->db);
        sqlite3_free(carried.data);
        memset(&carried, 0, sizeof carried);
        if (status != BYRON_OK)
            return explain(status, store->directory, message);
        rc = request->newest(request->context, &again, &carried);
        if (rc == SQLITE_OK && again.recent[0] == point.recent[0])
            break;
        status = byron_close(store->db);
        store->db = NULL;
        if (status != BYRON_OK) {
            rc = explain(status, store->directory, message);
            break;
        }
        point = again;
    }
    sqlite3_free(carried.data);
    if (rc != SQLITE_OK)
        return rc;
    byron_commit_point(store->db, &again);
    store_set_commit(store, point.recent[0], again.recent[0]);
    return SQLITE_OK;
}

/* Ends STORE_OPENING, one way or the other. */
static int settle_opening(struct store *store, int rc, struct store **out)
{
    if (rc == SQLITE_OK)
        byron_store_id(store->db, store->id);
    pthread_mutex_lock(&registry.mutex);
    if (rc == SQLITE_OK) {
        store->state = STORE_OPEN;
        pthread_cond_broadcast(&registry.changed);
        *out = store;
    } else {
        forget(store);
    }
    pthread_mutex_unlock(&registry.mutex);
    return rc;
}

static int open_private(const struct store_request *request, struct store **out,
                        char **message)
{
    struct store *store;

    pthread_mutex_lock(&registry.mutex);
    store = find(NULL, request->id);
    if (store)
        store->references++;
    pthread_mutex_unlock(&registry.mutex);
    *out = store;
    if (store)
        return SQLITE_OK;
    *message = sqlite3_mprintf("byron: this database was copied into memory "
                               "without the rows of its byron tables");
    return SQLITE_CANTOPEN;
}

int store_open(const struct store_request *request, struct store **out,
               char **message)
{
    struct directory_identity identity;
    struct store *store;
    int rc = SQLITE_OK;
    bool is_found;

    *out = NULL;
    pthread_once(&watch_once, watch_forks);
    if (!request->database)
        return open_private(request, out, message);
    if (!directory_identify(request->directory, &identity))
        return explain(BYRON_MISSING, request->directory, message);
    rc = refuse_strangers(request, message);
    if (rc != SQLITE_OK)
        return rc;
    pthread_mutex_lock(&registry.mutex);
    store = find(&identity, NULL);
    is_found = store != NULL;
    if (!is_found)
        store = add(request->directory, request->database);
    else if (memcmp(store->id, request->id, 16) == 0 && store->database &&
             strcmp(store->database, request->database) == 0)
        store->references++;
    else
        rc = refuse_foreign(request->directory, message);
    pthread_mutex_unlock(&registry.mutex);
    if (!store)
        return SQLITE_NOMEM;
    if (is_found) {
        *out = rc == SQLITE_OK ? store : NULL;
        return rc;
    }
    rc = open_at_newest(store, request, message);
    if (rc == SQLITE_OK)
        atomic_store(&store->stage, directory_has_claim(store->directory)
                                        ? STORE_COMMITTED
                                        : STORE_SETTLED);
    return settle_opening(store, rc, out);
}

/* --- creating ---------------------------------------------------------- */

/* Removes a store that no host has ever committed. */
static byron_status remove_store(const char *directory)
{
    struct byron_commit_point nothing = {0};
    struct byron_options options = {0};
    byron_status status;
    byron_db *db;

    options.remove_at_close = true;
    options.inline_work = true;
    options.commit_point = &nothing;
    status = byron_open(directory, &options, &db);
    if (status == BYRON_OK)
        status = byron_close(db);
    /* What a crash inside the engine's creation left has no HEAD. */
    if (status == BYRON_MISSING)
        status = BYRON_OK;
    if (status == BYRON_OK)
        directory_remove(directory);
    return status;
}

/* Makes way for a new store, and claims the directory. */
static int claim_directory(const struct store_request *request, char **message)
{
    const char *directory = request->directory;
    int rc = refuse_strangers(request, message);

    if (rc != SQLITE_OK)
        return rc;
    if (directory_is_claimed(directory, request->database)) {
        byron_status status = remove_store(directory);
        if (status != BYRON_OK)
            return explain(status, directory, message);
    }
    if (directory_has_store(directory)) {
        *message = sqlite3_mprintf("byron: directory %s belongs to another "
                                   "database; move it away, or choose another "
                                   "with path=",
                                   directory);
        return SQLITE_CANTOPEN;
    }
    if (!directory_is_free(directory)) {
        *message = sqlite3_mprintf("byron: directory %s holds other files; a "
                                   "store needs an empty one, or none",
                                   directory);
        return SQLITE_CANTOPEN;
    }
    if (directory_claim(directory, request->database))
        return SQLITE_OK;
    *message = sqlite3_mprintf("byron: directory %s cannot be created: %s",
                               directory, strerror(errno));
    return errno == ENOSPC ? SQLITE_FULL : SQLITE_CANTOPEN;
}

static int create_engine(struct store *store,
                         const struct store_request *request, char **message)
{
    static const struct byron_commit_point nothing;
    struct byron_options options;
    byron_status status;

    fill_options(store, request->options, &options);
    options.commit_point = &nothing;
    options.create = true;
    options.must_not_exist = true;
    options.remove_at_close = !request->database;
    status = byron_open(store->directory, &options, &store->db);
    return status == BYRON_OK ? SQLITE_OK
                              : explain(status, store->directory, message);
}

static int create_private(const struct store_request *request,
                          struct store **out, char **message)
{
    char *directory = directory_private();
    struct store *store = NULL;
    int rc;

    if (!directory && errno == ENOMEM)
        return SQLITE_NOMEM;
    if (!directory) {
        *message = sqlite3_mprintf("byron: no folder for temporary files");
        return SQLITE_CANTOPEN;
    }
    pthread_mutex_lock(&registry.mutex);
    store = add(directory, NULL);
    pthread_mutex_unlock(&registry.mutex);
    if (store) {
        atomic_store(&store->stage, STORE_SETTLED);
        rc = create_engine(store, request, message);
        rc = settle_opening(store, rc, out);
    } else {
        rc = SQLITE_NOMEM;
    }
    if (rc != SQLITE_OK)
        rmdir(directory);
    free(directory);
    return rc;
}

/* One that this process made and whose transaction was rolled back. */
static bool is_reusable(struct store *store, const char *database)
{
    struct byron_commit_point point;

    byron_commit_point(store->db, &point);
    return atomic_load(&store->stage) == STORE_CREATED &&
           point.recent[0] == 0 && strcmp(store->database, database) == 0;
}

int store_create(const struct store_request *request, struct store **out,
                 char **message)
{
    struct directory_identity identity;
    struct store *store = NULL;
    int rc = SQLITE_OK;

    *out = NULL;
    pthread_once(&watch_once, watch_forks);
    if (!request->database)
        return create_private(request, out, message);
    pthread_mutex_lock(&registry.mutex);
    if (directory_identify(request->directory, &identity))
        store = find(&identity, NULL);
    if (store && store->database && is_reusable(store, request->database)) {
        store->references++;
        *out = store;
        pthread_mutex_unlock(&registry.mutex);
        return SQLITE_OK;
    }
    if (store) {
        rc = refuse_foreign(request->directory, message);
    } else {
        rc = claim_directory(request, message);
        if (rc == SQLITE_OK) {
            store = add(request->directory, request->database);
            rc = store ? SQLITE_OK : SQLITE_NOMEM;
        }
    }
    pthread_mutex_unlock(&registry.mutex);
    if (rc != SQLITE_OK)
        return rc;
    rc = create_engine(store, request, message);
    if (rc != SQLITE_OK)
        directory_remove(request->directory);
    return settle_opening(store, rc, out);
}

/* --- the rest ---------------------------------------------------------- */

void store_commit(struct store *store)
{
    int created = STORE_CREATED;
    atomic_compare_exchange_strong(&store->stage, &created, STORE_COMMITTED);
}

void store_settle(struct store *store)
{
    if (atomic_load_explicit(&store->stage, memory_order_relaxed) !=
        STORE_COMMITTED)
        return;
    if (barrier_sync(store->database) != BYRON_OK)
        return; /* Later, then. */
    directory_settle(store->directory);
    atomic_store(&store->stage, STORE_SETTLED);
}

void store_unref(struct store *store)
{
    bool is_orphan;

    if (!store || store_is_forked(store))
        return;
    pthread_mutex_lock(&registry.mutex);
    if (--store->references > 0) {
        pthread_mutex_unlock(&registry.mutex);
        return;
    }
    store->state = STORE_CLOSING;
    pthread_mutex_unlock(&registry.mutex);
    store_settle(store);
    /* A failure to close loses nothing: recovery reads the log again. */
    is_orphan = byron_close(store->db) == BYRON_OK &&
                atomic_load(&store->stage) == STORE_CREATED &&
                !atomic_load(&store->is_prepared);
    /* SQLite can revive a commit that it reported as failed, so what was once
     * prepared stays. */
    if (is_orphan && remove_store(store->directory) != BYRON_OK)
        is_orphan = false;
    pthread_mutex_lock(&registry.mutex);
    forget(store);
    pthread_mutex_unlock(&registry.mutex);
}

uint64_t store_engine_commit(struct store *store, uint64_t id)
{
    unsigned before;
    uint64_t host;
    uint64_t engine;

    do {
        before = atomic_load(&store->version);
        host = atomic_load(&store->host_commit);
        engine = atomic_load(&store->engine_commit);
    } while (before % 2 != 0 || atomic_load(&store->version) != before);
    return id == host ? engine : id;
}

void store_set_commit(struct store *store, uint64_t host, uint64_t engine)
{
    atomic_fetch_add(&store->version, 1);
    atomic_store(&store->host_commit, host);
    atomic_store(&store->engine_commit, engine);
    atomic_fetch_add(&store->version, 1);
}

uint32_t store_number_table(struct store *store, uint32_t next)
{
    uint32_t id;

    pthread_mutex_lock(&store->mutex);
    id = next > store->next_table ? next : store->next_table;
    if (id < UINT32_MAX)
        store->next_table = id + 1;
    pthread_mutex_unlock(&store->mutex);
    return id;
}

static void put_u32(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

void store_table_range(uint32_t id, uint8_t bytes[8], struct byron_range *range)
{
    put_u32(bytes, id);
    put_u32(bytes + 4, id + 1);
    range->lower = (struct byron_bytes){bytes, 4};
    range->upper = (struct byron_bytes){id == UINT32_MAX ? NULL : bytes + 4,
                                        id == UINT32_MAX ? 0 : 4};
}

static bool note_dropped(struct store *store, uint32_t id)
{
    bool is_noted = false;
    uint32_t *dropped;
    size_t count;

    pthread_mutex_lock(&store->mutex);
    count = atomic_load(&store->dropped_count);
    dropped = realloc(store->dropped, (count + 1) * sizeof *dropped);
    if (dropped) {
        dropped[count] = id;
        store->dropped = dropped;
        atomic_store(&store->dropped_count, count + 1);
        is_noted = true;
    }
    pthread_mutex_unlock(&store->mutex);
    return is_noted;
}

byron_status store_drop_table(struct store *store, uint32_t id)
{
    struct byron_range range;
    uint8_t bytes[8];

    store_table_range(id, bytes, &range);
    if (!note_dropped(store, id))
        return BYRON_NO_MEMORY;
    return byron_drop(store->db, &range);
}

bool store_is_dropped(struct store *store, uint32_t id)
{
    bool is_dropped = false;

    if (atomic_load_explicit(&store->dropped_count, memory_order_acquire) == 0)
        return false;
    pthread_mutex_lock(&store->mutex);
    for (size_t i = 0; i < atomic_load(&store->dropped_count); i++)
        is_dropped = is_dropped || store->dropped[i] == id;
    pthread_mutex_unlock(&store->mutex);
    return is_dropped;
}
