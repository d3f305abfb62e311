/*
 * storage_calls: the system's calls, as libsqlite3 and byron.so find them.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "torture/storage_parts.h"

#define EXPORTED __attribute__((visibility("default")))

/* --- opening and closing ---------------------------------------------------
 */

static int real_open(int dir, const char *path, int flags, mode_t mode)
{
    return (int)syscall(SYS_openat, dir, path, flags, mode);
}

static int open_watched(int dir, const char *path, int flags, mode_t mode,
                        const char *full)
{
    struct stat status;
    bool is_new = (flags & O_CREAT) && stat(full, &status) != 0;
    int fd;

    if (storage_strikes(is_new ? STORAGE_FAULT_CREATE : STORAGE_FAULT_OPEN,
                        full))
        return -1;
    fd = real_open(dir, path, flags, mode);
    if (fd < 0 || fd >= STORAGE_FILES_MAX || fstat(fd, &status) != 0)
        return fd;
    storage_opened(fd, full, is_new, S_ISDIR(status.st_mode));
    if (flags & O_TRUNC && !is_new)
        storage_add_for(STORAGE_TRUNCATE, storage_file(fd), 0);
    return fd;
}

static int open_any(int dir, const char *path, int flags, mode_t mode)
{
    char full[PATH_MAX];
    int fd;

    storage_lock();
    if (storage_resolve(dir, path, full))
        fd = open_watched(dir, path, flags, mode, full);
    else
        fd = storage_forget(real_open(dir, path, flags, mode));
    storage_unlock();
    return fd;
}

/* The mode, which is there only where a file may be made. */
#define MODE_OF(flags, out)                                                    \
    do {                                                                       \
        va_list arguments;                                                     \
        va_start(arguments, flags);                                            \
        (out) = (flags)&O_CREAT ? va_arg(arguments, mode_t) : 0;               \
        va_end(arguments);                                                     \
    } while (0)

EXPORTED int open(const char *path, int flags, ...)
{
    mode_t mode;
    MODE_OF(flags, mode);
    return open_any(AT_FDCWD, path, flags, mode);
}

EXPORTED int open64(const char *path, int flags, ...)
{
    mode_t mode;
    MODE_OF(flags, mode);
    return open_any(AT_FDCWD, path, flags, mode);
}

EXPORTED int openat(int dir, const char *path, int flags, ...)
{
    mode_t mode;
    MODE_OF(flags, mode);
    return open_any(dir, path, flags, mode);
}

EXPORTED int close(int fd)
{
    int result;

    storage_lock();
    result = (int)syscall(SYS_close, storage_forget(fd));
    storage_unlock();
    return result;
}

/* --- bytes -----------------------------------------------------------------
 */

static ssize_t write_any(int fd, const void *data, size_t size, off_t offset,
                         bool is_at)
{
    struct open_file *file;
    ssize_t written = -1;

    storage_lock();
    file = storage_file(fd);
    if (!file) {
        written = is_at ? syscall(SYS_pwrite64, fd, data, size, offset)
                        : syscall(SYS_write, fd, data, size);
    } else if (!storage_strikes(STORAGE_FAULT_WRITE, file->path)) {
        size_t piece = storage_disturbed(size);
        uint64_t at = is_at ? (uint64_t)offset : file->at;
        if (piece > 0 || size == 0)
            written = syscall(SYS_pwrite64, fd, data, piece, (off_t)at);
        if (written > 0) {
            storage_add_write(file, at, data, (size_t)written);
            file->at = is_at ? file->at : at + (uint64_t)written;
        }
    }
    storage_unlock();
    return written;
}

EXPORTED ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    return write_any(fd, data, size, offset, true);
}

EXPORTED ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset)
{
    return write_any(fd, data, size, offset, true);
}

EXPORTED ssize_t write(int fd, const void *data, size_t size)
{
    return write_any(fd, data, size, 0, false);
}

static ssize_t read_any(int fd, void *bytes, size_t size, off_t offset)
{
    struct open_file *file;
    size_t piece = size;
    bool is_refused = false;

    storage_lock();
    file = storage_file(fd);
    if (file && storage_strikes(STORAGE_FAULT_READ, file->path))
        is_refused = true;
    else if (file)
        piece = storage_disturbed(size);
    storage_unlock();
    if (is_refused || (piece == 0 && size > 0))
        return -1;
    return syscall(SYS_pread64, fd, bytes, piece, offset);
}

EXPORTED ssize_t pread(int fd, void *bytes, size_t size, off_t offset)
{
    return read_any(fd, bytes, size, offset);
}

EXPORTED ssize_t pread64(int fd, void *bytes, size_t size, off_t offset)
{
    return read_any(fd, bytes, size, offset);
}

