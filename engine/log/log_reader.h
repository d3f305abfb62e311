/*
 * log_reader: yields the records of one log file, and tells a torn tail (the
 * end) from corruption (an error). Writes nothing.
 *
 * Bytes that are no whole record are the torn tail of a crash, unless they
 * were durable: unless a whole record behind them was written when the log was
 * synced beyond them.
 */
#ifndef BYRON_LOG_LOG_READER_H
#define BYRON_LOG_LOG_READER_H

#include "base/buf.h"
#include "log/log_format.h"

struct log_reader;

struct log_record {
    enum record_type type;
    uint64_t sequence;
    uint64_t offset;      /* Of the record's first byte. */
    uint64_t end;         /* One past its last. */
    bool is_synced;       /* When it was written, records before it in this
                             file were known to be on the disk. */
    struct slice payload; /* Whole, chunks joined; lent until the next. */
};

/*
 * Checks the header against kind, number and store_id (NULL: any). A file
 * without a whole header and with nothing behind it answers BYRON_NOT_FOUND:
 * its creation never finished. end_at: where a successor says that it ends
 * (UINT64_MAX: unknown): nothing beyond counts. If log_reader_end stays short
 * of it, a tail was lost that the successor built on: the caller decides.
 */
BYRON_MUST_CHECK byron_status
log_reader_open(struct byron_os *os, struct os_dir *dir, enum file_kind kind,
                uint64_t number, const uint8_t *store_id, uint64_t end_at,
                struct log_reader **out);
void log_reader_close(struct log_reader *reader); /* NULL is fine. */
const struct log_header *log_reader_header(const struct log_reader *reader);
/* *found is false at the end (or torn tail), and stays so. After an error
 * every later call answers the same. */
BYRON_MUST_CHECK byron_status log_reader_next(struct log_reader *reader,
                                              struct log_record *record,
                                              bool *found);
/* Whether the last whole record is a seal: all before it is on the disk. */
bool log_reader_is_sealed(const struct log_reader *reader);
/* Where the last whole record ended. */
uint64_t log_reader_end(const struct log_reader *reader);
const char *log_reader_path(const struct log_reader *reader); /* For words. */

#endif
