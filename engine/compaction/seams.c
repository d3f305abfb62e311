#include "compaction/seams.h"

#include "base/alloc.h"
#include "base/error.h"
#include "compaction/overlap.h"

/* Those of dropped from *at on that lie before key. */
static void add_dropped(struct seams *seams, const struct dropped *dropped,
                        size_t *at, struct slice key)
{
    while (*at < dropped->count && slice_compare(dropped->uppers[*at], key) < 0)
        seams->keys[seams->count++] = dropped->uppers[(*at)++];
}

byron_status seams_init(struct seams *seams, const struct version *version,
                        uint32_t level, uint64_t below_bytes,
                        const struct dropped *dropped)
{
    const struct run *below =
        below_bytes > 0 ? next_run_below(version, level) : NULL;
    size_t most = dropped->count + (below ? below->count : 0);
    size_t at = 0;
    uint64_t met = 0;

    *seams = (struct seams){0};
    if (most == 0)
        return BYRON_OK;
    seams->keys = alloc_bytes(most * sizeof *seams->keys);
    if (!seams->keys)
        return error_no_memory();
    for (size_t i = 0; below && i < below->count; i++) {
        uint64_t size = below->tables[i]->facts.size;
        if (met > 0 && met + size > below_bytes) {
            struct slice key = table_meta_smallest(below->tables[i]);
            add_dropped(seams, dropped, &at, key);
            seams->keys[seams->count++] = key;
            met = 0;
        }
        met += size;
    }
    while (at < dropped->count)
        seams->keys[seams->count++] = dropped->uppers[at++];
    return BYRON_OK;
}

void seams_deinit(struct seams *seams)
{
    alloc_free(seams->keys);
    *seams = (struct seams){0};
}
