#include "sstable/admission.h"

#include "base/alloc.h"
#include "base/error.h"

byron_status admission_init(struct admission *admission, size_t count)
{
    size_t places = 1;

    while (places < count)
        places *= 2;
    admission->marks = alloc_zeroed(places, sizeof *admission->marks);
    if (!admission->marks)
        return error_no_memory();
    admission->mask = places - 1;
    return BYRON_OK;
}

void admission_deinit(struct admission *admission)
{
    alloc_free(admission->marks);
    *admission = (struct admission){0};
}

bool admission_ask(struct admission *admission, uint64_t hash)
{
    atomic_uint_least32_t *mark;
    uint32_t name = (uint32_t)(hash >> 32) | 1; /* 0: none. */

    if (!admission->marks)
        return true;
    mark = &admission->marks[hash & admission->mask];
    if (atomic_load_explicit(mark, memory_order_relaxed) == name) {
        atomic_store_explicit(mark, 0, memory_order_relaxed);
        return true;
    }
    atomic_store_explicit(mark, name, memory_order_relaxed);
    return false;
}