/* From where the descriptor stands. */
EXPORTED ssize_t read(int fd, void *bytes, size_t size)
{
    struct open_file *file;
    ssize_t got = -1;

    storage_lock();
    file = storage_file(fd);
    if (!file) {
        storage_unlock();
        return syscall(SYS_read, fd, bytes, size);
    }
    if (!storage_strikes(STORAGE_FAULT_READ, file->path)) {
        size_t piece = storage_disturbed(size);
        if (piece > 0 || size == 0)
            got = syscall(SYS_read, fd, bytes, piece);
    }
    storage_unlock();
    return got;
}

static int truncate_any(int fd, off_t size)
{
    struct open_file *file;
    int result = -1;

    storage_lock();
    file = storage_file(fd);
    if (!file || !storage_strikes(STORAGE_FAULT_WRITE, file->path))
        result = (int)syscall(SYS_ftruncate, fd, size);
    if (file && result == 0)
        storage_add_for(STORAGE_TRUNCATE, file, (uint64_t)size);
    storage_unlock();
    return result;
}

EXPORTED int ftruncate(int fd, off_t size)
{
    return truncate_any(fd, size);
}

EXPORTED int ftruncate64(int fd, off_t size)
{
    return truncate_any(fd, size);
}

/* --- syncs -----------------------------------------------------------------
 */

static int sync_any(int fd, long number)
{
    struct open_file *file;
    int result = 0;

    storage_lock();
    file = storage_file(fd);
    if (!file) {
        result = (int)syscall(number, fd);
    } else if (file->is_directory) {
        if (storage_strikes(STORAGE_FAULT_SYNC_DIR, file->path))
            result = -1;
        else
            storage_add(STORAGE_SYNC_DIR, file->path);
    } else {
        if (storage_strikes(STORAGE_FAULT_SYNC, file->path))
            result = -1;
        storage_add_for(result == 0 ? STORAGE_SYNC : STORAGE_FAILED_SYNC, file,
                        0);
    }
    storage_unlock();
    return result;
}

EXPORTED int fsync(int fd)
{
    return sync_any(fd, SYS_fsync);
}

EXPORTED int fdatasync(int fd)
{
    return sync_any(fd, SYS_fdatasync);
}

/* --- names -----------------------------------------------------------------
 */

static int remove_any(int dir, const char *path, int flags)
{
    char full[PATH_MAX];
    bool is_watched;
    int result = -1;

    storage_lock();
    is_watched = storage_resolve(dir, path, full);
    if (!is_watched || !storage_strikes(STORAGE_FAULT_REMOVE, full))
        result = (int)syscall(SYS_unlinkat, dir, path, flags);
    if (is_watched && result == 0)
        storage_add_name(flags & AT_REMOVEDIR ? STORAGE_REMOVE_DIR
                                              : STORAGE_REMOVE,
                         full, NULL);
    storage_unlock();
    return result;
}

EXPORTED int unlink(const char *path)
{
    return remove_any(AT_FDCWD, path, 0);
}

EXPORTED int unlinkat(int dir, const char *path, int flags)
{
    return remove_any(dir, path, flags);
}

EXPORTED int rmdir(const char *path)
{
    return remove_any(AT_FDCWD, path, AT_REMOVEDIR);
}

static int name_any(enum storage_kind kind, int from_dir, const char *from,
                    int to_dir, const char *to)
{
    char full[PATH_MAX];
    char full_to[PATH_MAX];
    bool is_watched;
    int result = -1;

    storage_lock();
    is_watched = storage_resolve(from_dir, from, full);
    is_watched = storage_resolve(to_dir, to, full_to) && is_watched;
    if (is_watched && storage_strikes(STORAGE_FAULT_CREATE, full_to))
        result = -1;
    else if (is_watched && kind == STORAGE_LINK &&
             storage_strikes(STORAGE_FAULT_LINK, full))
        result = -1;
    else if (kind == STORAGE_LINK)
        result = (int)syscall(SYS_linkat, from_dir, from, to_dir, to, 0);
    else
        result = (int)syscall(SYS_renameat, from_dir, from, to_dir, to);
    if (is_watched && result == 0)
        storage_add_name(kind, full, full_to);
    storage_unlock();
    return result;
}

EXPORTED int link(const char *from, const char *to)
{
    return name_any(STORAGE_LINK, AT_FDCWD, from, AT_FDCWD, to);
}

EXPORTED int linkat(int from_dir, const char *from, int to_dir, const char *to,
                    int flags)
{
    (void)flags;
    return name_any(STORAGE_LINK, from_dir, from, to_dir, to);
}

EXPORTED int rename(const char *from, const char *to)
{
    return name_any(STORAGE_RENAME, AT_FDCWD, from, AT_FDCWD, to);
}

EXPORTED int mkdir(const char *path, mode_t mode)
{
    char full[PATH_MAX];
    bool is_watched;
    int result = -1;

    storage_lock();
    is_watched = storage_resolve(AT_FDCWD, path, full);
    if (!is_watched || !storage_strikes(STORAGE_FAULT_MAKE_DIR, full))
        result = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    if (is_watched && result == 0)
        storage_add(STORAGE_MAKE_DIR, full);
    storage_unlock();
    return result;
}
