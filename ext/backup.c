#include "backup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file_copy.h"
#include "statement.h"
#include "status.h"
#include "store_pin.h"

/* How often a state may turn out to be gone before it could be copied. */
#define ATTEMPTS 10

/* One store of the database, and its copy. */
struct store_copy {
    struct store_pin pin;
    sqlite3_int64 number; /* Of its row. */
    uint8_t id[16];       /* Of the copy. */
    char *path;           /* As the row of the copy has it; sqlite3_free'd. */
    char *directory;      /* sqlite3_free'd. */
    bool is_made;
};

struct backup {
    struct connection *connection;
    sqlite3 *db;
    const char *schema;
    const char *target;   /* As it was asked for. */
    const char *observer; /* The name of an SQL function; or NULL. */
    sqlite3_stmt *ask;    /* Whether to go on. */
    sqlite3_stmt *reader; /* Holds the read transaction. */
    unsigned version;     /* Of the database, as the transaction began. */
    struct store_copy *stores;
    size_t count;
    struct file_copy file;
    const char *part; /* What is being copied. */
    uint64_t files, bytes;
    int stopped; /* Why it does not go on. */
    char *message;
};

static int fail(struct backup *backup, int rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct backup *backup, int rc, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    sqlite3_free(backup->message);
    backup->message = sqlite3_vmprintf(format, arguments);
    va_end(arguments);
    return rc;
}

static int fail_sqlite(struct backup *backup, int rc)
{
    return fail(backup, rc, "byron: %s", sqlite3_errmsg(backup->db));
}

/* --- going on ------------------------------------------------------------ */

/* A statement of the connection itself notices sqlite3_interrupt, in every
 * version of SQLite, and the progress handler is called for it too. */
static int prepare_ask(struct backup *backup)
{
    char *sql = backup->observer ? sqlite3_mprintf("SELECT \"%w\"(?1, ?2, ?3)",
                                                   backup->observer)
                                 : sqlite3_mprintf("SELECT NULL");
    int rc;

    if (!sql)
        return SQLITE_NOMEM;
    rc = sqlite3_prepare_v2(backup->db, sql, -1, &backup->ask, NULL);
    sqlite3_free(sql);
    return rc == SQLITE_OK ? SQLITE_OK : fail_sqlite(backup, rc);
}

static int go_on(void *context, uint64_t done, uint64_t all)
{
    struct backup *backup = context;
    sqlite3_stmt *ask = backup->ask;
    bool is_enough = false;
    int rc;

    if (backup->observer) {
        sqlite3_bind_text(ask, 1, backup->part, -1, SQLITE_STATIC);
        sqlite3_bind_int64(ask, 2, (sqlite3_int64)done);
        sqlite3_bind_int64(ask, 3, (sqlite3_int64)all);
    }
    if (sqlite3_step(ask) == SQLITE_ROW)
        is_enough = sqlite3_column_int(ask, 0) != 0;
    rc = sqlite3_reset(ask);
    if (rc != SQLITE_OK)
        backup->stopped = fail_sqlite(backup, rc);
    else if (is_enough)
        backup->stopped = fail(backup, SQLITE_INTERRUPT,
                               "byron: %s ended the backup", backup->observer);
    return backup->stopped;
}

static bool store_goes_on(void *context, const struct byron_copied *copied)
{
    return go_on(context, copied->bytes, copied->all_bytes) == SQLITE_OK;
}

/* --- the state to copy ---------------------------------------------------- */

static int check_schema(struct backup *backup)
{
    int state = sqlite3_txn_state(backup->db, backup->schema);

    if (state < 0)
        return fail(backup, SQLITE_ERROR,
                    "byron: there is no database \"%s\"; "
                    "PRAGMA database_list names them",
                    backup->schema);
    if (connection_is_private(backup->db, backup->schema))
        return fail(backup, SQLITE_ERROR,
                    "byron: \"%s\" is in memory or temporary, and only a "
                    "database file can be backed up",
                    backup->schema);
    if (state == SQLITE_TXN_WRITE)
        return fail(backup, SQLITE_ERROR,
                    "byron: no backup inside a transaction that writes; COMMIT "
                    "it first");
    return SQLITE_OK;
}

static unsigned data_version(struct backup *backup)
{
    unsigned version = 0;
    sqlite3_file_control(backup->db, backup->schema, SQLITE_FCNTL_DATA_VERSION,
                         &version);
    return version;
}

/* An aggregate has one row always, and stays open on it. */
static int begin_reading(struct backup *backup)
{
    int rc = statement_prepare(backup->db, backup->schema,
                               "SELECT count(*) FROM \"%w\".sqlite_master",
                               &backup->reader);

    if (rc == SQLITE_OK && sqlite3_step(backup->reader) != SQLITE_ROW)
        rc = sqlite3_reset(backup->reader);
    backup->version = data_version(backup);
    return rc == SQLITE_OK ? SQLITE_OK : fail_sqlite(backup, rc);
}

