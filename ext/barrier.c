#include "barrier.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static byron_status sync_path(const char *path, int flags)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | flags);
    int result;

    if (file < 0 && errno == ENOENT)
        return BYRON_OK;
    if (file < 0)
        return errno == EMFILE || errno == ENFILE || errno == ENOMEM
                   ? BYRON_NO_MEMORY /* And may be tried again. */
                   : BYRON_IO;
    do {
        result = fsync(file);
    } while (result != 0 && errno == EINTR);
    close(file);
    return result == 0 ? BYRON_OK : BYRON_IO;
}

static byron_status sync_beside(const char *database, const char *suffix)
{
    char *path = NULL;
    byron_status status;

    if (asprintf(&path, "%s%s", database, suffix) < 0)
        return BYRON_NO_MEMORY;
    status = sync_path(path, 0);
    free(path);
    return status;
}

static byron_status sync_parent(const char *database)
{
    const char *slash = strrchr(database, '/');
    char *path = NULL;
    byron_status status;

    if (!slash)
        return sync_path(".", O_DIRECTORY);
    if (asprintf(&path, "%.*s", (int)(slash - database + 1), database) < 0)
        return BYRON_NO_MEMORY;
    status = sync_path(path, O_DIRECTORY);
    free(path);
    return status;
}

byron_status barrier_sync(void *context)
{
    const char *database = context;
    byron_status status;

    if (!database)
        return BYRON_OK;
    status = sync_beside(database, "-wal");
    if (status == BYRON_OK)
        status = sync_beside(database, "-journal");
    /* A journal's removal is the commit; it must not come back. */
    if (status == BYRON_OK)
        status = sync_parent(database);
    return status;
}
