/*
 * posix_clock: time and chance as the system gives them.
 */
#ifndef BYRON_BASE_POSIX_CLOCK_H
#define BYRON_BASE_POSIX_CLOCK_H

#include "base/os.h"

uint64_t posix_now_us(struct byron_os *os);
uint64_t posix_wall_ms(struct byron_os *os);
void posix_sleep_us(struct byron_os *os, uint64_t us);
BYRON_MUST_CHECK byron_status posix_random(struct byron_os *os, void *bytes,
                                           size_t size);

#endif
