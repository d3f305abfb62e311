/*
 * log_format: the record framing of WAL and manifest, shared by both sides.
 *
 * Bytes: docs/log-format.md.
 */
#ifndef BYRON_LOG_LOG_FORMAT_H
#define BYRON_LOG_LOG_FORMAT_H

#include "base/file_name.h"

enum record_type {
    RECORD_BATCH = 1, /* WAL: a commit by itself. */
    RECORD_PREPARE =
        2,            /* WAL: a commit if a later one, or the host, says so. */
    RECORD_ABORT = 3, /* WAL: the named batch never was. */
    RECORD_BASE = 16, /* Manifest: the whole live state. */
    RECORD_EDIT = 17, /* Manifest: a change of it. */
};

/* First bytes of every log file. */
struct log_header {
    enum file_kind kind; /* FILE_WAL or FILE_MANIFEST. */
    uint8_t store_id[16];
    uint64_t number;            /* Of this file. */
    uint64_t salt;              /* Random; seeds every checksum of the file. */
    uint64_t first_sequence;    /* Of the next commit when it was created. */
    uint64_t previous_number;   /* The log before; 0 = none. */
    uint64_t previous_end;      /* Its final length: nothing beyond counts. */
    uint64_t previous_sequence; /* Last sequence committed before this log. */
    uint64_t tip;               /* The commit this log continues from. */
    uint64_t alias;             /* What the host calls tip, if not tip; or 0. */
};

#endif
