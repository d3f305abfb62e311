#include "support/memfs_node.h"

#include <assert.h>
#include <stdlib.h>

#define SECTOR ((uint64_t)512)
#define PAGE   ((uint64_t)4096)

void *memfs_allocate(size_t size)
{
    void *bytes = calloc(1, size);
    if (!bytes)
        abort();
    return bytes;
}

void *memfs_reallocate(void *bytes, size_t size)
{
    bytes = realloc(bytes, size);
    if (!bytes)
        abort();
    return bytes;
}

char *memfs_copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(memfs_allocate(size), text, size);
}

/* Grows with zeros; never shrinks. */
static void grow(struct memfs_bytes *bytes, uint64_t size)
{
    if (size <= bytes->size)
        return;
    if (size > bytes->capacity) { /* Never of a file that is mapped. */
        bytes->capacity = (size_t)size + bytes->capacity;
        bytes->data = memfs_reallocate(bytes->data, bytes->capacity);
    }
    memset(bytes->data + bytes->size, 0, (size_t)size - bytes->size);
    bytes->size = (size_t)size;
}

struct memfs_node *node_new(void)
{
    struct memfs_node *node = memfs_allocate(sizeof *node);
    node->references = 1;
    node->cut = UINT64_MAX;
    return node;
}

struct memfs_node *node_ref(struct memfs_node *node)
{
    node->references++;
    return node;
}

void node_unref(struct memfs_node *node)
{
    if (--node->references > 0)
        return;
    free(node->now.data);
    free(node->disk.data);
    free(node->writes);
    free(node);
}

static void count_rewritten(struct memfs_node *node, uint64_t offset,
                            uint64_t end)
{
    uint64_t over = end < node->written ? end : node->written;

    if (over > offset)
        node->rewritten += over - offset;
    if (node->written < end)
        node->written = end;
}

void node_write(struct memfs_node *node, uint64_t offset, const void *data,
                size_t size)
{
    if (size == 0)
        return;
    if (data)
        count_rewritten(node, offset, offset + size);
    grow(&node->now, offset + size);
    if (data)
        memcpy(node->now.data + offset, data, size);
    else
        memset(node->now.data + offset, 0, size);
    if (node->write_count == node->write_capacity) {
        node->write_capacity = node->write_capacity * 2 + 8;
        node->writes = memfs_reallocate(node->writes, node->write_capacity *
                                                          sizeof *node->writes);
    }
    node->writes[node->write_count++] = (struct memfs_write){
        .offset = offset, .size = size, .is_zeros = data == NULL};
}

/* What lies in [from, to) of a lost write is safe now. A hole in its middle is
 * not worth a second write: the whole stays lost. */
static void clip(struct memfs_write *lost, uint64_t from, uint64_t to)
{
    uint64_t end = lost->offset + lost->size;

    if (from > lost->offset && to < end)
        return;
    if (from <= lost->offset && to > lost->offset) {
        lost->size = to < end ? end - to : 0;
        lost->offset = to;
    } else if (from < end && to >= end) {
        lost->size = from - lost->offset;
    }
}

/* The lost writes, which are the oldest, without those that are safe. */
static void forget_safe(struct memfs_node *node)
{
    size_t kept = 0;

    for (size_t i = 0; i < node->write_count; i++) {
        if (node->writes[i].size > 0)
            node->writes[kept++] = node->writes[i];
    }
    node->write_count = kept;
}

/* Longer or shorter. What was longer is still on the disk. */
void node_truncate(struct memfs_node *node, uint64_t size)
{
    if (size > node->now.size) {
        node_write(node, node->now.size, NULL, (size_t)size - node->now.size);
        return;
    }
    node->now.size = (size_t)size;
    if (size < node->cut)
        node->cut = size;
    for (size_t i = 0; i < node->write_count; i++) {
        struct memfs_write *write = &node->writes[i];
        if (write->offset >= size)
            write->size = 0;
        else if (write->offset + write->size > size)
            write->size = size - write->offset;
    }
    forget_safe(node);
}

/*
 * The system writes whole sectors: a write that was lost before is saved by
 * another one to its sector.
 */
