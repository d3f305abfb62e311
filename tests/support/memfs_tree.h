/*
 * memfs_tree: the directories and names of a memfs, now and on the disk.
 *
 * All functions require fs->mutex. Knows nothing of calls and failures.
 */
#ifndef BYRON_TESTS_MEMFS_TREE_H
#define BYRON_TESTS_MEMFS_TREE_H

#include "base/thread.h"
#include "support/memfs_node.h"

#define MEMFS_KINDS 17

struct memfs_name {
    char name[OS_NAME_MAX];
    struct memfs_node *node; /* Holds a reference. */
};

struct memfs_names {
    struct memfs_name *list;
    size_t count;
    size_t capacity;
};

struct memfs_dir {
    struct memfs_dir *next;
    char *path;
    struct memfs_names now;
    struct memfs_names disk;
    bool exists;
    bool exists_on_disk;
    bool is_locked;        /* Exclusively. */
    unsigned shared_locks; /* How many hold one. */
};

/* A file that is mapped: its bytes themselves. */
struct memfs_map {
    struct memfs_map *next;
    struct memfs_node *node; /* Holds a reference. */
};

struct memfs_failure {
    unsigned kinds;
    uint64_t left; /* Calls until it strikes; 0: not armed. */
    byron_status status;
    bool is_sticky;
};

struct memfs {
    struct byron_os os;
    struct mutex mutex; /* Guards all below. */
    struct rng rng;
    struct memfs_dir *dirs;
    struct memfs_map *maps;
    uint64_t call_count;
    uint64_t calls[MEMFS_KINDS];
    void (*hook)(void *context, const struct memfs_call *call);
    void *hook_context;
    struct memfs_failure failure;
    uint64_t space;
    bool is_read_only;
    bool is_virtual_time;
    uint64_t clock_us; /* Virtual. */
    bool has_wall;     /* The wall clock stands at: */
    uint64_t wall_ms;
    uint64_t rewritten; /* Bytes that appends wrote over those of others. */
    size_t open_count;
    uint64_t unforeseen; /* Reads. */
};

/* memfs_os.c: fills the table. */
void memfs_os_init(struct byron_os *os);

/* NULL where there is none; a directory that was removed is found. */
struct memfs_dir *tree_find_dir(struct memfs *fs, const char *path);
/* Makes one that is on the disk too. */
struct memfs_dir *tree_make_dir(struct memfs *fs, const char *path);
void tree_free(struct memfs *fs);
/* Bytes of all named files. */
uint64_t tree_used(const struct memfs *fs);
/* The node of "<directory>/<name>"; NULL: none. */
struct memfs_node *memtree_find(struct memfs *fs, const char *path);

/* What name means now is on the disk too. */
bool tree_name_is_durable(const struct memfs_dir *dir, const char *name);

struct memfs_node *names_find(const struct memfs_names *names,
                              const char *name);
/* References node; replaces one of the same name. */
void names_put(struct memfs_names *names, const char *name,
               struct memfs_node *node);
bool names_remove(struct memfs_names *names, const char *name);
void names_clear(struct memfs_names *names);
void names_copy(const struct memfs_names *from, struct memfs_names *to);

#endif
