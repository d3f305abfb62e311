#include "support/plain_store.h"

#include <check.h>
#include <string.h>

struct byron_bytes plain_text(const char *bytes)
{
    return (struct byron_bytes){bytes, strlen(bytes)};
}

struct byron_options plain_options(struct memfs *fs)
{
    return (struct byron_options){
        .create = true, .inline_work = true, .os = memfs_os(fs)};
}

byron_db *plain_open(const struct byron_options *options)
{
    byron_db *db;
    CHECK_OK(byron_open("store", options, &db));
    return db;
}

void plain_put(byron_db *db, const char *key, const char *value)
{
    CHECK_OK(byron_put(db, plain_text(key), plain_text(value), false));
}

byron_db *plain_settle(byron_db *db, const struct byron_options *options,
                       int place)
{
    if (place == 1)
        CHECK_OK(byron_flush(db));
    if (place == 2)
        CHECK_OK(byron_compact(db, NULL));
    if (place != 3)
        return db;
    CHECK_OK(byron_close(db));
    return plain_open(options);
}

void plain_expect_get(byron_db *db, const char *key, const char *wanted)
{
    struct byron_value value;
    byron_status status = byron_get(db, NULL, plain_text(key), &value);
    if (!wanted) {
        ck_assert_int_eq(status, BYRON_NOT_FOUND);
        return;
    }
    CHECK_OK(status);
    ck_assert_uint_eq(value.size, strlen(wanted));
    ck_assert_mem_eq(value.data, wanted, value.size);
    byron_value_release(&value);
}
