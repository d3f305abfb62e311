#include "support/memfs_inspect.h"

#include <stdlib.h>

#include "support/memfs_tree.h"

bool memfs_corrupt(struct memfs *fs, const char *path, uint64_t offset,
                   uint8_t mask)
{
    struct memfs_node *node;
    bool is_hit;

    mutex_lock(&fs->mutex);
    node = memtree_find(fs, path);
    is_hit = node && offset < node->now.size;
    if (is_hit)
        node->now.data[offset] ^= mask;
    if (is_hit && offset < node->disk.size)
        node->disk.data[offset] ^= mask;
    mutex_unlock(&fs->mutex);
    return is_hit;
}

bool memfs_read_all(struct memfs *fs, const char *path, struct buf *out)
{
    struct memfs_node *node;

    buf_clear(out);
    mutex_lock(&fs->mutex);
    node = memtree_find(fs, path);
    if (node && buf_add(out, node->now.data, node->now.size) != BYRON_OK)
        abort();
    mutex_unlock(&fs->mutex);
    return node != NULL;
}

void memfs_write_all(struct memfs *fs, const char *path, struct slice bytes)
{
    const char *name = strrchr(path, '/');
    struct memfs_node *node = node_new();
    struct memfs_dir *dir;
    char *dir_path;

    if (!name)
        abort();
    dir_path = memfs_copy_text(path);
    dir_path[name - path] = '\0';
    node_write(node, 0, bytes.data, bytes.size);
    node_sync(node);
    mutex_lock(&fs->mutex);
    dir = tree_make_dir(fs, dir_path);
    names_put(&dir->now, name + 1, node);
    names_put(&dir->disk, name + 1, node);
    node_unref(node);
    mutex_unlock(&fs->mutex);
    free(dir_path);
}

/* The paths of all files that are there now; the caller frees them. */
static char **copy_paths(const struct memfs *fs, size_t *count)
{
    char **paths = NULL;

    *count = 0;
    for (const struct memfs_dir *dir = fs->dirs; dir; dir = dir->next) {
        for (size_t i = 0; i < dir->now.count; i++) {
            const char *name = dir->now.list[i].name;
            size_t size = strlen(dir->path) + 1 + strlen(name) + 1;
            paths = memfs_reallocate(paths, (*count + 1) * sizeof *paths);
            paths[*count] = memfs_allocate(size);
            snprintf(paths[*count], size, "%s/%s", dir->path, name);
            (*count)++;
        }
    }
    return paths;
}

void memfs_list(struct memfs *fs, void (*each)(void *context, const char *path),
                void *context)
{
    char **paths;
    size_t count;

    mutex_lock(&fs->mutex);
    paths = copy_paths(fs, &count);
    mutex_unlock(&fs->mutex);
    for (size_t i = 0; i < count; i++) {
        each(context, paths[i]);
        free(paths[i]);
    }
    free(paths);
}

size_t memfs_open_count(struct memfs *fs)
{
    size_t count;

    mutex_lock(&fs->mutex);
    count = fs->open_count;
    mutex_unlock(&fs->mutex);
    return count;
}

static void dump_dir(const struct memfs_dir *dir, FILE *out)
{
    fprintf(out, "%s%s%s\n", dir->path, dir->exists ? "" : "  removed",
            dir->is_locked ? "  locked" : "");
    for (size_t i = 0; i < dir->now.count; i++) {
        const struct memfs_name *name = &dir->now.list[i];
        fprintf(
            out, "  %-20s %10zu bytes, %llu unsynced%s\n", name->name,
            name->node->now.size, (unsigned long long)node_unsynced(name->node),
            tree_name_is_durable(dir, name->name) ? "" : ", name not durable");
    }
    for (size_t i = 0; i < dir->disk.count; i++) {
        const struct memfs_name *name = &dir->disk.list[i];
        if (!names_find(&dir->now, name->name))
            fprintf(out, "  %-20s removed, and still on the disk\n",
                    name->name);
    }
}

void memfs_dump(struct memfs *fs, FILE *out)
{
    mutex_lock(&fs->mutex);
    for (const struct memfs_dir *dir = fs->dirs; dir; dir = dir->next)
        dump_dir(dir, out);
    mutex_unlock(&fs->mutex);
}

uint64_t memfs_unforeseen(struct memfs *fs)
{
    uint64_t reads;

    mutex_lock(&fs->mutex);
    reads = fs->unforeseen;
    mutex_unlock(&fs->mutex);
    return reads;
}

uint64_t memfs_used(struct memfs *fs)
{
    uint64_t used;

    mutex_lock(&fs->mutex);
    used = tree_used(fs);
    mutex_unlock(&fs->mutex);
    return used;
}

uint64_t memfs_rewritten(struct memfs *fs)
{
    uint64_t rewritten;

    mutex_lock(&fs->mutex);
    rewritten = fs->rewritten;
    fs->rewritten = 0;
    mutex_unlock(&fs->mutex);
    return rewritten;
}
