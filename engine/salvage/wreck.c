#include "salvage/wreck.h"

#include <stdio.h>

#include "base/error.h"

bool wreck_is_damage(byron_status status)
{
    return status == BYRON_CORRUPT || status == BYRON_IO ||
           status == BYRON_MISSING || status == BYRON_NEWER_FORMAT ||
           status == BYRON_READ_ONLY;
}

void wreck_tell(struct wreck *wreck, uint64_t bytes)
{
    if (wreck->is_muted) {
        wreck->muted++;
        return;
    }
    wreck->counts.damages++;
    wreck->counts.lost_bytes += bytes;
    if (wreck->report)
        wreck->report(wreck->context, error_last(), bytes);
}

byron_status wreck_take(struct wreck *wreck, byron_status status,
                        uint64_t bytes)
{
    if (!wreck_is_damage(status))
        return status;
    wreck_tell(wreck, bytes);
    return BYRON_OK;
}

bool wreck_is_own(struct wreck *wreck, const uint8_t store_id[16])
{
    bool is_own = !wreck->has_id || memcmp(wreck->store_id, store_id, 16) == 0;

    wreck->has_own = wreck->has_own || is_own;
    wreck->has_foreign = wreck->has_foreign || !is_own;
    return is_own;
}

void wreck_path(const struct wreck *wreck, enum file_kind kind, uint64_t number,
                char *out, size_t size)
{
    char name[OS_NAME_MAX];

    file_name_format(kind, number, name);
    snprintf(out, size, "%s/%s", wreck->os->dir_path(wreck->dir), name);
}
