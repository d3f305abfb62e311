/*
 * wreck: the directory of a store that may be damaged anywhere, as those who
 * read it share it, and the account of what could not be read.
 *
 * Damage is told and passed over; only what stops the reader itself (no memory,
 * an interrupt) is an error here.
 */
#ifndef BYRON_SALVAGE_WRECK_H
#define BYRON_SALVAGE_WRECK_H

#include "base/file_name.h"
#include "base/patience.h"
#include "byron_inspect.h"

struct file_pool;

struct wreck {
    struct byron_os *os;
    struct os_dir *dir;
    struct file_pool *pool; /* Of the tables. */
    struct slice lower;     /* Keys that are wanted; data NULL: open. */
    struct slice upper;
    uint8_t store_id[16];
    bool has_id;      /* What is not of store_id counts as damage. */
    bool has_own;     /* A file said that it is of store_id, */
    bool has_foreign; /* and one that it is not. */
    const struct byron_patience *patience; /* May be NULL. */
    void (*report)(void *context, const struct byron_error *error,
                   uint64_t bytes);
    void *context;
    struct byron_salvaged counts;
    bool is_muted;  /* What is met now was told before. */
    uint64_t muted; /* Damages that were met so. */
};

/* Whether a status says that bytes cannot be had, rather than that the reader
 * has to stop. */
bool wreck_is_damage(byron_status status);
/* Tells the thread's last error, which cost so many bytes (0: unknown). */
void wreck_tell(struct wreck *wreck, uint64_t bytes);
/* Damage is told, and OK; any other status is passed on. */
BYRON_MUST_CHECK byron_status wreck_take(struct wreck *wreck,
                                         byron_status status, uint64_t bytes);
/* Whether the key is wanted. */
static inline bool wreck_wants(const struct wreck *wreck, struct slice key)
{
    return (!wreck->lower.data || slice_compare(key, wreck->lower) >= 0) &&
           (!wreck->upper.data || slice_compare(key, wreck->upper) < 0);
}
/* Whether a file that says so is of the store; what all have said is kept. */
bool wreck_is_own(struct wreck *wreck, const uint8_t store_id[16]);
/* "<directory>/<name>", for words. */
void wreck_path(const struct wreck *wreck, enum file_kind kind, uint64_t number,
                char *out, size_t size);

#endif
