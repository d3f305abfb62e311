#include "base/os.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/posix_clock.h"
#include "base/posix_map.h"
#include "base/posix_open.h"
#include "base/try.h"

#define DIR_MODE 0755

#define MESSAGE_PATH_SIZE sizeof(((struct byron_error *)NULL)->path)

struct os_dir {
    int fd;
    int lock_fd;    /* -1: no lock held. */
    pid_t lock_pid; /* Who took it; a forked child must not let it go. */
    bool is_made;   /* By this very open. */
    bool has_owner;
    struct posix_owner owner; /* Of new files, if it has. */
    char path[];              /* Absolute: the host may change its directory. */
};

/* appended <= length; what lies between are zeros from extend. */
struct os_file {
    int fd;
    uint64_t appended;
    uint64_t length;
    char path[];
};

/* Never written to. Not const, so that it takes no room in the binary. */
static uint8_t zeros[1 << 16];

enum access { READING, WRITING };

static byron_status fail(const char *path, uint64_t offset, enum access access,
                         const char *words)
{
    int system_errno = errno;
    byron_status code = BYRON_IO;

    if (system_errno == ENOENT)
        code = BYRON_MISSING;
    else if (system_errno == ENOSPC || system_errno == EDQUOT)
        code = BYRON_FULL;
    else if (system_errno == EEXIST)
        code = BYRON_MISUSE;
    else if (access == WRITING &&
             (system_errno == EROFS || system_errno == EACCES ||
              system_errno == EPERM))
        code = BYRON_READ_ONLY;
    return error_set(code, path, offset, system_errno, "%s", words);
}

/* For an error about a file that is not open. */
static byron_status fail_named(const struct os_dir *dir, const char *name,
                               enum access access, const char *words)
{
    char path[MESSAGE_PATH_SIZE];
    int system_errno = errno;

    if (snprintf(path, sizeof path, "%s/%s", dir->path, name) < 0)
        path[0] = '\0';
    errno = system_errno;
    return fail(path, BYRON_NO_OFFSET, access, words);
}

static int open_in(const struct os_dir *dir, const char *name, int flags)
{
    return posix_open_at(dir->fd, name, flags | O_NOFOLLOW, 0);
}

static int create_in(const struct os_dir *dir, const char *name, int flags)
{
    return posix_create_at(dir->fd, name, flags | O_NOFOLLOW,
                           dir->has_owner ? &dir->owner : NULL);
}

static int open_dir(int dir_fd, const char *name)
{
    return posix_open_at(dir_fd, name, O_RDONLY | O_DIRECTORY, 0);
}

/* --- bytes ----------------------------------------------------------- */

/* Reads up to size bytes, fewer only at the end of the file; -1: errno. */
static ssize_t read_at(int fd, uint64_t offset, uint8_t *bytes, size_t size)
{
    size_t total = 0;

    while (total < size) {
        ssize_t got =
            pread(fd, bytes + total, size - total, (off_t)(offset + total));
        if (got == 0)
            break;
        if (got > 0)
            total += (size_t)got;
        else if (errno != EINTR)
            return -1;
    }
    return (ssize_t)total;
}

