#include "support/played_host.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK_OK(call)                                                         \
    do {                                                                       \
        byron_status got = (call);                                             \
        struct byron_error error_;                                             \
        byron_last_error(&error_);                                             \
        ck_assert_msg(got == BYRON_OK, "%s: %s", #call, error_.words);         \
    } while (0)

static byron_status barrier(void *context)
{
    struct played_host *host = context;
    host->barriers++;
    return host->barrier_answer;
}

byron_status played_host_open(struct played_host *host)
{
    host->options.os = memfs_os(host->fs);
    host->options.commit_point = &host->row;
    return byron_open("store", &host->options, &host->db);
}

void played_host_init(struct played_host *host)
{
    memset(host, 0, sizeof *host);
    host->fs = memfs_new(3);
    host->options = (struct byron_options){
        .memory = 1 << 20,
        .memtable = 8192,
        .inline_work = true,
        .create = true,
        .barrier = barrier,
        .barrier_context = host,
    };
    CHECK_OK(played_host_open(host));
    host->options.create = false;
}

void played_host_deinit(struct played_host *host)
{
    if (host->db)
        CHECK_OK(byron_close(host->db));
    memfs_free(host->fs);
}

void played_host_reopen(struct played_host *host)
{
    CHECK_OK(byron_close(host->db));
    CHECK_OK(played_host_open(host));
}

/* The power goes; the host's row survived, or so the test decides. */
void played_host_cut_power(struct played_host *host, enum memfs_crash mode)
{
    struct memfs *image = memfs_crash_clone(host->fs, mode, 11);
    CHECK_OK(byron_close(host->db));
    memfs_free(host->fs);
    host->fs = image;
    host->db = NULL;
}

static struct byron_bytes text(const char *bytes)
{
    return (struct byron_bytes){bytes, strlen(bytes)};
}

byron_txn *played_host_begin(struct played_host *host)
{
    byron_txn *txn;
    CHECK_OK(byron_begin(host->db, 0, &txn));
    return txn;
}

void played_host_put(byron_txn *txn, const char *key, int value)
{
    char bytes[16];
    snprintf(bytes, sizeof bytes, "%d", value);
    CHECK_OK(byron_txn_put(txn, text(key), text(bytes)));
}

/* More than a memtable holds. */
void played_host_put_many(byron_txn *txn, int value)
{
    char key[16];
    for (int i = 0; i < 400; i++) {
        snprintf(key, sizeof key, "many%03d", i);
        played_host_put(txn, key, value);
    }
}

/* The host commits: its row has the new point before the store publishes. */
void played_host_commit(struct played_host *host, const char *key, int value,
                        unsigned flags)
{
    byron_txn *txn = played_host_begin(host);
    struct byron_commit_point point;
    played_host_put(txn, key, value);
    CHECK_OK(byron_txn_prepare(txn, flags, &point));
    if (!(flags & BYRON_PREPARE_OWN))
        host->row = point;
    byron_txn_publish(txn);
}

int played_host_get_at(byron_db *db, byron_snapshot *snapshot, const char *key)
{
    struct byron_value value;
    char bytes[16] = "";
    byron_status status = byron_get(db, snapshot, text(key), &value);
    if (status == BYRON_NOT_FOUND)
        return -1;
    CHECK_OK(status);
    memcpy(bytes, value.data, value.size);
    byron_value_release(&value);
    return atoi(bytes);
}

int played_host_get(struct played_host *host, const char *key)
{
    return played_host_get_at(host->db, NULL, key);
}
