/*
 * log_fixture: one log in a memfs, for tests of its writer and its reader.
 */
#ifndef BYRON_TESTS_LOG_FIXTURE_H
#define BYRON_TESTS_LOG_FIXTURE_H

#include "log/log_reader.h"
#include "log/log_writer.h"
#include "support/memfs.h"
#include "support/memfs_inspect.h"

#define LOG_FIXTURE_PATH "store/W-0000000000000007"

struct log_fixture {
    struct memfs *fs;
    struct byron_os *os;
    struct os_dir *dir;
    struct log_header header; /* Number 7. */
};

void log_fixture_init(struct log_fixture *log, uint64_t seed);
/* Opens the directory of fs, which it takes: a crash clone. */
void log_fixture_init_clone(struct log_fixture *log, struct memfs *fs);
void log_fixture_deinit(struct log_fixture *log);

/* Whole calls that must succeed. */
struct log_writer *log_fixture_create(struct log_fixture *log);
void log_fixture_append(struct log_writer *writer, uint64_t sequence,
                        struct slice payload);
void log_fixture_sync(struct log_writer *writer);
/* A log of BATCH records: payload i is i+1 bytes of value i+1; synced after
 * each of the first synced_count. */
void log_fixture_fill(struct log_fixture *log, size_t count,
                      size_t synced_count);
/* Checks that record i is the one that log_fixture_fill wrote. */
bool log_fixture_is_filled(const struct log_record *record, size_t i);

byron_status log_fixture_open(struct log_fixture *log, uint64_t end_at,
                              struct log_reader **out);
/* Reads all; *count is how many records came before the end or error. All of
 * them must be those of log_fixture_fill. */
byron_status log_fixture_read(struct log_fixture *log, uint64_t end_at,
                              size_t *count);
/* The file's bytes now; the caller's to deinit. */
struct buf log_fixture_bytes(struct log_fixture *log);
void log_fixture_replace(struct log_fixture *log, struct slice bytes);

#endif
