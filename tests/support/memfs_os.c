/*
 * memfs_os: the storage calls of a memfs. Each begins with enter, which
 * numbers the call, runs the hook, decides about failure and takes the lock,
 * and ends with leave.
 */
#include "support/memfs_clock.h"
#include "support/memfs_map.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"

struct os_dir {
    struct memfs *fs;
    struct memfs_dir *dir;
    bool has_lock;
    bool has_shared_lock;
};

struct os_file {
    struct memfs *fs;
    struct memfs_node *node;
    uint64_t appended;
    struct memfs_asked asked;
    char path[];
};

/* --- calls -------------------------------------------------------------- */

static unsigned kind_index(enum memfs_kind kind)
{
    return (unsigned)__builtin_ctz((unsigned)kind);
}

static const char *kind_name(enum memfs_kind kind)
{
    static const char *const names[MEMFS_KINDS] = {
        "dir_open",    "dir_list",  "dir_sync",    "dir_lock",
        "dir_remove",  "head_read", "head_write",  "head_sync",
        "file_create", "file_open", "file_remove", "file_append",
        "file_extend", "file_read", "file_sync",   "file_size",
        "file_link"};
    return names[kind_index(kind)];
}

static byron_status strike(struct memfs *fs, enum memfs_kind kind,
                           const char *path)
{
    struct memfs_failure *failure = &fs->failure;

    if (fs->is_read_only && (kind & MEMFS_WRITES))
        return error_set(BYRON_READ_ONLY, path, BYRON_NO_OFFSET, 0,
                         "%s on a read-only memfs", kind_name(kind));
    if (failure->left == 0 || !(failure->kinds & (unsigned)kind))
        return BYRON_OK;
    if (--failure->left > 0)
        return BYRON_OK;
    if (failure->is_sticky)
        failure->left = 1;
    return error_set(failure->status, path, BYRON_NO_OFFSET, 0,
                     "%s failed by the test", kind_name(kind));
}

/* Unlocked while the hook runs: it may look at this fs. */
static void run_hook(struct memfs *fs, const struct memfs_call *call)
{
    void (*hook)(void *context, const struct memfs_call *call) = fs->hook;
    void *context = fs->hook_context;

    if (!hook)
        return;
    mutex_unlock(&fs->mutex);
    hook(context, call);
    mutex_lock(&fs->mutex);
}

/* The call that this thread is in. */
static _Thread_local uint64_t own_number;

/* Locks, whatever it answers. */
static byron_status enter(struct memfs *fs, enum memfs_kind kind,
                          const char *path)
{
    struct memfs_call call = {
        .kind = kind, .name = kind_name(kind), .path = path};

    mutex_lock(&fs->mutex);
    fs->calls[kind_index(kind)]++;
    call.number = own_number = ++fs->call_count;
    run_hook(fs, &call);
    return strike(fs, kind, path);
}

static byron_status leave(struct memfs *fs, byron_status status)
{
    mutex_unlock(&fs->mutex);
    return status;
}

static byron_status missing(const char *path)
{
    return error_set(BYRON_MISSING, path, BYRON_NO_OFFSET, 0,
                     "no such file or directory");
}

static byron_status no_space(const char *path)
{
    return error_set(BYRON_FULL, path, BYRON_NO_OFFSET, 0,
                     "no space left in memfs");
}

/* How much of a write of size bytes at offset there is space for. */
static size_t fitting(const struct memfs *fs, const struct memfs_node *node,
                      uint64_t offset, size_t size)
{
    uint64_t used;
    uint64_t room;

    if (fs->space == UINT64_MAX || offset + size <= node->now.size)
        return size;
    used = tree_used(fs);
    room = node->now.size + (used < fs->space ? fs->space - used : 0);
    if (offset + size <= room)
        return size;
    return offset < room ? (size_t)(room - offset) : 0;
}

/* --- directory ---------------------------------------------------------- */

