#include "ttl.h"

/* As far away as never, and far from overflow. */
#define LATEST_MS ((uint64_t)1 << 62)

static uint64_t clamp(double ms)
{
    if (!(ms >= 1)) /* 0 would mean never. */
        return 1;
    return ms < (double)LATEST_MS ? (uint64_t)ms : LATEST_MS;
}

int ttl_expiry(struct table *table, byron_txn *txn, const struct field *fields,
               uint64_t *out)
{
    const struct ttl *ttl = &table->declaration->ttl;
    const struct field *field;

    *out = 0;
    if (ttl->kind == TTL_NONE)
        return SQLITE_OK;
    if (ttl->kind == TTL_SECONDS) {
        *out = byron_time(NULL, txn) + ttl->seconds * 1000;
        return SQLITE_OK;
    }
    field = &fields[ttl->column];
    switch (field->kind) {
    case FIELD_NULL:
        return SQLITE_OK;
    case FIELD_INTEGER:
        *out = clamp((double)field->integer * 1000);
        return SQLITE_OK;
    case FIELD_REAL:
        *out = clamp(field->real * 1000);
        return SQLITE_OK;
    default:
        return table_fail(table, SQLITE_MISMATCH,
                          "byron: %s.%s tells when a row expires, in seconds "
                          "since 1970; it can be a number or NULL",
                          table->name,
                          table->declaration->columns[ttl->column].name);
    }
}
