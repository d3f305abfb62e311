/*
 * image: the disk that a machine finds after a power cut, or after a kill, at
 * some call of a record; laid out as real files, to be opened.
 *
 * An image is a memfs whose paths are those of the system. Playing the record
 * of what happened to it brings it on.
 */
#ifndef BYRON_TESTS_TORTURE_IMAGE_H
#define BYRON_TESTS_TORTURE_IMAGE_H

#include "support/memfs.h"
#include "torture/storage.h"

struct image {
    struct memfs *fs;
    struct memfs_node **files; /* By their numbers in the record. */
    size_t file_count;
};

/* An empty folder; or takes fs. */
void image_init(struct image *image, const char *root, struct memfs *fs);
void image_deinit(struct image *image);
void image_play(struct image *image, const struct storage_call *call);
/* The files of fs below root, in place of all that was there. */
void image_lay_out(struct memfs *fs, const char *root);
void image_wipe(const char *root);

#endif