static byron_status memfs_dir_open(struct byron_os *os, const char *path,
                                   bool create, struct os_dir **out)
{
    struct memfs *fs = os->context;
    byron_status status = enter(fs, MEMFS_DIR_OPEN, path);
    struct memfs_dir *dir = tree_find_dir(fs, path);

    if (status == BYRON_OK && (!dir || !dir->exists)) {
        if (!create)
            status = missing(path);
        else if (fs->is_read_only)
            status = error_set(BYRON_READ_ONLY, path, BYRON_NO_OFFSET, 0,
                               "read-only memfs");
        else
            dir = tree_make_dir(fs, path);
    }
    if (status == BYRON_OK) {
        *out = memfs_allocate(sizeof **out);
        (*out)->fs = fs;
        (*out)->dir = dir;
        fs->open_count++;
    }
    return leave(fs, status);
}

static void memfs_dir_match(struct os_dir *dir, const char *path)
{
    (void)dir; /* Nobody else is here. */
    (void)path;
}

static void memfs_dir_close(struct os_dir *dir)
{
    struct memfs *fs;

    if (!dir)
        return;
    fs = dir->fs;
    mutex_lock(&fs->mutex);
    if (dir->has_lock)
        dir->dir->is_locked = false;
    if (dir->has_shared_lock)
        dir->dir->shared_locks--;
    fs->open_count--;
    mutex_unlock(&fs->mutex);
    free(dir);
}

static const char *memfs_dir_path(struct os_dir *dir)
{
    return dir->dir->path;
}

/* No order can be relied on: the list begins anywhere. */
static byron_status memfs_dir_list(struct os_dir *dir,
                                   byron_status (*each)(void *context,
                                                        const char *name),
                                   void *context)
{
    struct memfs *fs = dir->fs;
    byron_status status = enter(fs, MEMFS_DIR_LIST, dir->dir->path);
    struct memfs_names names = {0};
    size_t start = 0;

    if (status == BYRON_OK)
        names_copy(&dir->dir->now, &names);
    if (names.count > 0)
        start = (size_t)rng_below(&fs->rng, names.count);
    mutex_unlock(&fs->mutex);
    for (size_t i = 0; i < names.count && status == BYRON_OK; i++)
        status = each(context, names.list[(start + i) % names.count].name);
    mutex_lock(&fs->mutex);
    names_clear(&names);
    return leave(fs, status);
}

static byron_status memfs_dir_sync(struct os_dir *dir)
{
    byron_status status = enter(dir->fs, MEMFS_DIR_SYNC, dir->dir->path);

    if (status == BYRON_OK)
        names_copy(&dir->dir->now, &dir->dir->disk);
    return leave(dir->fs, status);
}

static byron_status take_lock(struct os_dir *dir, bool exclusive)
{
    struct memfs_dir *target = dir->dir;

    if (target->is_locked || (exclusive && target->shared_locks > 0))
        return error_set(BYRON_BUSY, target->path, BYRON_NO_OFFSET, 0,
                         "the store is open in another process");
    target->is_locked = dir->has_lock = exclusive;
    dir->has_shared_lock = !exclusive;
    target->shared_locks += !exclusive;
    return BYRON_OK;
}

static byron_status memfs_dir_lock(struct os_dir *dir, bool exclusive,
                                   bool may_create)
{
    struct memfs *fs = dir->fs;
    struct memfs_dir *target = dir->dir;
    byron_status status = enter(fs, MEMFS_DIR_LOCK, target->path);
    bool is_there = names_find(&target->now, "LOCK") != NULL;

    assert(!dir->has_lock && !dir->has_shared_lock);
    if (status != BYRON_OK || (!is_there && !may_create))
        return leave(fs, status);
    if (fs->is_read_only && (exclusive || !is_there))
        return leave(fs, error_set(BYRON_READ_ONLY, target->path,
                                   BYRON_NO_OFFSET, 0, "read-only memfs"));
    if (!is_there) {
        struct memfs_node *node = node_new();
        names_put(&target->now, "LOCK", node);
        node_unref(node);
    }
    return leave(fs, take_lock(dir, exclusive));
}