void node_sync(struct memfs_node *node)
{
    size_t lost_count = 0;

    if (node->disk.size > node->cut)
        node->disk.size = (size_t)node->cut;
    node->cut = UINT64_MAX;
    grow(&node->disk, node->now.size);
    for (size_t i = 0; i < node->write_count; i++) {
        const struct memfs_write *write = &node->writes[i];
        uint64_t from = write->offset / SECTOR * SECTOR;
        uint64_t to =
            (write->offset + write->size + SECTOR - 1) / SECTOR * SECTOR;
        if (write->is_lost) {
            node->writes[lost_count++] = *write;
            continue;
        }
        if (to > node->now.size)
            to = node->now.size;
        memcpy(node->disk.data + from, node->now.data + from,
               (size_t)(to - from));
        for (size_t j = 0; j < lost_count; j++)
            clip(&node->writes[j], from, to);
    }
    node->write_count = lost_count;
    forget_safe(node);
}

/* Lost zeros are forgotten: a disk shows zeros where nothing was written. */
void node_fail_sync(struct memfs_node *node)
{
    size_t lost_count = 0;

    for (size_t i = 0; i < node->write_count; i++) {
        if (node->writes[i].is_zeros)
            continue;
        node->writes[i].is_lost = true;
        node->writes[lost_count++] = node->writes[i];
    }
    node->write_count = lost_count;
}

uint64_t node_unsynced(const struct memfs_node *node)
{
    uint64_t total = 0;
    for (size_t i = 0; i < node->write_count; i++)
        total += node->writes[i].size;
    return total;
}

/* --- crash images ---------------------------------------------------------
 *
 * An image starts as the disk, brought to some length with zeros; then parts
 * of the unsynced writes are played onto it.
 */

/* Plays what lies in [from, to) of one write of node onto image. */
static void play(const struct memfs_node *node, const struct memfs_write *write,
                 uint64_t from, uint64_t to, struct memfs_bytes *image)
{
    uint64_t end = write->offset + write->size;

    if (from < write->offset)
        from = write->offset;
    if (to > end)
        to = end;
    if (to > image->size)
        to = image->size;
    if (from >= to)
        return;
    if (write->is_zeros)
        memset(image->data + from, 0, (size_t)(to - from));
    else
        memcpy(image->data + from, node->now.data + from, (size_t)(to - from));
}

/* How many of count writes reached a sector: none, all or any number. */
static size_t choose_played(size_t count, struct rng *rng)
{
    switch (rng_below(rng, 3)) {
    case 0:
        return 0;
    case 1:
        return count;
    default:
        return (size_t)rng_below(rng, count + 1);
    }
}

/* Each sector gets the first few of the writes, of its own choice. */
static void play_by_sector(const struct memfs_node *node,
                           struct memfs_bytes *image, struct rng *rng)
{
    size_t sector_count = (image->size + SECTOR - 1) / SECTOR;
    size_t *played = memfs_allocate((sector_count + 1) * sizeof *played);

    for (size_t i = 0; i < sector_count; i++)
        played[i] = choose_played(node->write_count, rng);
    for (size_t i = 0; i < node->write_count; i++) {
        const struct memfs_write *write = &node->writes[i];
        uint64_t first = write->offset / SECTOR;
        uint64_t last = (write->offset + write->size - 1) / SECTOR;
        for (uint64_t s = first; s <= last && s < sector_count; s++) {
            if (i < played[s])
                play(node, write, s * SECTOR, (s + 1) * SECTOR, image);
        }
    }
    free(played);
}

/* All writes, then sectors of them, by chance, with anything in them. */
static void play_garbage(const struct memfs_node *node,
                         struct memfs_bytes *image, struct rng *rng)
{
    size_t sector_count = (image->size + SECTOR - 1) / SECTOR;
    bool *is_garbage = memfs_allocate(sector_count + 1);

    for (size_t i = 0; i < sector_count; i++)
        is_garbage[i] = rng_one_in(rng, 2);
    for (size_t i = 0; i < node->write_count; i++) {
        const struct memfs_write *write = &node->writes[i];
        play(node, write, 0, UINT64_MAX, image);
        for (uint64_t at = write->offset; at < write->offset + write->size;
             at++) {
            if (at < image->size && is_garbage[at / SECTOR])
                image->data[at] = (uint8_t)rng_next(rng);
        }
    }
    free(is_garbage);
}

/* Everything before a page boundary, nothing behind it. */
static void play_torn(const struct memfs_node *node, struct memfs_bytes *image,
                      struct rng *rng)
{
    uint64_t first = image->size;
    uint64_t pages;
    uint64_t cut;

