#include "support/host.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sqlite3_api_routines;
int sqlite3_byron_init(sqlite3 *db, char **message,
                       const struct sqlite3_api_routines *api);

/* Lent until as many more were asked for, by the same thread. */
#define ANSWERS     4
#define ANSWER_SIZE 65536
static _Thread_local char answers[ANSWERS][ANSWER_SIZE];
static _Thread_local unsigned next_answer;

static char *take_answer(void)
{
    char *answer = answers[next_answer++ % ANSWERS];
    answer[0] = 0;
    return answer;
}

sqlite3 *host_connect(const struct host *host)
{
    sqlite3 *db = NULL;

    sqlite3_auto_extension((void (*)(void))sqlite3_byron_init);
    ck_assert_int_eq(sqlite3_open(host->path, &db), SQLITE_OK);
    sqlite3_extended_result_codes(db, 1);
    return db;
}

void host_open(struct host *host)
{
    const char *root = getenv("TMPDIR");

    snprintf(host->folder, sizeof host->folder, "%s/byron-test-XXXXXX",
             root ? root : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(host->folder));
    snprintf(host->path, sizeof host->path, "%s/x.db", host->folder);
    host->db = host_connect(host);
}

static int remove_one(const char *path, const struct stat *status, int flag,
                      struct FTW *place)
{
    (void)status;
    (void)flag;
    (void)place;
    return remove(path);
}

void host_close(struct host *host)
{
    ck_assert_int_eq(sqlite3_close(host->db), SQLITE_OK);
    host->db = NULL;
    ck_assert_int_eq(nftw(host->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS),
                     0);
}

void host_reopen(struct host *host)
{
    ck_assert_int_eq(sqlite3_close(host->db), SQLITE_OK);
    host->db = host_connect(host);
}

void host_run(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    int rc = sqlite3_exec(db, sql, NULL, NULL, &message);
    ck_assert_msg(rc == SQLITE_OK, "%s: %s (%d)", sql, message ? message : "",
                  rc);
}

int host_fail(sqlite3 *db, const char *sql)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    ck_assert_msg(rc != SQLITE_OK, "%s: did not fail", sql);
    return rc;
}

struct rows {
    char *text;
    size_t size;
};

static int add_row(void *context, int count, char **values, char **names)
{
    struct rows *rows = context;

    (void)names;
    for (int i = 0; i < count; i++) {
        const char *before = i > 0 ? "|" : rows->size > 0 ? "\n" : "";
        size_t room = ANSWER_SIZE - rows->size;
        int size = snprintf(rows->text + rows->size, room, "%s%s", before,
                            values[i] ? values[i] : "NULL");
        /* Check allocates for an assertion, and tests let that fail here. */
        if ((size_t)size >= room)
            ck_abort_msg("an answer is too long to compare");
        rows->size += (size_t)size;
    }
    return 0;
}

const char *host_ask(sqlite3 *db, const char *sql)
{
    struct rows rows = {take_answer(), 0};
    char *message = NULL;

    if (sqlite3_exec(db, sql, add_row, &rows, &message) != SQLITE_OK)
        snprintf(rows.text, ANSWER_SIZE, "error: %s", message ? message : "");
    sqlite3_free(message);
    return rows.text;
}

const char *host_at(const struct host *host, const char *name)
{
    char *path = take_answer();
    snprintf(path, ANSWER_SIZE, "%s/%s", host->folder, name);
    return path;
}

bool host_has(const struct host *host, const char *name)
{
    return access(host_at(host, name), F_OK) == 0;
}