static byron_status memfs_dir_remove(struct os_dir *dir)
{
    struct memfs_dir *target = dir->dir;
    byron_status status = enter(dir->fs, MEMFS_DIR_REMOVE, target->path);

    if (status == BYRON_OK && target->now.count > 0)
        status = error_set(BYRON_IO, target->path, BYRON_NO_OFFSET, 0,
                           "the directory is not empty");
    if (status == BYRON_OK)
        target->exists = false;
    return leave(dir->fs, status);
}

static bool memfs_dir_is_writable(struct os_dir *dir)
{
    bool is_writable;

    mutex_lock(&dir->fs->mutex);
    is_writable = !dir->fs->is_read_only;
    mutex_unlock(&dir->fs->mutex);
    return is_writable;
}

/* --- HEAD --------------------------------------------------------------- */

static byron_status memfs_head_read(struct os_dir *dir, unsigned slot,
                                    uint8_t *bytes)
{
    size_t offset = (size_t)slot * OS_HEAD_SLOT_SIZE;
    byron_status status = enter(dir->fs, MEMFS_HEAD_READ, dir->dir->path);
    struct memfs_node *node = names_find(&dir->dir->now, "HEAD");

    if (status == BYRON_OK && !node)
        status = missing(dir->dir->path);
    if (status == BYRON_OK) {
        size_t size = node->now.size > offset ? node->now.size - offset : 0;
        if (size > OS_HEAD_SLOT_SIZE)
            size = OS_HEAD_SLOT_SIZE;
        memset(bytes, 0, OS_HEAD_SLOT_SIZE);
        if (size > 0)
            memcpy(bytes, node->now.data + offset, size);
    }
    return leave(dir->fs, status);
}

static byron_status put_head(struct os_dir *dir, unsigned slot,
                             const uint8_t *bytes)
{
    struct memfs *fs = dir->fs;
    uint64_t offset = (uint64_t)slot * OS_HEAD_SLOT_SIZE;
    byron_status status = enter(fs, MEMFS_HEAD_WRITE, dir->dir->path);
    struct memfs_node *node = names_find(&dir->dir->now, "HEAD");
    struct memfs_node *created = NULL;

    if (status == BYRON_OK && !node) {
        node = created = node_new();
        names_put(&dir->dir->now, "HEAD", created);
        node_unref(created);
    }
    if (status == BYRON_OK &&
        fitting(fs, node, offset, OS_HEAD_SLOT_SIZE) < OS_HEAD_SLOT_SIZE)
        status = no_space(dir->dir->path);
    if (status == BYRON_OK)
        node_write(node, offset, bytes, OS_HEAD_SLOT_SIZE);
    return leave(fs, status);
}

static byron_status memfs_head_write(struct os_dir *dir, unsigned slot,
                                     const uint8_t *bytes)
{
    byron_status status = put_head(dir, slot, bytes);
    struct memfs_node *node;

    if (status != BYRON_OK)
        return status;
    status = enter(dir->fs, MEMFS_HEAD_SYNC, dir->dir->path);
    node = names_find(&dir->dir->now, "HEAD");
    if (status == BYRON_OK) {
        node_sync(node);
        names_put(&dir->dir->disk, "HEAD", node);
    } else {
        node_fail_sync(node);
    }
    return leave(dir->fs, status);
}

/* --- files -------------------------------------------------------------- */

/* The path of a file in dir; the caller frees it. */
static char *join(const struct os_dir *dir, const char *name)
{
    size_t dir_size = strlen(dir->dir->path);
    size_t name_size = strlen(name);
    char *path = memfs_allocate(dir_size + 1 + name_size + 1);

    memcpy(path, dir->dir->path, dir_size);
    path[dir_size] = '/';
    memcpy(path + dir_size + 1, name, name_size);
    return path;
}

static struct os_file *open_node(struct memfs *fs, struct memfs_node *node,
                                 const char *path)
{
    size_t path_size = strlen(path) + 1;
    struct os_file *file = memfs_allocate(sizeof *file + path_size);

    file->fs = fs;
    file->node = node_ref(node);
    memcpy(file->path, path, path_size);
    fs->open_count++;
    return file;
}

