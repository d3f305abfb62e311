#include "torture/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/seed.h"
#include "torture/storage_parts.h"

/* Which open file a name leads to. */
struct binding {
    char *path;
    unsigned number;
};

static struct {
    pthread_mutex_t mutex; /* Guards all below. */
    char root[PATH_MAX];
    size_t root_size;
    struct storage_log *log;
    struct open_file files[STORAGE_FILES_MAX];
    struct binding *bindings;
    size_t binding_count;
    unsigned numbers;
    struct storage_fault fault;
    uint64_t fault_calls;
    bool has_failed;
    bool is_paused;
    bool has_no_links;
    bool is_disturbed;
    struct rng rng;
} storage = {.mutex = PTHREAD_MUTEX_INITIALIZER};

void storage_lock(void)
{
    pthread_mutex_lock(&storage.mutex);
}

/* Leaves errno as it is. */
void storage_unlock(void)
{
    int error = errno;
    pthread_mutex_unlock(&storage.mutex);
    errno = error;
}

/* --- paths -----------------------------------------------------------------
 */

/* "a/b/.." and "a/./b" into what they mean; path is absolute. */
static void normalize(char *path)
{
    char *out = path;

    for (char *in = path; *in;) {
        char *end = in + 1;
        while (*end && *end != '/')
            end++;
        if (end - in == 3 && in[1] == '.' && in[2] == '.') {
            while (out > path && *--out != '/')
                continue;
        } else if (end - in > 1 && !(end - in == 2 && in[1] == '.')) {
            memmove(out, in, (size_t)(end - in));
            out += end - in;
        }
        in = end;
    }
    *out = '\0';
}

static bool is_below(const char *path)
{
    size_t size = strlen(path);

    if (storage.root_size == 0 ||
        strncmp(path, storage.root, storage.root_size) != 0)
        return false;
    if (size > 4 && strcmp(path + size - 4, "-shm") == 0)
        return false;
    return path[storage.root_size] == '\0' || path[storage.root_size] == '/';
}

/* Is it watched? Then its path, out: PATH_MAX bytes. Needs the mutex. */
bool storage_resolve(int dir, const char *path, char *out)
{
    if (path[0] == '/') {
        snprintf(out, PATH_MAX, "%s", path);
    } else if (dir >= 0 && dir < STORAGE_FILES_MAX && storage.files[dir].path) {
        snprintf(out, PATH_MAX, "%s/%s", storage.files[dir].path, path);
    } else if (dir == AT_FDCWD && getcwd(out, PATH_MAX)) {
        size_t size = strlen(out);
        snprintf(out + size, PATH_MAX - size, "/%s", path);
    } else {
        return false;
    }
    normalize(out);
    return is_below(out);
}

struct open_file *storage_file(int fd)
{
    if (fd < 0 || fd >= STORAGE_FILES_MAX || !storage.files[fd].path)
        return NULL;
    return &storage.files[fd];
}

/* --- the record ------------------------------------------------------------
 */

static char *copy_text(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        abort();
    return copy;
}

/* Needs the mutex. NULL: nothing is recorded. */
static struct storage_call *add(enum storage_kind kind, const char *path)
{
    struct storage_log *log = storage.log;
    struct storage_call *call;

    if (!log)
        return NULL;
    if (log->count == log->capacity) {
        log->capacity = log->capacity * 2 + 64;
        log->calls = realloc(log->calls, log->capacity * sizeof *log->calls);
        if (!log->calls)
            abort();
    }
    call = &log->calls[log->count++];
    memset(call, 0, sizeof *call);
    call->kind = kind;
    call->path = copy_text(path);
    return call;
}

void storage_add_for(enum storage_kind kind, const struct open_file *file,
                     uint64_t offset)
{
    struct storage_call *call = add(kind, file->path);

    if (!call)
        return;
    call->file = file->number;
    call->offset = offset;
}

void storage_add_write(const struct open_file *file, uint64_t offset,
                       const void *data, size_t size)
{
    struct storage_call *call = add(STORAGE_WRITE, file->path);

    if (!call)
        return;
    call->file = file->number;
    call->offset = offset;
    call->size = size;
    call->data = malloc(size + 1);
    if (!call->data)
        abort();
    memcpy(call->data, data, size);
}

static struct binding *find_binding(const char *path)
{
    for (size_t i = 0; i < storage.binding_count; i++)
        if (strcmp(storage.bindings[i].path, path) == 0)
            return &storage.bindings[i];
    return NULL;
}

static void unbind(const char *path)
{
    struct binding *found = find_binding(path);

    if (!found)
        return;
    free(found->path);
    *found = storage.bindings[--storage.binding_count];
}

static void bind_name(const char *path, unsigned number)
{
    unbind(path);
    storage.bindings = realloc(storage.bindings, (storage.binding_count + 1) *
                                                     sizeof *storage.bindings);
    if (!storage.bindings)
        abort();
    storage.bindings[storage.binding_count++] =
        (struct binding){copy_text(path), number};
}

/* The number of the file that path leads to. */
static unsigned number_of(const char *path, bool is_new)
{
    struct binding *found = find_binding(path);
    struct storage_call *call;

    if (found && !is_new)
        return found->number;
    call = add(is_new ? STORAGE_CREATE : STORAGE_BIND, path);
    storage.numbers++;
    if (call)
        call->file = storage.numbers;
    bind_name(path, storage.numbers);
    return storage.numbers;
}

