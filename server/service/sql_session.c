#include "service/sql_session.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/encode.h"
#include "service/sql_guard.h"

#define USUAL_CHUNK   ((size_t)64 * 1024)
#define MIN_CHUNK     ((size_t)1024)
#define MAX_CHUNK     ((size_t)1024 * 1024)
#define MAX_VALUE     (16 * 1024 * 1024)
#define MAX_SQL       (1024 * 1024)
#define BUSY_MS       2000
#define STEPS_AT_ONCE 1000 /* Of SQLite's machine, between looks at stop. */

/* Numbers of fields. */
enum {
    RESPONSE_COLUMN = 1,
    RESPONSE_ROW = 2,
    RESPONSE_CHANGES = 3,
    ROW_VALUE = 1,
    VALUE_NULL = 1,
    VALUE_INTEGER = 2,
    VALUE_REAL = 3,
    VALUE_TEXT = 4,
    VALUE_BLOB = 5,
};

struct sql_session {
    sqlite3 *db;
    sqlite3_stmt *statement;
    const atomic_bool *stop; /* NULL: nothing runs. */
    struct sql_guard guard;
    bool has_columns; /* They have been sent. */
    size_t chunk;
    int64_t changes; /* In all, before the statement. */
    struct bytes row;
    struct bytes value;
    char words[SQL_WORDS_SIZE];
};

static int is_stopped(void *context)
{
    const struct sql_session *session = context;
    return session->stop && atomic_load(session->stop);
}

/* --- Text ------------------------------------------------------------------*/

/* Clients take text for UTF-8: what is not comes as a blob. */
static bool is_utf8(const uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        uint8_t first = text[i++];
        unsigned more = first < 0x80                    ? 0
                        : first >= 0xc2 && first < 0xe0 ? 1
                        : first >= 0xe0 && first < 0xf0 ? 2
                        : first >= 0xf0 && first < 0xf5 ? 3
                                                        : 9;
        if (more > 3 || more > size - i)
            return false;
        if ((first == 0xe0 && text[i] < 0xa0) ||
            (first == 0xed && text[i] > 0x9f) ||
            (first == 0xf0 && text[i] < 0x90) ||
            (first == 0xf4 && text[i] > 0x8f))
            return false;
        for (; more > 0; more--)
            if ((text[i++] & 0xc0) != 0x80)
                return false;
    }
    return true;
}

/* --- Outcomes --------------------------------------------------------------*/

static enum grpc_code code_of(int rc)
{
    switch (rc & 255) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return GRPC_ABORTED;
    case SQLITE_CONSTRAINT:
    case SQLITE_READONLY:
        return GRPC_FAILED_PRECONDITION;
    case SQLITE_AUTH:
        return GRPC_PERMISSION_DENIED;
    case SQLITE_INTERRUPT:
        return GRPC_CANCELLED;
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
        return GRPC_RESOURCE_EXHAUSTED;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return GRPC_DATA_LOSS;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_INTERNAL:
        return GRPC_INTERNAL;
    default:
        return GRPC_INVALID_ARGUMENT;
    }
}

static struct outcome fail(struct sql_session *session, enum grpc_code code,
                           const char *words)
{
    struct outcome outcome = {code, session->words};

    snprintf(session->words, sizeof session->words, "%s", words);
    return outcome;
}

/* The extension may have said in other words that it was refused something. */
static struct outcome fail_as(struct sql_session *session, int rc)
{
    enum grpc_code code = code_of(rc);

    if (*session->guard.words &&
        (code == GRPC_PERMISSION_DENIED || code == GRPC_INVALID_ARGUMENT))
        return fail(session, GRPC_PERMISSION_DENIED, session->guard.words);
    if (code == GRPC_INTERNAL || code == GRPC_DATA_LOSS) {
        fprintf(stderr, "byrond: %s\n", sqlite3_errmsg(session->db));
        return fail(session, code, sqlite3_errstr(rc));
    }
    return fail(session, code, sqlite3_errmsg(session->db));
}

/* --- Life ------------------------------------------------------------------*/

static byron_status run_own(struct sql_session *session, const char *sql)
{
    int rc;

    session->guard.is_ours = true;
    rc = sqlite3_exec(session->db, sql, NULL, NULL, NULL);
    session->guard.is_ours = false;
    return rc == SQLITE_OK ? BYRON_OK : BYRON_IO;
}

