#include "support/memfs_world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/seed.h"

struct memfs_world world;

void world_set_up(void)
{
    world.fs = memfs_new(test_seed());
    world.os = memfs_os(world.fs);
    ck_assert_int_eq(world.os->dir_open(world.os, "store/", true, &world.dir),
                     BYRON_OK);
}

void world_tear_down(void)
{
    world.os->dir_close(world.dir);
    ck_assert_uint_eq(memfs_open_count(world.fs), 0);
    memfs_free(world.fs);
    buf_deinit(&world.bytes);
}

struct os_file *world_create(const char *name)
{
    struct os_file *file;
    ck_assert_int_eq(world.os->file_create(world.dir, name, &file), BYRON_OK);
    return file;
}

void world_append(struct os_file *file, const char *text)
{
    ck_assert_int_eq(world.os->file_append(file, text, strlen(text)), BYRON_OK);
}

void world_append_many(struct os_file *file, int letter, size_t size)
{
    uint8_t *many = malloc(size);

    memset(many, letter, size);
    ck_assert_int_eq(world.os->file_append(file, many, size), BYRON_OK);
    free(many);
}

const char *world_text(struct memfs *image, const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "store/%s", name);
    if (!memfs_read_all(image, path, &world.bytes))
        return NULL;
    ck_assert_int_eq(buf_add_u8(&world.bytes, 0), BYRON_OK);
    world.bytes.size--;
    return (const char *)world.bytes.data;
}

struct memfs *world_crash(enum memfs_crash mode, uint64_t seed)
{
    return memfs_crash_clone(world.fs, mode, seed);
}
