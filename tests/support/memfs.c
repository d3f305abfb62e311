#include "support/memfs.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/memfs_tree.h"

struct memfs *memfs_new(uint64_t seed)
{
    struct memfs *fs = memfs_allocate(sizeof *fs);

    mutex_init(&fs->mutex);
    rng_init(&fs->rng, seed);
    fs->space = UINT64_MAX;
    fs->os.context = fs;
    memfs_os_init(&fs->os);
    return fs;
}

void memfs_free(struct memfs *fs)
{
    if (!fs)
        return;
    if (fs->open_count > 0) {
        fprintf(stderr, "memfs_free: %zu files or directories are open\n",
                fs->open_count);
        abort();
    }
    if (fs->rewritten > 0) {
        fprintf(stderr, "memfs_free: %llu bytes were written in place\n",
                (unsigned long long)fs->rewritten);
        abort();
    }
    tree_free(fs);
    mutex_deinit(&fs->mutex);
    free(fs);
}

struct byron_os *memfs_os(struct memfs *fs)
{
    return &fs->os;
}

/* --- calls, hooks and failures ------------------------------------------ */

void memfs_set_hook(struct memfs *fs,
                    void (*hook)(void *context, const struct memfs_call *call),
                    void *context)
{
    mutex_lock(&fs->mutex);
    fs->hook = hook;
    fs->hook_context = context;
    mutex_unlock(&fs->mutex);
}

uint64_t memfs_calls(struct memfs *fs, unsigned kinds)
{
    uint64_t total = 0;

    mutex_lock(&fs->mutex);
    for (unsigned i = 0; i < MEMFS_KINDS; i++) {
        if (kinds & (1u << i))
            total += fs->calls[i];
    }
    mutex_unlock(&fs->mutex);
    return total;
}

void memfs_fail_nth(struct memfs *fs, unsigned kinds, uint64_t nth,
                    byron_status status, bool sticky)
{
    mutex_lock(&fs->mutex);
    fs->failure = (struct memfs_failure){
        .kinds = kinds, .left = nth, .status = status, .is_sticky = sticky};
    mutex_unlock(&fs->mutex);
}

void memfs_set_space(struct memfs *fs, uint64_t bytes)
{
    mutex_lock(&fs->mutex);
    fs->space = bytes;
    mutex_unlock(&fs->mutex);
}

void memfs_set_read_only(struct memfs *fs, bool is_read_only)
{
    mutex_lock(&fs->mutex);
    fs->is_read_only = is_read_only;
    mutex_unlock(&fs->mutex);
}

/* --- time --------------------------------------------------------------- */

void memfs_use_virtual_time(struct memfs *fs)
{
    mutex_lock(&fs->mutex);
    fs->is_virtual_time = true;
    fs->clock_us = UINT64_C(1000000000); /* Not 0, as no machine's clock is. */
    mutex_unlock(&fs->mutex);
}

void memfs_advance(struct memfs *fs, uint64_t us)
{
    mutex_lock(&fs->mutex);
    fs->clock_us += us;
    mutex_unlock(&fs->mutex);
}

/* --- power cuts --------------------------------------------------------- */

const char *memfs_crash_name(enum memfs_crash mode)
{
    static const char *const names[MEMFS_CRASH_COUNT] = {
        "keep all",  "drop unsynced", "random sectors", "torn",
        "reordered", "zero filled",   "garbage",        "whole files"};
    return names[mode];
}

static void keep(const struct memfs_name *name, enum memfs_crash mode,
                 struct rng *rng, struct memfs_dir *image)
{
    struct memfs_node *node = node_crash(name->node, mode, rng);

    names_put(&image->now, name->name, node);
    names_put(&image->disk, name->name, node);
    node_unref(node);
}

/* Each unsynced creation and removal happened, or did not. */
static void crash_names(const struct memfs_dir *dir, struct rng *rng,
                        struct memfs_dir *image)
{
    const enum memfs_crash mode = MEMFS_RANDOM_SECTORS;

    for (size_t i = 0; i < dir->disk.count; i++) {
        const struct memfs_name *name = &dir->disk.list[i];
        if (tree_name_is_durable(dir, name->name) || rng_one_in(rng, 2))
            keep(name, mode, rng, image);
    }
    for (size_t i = 0; i < dir->now.count; i++) {
        const struct memfs_name *name = &dir->now.list[i];
        if (!tree_name_is_durable(dir, name->name) && rng_one_in(rng, 2))
            keep(name, mode, rng, image);
    }
}

/* Nothing is lost, and nothing more is durable. */
static void keep_names(const struct memfs_dir *dir, struct rng *rng,
                       struct memfs_dir *image)
{
    for (size_t i = 0; i < dir->now.count; i++) {
        const char *name = dir->now.list[i].name;
        keep(&dir->now.list[i], MEMFS_KEEP_ALL, rng, image);
        if (!tree_name_is_durable(dir, name))
            names_remove(&image->disk, name);
    }
    for (size_t i = 0; i < dir->disk.count; i++) {
        const struct memfs_name *name = &dir->disk.list[i];
        if (tree_name_is_durable(dir, name->name))
            continue;
        struct memfs_node *node = node_crash(name->node, MEMFS_KEEP_ALL, rng);
        names_put(&image->disk, name->name, node);
        node_unref(node);
    }
    image->exists_on_disk = dir->exists_on_disk;
}

static void crash_dir(const struct memfs_dir *dir, enum memfs_crash mode,
                      struct rng *rng, struct memfs *image)
{
    const struct memfs_names *names = &dir->now;
    bool exists = dir->exists;

    /* Nobody synced the parent of one that was made or removed. */
    if (exists != dir->exists_on_disk &&
        (mode == MEMFS_DROP_UNSYNCED ||
         (mode == MEMFS_RANDOM_SECTORS && rng_one_in(rng, 2))))
        exists = dir->exists_on_disk;
    if (!exists)
        return;
    if (mode == MEMFS_DROP_UNSYNCED)
        names = &dir->disk;
    tree_make_dir(image, dir->path);
    if (mode == MEMFS_RANDOM_SECTORS || mode == MEMFS_KEEP_ALL) {
        (mode == MEMFS_KEEP_ALL ? keep_names : crash_names)(dir, rng,
                                                            image->dirs);
        return;
    }
    for (size_t i = 0; i < names->count; i++)
        keep(&names->list[i], mode, rng, image->dirs);
}

struct memfs *memfs_crash_clone(struct memfs *fs, enum memfs_crash mode,
                                uint64_t seed)
{
    struct memfs *image = memfs_new(seed);
    struct rng rng;

    rng_init(&rng, seed);
    mutex_lock(&fs->mutex);
    for (const struct memfs_dir *dir = fs->dirs; dir; dir = dir->next)
        crash_dir(dir, mode, &rng, image);
    image->is_virtual_time = fs->is_virtual_time;
    image->clock_us = fs->clock_us;
    image->has_wall = fs->has_wall;
    image->wall_ms = fs->wall_ms;
    mutex_unlock(&fs->mutex);
    return image;
}