byron_status sql_session_open(const char *path, struct sql_session **out,
                              char words[SQL_WORDS_SIZE])
{
    struct sql_session *session = calloc(1, sizeof *session);
    int rc;

    snprintf(words, SQL_WORDS_SIZE, "out of memory");
    if (!session)
        return BYRON_NO_MEMORY;
    rc = sqlite3_open_v2(
        path, &session->db,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(session->db, BUSY_MS);
        sqlite3_limit(session->db, SQLITE_LIMIT_LENGTH, MAX_VALUE);
        sqlite3_limit(session->db, SQLITE_LIMIT_SQL_LENGTH, MAX_SQL);
        (void)!sqlite3_db_config(session->db, SQLITE_DBCONFIG_DEFENSIVE, 1,
                                 NULL);
        sqlite3_set_authorizer(session->db, sql_guard_authorize,
                               &session->guard);
        sqlite3_progress_handler(session->db, STEPS_AT_ONCE, is_stopped,
                                 session);
        /* Reads the file: says now what is wrong with it. */
        if (run_own(session, "SELECT count(*) FROM sqlite_schema") ==
            BYRON_OK) {
            *out = session;
            return BYRON_OK;
        }
    }
    if (session->db)
        snprintf(words, SQL_WORDS_SIZE, "%.150s: %.90s", path,
                 sqlite3_errmsg(session->db));
    sql_session_close(session);
    return BYRON_IO;
}

void sql_session_close(struct sql_session *session)
{
    if (!session)
        return;
    sqlite3_close(session->db);
    bytes_deinit(&session->row);
    bytes_deinit(&session->value);
    free(session);
}

/* --- A statement -----------------------------------------------------------*/

static int bind_one(sqlite3_stmt *statement, int place,
                    const Byron__V1__Value *value)
{
    switch (value->v_case) {
    case BYRON__V1__VALUE__V_INTEGER:
        return sqlite3_bind_int64(statement, place, value->integer);
    case BYRON__V1__VALUE__V_REAL:
        return sqlite3_bind_double(statement, place, value->real);
    case BYRON__V1__VALUE__V_TEXT:
        return sqlite3_bind_text(statement, place, value->text, -1,
                                 SQLITE_STATIC);
    case BYRON__V1__VALUE__V_BLOB:
        return value->blob.len > 0
                   ? sqlite3_bind_blob64(statement, place, value->blob.data,
                                         value->blob.len, SQLITE_STATIC)
                   : sqlite3_bind_zeroblob(statement, place, 0);
    default:
        return sqlite3_bind_null(statement, place);
    }
}

static struct outcome bind_all(struct sql_session *session,
                               const Byron__V1__QueryRequest *request)
{
    struct outcome ok = {GRPC_OK, NULL};
    int count = sqlite3_bind_parameter_count(session->statement);

    if ((size_t)count != request->n_params)
        return fail(session, GRPC_INVALID_ARGUMENT,
                    "as many parameters as the statement has, please");
    for (int i = 0; i < count; i++) {
        int rc = bind_one(session->statement, i + 1, request->params[i]);
        if (rc != SQLITE_OK)
            return fail_as(session, rc);
    }
    return ok;
}

/* One statement, and nothing behind it. */
static struct outcome prepare_one(struct sql_session *session, const char *sql)
{
    struct outcome ok = {GRPC_OK, NULL};
    const char *wrong = sql_guard_refuses(sql);
    const char *rest = NULL;
    int rc;

    if (wrong)
        return fail(session, GRPC_PERMISSION_DENIED, wrong);
    /* Names of columns go back as text. */
    if (!is_utf8((const uint8_t *)sql, strlen(sql)))
        return fail(session, GRPC_INVALID_ARGUMENT,
                    "the statement is not UTF-8");
    rc = sqlite3_prepare_v2(session->db, sql, -1, &session->statement, &rest);
    if (rc != SQLITE_OK)
        return fail_as(session, rc);
    if (!session->statement || rest[strspn(rest, " \t\r\n;")])
        return fail(session, GRPC_INVALID_ARGUMENT, "one statement, please");
    rc = sql_guard_check(&session->guard, session->db, session->statement);
    return rc == SQLITE_OK ? ok : fail_as(session, rc);
}

static struct outcome prepare(struct sql_session *session,
                              const Byron__V1__QueryRequest *request)
{
    struct outcome outcome = prepare_one(session, request->sql);
    const char *wrong;

    if (outcome.code != GRPC_OK || sqlite3_stmt_readonly(session->statement))
        return outcome;
    wrong = sql_guard_refuses_to_write(request->sql);
    if (!wrong && !sql_guard_may_write(&session->guard))
        wrong = "the right to write is missing";
    if (wrong)
        return fail(session, GRPC_PERMISSION_DENIED, wrong);
    return request->read_only
               ? fail(session, GRPC_FAILED_PRECONDITION,
                      "the statement writes, but is to be read-only")
               : outcome;
}

