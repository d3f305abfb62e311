#include "db/frozen.h"

#include "base/alloc.h"
#include "base/error.h"

struct frozen *frozen_ref(struct frozen *frozen)
{
    atomic_fetch_add_explicit(&frozen->refs, 1, memory_order_relaxed);
    return frozen;
}

void frozen_unref(struct frozen *frozen)
{
    if (!frozen || atomic_fetch_sub(&frozen->refs, 1) != 1)
        return;
    memtable_unref(frozen->memtable);
    log_writer_close(frozen->wal);
    for (size_t i = 0; i < frozen->run.count; i++)
        table_meta_unref(frozen->run.tables[i]);
    alloc_free(frozen->run.tables);
    alloc_free(frozen);
}

byron_status frozen_new(struct memtable *memtable, struct log_writer *wal,
                        struct frozen **out)
{
    struct frozen *frozen = alloc_zeroed(1, sizeof *frozen);
    if (!frozen) {
        memtable_unref(memtable);
        log_writer_close(wal);
        return error_no_memory();
    }
    atomic_init(&frozen->refs, 1);
    frozen->memtable = memtable;
    frozen->wal = wal;
    *out = frozen;
    return BYRON_OK;
}
