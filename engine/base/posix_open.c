#include "base/posix_open.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0644

/*
 * A host may have closed 0, 1 or 2, and a stray printf to such a descriptor
 * would land in a file of ours: we use higher ones only.
 */
static int leave_standard(int fd)
{
    int higher;
    int system_errno;

    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    system_errno = errno;
    close(fd);
    errno = system_errno;
    return higher;
}

int posix_open_at(int dir_fd, const char *name, int flags, mode_t mode)
{
    int fd;

    do
        fd = openat(dir_fd, name, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return leave_standard(fd);
}

void posix_hand_over(int fd, const struct posix_owner *owner)
{
    struct stat status;
    mode_t mode;

    if (fstat(fd, &status) != 0)
        return;
    /* What is made in a folder of a group is the group's. */
    mode = owner->mode | (status.st_mode & S_ISGID);
    if ((status.st_mode & 07777) != mode && fchmod(fd, mode) != 0)
        return;
    if (geteuid() == 0 &&
        (status.st_uid != owner->user || status.st_gid != owner->group) &&
        fchown(fd, owner->user, owner->group) != 0)
        return;
}

int posix_create_at(int dir_fd, const char *name, int flags,
                    const struct posix_owner *owner)
{
    int fd = posix_open_at(dir_fd, name, flags | O_CREAT | O_EXCL,
                           owner ? owner->mode : FILE_MODE);

    if (fd < 0 && errno == EEXIST && !(flags & O_EXCL))
        return posix_open_at(dir_fd, name, flags, 0);
    if (fd >= 0 && owner)
        posix_hand_over(fd, owner);
    return fd;
}
