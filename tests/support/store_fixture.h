/*
 * store_fixture: a store in a memfs that is nothing but HEAD and manifest.
 */
#ifndef BYRON_TESTS_STORE_FIXTURE_H
#define BYRON_TESTS_STORE_FIXTURE_H

#include "support/memfs.h"
#include "version/manifest.h"

struct store_fixture {
    struct memfs *fs;
    struct byron_os *os;
    struct os_dir *dir; /* "store" */
    struct table_env env;
    struct store_state state;
    struct manifest *manifest;
    uint64_t next; /* File number, as the database counts. */
};

/* The directory alone; takes fs. */
void store_attach(struct store_fixture *fixture, struct memfs *fs);
byron_status fixture_create(struct store_fixture *fixture);
byron_status store_load(struct store_fixture *fixture);
void store_unload(struct store_fixture *fixture); /* Back to attached. */
void store_detach(struct store_fixture *fixture); /* In whatever state. */
/* A new store in a new memfs. */
void store_init(struct store_fixture *fixture);

/* Appends and applies, as the database does; frees edit. */
byron_status store_append(struct store_fixture *fixture,
                          struct version_edit *edit);
/* An edit that adds a table of its own run. */
byron_status store_append_add(struct store_fixture *fixture, uint64_t run);
/* The state as fixture_text says it, but for next_number, which may run ahead.
 * Lent until the next call. */
const char *store_text(const struct store_fixture *fixture);

#endif
