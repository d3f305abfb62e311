#include "bench/counted_calls.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORTED   __attribute__((visibility("default")))
#define MOST_FILES 65536

static atomic_ullong bytes, syncs;
/* Files whose every write waits for the disk, by descriptor. */
static atomic_bool is_synced[MOST_FILES];

uint64_t counted_bytes(void)
{
    return bytes;
}

uint64_t counted_syncs(void)
{
    return syncs;
}

static ssize_t count(int file, long result)
{
    if (result > 0) {
        atomic_fetch_add_explicit(&bytes, (unsigned long long)result,
                                  memory_order_relaxed);
        if (file >= 0 && file < MOST_FILES && is_synced[file])
            atomic_fetch_add(&syncs, 1);
    }
    return result;
}

static int opened(int file, int flags)
{
    if (file >= 0 && file < MOST_FILES)
        is_synced[file] = (flags & (O_SYNC | O_DSYNC)) != 0;
    return file;
}

/* The kernel's calls, under the names that libraries know. */
ssize_t write(int file, const void *data, size_t size);
ssize_t pwrite(int file, const void *data, size_t size, off_t offset);
ssize_t pwrite64(int file, const void *data, size_t size, off_t offset);
ssize_t writev(int file, const struct iovec *pieces, int many);
ssize_t pwritev(int file, const struct iovec *pieces, int many, off_t offset);
ssize_t pwritev64(int file, const struct iovec *pieces, int many, off_t offset);
int fsync(int file);
int fdatasync(int file);
int msync(void *start, size_t size, int flags);
int open(const char *path, int flags, ...);
int open64(const char *path, int flags, ...);

EXPORTED ssize_t write(int file, const void *data, size_t size)
{
    return count(file, syscall(SYS_write, file, data, size));
}

EXPORTED ssize_t pwrite(int file, const void *data, size_t size, off_t offset)
{
    return count(file, syscall(SYS_pwrite64, file, data, size, offset));
}

EXPORTED ssize_t pwrite64(int file, const void *data, size_t size, off_t offset)
{
    return pwrite(file, data, size, offset);
}

EXPORTED ssize_t writev(int file, const struct iovec *pieces, int many)
{
    return count(file, syscall(SYS_writev, file, pieces, many));
}

EXPORTED ssize_t pwritev(int file, const struct iovec *pieces, int many,
                         off_t offset)
{
    /* The kernel takes an offset in two halves, of which the second is unused
     * where a long holds it all. */
    return count(file, syscall(SYS_pwritev, file, pieces, many, offset, 0L));
}

EXPORTED ssize_t pwritev64(int file, const struct iovec *pieces, int many,
                           off_t offset)
{
    return pwritev(file, pieces, many, offset);
}

EXPORTED int fsync(int file)
{
    atomic_fetch_add(&syncs, 1);
    return (int)syscall(SYS_fsync, file);
}

EXPORTED int fdatasync(int file)
{
    atomic_fetch_add(&syncs, 1);
    return (int)syscall(SYS_fdatasync, file);
}

EXPORTED int msync(void *start, size_t size, int flags)
{
    atomic_fetch_add(&syncs, 1);
    return (int)syscall(SYS_msync, start, size, flags);
}

static int open_with(const char *path, int flags, int mode)
{
    return opened((int)syscall(SYS_openat, AT_FDCWD, path, flags, mode), flags);
}

/* The mode is there only if a file may be made. */
static bool has_mode(int flags)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

EXPORTED int open(const char *path, int flags, ...)
{
    int mode = 0;
    va_list more;

    va_start(more, flags);
    if (has_mode(flags))
        mode = va_arg(more, int);
    va_end(more);
    return open_with(path, flags, mode);
}

EXPORTED int open64(const char *path, int flags, ...)
{
    int mode = 0;
    va_list more;

    va_start(more, flags);
    if (has_mode(flags))
        mode = va_arg(more, int);
    va_end(more);
    return open_with(path, flags, mode);
}