static byron_status memfs_file_create(struct os_dir *dir, const char *name,
                                      struct os_file **out)
{
    struct memfs *fs = dir->fs;
    char *path = join(dir, name);
    byron_status status = enter(fs, MEMFS_CREATE, path);

    if (status == BYRON_OK && names_find(&dir->dir->now, name))
        status = error_set(BYRON_MISUSE, path, BYRON_NO_OFFSET, 0,
                           "the file exists already");
    if (status == BYRON_OK && fs->space != UINT64_MAX &&
        tree_used(fs) >= fs->space)
        status = no_space(path);
    if (status == BYRON_OK) {
        struct memfs_node *node = node_new();
        names_put(&dir->dir->now, name, node);
        *out = open_node(fs, node, path);
        node_unref(node);
    }
    free(path);
    return leave(fs, status);
}

static byron_status memfs_file_open(struct os_dir *dir, const char *name,
                                    struct os_file **out)
{
    char *path = join(dir, name);
    byron_status status = enter(dir->fs, MEMFS_OPEN, path);
    struct memfs_node *node = names_find(&dir->dir->now, name);

    if (status == BYRON_OK && !node)
        status = missing(path);
    if (status == BYRON_OK)
        *out = open_node(dir->fs, node, path);
    free(path);
    return leave(dir->fs, status);
}

static byron_status memfs_file_remove(struct os_dir *dir, const char *name)
{
    char *path = join(dir, name);
    byron_status status = enter(dir->fs, MEMFS_REMOVE, path);

    if (status == BYRON_OK && !names_remove(&dir->dir->now, name))
        status = missing(path);
    free(path);
    return leave(dir->fs, status);
}

static byron_status memfs_file_link(struct os_dir *dir, const char *name,
                                    struct os_dir *to)
{
    struct memfs *fs = dir->fs;
    char *path = join(to, name);
    byron_status status = enter(fs, MEMFS_LINK, path);
    struct memfs_node *node = names_find(&dir->dir->now, name);

    if (status == BYRON_OK && !node)
        status = missing(path);
    else if (status == BYRON_OK && names_find(&to->dir->now, name))
        status = error_set(BYRON_MISUSE, path, BYRON_NO_OFFSET, 0,
                           "the file exists already");
    if (status == BYRON_OK)
        names_put(&to->dir->now, name, node);
    free(path);
    return leave(fs, status);
}

static void memfs_file_close(struct os_file *file)
{
    struct memfs *fs;

    if (!file)
        return;
    fs = file->fs;
    mutex_lock(&fs->mutex);
    node_unref(file->node);
    fs->open_count--;
    mutex_unlock(&fs->mutex);
    free(file);
}

static void put_bytes(struct os_file *file, uint64_t at, const void *data,
                      size_t size)
{
    uint64_t before = file->node->rewritten;
    node_write(file->node, file->appended + at, data, size);
    file->fs->rewritten += file->node->rewritten - before;
}

/* In two pieces, so that a hook can look in between. */
static void append_pieces(struct os_file *file, const uint8_t *data,
                          size_t size)
{
    struct memfs_call call = {.number = own_number,
                              .kind = MEMFS_APPEND,
                              .name = kind_name(MEMFS_APPEND),
                              .path = file->path,
                              .is_middle = true};
    size_t first = file->fs->hook && size > 1
                       ? (size_t)rng_below(&file->fs->rng, size - 1) + 1
                       : size;

    put_bytes(file, 0, data, first);
    if (first == size)
        return;
    run_hook(file->fs, &call);
    put_bytes(file, first, data + first, size - first);
}

