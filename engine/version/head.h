/*
 * head: the file HEAD, which says where the store's manifest is.
 *
 * Two slots, written by turns; the higher epoch among the valid ones counts.
 * Bytes: docs/manifest-format.md.
 */
#ifndef BYRON_VERSION_HEAD_H
#define BYRON_VERSION_HEAD_H

#include "base/os.h"

struct head {
    uint8_t store_id[16];
    uint64_t epoch;       /* Grows with every write; slot = epoch % 2. */
    uint64_t manifest;    /* Number of the manifest in force. */
    uint64_t next_number; /* All files that it knows of are below. */
    uint32_t ro_compat;   /* Features that forbid this library to write. */
    uint32_t compat;      /* Features that it may ignore; kept as they are. */
};

/* BYRON_MISSING where there is no HEAD, or none was ever completed. */
BYRON_MUST_CHECK byron_status head_load(struct byron_os *os, struct os_dir *dir,
                                        struct head *out);
/* Durable when it returns; the slot of the epoch before stays. */
BYRON_MUST_CHECK byron_status head_store(struct byron_os *os,
                                         struct os_dir *dir,
                                         const struct head *head);

/* Bytes of one slot. Decoding answers BYRON_NOT_FOUND for a slot that holds
 * nothing valid, and BYRON_NEWER_FORMAT. */
void head_encode(const struct head *head, uint8_t out[OS_HEAD_SLOT_SIZE]);
BYRON_MUST_CHECK byron_status
head_decode(const uint8_t bytes[OS_HEAD_SLOT_SIZE], const char *path,
            unsigned slot, struct head *out);

#endif
