/*
 * fake_version: versions and states made up by hand, with no file behind
 * their tables. Keys are numbers, written as 8 big-endian bytes.
 */
#ifndef BYRON_TESTS_FAKE_VERSION_H
#define BYRON_TESTS_FAKE_VERSION_H

#include "version/manifest.h"

struct fake_version {
    struct table_env env;
    struct version version;   /* Changed in place. */
    struct store_state state; /* Its version is the one above. */
    uint64_t next_number;
};

void fake_version_init(struct fake_version *fake);
void fake_version_deinit(struct fake_version *fake);

/* The key of a number; the bytes are kept in out. */
struct slice fake_key(uint64_t number, uint8_t out[8]);
uint64_t fake_key_number(struct slice key);

/* A table with an entry for each 100 bytes; it may be altered before it is
 * added. Lent by the version once added. */
struct table_meta *fake_table(struct fake_version *fake, uint64_t smallest,
                              uint64_t largest, uint64_t bytes);
/* Puts table into its place, in a run that is made if need be. */
void fake_add(struct fake_version *fake, uint32_t level, uint64_t run,
              struct table_meta *table);
/* fake_table and fake_add at once. */
struct table_meta *fake_fill(struct fake_version *fake, uint32_t level,
                             uint64_t run, uint64_t smallest, uint64_t largest,
                             uint64_t bytes);
void fake_remove(struct fake_version *fake, uint64_t number);
/* Gives up [lower, upper). */
void fake_drop(struct fake_version *fake, uint64_t lower, uint64_t upper);

#endif
