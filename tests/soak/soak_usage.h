/*
 * soak_usage: what a soak takes of the machine.
 */
#ifndef BYRON_TESTS_SOAK_USAGE_H
#define BYRON_TESTS_SOAK_USAGE_H

#include "soak/soak.h"

uint64_t soak_memory(void); /* Resident bytes. */
uint64_t soak_descriptors(void);
uint64_t soak_disk(const struct soak *soak); /* Bytes of the store. */

#endif