static byron_status memfs_file_append(struct os_file *file, const void *data,
                                      size_t size)
{
    struct memfs *fs = file->fs;
    byron_status status = enter(fs, MEMFS_APPEND, file->path);
    size_t fits = fitting(fs, file->node, file->appended, size);

    if (status != BYRON_OK && status != BYRON_READ_ONLY)
        fits = (size_t)rng_below(&fs->rng, fits + 1);
    else if (status == BYRON_OK && fits < size)
        status = no_space(file->path);
    if (status == BYRON_OK) {
        append_pieces(file, data, size);
        file->appended += size;
    } else if (status != BYRON_READ_ONLY) {
        put_bytes(file, 0, data, fits);
    }
    return leave(fs, status);
}

static byron_status memfs_file_extend(struct os_file *file, uint64_t size)
{
    struct memfs *fs = file->fs;
    byron_status status = enter(fs, MEMFS_EXTEND, file->path);
    uint64_t offset = file->node->now.size;
    uint64_t target = file->appended + size;

    if (status == BYRON_OK && target > offset) {
        size_t wanted = (size_t)(target - offset);
        size_t fits = fitting(fs, file->node, offset, wanted);
        node_write(file->node, offset, NULL, fits);
        if (fits < wanted)
            status = no_space(file->path);
    }
    return leave(fs, status);
}

static byron_status memfs_file_read(struct os_file *file, uint64_t offset,
                                    void *bytes, size_t size)
{
    byron_status status = enter(file->fs, MEMFS_READ, file->path);
    size_t file_size = file->node->now.size;

    if (status == BYRON_OK && (offset > file_size || size > file_size - offset))
        status = error_corrupt(file->path, offset,
                               "the file ends where more bytes belong");
    if (status == BYRON_OK && size > 0)
        memcpy(bytes, file->node->now.data + offset, size);
    file->fs->unforeseen += !memfs_is_foreseen(&file->asked, offset, size);
    return leave(file->fs, status);
}

static byron_status memfs_file_sync(struct os_file *file)
{
    byron_status status = enter(file->fs, MEMFS_SYNC, file->path);

    if (status == BYRON_OK)
        node_sync(file->node);
    else
        node_fail_sync(file->node);
    return leave(file->fs, status);
}

static byron_status memfs_file_size(struct os_file *file, uint64_t *out)
{
    byron_status status = enter(file->fs, MEMFS_SIZE, file->path);

    *out = file->node->now.size;
    return leave(file->fs, status);
}

static void memfs_file_start_sync(struct os_file *file)
{
    (void)file;
}

static const uint8_t *memfs_file_map(struct os_file *file, size_t size)
{
    const uint8_t *bytes;

    mutex_lock(&file->fs->mutex);
    bytes = memfs_map_node(file->fs, file->node, size);
    mutex_unlock(&file->fs->mutex);
    return bytes;
}

static void memfs_file_prefetch(struct os_file *file, uint64_t offset,
                                size_t size)
{
    mutex_lock(&file->fs->mutex);
    memfs_ask(&file->asked, offset, size);
    mutex_unlock(&file->fs->mutex);
}

void memfs_os_init(struct byron_os *os)
{
    *os = (struct byron_os){
        .context = os->context,
        .dir_open = memfs_dir_open,
        .dir_match = memfs_dir_match,
        .dir_close = memfs_dir_close,
        .dir_path = memfs_dir_path,
        .dir_list = memfs_dir_list,
        .dir_sync = memfs_dir_sync,
        .dir_lock = memfs_dir_lock,
        .dir_remove = memfs_dir_remove,
        .dir_is_writable = memfs_dir_is_writable,
        .head_read = memfs_head_read,
        .head_write = memfs_head_write,
        .file_create = memfs_file_create,
        .file_open = memfs_file_open,
        .file_remove = memfs_file_remove,
        .file_link = memfs_file_link,
        .file_close = memfs_file_close,
        .file_append = memfs_file_append,
        .file_extend = memfs_file_extend,
        .file_read = memfs_file_read,
        .file_sync = memfs_file_sync,
        .file_start_sync = memfs_file_start_sync,
        .file_size = memfs_file_size,
        .file_map = memfs_file_map,
        .file_unmap = memfs_unmap,
        .file_prefetch = memfs_file_prefetch,
    };
    memfs_clock_init(os);
}
