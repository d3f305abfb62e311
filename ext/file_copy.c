#include "file_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commit_point.h"
#include "pragma.h"

#define STEP_BYTES (1 << 20)

static int fail(char **message, const char *path, const char *words)
{
    int code =
        errno == ENOSPC || errno == EDQUOT ? SQLITE_FULL : SQLITE_CANTOPEN;
    *message =
        sqlite3_mprintf("byron: %s %s: %s", path, words, strerror(errno));
    return code;
}

static int fail_sqlite(char **message, int rc, const struct file_copy *copy)
{
    *message = sqlite3_mprintf("byron: %s: %s", copy->partial,
                               copy->db ? sqlite3_errmsg(copy->db)
                                        : sqlite3_errstr(rc));
    return rc;
}

/* --- making ------------------------------------------------------------- */

/* SQLite would take some names for something other than a file. */
static int resolve(struct file_copy *copy, const char *path, char **message)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    char folder[PATH_MAX];
    char *parent = slash ? sqlite3_mprintf("%.*s", (int)(base - path), path)
                         : sqlite3_mprintf(".");
    int rc = SQLITE_OK;

    if (!parent)
        return SQLITE_NOMEM;
    if (!*base) {
        *message = sqlite3_mprintf("byron: \"%s\" is no name of a file", path);
        rc = SQLITE_ERROR;
    } else if (!realpath(parent, folder)) {
        rc = fail(message, parent, "cannot be opened");
    } else {
        copy->path =
            sqlite3_mprintf("%s/%s", strcmp(folder, "/") ? folder : "", base);
        copy->partial = sqlite3_mprintf("%s-incomplete", copy->path);
        rc = copy->path && copy->partial ? SQLITE_OK : SQLITE_NOMEM;
    }
    sqlite3_free(parent);
    return rc;
}

int file_copy_init(struct file_copy *copy, const char *path, char **message)
{
    struct stat status;
    int file;
    int rc = resolve(copy, path, message);

    if (rc != SQLITE_OK)
        return rc;
    if (lstat(copy->path, &status) == 0) {
        *message = sqlite3_mprintf("byron: %s exists already, and a backup "
                                   "overwrites nothing",
                                   copy->path);
        return SQLITE_CANTOPEN;
    }
    file = open(copy->partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0 && errno == EEXIST) {
        *message = sqlite3_mprintf(
            "byron: %s exists: a backup to %s is under way, or was broken off; "
            "then remove that file and the directories %s-byron*",
            copy->partial, copy->path, copy->path);
        return SQLITE_CANTOPEN;
    }
    if (file < 0)
        return fail(message, copy->partial, "cannot be created");
    copy->is_made = true;
    close(file);
    return SQLITE_OK;
}

/* --- filling ------------------------------------------------------------ */

static int open_partial(struct file_copy *copy, sqlite3 *db, const char *schema)
{
    sqlite3_vfs *vfs = NULL;
    struct stat source;
    int rc;

    copy->mode = stat(sqlite3_db_filename(db, schema), &source) == 0
                     ? source.st_mode & 0777
                     : 0600;
    sqlite3_file_control(db, schema, SQLITE_FCNTL_VFS_POINTER, &vfs);
    rc = sqlite3_open_v2(copy->partial, &copy->db,
                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_PRIVATECACHE,
                         vfs ? vfs->zName : NULL);
    if (rc == SQLITE_OK)
        rc =
            sqlite3_exec(copy->db, "PRAGMA synchronous=FULL", NULL, NULL, NULL);
    return rc;
}

static int copy_pages(sqlite3_backup *backup, uint64_t size,
                      int (*go_on)(void *context, uint64_t done, uint64_t all),
                      void *context, bool *is_stopped)
{
    int pages = (int)(STEP_BYTES / size) + 1;
    int rc = SQLITE_OK;

    while (rc == SQLITE_OK) {
        uint64_t all;
        uint64_t left;
        rc = sqlite3_backup_step(backup, pages);
        if (rc != SQLITE_OK && rc != SQLITE_DONE)
            break;
        all = (uint64_t)sqlite3_backup_pagecount(backup) * size;
        left = (uint64_t)sqlite3_backup_remaining(backup) * size;
        *is_stopped = go_on(context, all - left, all) != SQLITE_OK;
        if (*is_stopped)
            return SQLITE_INTERRUPT;
    }
    return rc;
}

int file_copy_fill(struct file_copy *copy, sqlite3 *db, const char *schema,
                   int (*go_on)(void *context, uint64_t done, uint64_t all),
                   void *context, uint64_t *bytes, char **message)
{
    bool is_stopped = false;
    uint64_t size;
    sqlite3_backup *backup;
    int end;
    int rc = open_partial(copy, db, schema);

    if (rc != SQLITE_OK)
        return fail_sqlite(message, rc, copy);
    backup = sqlite3_backup_init(copy->db, "main", db, schema);
    if (!backup)
        return fail_sqlite(message, sqlite3_errcode(copy->db), copy);
    size = (uint64_t)pragma_integer(db, schema, "page_size", 4096);
    rc = copy_pages(backup, size, go_on, context, &is_stopped);
    *bytes = (uint64_t)sqlite3_backup_pagecount(backup) * size;
    end = sqlite3_backup_finish(backup);
    if (is_stopped)
        return SQLITE_INTERRUPT; /* By go_on, which said why. */
    if (rc == SQLITE_DONE)
        rc = end;
    return rc == SQLITE_OK ? SQLITE_OK : fail_sqlite(message, rc, copy);
}

