#include "bench/squeeze.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* True, or errno has the reason. */
static bool put_words(const char *path, const char *words)
{
    size_t size = strlen(words);
    int file = open(path, O_WRONLY), error;
    bool is_put;

    if (file < 0)
        return false;
    is_put = write(file, words, size) == (ssize_t)size;
    error = errno;
    close(file);
    errno = error;
    return is_put;
}

static void path_of(const struct squeeze *squeeze, const char *member,
                    const char *file, char out[512])
{
    snprintf(out, 512, "%s%s%s%s", squeeze->prefix, member, *file ? "/" : "",
             file);
}

static bool put_into(const struct squeeze *squeeze, const char *member,
                     const char *file, const char *words)
{
    char path[512];

    path_of(squeeze, member, file, path);
    return put_words(path, words);
}

/* Whether a hierarchy of version 2 has groups for memory at its top. */
static bool has_memory(const char *folder)
{
    char path[512], line[256] = "";
    FILE *file;

    snprintf(path, sizeof path, "%s/cgroup.subtree_control", folder);
    file = fopen(path, "r");
    if (file) {
        if (!fgets(line, sizeof line, file))
            line[0] = '\0';
        fclose(file);
    }
    return strstr(line, "memory") != NULL;
}

static bool find_hierarchy(const char *name, struct squeeze *out)
{
    FILE *mounts = setmntent("/proc/self/mounts", "r");
    struct mntent *mount;
    bool is_found = false;

    while (mounts && !is_found && (mount = getmntent(mounts))) {
        bool is_v1 = strcmp(mount->mnt_type, "cgroup") == 0;

        out->is_v2 = strcmp(mount->mnt_type, "cgroup2") == 0;
        is_found = (is_v1 && hasmntopt(mount, "memory")) ||
                   (out->is_v2 && has_memory(mount->mnt_dir));
        if (is_found)
            snprintf(out->prefix, sizeof out->prefix, "%s/%s-", mount->mnt_dir,
                     name);
    }
    if (mounts)
        endmntent(mounts);
    return is_found;
}

void squeeze_find(uint64_t bytes, const char *name, struct squeeze *out)
{
    memset(out, 0, sizeof *out);
    if (bytes == 0)
        return;
    if (!find_hierarchy(name, out)) {
        snprintf(out->why_not, sizeof out->why_not,
                 "no cgroup hierarchy with a memory controller is mounted");
        return;
    }
    out->bytes = bytes;
    if (!squeeze_make(out, "trial"))
        snprintf(out->why_not, sizeof out->why_not, "%.200strial: %s",
                 out->prefix, strerror(errno));
    squeeze_remove_all(out);
    if (out->why_not[0])
        out->bytes = 0;
}

bool squeeze_make(const struct squeeze *squeeze, const char *member)
{
    char path[512], bytes[32];

    if (squeeze->bytes == 0)
        return true;
    snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)squeeze->bytes);
    path_of(squeeze, member, "", path);
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return false;
    if (squeeze->is_v2) {
        /* A kernel without swap has no such file. */
        put_into(squeeze, member, "memory.swap.max", "0");
        return put_into(squeeze, member, "memory.max", bytes);
    }
    if (!put_into(squeeze, member, "memory.limit_in_bytes", bytes))
        return false;
    put_into(squeeze, member, "memory.memsw.limit_in_bytes", bytes);
    return true;
}

bool squeeze_enter(const struct squeeze *squeeze, const char *member)
{
    return squeeze->bytes == 0 ||
           put_into(squeeze, member, "cgroup.procs", "0");
}

void squeeze_empty(const struct squeeze *squeeze, const char *member)
{
    char bytes[32];

    if (squeeze->bytes == 0)
        return;
    snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)squeeze->bytes);
    /* Neither gets all; how much is left, the caller looks at. */
    if (squeeze->is_v2)
        put_into(squeeze, member, "memory.reclaim", bytes);
    else
        put_into(squeeze, member, "memory.force_empty", "0");
}

uint64_t squeeze_kills(const struct squeeze *squeeze, const char *member)
{
    unsigned long long kills = 0, number;
    char path[512], line[128];
    FILE *file;

    if (squeeze->bytes == 0)
        return 0;
    path_of(squeeze, member,
            squeeze->is_v2 ? "memory.events" : "memory.oom_control", path);
    file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "oom_kill %llu", &number) == 1)
            kills = number;
    }
    if (file)
        fclose(file);
    return kills;
}

void squeeze_remove_all(const struct squeeze *squeeze)
{
    char pattern[512];
    glob_t found;
    bool is_left = squeeze->bytes > 0;

    /* A process that was killed leaves its group a little later. */
    for (int tries = 0; is_left && tries < 50; tries++) {
        path_of(squeeze, "*", "", pattern);
        is_left = false;
        if (glob(pattern, 0, NULL, &found) != 0)
            break;
        for (size_t i = 0; i < found.gl_pathc; i++)
            is_left = rmdir(found.gl_pathv[i]) != 0 || is_left;
        globfree(&found);
        if (is_left)
            usleep(100000);
    }
}