    for (size_t i = 0; i < node->write_count; i++) {
        if (node->writes[i].offset < first)
            first = node->writes[i].offset;
    }
    first = first / PAGE;
    pages = (image->size + PAGE - 1) / PAGE - first;
    cut = (first + rng_below(rng, pages + 1)) * PAGE;
    for (size_t i = 0; i < node->write_count; i++)
        play(node, &node->writes[i], 0, cut, image);
    if (cut < node->disk.size)
        cut = node->disk.size;
    if (cut < image->size && rng_one_in(rng, 2))
        image->size = (size_t)cut;
}

static void play_from(const struct memfs_node *node, size_t first,
                      struct memfs_bytes *image)
{
    for (size_t i = first; i < node->write_count; i++)
        play(node, &node->writes[i], 0, UINT64_MAX, image);
}

/* Any length between the synced and the present one. */
static uint64_t choose_size(const struct memfs_node *node, struct rng *rng)
{
    uint64_t unsynced = node->now.size - node->disk.size;

    if (rng_one_in(rng, 2))
        return node->now.size;
    return node->disk.size + rng_below(rng, unsynced + 1);
}

static uint64_t image_size(const struct memfs_node *node, enum memfs_crash mode,
                           struct rng *rng)
{
    if (mode == MEMFS_DROP_UNSYNCED)
        return node->disk.size;
    if (mode == MEMFS_RANDOM_SECTORS || mode == MEMFS_GARBAGE)
        return choose_size(node, rng);
    return node->now.size;
}

static void play_mode(const struct memfs_node *node, enum memfs_crash mode,
                      struct memfs_bytes *image, struct rng *rng)
{
    switch (mode) {
    case MEMFS_RANDOM_SECTORS:
        play_by_sector(node, image, rng);
        break;
    case MEMFS_TORN:
        play_torn(node, image, rng);
        break;
    case MEMFS_REORDERED:
        play_from(node, (size_t)rng_below(rng, node->write_count) + 1, image);
        break;
    case MEMFS_GARBAGE:
        play_garbage(node, image, rng);
        break;
    case MEMFS_WHOLE_FILES:
        play_from(node, 0, image);
        break;
    case MEMFS_KEEP_ALL:
    case MEMFS_DROP_UNSYNCED:
    case MEMFS_ZERO_FILLED:
    case MEMFS_CRASH_COUNT:
        break;
    }
}

static void copy_bytes(const struct memfs_bytes *from, struct memfs_bytes *to)
{
    grow(to, from->size);
    if (from->size > 0)
        memcpy(to->data, from->data, from->size);
}

static struct memfs_node *copy_node(const struct memfs_node *node)
{
    struct memfs_node *copy = node_new();
    size_t size = node->write_count * sizeof *node->writes;

    copy_bytes(&node->now, &copy->now);
    copy_bytes(&node->disk, &copy->disk);
    if (size > 0)
        copy->writes = memcpy(memfs_allocate(size), node->writes, size);
    copy->write_count = copy->write_capacity = node->write_count;
    copy->cut = node->cut;
    copy->written = node->written;
    return copy;
}

/* Did a truncation that nobody synced reach the disk? */
static bool is_cut(enum memfs_crash mode, struct rng *rng)
{
    if (mode == MEMFS_DROP_UNSYNCED)
        return false;
    return mode == MEMFS_TORN || mode == MEMFS_WHOLE_FILES ||
           rng_one_in(rng, 2);
}

struct memfs_node *node_crash(const struct memfs_node *node,
                              enum memfs_crash mode, struct rng *rng)
{
    struct memfs_node before = *node;
    struct memfs_node *image;

    if (mode == MEMFS_KEEP_ALL)
        return copy_node(node);
    if (mode == MEMFS_WHOLE_FILES && rng_one_in(rng, 2))
        mode = MEMFS_DROP_UNSYNCED;
    if (before.cut < before.disk.size && is_cut(mode, rng))
        before.disk.size = (size_t)before.cut;
    if (before.now.size < before.disk.size)
        before.now.size = before.disk.size;
    image = node_new();
    grow(&image->now, image_size(&before, mode, rng));
    if (before.disk.size > 0)
        memcpy(image->now.data, before.disk.data, before.disk.size);
    if (before.write_count > 0)
        play_mode(&before, mode, &image->now, rng);
    grow(&image->disk, image->now.size);
    if (image->now.size > 0)
        memcpy(image->disk.data, image->now.data, image->now.size);
    return image;
}
