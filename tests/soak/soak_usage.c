#include "soak/soak_usage.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t soak_memory(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long long all = 0;
    unsigned long long resident = 0;

    if (file && fscanf(file, "%llu %llu", &all, &resident) != 2)
        resident = 0;
    if (file)
        fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t count_in(const char *path, bool is_sized)
{
    DIR *stream = opendir(path);
    struct dirent *item;
    uint64_t total = 0;

    while (stream && (item = readdir(stream))) {
        struct stat status;
        if (!is_sized)
            total++;
        else if (fstatat(dirfd(stream), item->d_name, &status, 0) == 0 &&
                 S_ISREG(status.st_mode))
            total += (uint64_t)status.st_size;
    }
    if (stream)
        closedir(stream);
    return total;
}

uint64_t soak_descriptors(void)
{
    return count_in("/proc/self/fd", false);
}

uint64_t soak_disk(const struct soak *soak)
{
    return count_in(soak_beside(soak, "soak.db-byron"), true);
}
