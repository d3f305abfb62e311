/*
 * os: the only road to storage.
 *
 * A table of functions, so that tests run the whole engine on a faulty,
 * crashable file system in memory, and an object store can serve later: files
 * are created exclusively, only appended to, read at an offset, listed and
 * deleted; nothing is renamed or rewritten in place, but for HEAD, which is
 * two slots swapped by turns.
 *
 * All calls loop over short reads, short writes and EINTR themselves, and
 * record errors (error_set) with path and errno. ENOSPC and EDQUOT are
 * BYRON_FULL, ENOENT is BYRON_MISSING, EROFS and EACCES on write are
 * BYRON_READ_ONLY, EEXIST is BYRON_MISUSE, a held lock is BYRON_BUSY, all
 * else BYRON_IO. Reading past the end is BYRON_CORRUPT.
 */
#ifndef BYRON_BASE_OS_H
#define BYRON_BASE_OS_H

#include "base/slice.h"

struct os_file; /* One open file. */
struct os_dir;  /* One open directory, the store. */

#define OS_HEAD_SLOT_SIZE 4096
#define OS_NAME_MAX       64

struct byron_os {
    void *context;

    /* --- directory --- */
    /* create: make it if missing (parents must exist; parent is synced). */
    byron_status (*dir_open)(struct byron_os *os, const char *path, bool create,
                             struct os_dir **out);
    /* Files made from now on, and the directory if this open made it, get the
     * permissions and the owner of the file at path, as far as the system lets
     * us; without this, the umask decides. */
    void (*dir_match)(struct os_dir *dir, const char *path);
    void (*dir_close)(struct os_dir *dir);       /* Releases the lock. */
    const char *(*dir_path)(struct os_dir *dir); /* Lent, for messages. */
    /* Calls each name; stops at the first status that is not OK. */
    byron_status (*dir_list)(struct os_dir *dir,
                             byron_status (*each)(void *context,
                                                  const char *name),
                             void *context);
    byron_status (*dir_sync)(struct os_dir *dir);
    /* The file LOCK, created where may_create. Held until dir_close. Exclusive
     * keeps out all, shared only the exclusive. Not lost by closing others.
     * A missing LOCK with !may_create is OK (read-only medium). */
    byron_status (*dir_lock)(struct os_dir *dir, bool exclusive,
                             bool may_create);
    /* Removes the directory itself, if it is empty. */
    byron_status (*dir_remove)(struct os_dir *dir);
    bool (*dir_is_writable)(struct os_dir *dir);

    /* --- HEAD: slot 0 or 1, each OS_HEAD_SLOT_SIZE bytes --- */
    /* BYRON_MISSING if there is no HEAD; a short slot reads as zeros. */
    byron_status (*head_read)(struct os_dir *dir, unsigned slot,
                              uint8_t *bytes);
    /* Creates HEAD if missing. Synced (and the directory, on creation). */
    byron_status (*head_write)(struct os_dir *dir, unsigned slot,
                               const uint8_t *bytes);

    /* --- files, by name inside dir --- */
    byron_status (*file_create)(struct os_dir *dir, const char *name,
                                struct os_file **out); /* Exclusive. */
    byron_status (*file_open)(struct os_dir *dir, const char *name,
                              struct os_file **out); /* To read. */
    byron_status (*file_remove)(struct os_dir *dir, const char *name);
    /*
     * Gives a finished file, which nobody appends to any more, the same name in
     * another directory too, without a copy of its bytes. BYRON_NOT_FOUND where
     * that cannot be, which is no error: then copy them.
     */
    byron_status (*file_link)(struct os_dir *dir, const char *name,
                              struct os_dir *to);
    void (*file_close)(struct os_file *file); /* NULL is fine. No sync. */
    /* At the end of what was appended, over zeros prewritten by extend. After
     * an error nothing of it counts as appended, but some of its bytes may lie
     * behind the end, until others are written over them. */
    byron_status (*file_append)(struct os_file *file, const void *data,
                                size_t size);
    /* Prewrites zeros so that the file has at least size bytes beyond what was
     * appended. May do nothing. */
    byron_status (*file_extend)(struct os_file *file, uint64_t size);
    byron_status (*file_read)(struct os_file *file, uint64_t offset,
                              void *bytes, size_t size);
    byron_status (*file_sync)(struct os_file *file); /* Data and size. */
    byron_status (*file_size)(struct os_file *file, uint64_t *out);
    /* A hint that file_sync comes soon: what was appended may begin its way to
     * the disk. Waits for nothing; may do nothing. */
    void (*file_start_sync)(struct os_file *file);
    /*
     * The first size bytes of a finished file as memory to read, until they are
     * unmapped, even if the file is closed and removed meanwhile. NULL, which
     * is no error, where that cannot be: then read them. Who touches bytes that
     * the system cannot read, or that somebody cut off, is killed. Both may be
     * NULL.
     */
    const uint8_t *(*file_map)(struct os_file *file, size_t size);
    void (*file_unmap)(struct byron_os *os, const uint8_t *bytes, size_t size);
    /* A hint that [offset, offset+size) is read next; may do nothing. */
    void (*file_prefetch)(struct os_file *file, uint64_t offset, size_t size);

    /* --- time and chance --- */
    uint64_t (*now_us)(struct byron_os *os);  /* Monotonic. */
    uint64_t (*wall_ms)(struct byron_os *os); /* Unix time; may go back. */
    void (*sleep_us)(struct byron_os *os, uint64_t us);
    byron_status (*random)(struct byron_os *os, void *bytes, size_t size);
};

/* The operating system itself. */
struct byron_os *os_posix(void);

#endif
