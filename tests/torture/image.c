#include "torture/image.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/memfs_tree.h"

void image_init(struct image *image, const char *root, struct memfs *fs)
{
    memset(image, 0, sizeof *image);
    image->fs = fs ? fs : memfs_new(1);
    if (!fs)
        tree_make_dir(image->fs, root);
}

void image_deinit(struct image *image)
{
    for (size_t i = 0; i < image->file_count; i++)
        if (image->files[i])
            node_unref(image->files[i]);
    free(image->files);
    memfs_free(image->fs);
}

/* --- playing ---------------------------------------------------------------
 */

static const char *name_in(const char *path)
{
    return strrchr(path, '/') + 1;
}

static struct memfs_dir *dir_of(struct image *image, const char *path)
{
    char *parent = memfs_copy_text(path);
    struct memfs_dir *dir;

    *strrchr(parent, '/') = '\0';
    dir = tree_find_dir(image->fs, parent);
    free(parent);
    if (!dir) {
        fprintf(stderr, "image: no directory for %s\n", path);
        abort();
    }
    return dir;
}

static void set_file(struct image *image, unsigned number,
                     struct memfs_node *node)
{
    if (number >= image->file_count) {
        image->files =
            memfs_reallocate(image->files, (number + 1) * sizeof(void *));
        memset(image->files + image->file_count, 0,
               (number + 1 - image->file_count) * sizeof(void *));
        image->file_count = number + 1;
    }
    image->files[number] = node;
}

static void open_file(struct image *image, const struct storage_call *call)
{
    struct memfs_dir *dir = dir_of(image, call->path);
    struct memfs_node *node = names_find(&dir->now, name_in(call->path));

    if (call->kind == STORAGE_CREATE) {
        node = node_new();
        names_put(&dir->now, name_in(call->path), node);
    } else if (node) {
        node_ref(node);
    } else {
        fprintf(stderr, "image: no file %s\n", call->path);
        abort();
    }
    set_file(image, call->file, node);
}

static void make_dir(struct image *image, const char *path)
{
    struct memfs_dir *dir = tree_find_dir(image->fs, path);
    bool exists_on_disk = dir && dir->exists_on_disk;

    dir = tree_make_dir(image->fs, path);
    dir->exists_on_disk = exists_on_disk;
}

static void move_name(struct image *image, const struct storage_call *call)
{
    struct memfs_dir *dir = dir_of(image, call->path);
    struct memfs_node *node = names_find(&dir->now, name_in(call->path));

    if (!node)
        abort();
    names_put(&dir_of(image, call->to)->now, name_in(call->to), node);
    if (call->kind == STORAGE_RENAME)
        names_remove(&dir->now, name_in(call->path));
}

/* What lies in it: files, and directories too. */
static void sync_dir(struct image *image, const char *path)
{
    struct memfs_dir *dir = tree_find_dir(image->fs, path);
    size_t size = strlen(path);

    if (!dir)
        return;
    names_copy(&dir->now, &dir->disk);
    for (dir = image->fs->dirs; dir; dir = dir->next)
        if (strncmp(dir->path, path, size) == 0 && dir->path[size] == '/' &&
            !strchr(dir->path + size + 1, '/'))
            dir->exists_on_disk = dir->exists;
}

void image_play(struct image *image, const struct storage_call *call)
{
    switch (call->kind) {
    case STORAGE_BIND:
    case STORAGE_CREATE:
        open_file(image, call);
        break;
    case STORAGE_WRITE:
        node_write(image->files[call->file], call->offset, call->data,
                   call->size);
        break;
    case STORAGE_TRUNCATE:
        node_truncate(image->files[call->file], call->offset);
        break;
    case STORAGE_SYNC:
        node_sync(image->files[call->file]);
        break;
    case STORAGE_FAILED_SYNC:
        node_fail_sync(image->files[call->file]);
        break;
    case STORAGE_REMOVE:
        names_remove(&dir_of(image, call->path)->now, name_in(call->path));
        break;
    case STORAGE_LINK:
    case STORAGE_RENAME:
        move_name(image, call);
        break;
    case STORAGE_MAKE_DIR:
        make_dir(image, call->path);
        break;
    case STORAGE_REMOVE_DIR:
        tree_find_dir(image->fs, call->path)->exists = false;
        break;
    case STORAGE_SYNC_DIR:
        sync_dir(image, call->path);
        break;
    case STORAGE_MARK:
    case STORAGE_KINDS:
        break;
    }
}

/* --- laying out ------------------------------------------------------------
 */

static int remove_one(const char *path, const struct stat *status, int flag,
                      struct FTW *place)
{
    (void)status;
    (void)flag;
    return place->level == 0 ? 0 : remove(path);
}

void image_wipe(const char *root)
{
    if (nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0) {
        perror(root);
        exit(1);
    }
}

/* Pages of zeros are holes. */
static void write_file(const char *path, const struct memfs_bytes *bytes)
{
    static const uint8_t zeros[4096];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool is_written = fd >= 0 && ftruncate(fd, (off_t)bytes->size) == 0;

    for (size_t at = 0; is_written && at < bytes->size; at += sizeof zeros) {
        size_t size =
            bytes->size - at < sizeof zeros ? bytes->size - at : sizeof zeros;
        if (memcmp(bytes->data + at, zeros, size) != 0)
            is_written =
                pwrite(fd, bytes->data + at, size, (off_t)at) == (ssize_t)size;
    }
    if (!is_written) {
        perror(path);
        exit(1);
    }
    close(fd);
}

static void make_dirs(const char *path)
{
    char *parent = memfs_copy_text(path);

    for (char *at = strchr(parent + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        mkdir(parent, 0755);
        *at = '/';
    }
    mkdir(path, 0755);
    free(parent);
}

void image_lay_out(struct memfs *fs, const char *root)
{
    image_wipe(root);
    for (const struct memfs_dir *dir = fs->dirs; dir; dir = dir->next)
        if (dir->exists)
            make_dirs(dir->path);
    for (const struct memfs_dir *dir = fs->dirs; dir; dir = dir->next) {
        for (size_t i = 0; dir->exists && i < dir->now.count; i++) {
            const struct memfs_name *name = &dir->now.list[i];
            char *path = NULL;
            if (asprintf(&path, "%s/%s", dir->path, name->name) < 0)
                abort();
            write_file(path, &name->node->now);
            free(path);
        }
    }
}
