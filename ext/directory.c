#include "directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLAIM_MAX 8192

char *directory_path(const char *database, const char *path)
{
    const char *slash = strrchr(database, '/');
    char *out = NULL;
    int size;

    if (!*path)
        size = asprintf(&out, "%s-byron", database);
    else if (*path == '/' || !slash)
        size = asprintf(&out, "%s", path);
    else
        size = asprintf(&out, "%.*s%s", (int)(slash - database + 1), database,
                        path);
    return size < 0 ? NULL : out;
}

char *directory_private(void)
{
    const char *folders[] = {getenv("SQLITE_TMPDIR"), getenv("TMPDIR"),
                             "/var/tmp", "/tmp", "."};

    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char *path = NULL;
        if (!folders[i] || !*folders[i])
            continue;
        if (asprintf(&path, "%s/byron-XXXXXX", folders[i]) < 0) {
            errno = ENOMEM;
            return NULL;
        }
        if (mkdtemp(path))
            return path;
        free(path);
    }
    return NULL;
}

bool directory_identify(const char *path, struct directory_identity *out)
{
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
        return false;
    out->device = status.st_dev;
    out->inode = status.st_ino;
    return true;
}

static char *inside(const char *path, const char *name)
{
    char *out = NULL;
    return asprintf(&out, "%s/%s", path, name) < 0 ? NULL : out;
}

static bool exists_inside(const char *path, const char *name)
{
    char *file = inside(path, name);
    bool exists = file && access(file, F_OK) == 0;
    free(file);
    return exists;
}

bool directory_has_store(const char *path)
{
    return exists_inside(path, "HEAD");
}

bool directory_is_writable(const char *path)
{
    return access(path, W_OK) == 0;
}

/* May anybody put directories where this one is? */
static bool is_in_the_open(const char *path)
{
    struct stat folder;
    char *name = inside(path, "..");
    bool is_open =
        !name || stat(name, &folder) != 0 || folder.st_mode & S_IWOTH;
    free(name);
    return is_open;
}

bool directory_is_strangers(const char *path, const char *database,
                            uid_t *owner)
{
    struct stat directory, file;

    if (stat(path, &directory) != 0)
        return false;
    *owner = directory.st_uid;
    if (*owner == 0 || *owner == geteuid())
        return false;
    return (stat(database, &file) != 0 || file.st_uid != *owner) &&
           is_in_the_open(path);
}

static bool sync_directory(const char *path)
{
    int file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_synced = file >= 0 && fsync(file) == 0;
    if (file >= 0)
        close(file);
    return is_synced;
}

/* Of a database that is no file nobody else shall see anything. */
static void find_model(const char *database, struct stat *out)
{
    if (stat(database, out) == 0)
        return;
    *out = (struct stat){
        .st_mode = 0600, .st_uid = geteuid(), .st_gid = getegid()};
}

/* Who may read the model may look for names. Best effort, as SQLite's own for
 * the files beside a database. */
static void hand_over(int file, const struct stat *model, bool is_directory)
{
    mode_t mode = model->st_mode & 0666;
    struct stat status;

    if (fstat(file, &status) != 0)
        return;
    if (is_directory) /* What is made in a folder of a group is the group's. */
        mode |= (mode & 0444) >> 2 | (status.st_mode & S_ISGID);
    if (fchmod(file, mode) != 0)
        return;
    if (geteuid() == 0 && fchown(file, model->st_uid, model->st_gid) != 0)
        return;
}

/* Else a power cut may take the directory, and leave a database that needs
 * it. */
static bool sync_parent(const char *path)
{
    char *parent = inside(path, "..");
    bool is_synced = parent && sync_directory(parent);
    free(parent);
    return is_synced;
}

/* A call may be interrupted, or write less than it was asked to. */
static bool write_all(int file, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(file, bytes, size);
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            bytes += written;
            size -= (size_t)written;
        }
    }
    return true;
}

/* How much was read: less than size only at the end of the file; -1: errno. */
static ssize_t read_all(int file, char *bytes, size_t size)
{
    size_t total = 0;
    ssize_t got = 1;

    while (total < size && got != 0) {
        got = read(file, bytes + total, size - total);
        if (got < 0 && errno != EINTR)
            return -1;
        if (got > 0)
            total += (size_t)got;
    }
    return (ssize_t)total;
}

static bool write_claim(const char *path, const char *database,
                        const struct stat *model)
{
    int file =
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool is_written;

    if (file < 0)
        return false;
    hand_over(file, model, false);
    is_written =
        write_all(file, database, strlen(database)) && fsync(file) == 0;
    return close(file) == 0 && is_written;
}

/* With the permissions and the owner of the database; one that is there
 * already stays as its owner made it. */
static bool make_directory(const char *path, const struct stat *model)
{
    int file;

    if (mkdir(path, 0700) != 0)
        return errno == EEXIST;
    file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return false;
    hand_over(file, model, true);
    close(file);
    return true;
}

bool directory_claim(const char *path, const char *database)
{
    struct stat model;
    char *file = inside(path, "CREATING");
    bool is_claimed = false;

    find_model(database, &model);
    if (file && make_directory(path, &model))
        is_claimed = write_claim(file, database, &model) &&
                     sync_directory(path) && sync_parent(path);
    free(file);
    return is_claimed;
}

bool directory_is_claimed(const char *path, const char *database)
{
    char words[CLAIM_MAX];
    char *name = inside(path, "CREATING");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    ssize_t size = file >= 0 ? read_all(file, words, sizeof words) : -1;

    if (file >= 0)
        close(file);
    free(name);
    return size >= 0 && (size_t)size == strlen(database) &&
           memcmp(words, database, (size_t)size) == 0;
}

bool directory_has_claim(const char *path)
{
    return exists_inside(path, "CREATING");
}

void directory_settle(const char *path)
{
    char *file = inside(path, "CREATING");
    if (file)
        unlink(file);
    free(file);
}

/* "S-000000000000002a", HEAD, LOCK, DOUBT; see the engine's file names. */
static bool is_ours(const char *name)
{
    if (strcmp(name, "HEAD") == 0 || strcmp(name, "LOCK") == 0 ||
        strcmp(name, "DOUBT") == 0)
        return true;
    return strchr("MWS", name[0]) && name[1] == '-' && strlen(name) == 18 &&
           strspn(name + 2, "0123456789abcdef") == 16;
}

bool directory_is_free(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    bool is_free = true;

    while (directory && is_free && (entry = readdir(directory)) != NULL)
        is_free =
            is_ours(entry->d_name) || strcmp(entry->d_name, "CREATING") == 0 ||
            strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (directory)
        closedir(directory);
    return is_free;
}

void directory_remove(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;

    while (directory && (entry = readdir(directory)) != NULL)
        if (is_ours(entry->d_name))
            unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory)
        closedir(directory);
    directory_settle(path);
    rmdir(path);
}