void storage_opened(int fd, const char *path, bool is_new, bool is_directory)
{
    struct open_file *file = &storage.files[fd];

    free(file->path);
    *file = (struct open_file){.path = copy_text(path)};
    file->is_directory = is_directory;
    if (!is_directory)
        file->number = number_of(path, is_new);
}

int storage_forget(int fd)
{
    struct open_file *file = storage_file(fd);

    if (!file)
        return fd;
    free(file->path);
    memset(file, 0, sizeof *file);
    return fd;
}

void storage_add(enum storage_kind kind, const char *path)
{
    (void)add(kind, path);
}

/* Needs the mutex. What else a name that went or came means. */
void storage_add_name(enum storage_kind kind, const char *path, const char *to)
{
    struct storage_call *call = add(kind, path);
    struct binding *found = find_binding(path);

    if (call && to)
        call->to = copy_text(to);
    if (to && found)
        bind_name(to, found->number);
    else if (to)
        unbind(to);
    if (kind == STORAGE_REMOVE || kind == STORAGE_RENAME)
        unbind(path);
}

void storage_watch(const char *root)
{
    storage_lock();
    snprintf(storage.root, sizeof storage.root, "%s", root);
    storage.root_size = strlen(storage.root);
    storage_unlock();
}

void storage_record(struct storage_log *log)
{
    storage_lock();
    storage.log = log;
    while (storage.binding_count > 0)
        unbind(storage.bindings[0].path);
    storage.numbers = 0;
    storage_unlock();
}

void storage_mark(uint64_t value)
{
    struct storage_call *call;

    storage_lock();
    call = add(STORAGE_MARK, "");
    if (call)
        call->offset = value;
    storage_unlock();
}

void storage_log_clear(struct storage_log *log)
{
    for (size_t i = 0; i < log->count; i++) {
        free(log->calls[i].path);
        free(log->calls[i].to);
        free(log->calls[i].data);
    }
    free(log->calls);
    memset(log, 0, sizeof *log);
}

void storage_log_print(const struct storage_log *log)
{
    for (size_t i = 0; i < log->count; i++) {
        const struct storage_call *call = &log->calls[i];
        printf("%zu: %s %s %s @%llu +%zu\n", i, storage_kind_name(call->kind),
               call->path, call->to ? call->to : "",
               (unsigned long long)call->offset, call->size);
    }
}

const char *storage_kind_name(enum storage_kind kind)
{
    static const char *const names[STORAGE_KINDS] = {
        "open",        "create",  "write", "truncate", "sync",
        "failed sync", "remove",  "link",  "rename",   "mkdir",
        "rmdir",       "sync of", "mark"};
    return names[kind];
}

/* --- failures --------------------------------------------------------------
 */

void storage_fail(const struct storage_fault *fault)
{
    storage_lock();
    memset(&storage.fault, 0, sizeof storage.fault);
    if (fault)
        storage.fault = *fault;
    storage.fault_calls = 0;
    storage.has_failed = false;
    storage_unlock();
}

bool storage_has_failed(void)
{
    bool has_failed;
    storage_lock();
    has_failed = storage.has_failed;
    storage_unlock();
    return has_failed;
}

void storage_refuse_links(bool is_refused)
{
    storage_lock();
    storage.has_no_links = is_refused;
    storage_unlock();
}

void storage_pause(bool is_paused)
{
    storage_lock();
    storage.is_paused = is_paused;
    storage_unlock();
}

bool storage_open_file(char *out, size_t size)
{
    bool is_found = false;

    storage_lock();
    for (int i = 0; i < STORAGE_FILES_MAX && !is_found; i++) {
        /* The C library closes some itself. */
        is_found = storage.files[i].path && fcntl(i, F_GETFD) >= 0;
        if (is_found)
            snprintf(out, size, "%s", storage.files[i].path);
    }
    storage_unlock();
    return is_found;
}

void storage_disturb(uint64_t seed)
{
    storage_lock();
    storage.is_disturbed = seed != 0;
    rng_init(&storage.rng, seed);
    storage_unlock();
}

/* Needs the mutex. Does this call fail? Then errno says how. */
bool storage_strikes(unsigned kind, const char *path)
{
    struct storage_fault *fault = &storage.fault;

    if (kind == STORAGE_FAULT_LINK) {
        errno = EPERM;
        return storage.has_no_links;
    }
    if (storage.is_paused || !(fault->kinds & kind) ||
        !strstr(path, fault->part))
        return false;
    storage.fault_calls++;
    if (fault->nth == 0 || storage.fault_calls < fault->nth ||
        (storage.fault_calls > fault->nth && !fault->is_sticky))
        return false;
    storage.has_failed = true;
    errno = fault->error;
    return true;
}

/* Needs the mutex. A piece of what was asked for, by chance; 0: interrupted. */
size_t storage_disturbed(size_t size)
{
    if (!storage.is_disturbed || size == 0)
        return size;
    if (rng_one_in(&storage.rng, 4)) {
        errno = EINTR;
        return 0;
    }
    return rng_one_in(&storage.rng, 2)
               ? (size_t)rng_below(&storage.rng, size) + 1
               : size;
}
