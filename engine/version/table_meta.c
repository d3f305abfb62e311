#include "version/table_meta.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/try.h"

void table_env_init(struct table_env *env, struct file_pool *pool,
                    struct block_cache *cache)
{
    memset(env, 0, sizeof *env);
    env->pool = pool;
    env->cache = cache;
    mutex_init(&env->mutex);
}

void table_env_deinit(struct table_env *env)
{
    assert(env->live_count == 0);
    alloc_free(env->dead);
    mutex_deinit(&env->mutex);
    memset(env, 0, sizeof *env);
}

size_t table_env_bury(struct table_env *env, uint64_t *numbers, size_t max)
{
    size_t count;

    mutex_lock(&env->mutex);
    count = env->dead_count < max ? env->dead_count : max;
    env->dead_count -= count;
    if (count > 0)
        memcpy(numbers, env->dead + env->dead_count, count * sizeof *numbers);
    mutex_unlock(&env->mutex);
    return count;
}

/* One more table lives, and has its place among the dead. */
static byron_status enroll(struct table_env *env)
{
    byron_status status = BYRON_OK;
    size_t needed;
    uint64_t *dead;

    mutex_lock(&env->mutex);
    needed = env->dead_count + env->live_count + 1;
    if (needed > env->dead_capacity) {
        size_t capacity = needed < 16 ? 32 : 2 * needed;
        dead = alloc_resize(env->dead, capacity * sizeof *dead);
        if (dead) {
            env->dead = dead;
            env->dead_capacity = capacity;
        } else {
            status = error_no_memory();
        }
    }
    if (status == BYRON_OK)
        env->live_count++;
    mutex_unlock(&env->mutex);
    return status;
}

byron_status table_meta_new(struct table_env *env, uint64_t number,
                            struct table_facts *facts, uint64_t created_s,
                            struct table_meta **out)
{
    byron_status status = BYRON_OK;
    struct table_meta *meta = alloc_zeroed(1, sizeof *meta);

    if (!meta) {
        status = error_no_memory();
        goto out;
    }
    TRY(enroll(env));
    meta->env = env;
    atomic_init(&meta->refs, 1);
    meta->number = number;
    meta->facts = *facts;
    memset(facts, 0, sizeof *facts);
    meta->created_s = created_s;
    *out = meta;
    return BYRON_OK;
out:
    alloc_free(meta);
    table_facts_deinit(facts);
    memset(facts, 0, sizeof *facts);
    return status;
}

struct table_meta *table_meta_ref(struct table_meta *meta)
{
    atomic_fetch_add_explicit(&meta->refs, 1, memory_order_relaxed);
    return meta;
}

void table_meta_unref(struct table_meta *meta)
{
    struct table_env *env;

    if (!meta ||
        atomic_fetch_sub_explicit(&meta->refs, 1, memory_order_acq_rel) != 1)
        return;
    env = meta->env;
    /* Closed before it is counted dead: its file may go from then on. */
    table_reader_unref(atomic_load(&meta->reader));
    mutex_lock(&env->mutex);
    env->live_count--;
    assert(env->dead_count < env->dead_capacity);
    if (atomic_load(&meta->is_obsolete) && !atomic_load(&meta->is_corrupt))
        env->dead[env->dead_count++] = meta->number;
    mutex_unlock(&env->mutex);
    table_facts_deinit(&meta->facts);
    alloc_free(meta);
}

/* Opening under the mutex keeps a crowd from opening one table many times. */
static byron_status open_reader(struct table_meta *meta,
                                struct table_reader **out)
{
    byron_status status = BYRON_OK;
    struct table_env *env = meta->env;
    struct table_reader *reader;

    mutex_lock(&env->mutex);
    reader = atomic_load_explicit(&meta->reader, memory_order_relaxed);
    if (!reader) {
        TRY(table_reader_open(env->pool, env->cache, meta->number, &meta->facts,
                              &reader));
        atomic_store_explicit(&meta->reader, reader, memory_order_release);
    }
    *out = reader;
out:
    mutex_unlock(&env->mutex);
    if (status == BYRON_CORRUPT)
        atomic_store(&meta->is_corrupt, true);
    return status;
}

byron_status table_meta_reader(struct table_meta *meta,
                               struct table_reader **out)
{
    struct table_reader *reader =
        atomic_load_explicit(&meta->reader, memory_order_acquire);

    if (reader) {
        *out = reader;
        return BYRON_OK;
    }
    return open_reader(meta, out);
}
