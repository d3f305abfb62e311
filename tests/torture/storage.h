/*
 * storage: the system's calls on files, as this program and all that it loads
 * make them. They are watched below one folder, and made to fail.
 *
 * The linker gives our functions (open, pwrite, fdatasync, ...) to libsqlite3
 * and byron.so in place of the C library's. Below the watched folder nothing
 * is synced really: what a power cut would leave follows from the record.
 * Files named *-shm are not recorded: SQLite makes them anew after a crash.
 */
#ifndef BYRON_TESTS_TORTURE_STORAGE_H
#define BYRON_TESTS_TORTURE_STORAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum storage_kind {
    STORAGE_BIND,   /* An open file of this path, which is there already. */
    STORAGE_CREATE, /* A new file of this path. */
    STORAGE_WRITE,
    STORAGE_TRUNCATE,
    STORAGE_SYNC,
    STORAGE_FAILED_SYNC,
    STORAGE_REMOVE,
    STORAGE_LINK,
    STORAGE_RENAME,
    STORAGE_MAKE_DIR,
    STORAGE_REMOVE_DIR,
    STORAGE_SYNC_DIR,
    STORAGE_MARK, /* Not of the system: storage_mark. */
    STORAGE_KINDS
};

struct storage_call {
    enum storage_kind kind;
    unsigned file; /* Number of the open file, from 1. */
    char *path;
    char *to;        /* LINK, RENAME: the new name. */
    uint64_t offset; /* TRUNCATE: the size; MARK: its value. */
    size_t size;
    uint8_t *data;
};

struct storage_log {
    struct storage_call *calls;
    size_t count;
    size_t capacity;
};

/* root: absolute, without links. Before anything else. */
void storage_watch(const char *root);
/* Calls go to log from now on; NULL: nowhere. No file may be open. */
void storage_record(struct storage_log *log);
void storage_mark(uint64_t value);
void storage_log_print(const struct storage_log *log);
void storage_log_clear(struct storage_log *log);
const char *storage_kind_name(enum storage_kind kind);

/* --- failures --------------------------------------------------------------
 */

enum storage_fault_kind {
    STORAGE_FAULT_OPEN = 1 << 0,
    STORAGE_FAULT_CREATE = 1 << 1,
    STORAGE_FAULT_READ = 1 << 2,
    STORAGE_FAULT_WRITE = 1 << 3,
    STORAGE_FAULT_SYNC = 1 << 4,
    STORAGE_FAULT_SYNC_DIR = 1 << 5,
    STORAGE_FAULT_REMOVE = 1 << 6,
    STORAGE_FAULT_MAKE_DIR = 1 << 7,
    STORAGE_FAULT_ALL = (1 << 8) - 1,
};

struct storage_fault {
    unsigned kinds;
    const char *part; /* Of the path; "": any below the folder. */
    uint64_t nth;     /* Which call fails, from 1; 0: none. */
    int error;        /* errno. */
    bool is_sticky;   /* Every later one, too. */
};

/* Replaces the last one, and its count begins anew; NULL: no failures. */
void storage_fail(const struct storage_fault *fault);
bool storage_has_failed(void);
/* As on a file system on which a file has one name (EPERM). */
void storage_refuse_links(bool is_refused);
/* For a while nothing fails, nor is it counted. */
void storage_pause(bool is_paused);
/* Is a watched file or directory open? Then its path. */
bool storage_open_file(char *out, size_t size);
/* Reads and writes are short or interrupted (EINTR) by chance; 0: no more. */
void storage_disturb(uint64_t seed);

#endif