static void end_reading(struct backup *backup)
{
    sqlite3_finalize(backup->reader);
    backup->reader = NULL;
}

/* Where the copy lies, and what its row calls that. */
static int choose_place(struct backup *backup, struct store_copy *copy,
                        const struct store_row *row)
{
    const char *base = strrchr(backup->file.path, '/') + 1;

    sqlite3_randomness(sizeof copy->id, copy->id);
    if (*row->path) {
        copy->path = sqlite3_mprintf("%s-byron-%lld", base, row->number);
        copy->directory =
            sqlite3_mprintf("%s-byron-%lld", backup->file.path, row->number);
    } else {
        copy->path = sqlite3_mprintf("");
        copy->directory = sqlite3_mprintf("%s-byron", backup->file.path);
    }
    return copy->path && copy->directory ? SQLITE_OK : SQLITE_NOMEM;
}

static int check_place(struct backup *backup, const struct store_copy *copy)
{
    struct stat status;

    if (lstat(copy->directory, &status) != 0)
        return SQLITE_OK;
    return fail(backup, SQLITE_CANTOPEN,
                "byron: %s exists already, and a backup overwrites nothing",
                copy->directory);
}

static int add_store(struct backup *backup, const struct store_row *row)
{
    struct store_copy *copy;
    struct store_copy *stores =
        realloc(backup->stores, (backup->count + 1) * sizeof *stores);
    int rc;

    if (!stores)
        return SQLITE_NOMEM;
    backup->stores = stores;
    copy = &stores[backup->count++];
    memset(copy, 0, sizeof *copy);
    copy->number = row->number;
    rc = choose_place(backup, copy, row);
    if (rc == SQLITE_OK)
        rc = check_place(backup, copy);
    if (rc == SQLITE_OK)
        rc = store_pin_open(&copy->pin, backup->connection, backup->schema, row,
                            &backup->message);
    return rc;
}

/* Before the transaction begins: recovery may take its time, and needs the
 * newest state of the host. */
static int open_store(struct backup *backup, const struct store_row *row)
{
    struct transaction *transaction =
        connection_use(backup->connection, backup->schema, row);
    int rc;

    if (!transaction)
        return SQLITE_NOMEM;
    rc = connection_open_store(transaction, &backup->message);
    connection_release(transaction);
    return rc;
}

/* The number of the store's row after that; 0: there is none. */
static int next_number(struct backup *backup, sqlite3_int64 *number)
{
    sqlite3_int64 last = *number;
    sqlite3_stmt *statement;
    bool exists;
    int rc = statement_has_table(backup->db, backup->schema, "byron_store",
                                 NULL, &exists);

    *number = 0;
    if (rc != SQLITE_OK)
        return fail_sqlite(backup, rc);
    if (!exists)
        return SQLITE_OK;
    rc = statement_prepare(backup->db, backup->schema,
                           "SELECT min(number) FROM \"%w\".byron_store "
                           "WHERE number > ?1",
                           &statement);
    if (rc == SQLITE_OK) {
        sqlite3_bind_int64(statement, 1, last);
        if (sqlite3_step(statement) == SQLITE_ROW)
            *number = sqlite3_column_int64(statement, 0);
        rc = sqlite3_finalize(statement);
    }
    return rc == SQLITE_OK ? SQLITE_OK : fail_sqlite(backup, rc);
}

static int each_store(struct backup *backup,
                      int (*each)(struct backup *backup,
                                  const struct store_row *row))
{
    struct store_row row;
    sqlite3_int64 number = 0;
    int rc = next_number(backup, &number);

    while (rc == SQLITE_OK && number != 0) {
        rc = catalog_store(backup->db, backup->schema, number, &row);
        if (rc != SQLITE_OK)
            return fail_sqlite(backup, rc);
        if (row.number != 0)
            rc = each(backup, &row);
        catalog_store_deinit(&row);
        if (rc == SQLITE_OK)
            rc = next_number(backup, &number);
    }
    return rc;
}

/* --- copying -------------------------------------------------------------- */

static int copy_file(struct backup *backup)
{
    uint64_t bytes = 0;
    int rc;

    backup->part = backup->file.path;
    rc = file_copy_fill(&backup->file, backup->db, backup->schema, go_on,
                        backup, &bytes, &backup->message);
    if (backup->stopped != SQLITE_OK)
        return backup->stopped;
    if (rc != SQLITE_OK)
        return rc;
    if (data_version(backup) != backup->version)
        return fail(backup, SQLITE_ERROR,
                    "byron: this connection wrote to the database during its "
                    "backup");
    backup->files = 1;
    backup->bytes = bytes;
    return SQLITE_OK;
}