int file_copy_set_store(struct file_copy *copy, sqlite3_int64 number,
                        const uint8_t id[16], const char *path, char **message)
{
    sqlite3_stmt *statement = NULL;
    int rc;

    /* Only what is asked for is changed, whatever the schema holds. */
    sqlite3_db_config(copy->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    rc = sqlite3_prepare_v2(
        copy->db, "UPDATE byron_store SET id = ?2, path = ?3 WHERE number = ?1",
        -1, &statement, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_int64(statement, 1, number);
        sqlite3_bind_blob(statement, 2, id, 16, SQLITE_STATIC);
        sqlite3_bind_text(statement, 3, path, -1, SQLITE_STATIC);
        sqlite3_step(statement);
        rc = sqlite3_finalize(statement);
    }
    /* All that it carried is in the copy's tables. */
    if (rc == SQLITE_OK)
        rc = commit_point_empty_room(copy->db, "main", number);
    return rc == SQLITE_OK ? SQLITE_OK : fail_sqlite(message, rc, copy);
}

/* --- finishing ----------------------------------------------------------- */

static int check_alone(const struct file_copy *copy, char **message)
{
    static const char *const suffixes[] = {"-journal", "-wal"};
    int rc = SQLITE_OK;

    for (size_t i = 0; i < 2 && rc == SQLITE_OK; i++) {
        char *path = sqlite3_mprintf("%s%s", copy->partial, suffixes[i]);
        if (!path)
            return SQLITE_NOMEM;
        if (access(path, F_OK) == 0) {
            *message = sqlite3_mprintf("byron: SQLite left %s behind", path);
            rc = SQLITE_IOERR;
        }
        sqlite3_free(path);
    }
    return rc;
}

/* A log or journal is part of a database: none may be left. */
static int close_whole(struct file_copy *copy, char **message)
{
    int rc = sqlite3_wal_checkpoint_v2(copy->db, "main",
                                       SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

    if (rc != SQLITE_OK)
        return fail_sqlite(message, rc, copy);
    rc = sqlite3_close(copy->db);
    if (rc != SQLITE_OK)
        return fail_sqlite(message, rc, copy);
    copy->db = NULL;
    return check_alone(copy, message);
}

static int sync_path(const char *path, int flags, char **message)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | flags);
    int rc = SQLITE_OK;

    if (file < 0)
        return fail(message, path, "cannot be opened");
    if (fsync(file) != 0 && !(flags & O_DIRECTORY && errno == EINVAL)) {
        (void)fail(message, path, "cannot be synced");
        rc = SQLITE_IOERR;
    }
    close(file);
    return rc;
}

static int sync_parent(const char *path, char **message)
{
    char *parent =
        sqlite3_mprintf("%.*s", (int)(strrchr(path, '/') - path + 1), path);
    int rc;

    if (!parent)
        return SQLITE_NOMEM;
    rc = sync_path(parent, O_DIRECTORY, message);
    sqlite3_free(parent);
    return rc;
}

/* A link replaces nothing; where there are none, neither should a rename. */
static bool give_name(const char *partial, const char *path)
{
    struct stat status;

    if (link(partial, path) == 0) {
        unlink(partial);
        return true;
    }
    if (errno == EEXIST || lstat(path, &status) == 0) {
        errno = EEXIST;
        return false;
    }
    return rename(partial, path) == 0;
}

int file_copy_finish(struct file_copy *copy, char **message)
{
    int rc = close_whole(copy, message);

    /* Who may read the database may read its backup, and nobody else. */
    if (rc == SQLITE_OK && chmod(copy->partial, copy->mode) != 0)
        rc = fail(message, copy->partial, "cannot be finished");
    if (rc == SQLITE_OK)
        rc = sync_path(copy->partial, 0, message);
    if (rc != SQLITE_OK)
        return rc;
    if (!give_name(copy->partial, copy->path))
        return fail(message, copy->path, "cannot be created");
    copy->is_made = false;
    rc = sync_parent(copy->path, message);
    if (rc != SQLITE_OK)
        unlink(copy->path);
    return rc;
}

void file_copy_deinit(struct file_copy *copy)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};

    sqlite3_close(copy->db);
    for (size_t i = 0; copy->is_made && i < 4; i++) {
        char *path = sqlite3_mprintf("%s%s", copy->partial, suffixes[i]);
        if (path)
            unlink(path);
        sqlite3_free(path);
    }
    sqlite3_free(copy->path);
    sqlite3_free(copy->partial);
    memset(copy, 0, sizeof *copy);
}
