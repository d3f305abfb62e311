#include "integrity.h"

#include <string.h>

#include "index_check.h"
#include "row.h"
#include "status.h"
#include "sweep.h"

#define MOST_WORDS 100 /* Enough to know. */

void findings_deinit(struct findings *findings)
{
    sqlite3_free(findings->words);
    memset(findings, 0, sizeof *findings);
}

void findings_add(void *context, const char *words)
{
    struct findings *findings = context;
    char *longer;

    if (++findings->count > MOST_WORDS)
        return;
    longer = findings->words ? sqlite3_mprintf("%s\n%s", findings->words, words)
                             : sqlite3_mprintf("%s", words);
    if (!longer)
        return;
    sqlite3_free(findings->words);
    findings->words = longer;
}

/* Every column, from the key or the value. */
static byron_status read_row(struct row *row, struct byron_bytes key,
                             struct byron_bytes value)
{
    byron_status status = row_set_key(row, key);

    if (status == BYRON_OK)
        status = row_set_value(row, value);
    for (int i = 0; i < row->table->column_count && status == BYRON_OK; i++) {
        struct field field;
        bool is_known;

        status = row_key_column(row, i, &field, &is_known);
        if (status == BYRON_OK && !is_known)
            status = row_column(row, i, &field);
        if (status == BYRON_OK && field.kind == FIELD_NULL &&
            row->table->columns[i].is_not_null)
            status = BYRON_CORRUPT;
    }
    return status;
}

static void add_damaged_row(struct table *table, struct byron_bytes key,
                            struct findings *findings)
{
    sqlite3_str *words = sqlite3_str_new(table->db);
    const uint8_t *bytes = key.data;
    char *sentence;

    sqlite3_str_appendf(words, "a row of %s is damaged; its key is x'",
                        table->name);
    for (size_t i = 4; i < key.size && i < 64; i++)
        sqlite3_str_appendf(words, "%02x", bytes[i]);
    sqlite3_str_appendall(words, key.size > 64 ? "...'" : "'");
    sentence = sqlite3_str_finish(words);
    findings_add(findings, sentence ? sentence : "a row is damaged");
    sqlite3_free(sentence);
}

static int check_rows(struct table *table, struct findings *findings)
{
    struct sweep sweep;
    struct row row;
    bool is_there = true;
    int rc = status_fail(table, row_init(&row, table->declaration));

    if (rc != SQLITE_OK)
        return rc;
    rc = sweep_open(&sweep, table, table->id);
    while (rc == SQLITE_OK && is_there) {
        struct byron_bytes value;
        byron_status status;

        rc = sweep_next(&sweep, &is_there);
        if (rc == SQLITE_OK && is_there)
            rc = sweep_value(&sweep, &value);
        if (rc != SQLITE_OK || !is_there)
            break;
        status = read_row(&row, sweep_key(&sweep), value);
        if (status == BYRON_CORRUPT)
            add_damaged_row(table, sweep_key(&sweep), findings);
        else
            rc = status_fail(table, status);
    }
    sweep_close(&sweep);
    row_deinit(&row);
    return rc;
}

static int check_store(struct table *table, struct findings *findings,
                       uint64_t *damages)
{
    struct interrupt interrupt = {.db = table->db};
    struct byron_patience patience = interrupt_patience(&interrupt);
    byron_status status =
        byron_verify_within(table->transaction->store->db, &patience,
                            findings_add, findings, damages);
    int rc = interrupt_fail(&interrupt, table, status);

    interrupt_deinit(&interrupt);
    return rc;
}

int check_table(struct table *table, struct findings *findings)
{
    uint64_t damages = 0;
    int rc = view_ready(table);

    if (rc == SQLITE_OK)
        rc = check_store(table, findings, &damages);
    /* Rows in files that are damaged cannot be read. */
    if (rc == SQLITE_OK && damages == 0)
        rc = check_rows(table, findings);
    if (rc == SQLITE_OK && findings->count == 0)
        rc = index_check(table, findings_add, findings, &damages);
    return rc;
}
