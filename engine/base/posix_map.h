/*
 * posix_map: files as memory, for os_posix.
 */
#ifndef BYRON_BASE_POSIX_MAP_H
#define BYRON_BASE_POSIX_MAP_H

#include "base/os.h"

/* The first size bytes of a file, to read; NULL where it cannot be mapped. */
const uint8_t *posix_map(int fd, size_t size);
void posix_unmap(struct byron_os *os, const uint8_t *bytes, size_t size);

#endif
