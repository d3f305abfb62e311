#include "base/posix_map.h"

#include <sys/mman.h>

/* Reading ahead of gets, which go anywhere, would be for nothing; scans ask for
 * what they need. */
const uint8_t *posix_map(int fd, size_t size)
{
    void *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

    if (bytes == MAP_FAILED)
        return NULL;
    (void)madvise(bytes, size, MADV_RANDOM);
    return bytes;
}

void posix_unmap(struct byron_os *os, const uint8_t *bytes, size_t size)
{
    (void)os;
    munmap((void *)(uintptr_t)bytes, size);
}
