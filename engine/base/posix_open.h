/*
 * posix_open: opening and making files, and whose they are.
 */
#ifndef BYRON_BASE_POSIX_OPEN_H
#define BYRON_BASE_POSIX_OPEN_H

#include <sys/types.h>

/* Permissions and owner of new files. */
struct posix_owner {
    mode_t mode;
    uid_t user;
    gid_t group;
};

/* A descriptor above 2 that closes on exec, or -1 with errno. */
int posix_open_at(int dir_fd, const char *name, int flags, mode_t mode);
/* Makes it, its owner's, where it is missing; with O_EXCL, nowhere else. owner
 * NULL: for all to read, as far as the umask lets them. */
int posix_create_at(int dir_fd, const char *name, int flags,
                    const struct posix_owner *owner);
/* As SQLite does for the files beside a database: the umask takes nothing away,
 * and what root makes belongs to whose store it is. Best effort, since not
 * every file system has owners. */
void posix_hand_over(int fd, const struct posix_owner *owner);

#endif
