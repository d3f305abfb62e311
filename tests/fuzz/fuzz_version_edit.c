/*
 * fuzz_version_edit: any bytes as an edit. What is accepted can be written
 * again, to the same bytes ever after, and applied to an empty store or
 * refused.
 */
#include <stdlib.h>

#include "version/replay.h"
#include "version/store_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_rewrite(const struct version_edit *edit)
{
    struct version_edit again = {0};
    struct buf first = {0};
    struct buf second = {0};

    require(version_edit_encode(edit, &first) == BYRON_OK);
    require(version_edit_decode(buf_slice(&first), "fuzz", 0, &again) ==
            BYRON_OK);
    require(version_edit_encode(&again, &second) == BYRON_OK);
    require(slice_equal(buf_slice(&first), buf_slice(&second)));
    version_edit_deinit(&again);
    buf_deinit(&first);
    buf_deinit(&second);
}

static void check_apply(const struct version_edit *edit)
{
    struct table_env env;
    struct store_state state = {0};

    table_env_init(&env, NULL, NULL);
    require(version_new_empty(&state.version) == BYRON_OK);
    if (store_state_apply(&state, edit, &env) == BYRON_OK)
        require(version_check(state.version, "fuzz") == BYRON_OK);
    store_state_deinit(&state);
    table_env_deinit(&env);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct version_edit edit = {0};
    struct replay replay = {0};

    if (version_edit_decode(slice_of(bytes, size), "fuzz", 0, &edit) ==
        BYRON_OK) {
        check_rewrite(&edit);
        check_apply(&edit);
        if (replay_edit(&replay, &edit, "fuzz", 0) == BYRON_OK)
            check_apply(replay_sum(&replay));
    }
    replay_deinit(&replay);
    version_edit_deinit(&edit);
    return 0;
}