struct outcome sql_session_begin(struct sql_session *session,
                                 const Byron__V1__QueryRequest *request,
                                 const struct rights *rights,
                                 const atomic_bool *stop)
{
    size_t chunk = request->chunk_bytes ? request->chunk_bytes : USUAL_CHUNK;
    struct outcome outcome;
    bool is_reader;

    session->chunk = chunk < MIN_CHUNK   ? MIN_CHUNK
                     : chunk > MAX_CHUNK ? MAX_CHUNK
                                         : chunk;
    session->has_columns = false;
    session->changes = sqlite3_total_changes64(session->db);
    sql_guard_begin(&session->guard, rights);
    is_reader = request->read_only || !sql_guard_may_write(&session->guard);
    /* Functions that write by SQL of their own are held to it as well. */
    if (run_own(session, is_reader ? "PRAGMA query_only=1"
                                   : "PRAGMA query_only=0") != BYRON_OK)
        return fail(session, GRPC_INTERNAL, "query_only cannot be set");
    /* It was somebody else's row. */
    sqlite3_set_last_insert_rowid(session->db, 0);
    session->stop = stop;
    outcome = prepare(session, request);
    return outcome.code == GRPC_OK ? bind_all(session, request) : outcome;
}

void sql_session_end(struct sql_session *session)
{
    /* SQLite commits what is finalized before its last row; not what it is
       interrupted in. */
    if (session->statement && sqlite3_stmt_busy(session->statement) &&
        !sqlite3_stmt_readonly(session->statement)) {
        sqlite3_interrupt(session->db);
        (void)!sqlite3_step(session->statement);
    }
    sqlite3_finalize(session->statement);
    session->statement = NULL;
    session->stop = NULL;
    sql_guard_begin(&session->guard, NULL);
}

/* --- Rows ------------------------------------------------------------------*/

static byron_status encode_value(sqlite3_stmt *statement, int column,
                                 struct bytes *out)
{
    struct byron_bytes bytes = {NULL, 0};
    int64_t integer;
    bool is_text = false;

    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        integer = sqlite3_column_int64(statement, column);
        return encode_number(out, VALUE_INTEGER,
                             ((uint64_t)integer << 1) ^
                                 (integer < 0 ? UINT64_MAX : 0));
    case SQLITE_FLOAT:
        return encode_double(out, VALUE_REAL,
                             sqlite3_column_double(statement, column));
    case SQLITE_NULL:
        return encode_bytes(out, VALUE_NULL, bytes);
    case SQLITE_TEXT:
        bytes.data = sqlite3_column_text(statement, column);
        is_text = true;
        break;
    default:
        bytes.data = sqlite3_column_blob(statement, column);
    }
    bytes.size = (size_t)sqlite3_column_bytes(statement, column);
    if (!bytes.data && bytes.size > 0)
        return BYRON_NO_MEMORY;
    is_text = is_text && is_utf8(bytes.data, bytes.size);
    return encode_bytes(out, is_text ? VALUE_TEXT : VALUE_BLOB, bytes);
}

static byron_status add_row(struct sql_session *session, struct bytes *out)
{
    int count = sqlite3_column_count(session->statement);
    byron_status status = BYRON_OK;

    session->row.size = 0;
    for (int i = 0; i < count && status == BYRON_OK; i++) {
        session->value.size = 0;
        status = encode_value(session->statement, i, &session->value);
        if (status == BYRON_OK)
            status = encode_bytes(&session->row, ROW_VALUE,
                                  bytes_lend(&session->value));
        if (session->row.size > MAX_VALUE)
            status = BYRON_TOO_BIG;
    }
    return status == BYRON_OK
               ? encode_bytes(out, RESPONSE_ROW, bytes_lend(&session->row))
               : status;
}

static byron_status add_columns(struct sql_session *session, struct bytes *out)
{
    int count = sqlite3_column_count(session->statement);
    byron_status status = BYRON_OK;

    session->has_columns = true;
    for (int i = 0; i < count && status == BYRON_OK; i++) {
        const char *name = sqlite3_column_name(session->statement, i);
        status = name ? encode_bytes(out, RESPONSE_COLUMN, bytes_of_text(name))
                      : BYRON_NO_MEMORY;
    }
    return status;
}

static byron_status add_changes(const struct sql_session *session,
                                struct bytes *out)
{
    int64_t changes = sqlite3_total_changes64(session->db) - session->changes;

    return changes > 0 ? encode_number(out, RESPONSE_CHANGES, (uint64_t)changes)
                       : BYRON_OK;
}

struct outcome sql_session_fill(struct sql_session *session, struct bytes *out,
                                bool *is_end)
{
    size_t enough = out->size + session->chunk;
    byron_status status = BYRON_OK;
    int rc = SQLITE_ROW;

    if (!session->has_columns)
        status = add_columns(session, out);
    while (status == BYRON_OK && out->size < enough) {
        rc = sqlite3_step(session->statement);
        if (rc != SQLITE_ROW)
            break;
        status = add_row(session, out);
    }
    *is_end = rc == SQLITE_DONE;
    if (status == BYRON_OK && rc == SQLITE_DONE)
        status = add_changes(session, out);
    if (status == BYRON_TOO_BIG)
        return fail(session, GRPC_RESOURCE_EXHAUSTED,
                    "a row has more than 16 MiB");
    if (status == BYRON_OK && rc != SQLITE_ROW && rc != SQLITE_DONE)
        return fail_as(session, rc);
    return outcome_of(status);
}
