#include "support/store_fixture.h"

#include <stdlib.h>

#include "base/file_name.h"
#include "support/edit_fixture.h"
#include "support/memfs_inspect.h"

/* What a test cannot go on without. */
static void require(bool holds)
{
    if (!holds)
        abort();
}

void store_attach(struct store_fixture *fixture, struct memfs *fs)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->fs = fs;
    fixture->os = memfs_os(fs);
    table_env_init(&fixture->env, NULL, NULL);
    require(fixture->os->dir_open(fixture->os, "store", true, &fixture->dir) ==
            BYRON_OK);
}

byron_status fixture_create(struct store_fixture *fixture)
{
    return manifest_create(fixture->os, fixture->dir, &fixture->state,
                           &fixture->manifest);
}

/* Counts on behind the file at path. */
static void count_file(void *context, const char *path)
{
    struct store_fixture *fixture = context;
    enum file_kind kind;
    uint64_t number;
    if (file_name_parse(strchr(path, '/') + 1, &kind, &number) &&
        number >= fixture->next)
        fixture->next = number + 1;
}

byron_status store_load(struct store_fixture *fixture)
{
    byron_status status =
        manifest_load(fixture->os, fixture->dir, &fixture->env, &fixture->state,
                      &fixture->manifest);
    fixture->next = fixture->state.next_number;
    memfs_list(fixture->fs, count_file, fixture);
    return status;
}

void store_unload(struct store_fixture *fixture)
{
    manifest_close(fixture->manifest);
    fixture->manifest = NULL;
    store_state_deinit(&fixture->state);
}

void store_detach(struct store_fixture *fixture)
{
    store_unload(fixture);
    table_env_deinit(&fixture->env);
    fixture->os->dir_close(fixture->dir);
    memfs_free(fixture->fs);
}

void store_init(struct store_fixture *fixture)
{
    store_attach(fixture, memfs_new(1));
    require(fixture_create(fixture) == BYRON_OK);
    fixture->next = fixture->state.next_number;
}

byron_status store_append(struct store_fixture *fixture,
                          struct version_edit *edit)
{
    uint64_t number = fixture->next++;
    uint64_t next = number;
    byron_status status;

    edit->next_number = number + 1;
    status = manifest_append(fixture->manifest, &fixture->state, edit, &next);
    if (status == BYRON_OK)
        require(store_state_apply(&fixture->state, edit, &fixture->env) ==
                BYRON_OK);
    version_edit_deinit(edit);
    return status;
}

byron_status store_append_add(struct store_fixture *fixture, uint64_t run)
{
    struct version_edit edit = {.last_sequence = run};
    fixture_add(&edit, 0, run, fixture->next++, "a", "b");
    return store_append(fixture, &edit);
}

const char *store_text(const struct store_fixture *fixture)
{
    struct store_state state = fixture->state;
    state.next_number = 0;
    return fixture_text(&state);
}