/* Writes all of size bytes, or false with errno; *written counts anyway. */
static bool write_at(int fd, uint64_t offset, const uint8_t *bytes, size_t size,
                     size_t *written)
{
    *written = 0;
    while (*written < size) {
        ssize_t put = pwrite(fd, bytes + *written, size - *written,
                             (off_t)(offset + *written));
        if (put > 0) {
            *written += (size_t)put;
        } else if (put == 0) {
            errno = EIO;
            return false;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

/*
 * A failed sync may have dropped the very pages it failed on, and a second
 * one would then succeed: it is never repeated, and is BYRON_IO whatever the
 * reason, so that nobody takes it for something that heals.
 */
static byron_status sync_failed(const char *path)
{
    return error_set(BYRON_IO, path, BYRON_NO_OFFSET, errno, "sync failed");
}

static byron_status sync_dir_fd(int fd, const char *path)
{
    /* EINVAL: a file system that has no such thing. */
    if (fsync(fd) != 0 && errno != EINVAL)
        return sync_failed(path);
    return BYRON_OK;
}

/* --- directory --------------------------------------------------------- */

static byron_status sync_parent(const char *path)
{
    char parent[PATH_MAX + sizeof "/.."];
    byron_status status;
    int fd;

    snprintf(parent, sizeof parent, "%s/..", path);
    fd = open_dir(AT_FDCWD, parent);
    if (fd < 0)
        return fail(parent, BYRON_NO_OFFSET, READING, "cannot open");
    status = sync_dir_fd(fd, parent);
    close(fd);
    return status;
}

/* BYRON_OK where it already exists. */
static byron_status make_dir(const char *path, bool *is_made)
{
    *is_made = mkdir(path, DIR_MODE) == 0;
    if (*is_made)
        return sync_parent(path);
    if (errno == EEXIST)
        return BYRON_OK;
    return fail(path, BYRON_NO_OFFSET, WRITING, "cannot make directory");
}

static struct posix_owner owner_like(const struct stat *status)
{
    return (struct posix_owner){.mode = status->st_mode & 0666,
                                .user = status->st_uid,
                                .group = status->st_gid};
}

static byron_status dir_new(int fd, const char *path, struct os_dir **out)
{
    char absolute[PATH_MAX];
    struct os_dir *dir;
    size_t size;

    if (!realpath(path, absolute))
        return fail(path, BYRON_NO_OFFSET, READING, "cannot resolve");
    size = strlen(absolute) + 1;
    dir = alloc_bytes(sizeof *dir + size);
    if (!dir)
        return error_no_memory();
    dir->fd = fd;
    dir->lock_fd = -1;
    dir->lock_pid = 0;
    dir->is_made = false;
    dir->has_owner = false;
    memcpy(dir->path, absolute, size);
    *out = dir;
    return BYRON_OK;
}

static byron_status posix_dir_open(struct byron_os *os, const char *path,
                                   bool create, struct os_dir **out)
{
    byron_status status = BYRON_OK;
    bool is_made = false;
    int fd = open_dir(AT_FDCWD, path);

    (void)os;
    if (fd < 0 && errno == ENOENT && create) {
        TRY(make_dir(path, &is_made));
        fd = open_dir(AT_FDCWD, path);
    }
    if (fd < 0)
        TRY(fail(path, BYRON_NO_OFFSET, READING, "cannot open directory"));
    TRY(dir_new(fd, path, out));
    (*out)->is_made = is_made;
    fd = -1; /* The directory's now. */
out:
    if (fd >= 0)
        close(fd);
    /* Whoever finds it takes its name for safe. */
    if (status != BYRON_OK && is_made)
        (void)rmdir(path);
    return status;
}

static void posix_dir_match(struct os_dir *dir, const char *path)
{
    struct stat model;
    struct posix_owner owner;

    if (stat(path, &model) != 0)
        return;
    dir->has_owner = true;
    dir->owner = owner = owner_like(&model);
    owner.mode |= (owner.mode & 0444) >> 2; /* Readers may look for names. */
    if (dir->is_made)
        posix_hand_over(dir->fd, &owner);
}

/*
 * The lock belongs to the open file, which a forked child shares: closing
 * ours alone would leave the store locked for as long as the child lives.
 */
static void release_lock(struct os_dir *dir)
{
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

    if (dir->lock_fd < 0)
        return;
    if (dir->lock_pid == getpid())
        fcntl(dir->lock_fd, F_OFD_SETLK, &lock);
    close(dir->lock_fd);
}

static void posix_dir_close(struct os_dir *dir)
{
    if (!dir)
        return;
    release_lock(dir);
    close(dir->fd);
    alloc_free(dir);
}

static const char *posix_dir_path(struct os_dir *dir)
{
    return dir->path;
}

static byron_status
list_names(struct os_dir *dir, DIR *stream,
           byron_status (*each)(void *context, const char *name), void *context)
{
    byron_status status = BYRON_OK;

    while (status == BYRON_OK) {
        struct dirent *item;
        errno = 0;
        item = readdir(stream);
        if (!item && errno != 0)
            return fail(dir->path, BYRON_NO_OFFSET, READING, "cannot list");
        if (!item)
            break;
        if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0)
            status = each(context, item->d_name);
    }
    return status;
}

static byron_status posix_dir_list(struct os_dir *dir,
                                   byron_status (*each)(void *context,
                                                        const char *name),
                                   void *context)
{
    /* A descriptor of its own: it carries the position in the list. */
    int fd = open_dir(dir->fd, ".");
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    byron_status status;

    if (!stream) {
        status = fail(dir->path, BYRON_NO_OFFSET, READING, "cannot list");
        if (fd >= 0)
            close(fd);
        return status;
    }
    status = list_names(dir, stream, each, context);
    closedir(stream);
    return status;
}

static byron_status posix_dir_sync(struct os_dir *dir)
{
    return sync_dir_fd(dir->fd, dir->path);
}

static byron_status posix_dir_lock(struct os_dir *dir, bool exclusive,
                                   bool may_create)
{
    struct flock lock = {.l_type = exclusive ? F_WRLCK : F_RDLCK,
                         .l_whence = SEEK_SET};
    byron_status status;
    int fd;

    assert(dir->lock_fd < 0);
    fd = may_create ? create_in(dir, "LOCK", O_RDWR)
                    : open_in(dir, "LOCK", O_RDWR);
    if (fd < 0 && !exclusive && (errno == EACCES || errno == EROFS))
        fd = open_in(dir, "LOCK", O_RDONLY);
    if (fd < 0 && errno == ENOENT && !may_create)
        return BYRON_OK;
    if (fd < 0)
        return fail_named(dir, "LOCK", WRITING, "cannot open lock file");
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0) {
        dir->lock_fd = fd;
        dir->lock_pid = getpid();
        return BYRON_OK;
    }
    if (errno == EAGAIN || errno == EACCES)
        status = error_set(BYRON_BUSY, dir->path, BYRON_NO_OFFSET, 0,
                           "the store is open in another process");
    else
        status = fail_named(dir, "LOCK", READING, "cannot lock");
    close(fd);
    return status;
}

static byron_status posix_dir_remove(struct os_dir *dir)
{
    if (rmdir(dir->path) != 0)
        return fail(dir->path, BYRON_NO_OFFSET, WRITING,
                    "cannot remove directory");
    return BYRON_OK;
}

static bool posix_dir_is_writable(struct os_dir *dir)
{
    return faccessat(dir->fd, ".", W_OK | X_OK, AT_EACCESS) == 0;
}

/* --- HEAD ---------------------------------------------------------------- */

static byron_status posix_head_read(struct os_dir *dir, unsigned slot,
                                    uint8_t *bytes)
{
    uint64_t offset = (uint64_t)slot * OS_HEAD_SLOT_SIZE;
    byron_status status = BYRON_OK;
    ssize_t got;
    int fd = open_in(dir, "HEAD", O_RDONLY);

    if (fd < 0)
        return fail_named(dir, "HEAD", READING, "cannot open");
    got = read_at(fd, offset, bytes, OS_HEAD_SLOT_SIZE);
    if (got < 0)
        status = fail_named(dir, "HEAD", READING, "cannot read");
    else
        memset(bytes + got, 0, OS_HEAD_SLOT_SIZE - (size_t)got);
    close(fd);
    return status;
}

static byron_status posix_head_write(struct os_dir *dir, unsigned slot,
                                     const uint8_t *bytes)
{
    uint64_t offset = (uint64_t)slot * OS_HEAD_SLOT_SIZE;
    byron_status status = BYRON_OK;
    size_t written;
    int fd = create_in(dir, "HEAD", O_WRONLY);

    if (fd < 0)
        return fail_named(dir, "HEAD", WRITING, "cannot open");
    if (!write_at(fd, offset, bytes, OS_HEAD_SLOT_SIZE, &written))
        status = fail_named(dir, "HEAD", WRITING, "cannot write");
    else if (fdatasync(fd) != 0)
        status = sync_failed(dir->path);
    close(fd);
    /* Each time: a HEAD found here may be one whose creator failed here. */
    return status == BYRON_OK ? posix_dir_sync(dir) : status;
}

/* --- files --------------------------------------------------------------- */

static byron_status open_file(struct os_dir *dir, const char *name, int flags,
                              enum access access, struct os_file **out)
{
    size_t path_size = strlen(dir->path) + 1 + strlen(name) + 1;
    struct os_file *file = alloc_zeroed(1, sizeof *file + path_size);
    byron_status status;

    if (!file)
        return error_no_memory();
    snprintf(file->path, path_size, "%s/%s", dir->path, name);
    file->fd = access == WRITING ? create_in(dir, name, flags)
                                 : open_in(dir, name, flags);
    if (file->fd >= 0) {
        *out = file;
        return BYRON_OK;
    }
    status = fail(file->path, BYRON_NO_OFFSET, access,
                  access == WRITING ? "cannot create" : "cannot open");
    alloc_free(file);
    return status;
}

static byron_status posix_file_create(struct os_dir *dir, const char *name,
                                      struct os_file **out)
{
    return open_file(dir, name, O_RDWR | O_EXCL, WRITING, out);
}

static byron_status posix_file_open(struct os_dir *dir, const char *name,
                                    struct os_file **out)
{
    return open_file(dir, name, O_RDONLY, READING, out);
}

static byron_status posix_file_remove(struct os_dir *dir, const char *name)
{
    if (unlinkat(dir->fd, name, 0) != 0)
        return fail_named(dir, name, WRITING, "cannot remove");
    return BYRON_OK;
}

/* Errors that say: not between these two, or not on this file system. */
static bool is_no_link(int system_errno)
{
    return system_errno == EXDEV || system_errno == EMLINK ||
           system_errno == EPERM || system_errno == ENOSYS ||
           system_errno == EOPNOTSUPP;
}

static byron_status posix_file_link(struct os_dir *dir, const char *name,
                                    struct os_dir *to)
{
    if (linkat(dir->fd, name, to->fd, name, 0) == 0)
        return BYRON_OK;
    if (is_no_link(errno))
        return BYRON_NOT_FOUND;
    return fail_named(to, name, WRITING, "cannot link");
}

static void posix_file_close(struct os_file *file)
{
    if (!file)
        return;
    close(file->fd);
    alloc_free(file);
}

static byron_status posix_file_append(struct os_file *file, const void *data,
                                      size_t size)
{
    size_t written;
    bool is_written = write_at(file->fd, file->appended, data, size, &written);

    if (file->appended + written > file->length)
        file->length = file->appended + written;
    if (!is_written)
        return fail(file->path, file->appended + written, WRITING,
                    "cannot write");
    file->appended += size;
    return BYRON_OK;
}

static byron_status posix_file_extend(struct os_file *file, uint64_t size)
{
    uint64_t target = file->appended + size;

    while (file->length < target) {
        uint64_t left = target - file->length;
        size_t piece = left < sizeof zeros ? (size_t)left : sizeof zeros;
        size_t written;
        bool is_written =
            write_at(file->fd, file->length, zeros, piece, &written);
        file->length += written;
        if (!is_written)
            return fail(file->path, file->length, WRITING, "cannot extend");
    }
    return BYRON_OK;
}

static byron_status posix_file_read(struct os_file *file, uint64_t offset,
                                    void *bytes, size_t size)
{
    ssize_t got = read_at(file->fd, offset, bytes, size);

    if (got >= 0 && (size_t)got == size)
        return BYRON_OK;
    if (got >= 0)
        return error_corrupt(file->path, offset + (uint64_t)got,
                             "the file ends where more bytes belong");
    return fail(file->path, offset, READING, "cannot read");
}

static byron_status posix_file_sync(struct os_file *file)
{
    /* Writes the size too, where it changed: see fdatasync(2). */
    return fdatasync(file->fd) == 0 ? BYRON_OK : sync_failed(file->path);
}

static void posix_file_start_sync(struct os_file *file)
{
#ifdef SYNC_FILE_RANGE_WRITE
    /* What fails here file_sync is told of. */
    (void)sync_file_range(file->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
#else
    (void)file;
#endif
}

static byron_status posix_file_size(struct os_file *file, uint64_t *out)
{
    struct stat stat;

    if (fstat(file->fd, &stat) != 0)
        return fail(file->path, BYRON_NO_OFFSET, READING, "cannot stat");
    *out = (uint64_t)stat.st_size;
    return BYRON_OK;
}

static const uint8_t *posix_file_map(struct os_file *file, size_t size)
{
    return posix_map(file->fd, size);
}

static void posix_file_prefetch(struct os_file *file, uint64_t offset,
                                size_t size)
{
    (void)posix_fadvise(file->fd, (off_t)offset, (off_t)size,
                        POSIX_FADV_WILLNEED);
}

struct byron_os *os_posix(void)
{
    static struct byron_os os = {
        .dir_open = posix_dir_open,
        .dir_match = posix_dir_match,
        .dir_close = posix_dir_close,
        .dir_path = posix_dir_path,
        .dir_list = posix_dir_list,
        .dir_sync = posix_dir_sync,
        .dir_lock = posix_dir_lock,
        .dir_remove = posix_dir_remove,
        .dir_is_writable = posix_dir_is_writable,
        .head_read = posix_head_read,
        .head_write = posix_head_write,
        .file_create = posix_file_create,
        .file_open = posix_file_open,
        .file_remove = posix_file_remove,
        .file_link = posix_file_link,
        .file_close = posix_file_close,
        .file_append = posix_file_append,
        .file_extend = posix_file_extend,
        .file_read = posix_file_read,
        .file_sync = posix_file_sync,
        .file_start_sync = posix_file_start_sync,
        .file_size = posix_file_size,
        .file_map = posix_file_map,
        .file_unmap = posix_unmap,
        .file_prefetch = posix_file_prefetch,
        .now_us = posix_now_us,
        .wall_ms = posix_wall_ms,
        .sleep_us = posix_sleep_us,
        .random = posix_random,
    };
    return &os;
}
