/*
 * log_format: the record framing of WAL and manifest, shared by both sides.
 *
 * Bytes: docs/log-format.md.
 */
#ifndef BYRON_LOG_LOG_FORMAT_H
#define BYRON_LOG_LOG_FORMAT_H

#include "base/file_name.h"

#define LOG_HEADER_SIZE 128
#define LOG_RECORD_HEAD ((size_t)32)               /* Bytes before a payload. */
#define LOG_PAYLOAD_MAX ((size_t)64 * 1024 * 1024) /* Of one chunk. */

enum record_type {
    RECORD_BATCH = 1, /* WAL: a commit by itself. */
    RECORD_PREPARE =
        2,            /* WAL: a commit if a later one, or the host, says so. */
    RECORD_ABORT = 3, /* WAL: the named batch never was. */
    RECORD_BASE = 16, /* Manifest: the whole live state. */
    RECORD_EDIT = 17, /* Manifest: a change of it. */
    RECORD_SEAL = 0x81, /* Any: says only that the log before it is durable. */
};
/* A reader that does not want a type with this bit skips the record. */
#define RECORD_IGNORABLE 0x80

enum record_flags {
    RECORD_MORE = 1, /* A chunk: the record goes on in the next. */
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

void log_header_encode(const struct log_header *header,
                       uint8_t out[LOG_HEADER_SIZE]);
/* BYRON_CORRUPT or BYRON_NEWER_FORMAT; kind is what the file's name says. */
BYRON_MUST_CHECK byron_status
log_header_decode(const uint8_t bytes[LOG_HEADER_SIZE], enum file_kind kind,
                  const char *path, struct log_header *out);

/* What stands before a payload. */
struct record_head {
    uint32_t size; /* Of the payload; 0 = the end of the log. */
    uint8_t type;
    uint8_t flags;
    uint16_t reserved;
    uint64_t sequence;
    uint64_t synced; /* The log was durable up to here when it was written. */
    uint64_t checksum;
};

void record_head_encode(const struct record_head *head,
                        uint8_t out[LOG_RECORD_HEAD]);
struct record_head record_head_decode(const uint8_t bytes[LOG_RECORD_HEAD]);
/* Of an encoded head and its payload, at offset in a file with that salt. */
uint64_t record_checksum(const uint8_t head[LOG_RECORD_HEAD],
                         struct slice payload, uint64_t salt, uint64_t offset);

/* Bytes that a payload takes in the file: head and padding included. */
static inline size_t record_footprint(size_t payload_size)
{
    return (LOG_RECORD_HEAD + payload_size + 7) & ~(size_t)7;
}

#endif
