#include "support/memfs_tree.h"

#include <assert.h>
#include <stdlib.h>

/* --- names -------------------------------------------------------------- */

static struct memfs_name *names_at(const struct memfs_names *names,
                                   const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->list[i].name, name) == 0)
            return &names->list[i];
    }
    return NULL;
}

struct memfs_node *names_find(const struct memfs_names *names, const char *name)
{
    struct memfs_name *found = names_at(names, name);
    return found ? found->node : NULL;
}

void names_put(struct memfs_names *names, const char *name,
               struct memfs_node *node)
{
    struct memfs_name *found = names_at(names, name);

    node_ref(node);
    if (found) {
        node_unref(found->node);
        found->node = node;
        return;
    }
    if (names->count == names->capacity) {
        names->capacity = names->capacity * 2 + 8;
        names->list = memfs_reallocate(names->list,
                                       names->capacity * sizeof *names->list);
    }
    found = &names->list[names->count++];
    assert(strlen(name) < sizeof found->name);
    strcpy(found->name, name);
    found->node = node;
}

bool names_remove(struct memfs_names *names, const char *name)
{
    struct memfs_name *found = names_at(names, name);

    if (!found)
        return false;
    node_unref(found->node);
    *found = names->list[--names->count];
    return true;
}

void names_clear(struct memfs_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        node_unref(names->list[i].node);
    free(names->list);
    memset(names, 0, sizeof *names);
}

void names_copy(const struct memfs_names *from, struct memfs_names *to)
{
    names_clear(to);
    for (size_t i = 0; i < from->count; i++)
        names_put(to, from->list[i].name, from->list[i].node);
}

/* --- directories -------------------------------------------------------- */

struct memfs_dir *tree_find_dir(struct memfs *fs, const char *path)
{
    size_t size = strlen(path);
    struct memfs_dir *dir = fs->dirs;

    while (size > 1 && path[size - 1] == '/')
        size--;
    while (dir &&
           (strlen(dir->path) != size || memcmp(dir->path, path, size) != 0))
        dir = dir->next;
    return dir;
}

struct memfs_dir *tree_make_dir(struct memfs *fs, const char *path)
{
    struct memfs_dir *dir = tree_find_dir(fs, path);
    size_t size = strlen(path);

    if (!dir) {
        dir = memfs_allocate(sizeof *dir);
        dir->path = memfs_copy_text(path);
        while (size > 1 && dir->path[size - 1] == '/')
            dir->path[--size] = '\0';
        dir->next = fs->dirs;
        fs->dirs = dir;
    }
    if (!dir->exists) /* What the disk still had of a removed one goes now. */
        names_clear(&dir->disk);
    dir->exists = true;
    dir->exists_on_disk = true;
    return dir;
}

void tree_free(struct memfs *fs)
{
    while (fs->dirs) {
        struct memfs_dir *dir = fs->dirs;
        fs->dirs = dir->next;
        names_clear(&dir->now);
        names_clear(&dir->disk);
        free(dir->path);
        free(dir);
    }
}

uint64_t tree_used(const struct memfs *fs)
{
    uint64_t used = 0;

    for (const struct memfs_dir *dir = fs->dirs; dir; dir = dir->next) {
        for (size_t i = 0; i < dir->now.count; i++)
            used += dir->now.list[i].node->now.size;
    }
    return used;
}

struct memfs_node *memtree_find(struct memfs *fs, const char *path)
{
    for (struct memfs_dir *dir = fs->dirs; dir; dir = dir->next) {
        size_t size = strlen(dir->path);
        if (strncmp(path, dir->path, size) == 0 && path[size] == '/' &&
            !strchr(path + size + 1, '/'))
            return names_find(&dir->now, path + size + 1);
    }
    return NULL;
}

bool tree_name_is_durable(const struct memfs_dir *dir, const char *name)
{
    return names_find(&dir->disk, name) == names_find(&dir->now, name);
}