static int copy_store(struct backup *backup, struct store_copy *copy)
{
    struct byron_copy_options options = {.id = copy->id,
                                         .commit_point = &copy->pin.point,
                                         .progress = store_goes_on,
                                         .context = backup};
    struct byron_copied copied;
    byron_status status;

    backup->part = copy->directory;
    status = byron_copy(copy->pin.snapshot, copy->directory, &options, &copied);
    if (backup->stopped != SQLITE_OK)
        return backup->stopped;
    if (status == BYRON_BUSY_SNAPSHOT)
        return store_pin_refuse(&backup->message);
    if (status != BYRON_OK)
        return status_message(status, &backup->message);
    copy->is_made = true;
    backup->files += copied.files;
    backup->bytes += copied.bytes;
    if (go_on(backup, copied.bytes, copied.bytes) != SQLITE_OK)
        return backup->stopped;
    return file_copy_set_store(&backup->file, copy->number, copy->id,
                               copy->path, &backup->message);
}

/* The stores' states are pinned and the database is copied under one read
 * transaction; other writers need not wait for the rest. */
static int copy_all(struct backup *backup)
{
    int rc = each_store(backup, open_store);

    if (rc == SQLITE_OK)
        rc = begin_reading(backup);
    if (rc == SQLITE_OK)
        rc = file_copy_init(&backup->file, backup->target, &backup->message);
    if (rc == SQLITE_OK)
        rc = each_store(backup, add_store);
    if (rc == SQLITE_OK)
        rc = copy_file(backup);
    end_reading(backup);
    for (size_t i = 0; i < backup->count && rc == SQLITE_OK; i++)
        rc = copy_store(backup, &backup->stores[i]);
    if (rc == SQLITE_OK)
        rc = file_copy_finish(&backup->file, &backup->message);
    return rc;
}

/* What was not finished goes, and last the file whose name says so. */
static void clean_up(struct backup *backup, int rc)
{
    end_reading(backup);
    for (size_t i = 0; i < backup->count; i++) {
        struct store_copy *copy = &backup->stores[i];
        store_pin_close(&copy->pin);
        if (copy->is_made && rc != SQLITE_OK)
            directory_remove(copy->directory);
        sqlite3_free(copy->path);
        sqlite3_free(copy->directory);
    }
    free(backup->stores);
    backup->stores = NULL;
    backup->count = 0;
    file_copy_deinit(&backup->file);
}

static int run(struct backup *backup)
{
    int rc = check_schema(backup);
    bool is_own = sqlite3_get_autocommit(backup->db);

    if (rc == SQLITE_OK)
        rc = prepare_ask(backup);
    if (rc != SQLITE_OK)
        return rc;
    for (int i = 0; i < ATTEMPTS; i++) {
        sqlite3_free(backup->message);
        backup->message = NULL;
        rc = copy_all(backup);
        clean_up(backup, rc);
        /* A transaction of our own just begins anew, in a newer state. */
        if (rc != SQLITE_BUSY_SNAPSHOT || !is_own)
            break;
    }
    sqlite3_finalize(backup->ask);
    return rc;
}

/* --- the function --------------------------------------------------------- */

static void answer(sqlite3_context *context, const struct backup *backup)
{
    static const char *const units[] = {"KB", "MB", "GB", "TB"};
    double size = (double)backup->bytes / 1000;
    size_t unit = 0;
    char *words;

    while (size >= 1000 && unit < 3) {
        size /= 1000;
        unit++;
    }
    words = sqlite3_mprintf("%llu file%s, %.1f %s", backup->files,
                            backup->files == 1 ? "" : "s", size, units[unit]);
    if (words)
        sqlite3_result_text(context, words, -1, sqlite3_free);
    else
        sqlite3_result_error_nomem(context);
}

static void backup_function(sqlite3_context *context, int count,
                            sqlite3_value **arguments)
{
    struct backup backup = {.connection = sqlite3_user_data(context),
                            .db = sqlite3_context_db_handle(context)};
    int rc;

    backup.schema = (const char *)sqlite3_value_text(arguments[0]);
    backup.target = (const char *)sqlite3_value_text(arguments[1]);
    if (count > 2)
        backup.observer = (const char *)sqlite3_value_text(arguments[2]);
    if (backup.schema && backup.target)
        rc = run(&backup);
    else
        rc = fail(&backup, SQLITE_ERROR,
                  "byron: the arguments are a database's name, such as 'main', "
                  "and the file to make");
    if (rc == SQLITE_OK) {
        answer(context, &backup);
    } else {
        if (backup.message)
            sqlite3_result_error(context, backup.message, -1);
        sqlite3_result_error_code(context, rc);
    }
    sqlite3_free(backup.message);
}

int backup_register(struct connection *connection)
{
    int rc = SQLITE_OK;

    for (int count = 2; count <= 3 && rc == SQLITE_OK; count++)
        rc = sqlite3_create_function_v2(connection->db, "byron_backup", count,
                                        SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                        connection, backup_function, NULL, NULL,
                                        NULL);
    return rc;
}
