#include "sstables.h"

#include <stdlib.h>
#include <string.h>

#include "byron_inspect.h"
#include "index.h"
#include "key_codec.h"
#include "listing.h"
#include "literal_text.h"
#include "lookup.h"
#include "status.h"

/* One file, its keys copied. */
struct file {
    struct byron_table table;
    char *smallest; /* sqlite3_mprintf'd; as SQL. */
    char *largest;
};

struct files {
    const struct table *table; /* During start only. */
    struct file *files;        /* Owned. */
    int count;
    int index; /* Of the row; 0: before the first. */
};

/* The key's columns as SQL; false where the bytes are no such key. */
static bool add_columns(sqlite3_str *to, const struct declaration *declaration,
                        struct byron_bytes key)
{
    struct bytes scratch = {0};
    struct field field = {.kind = FIELD_INTEGER};
    byron_status status = bytes_reserve(&scratch, key.size);

    if (status == BYRON_OK && declaration->shape < KEY_SINGLE) {
        status = key_codec_read_rowid(key, &field.integer);
        literal_text_add(to, &field);
    }
    for (int i = 0; declaration->shape >= KEY_SINGLE && status == BYRON_OK &&
                    i < declaration->key_count;
         i++) {
        status = key_codec_read(&key, key_style_of(declaration, i), &scratch,
                                &field);
        if (status != BYRON_OK)
            break;
        sqlite3_str_appendall(to, i > 0 ? ", " : "");
        literal_text_add(to, &field);
    }
    bytes_deinit(&scratch);
    return status == BYRON_OK;
}

static uint32_t id_of(struct byron_bytes key)
{
    const uint8_t *bytes = key.data;

    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
           (uint32_t)bytes[2] << 8 | (uint32_t)bytes[3];
}

/* Of the table or one of its indexes; NULL: another table's. */
static const struct declaration *declaration_of(const struct table *table,
                                                uint32_t id, const char **name)
{
    *name = NULL;
    if (id == table->id)
        return table->declaration;
    for (int i = 0; i < table->index_count; i++)
        if (table->indexes[i].id == id) {
            *name = table->indexes[i].name;
            return table->indexes[i].entry;
        }
    return NULL;
}

/* A file holds keys of several tables: those of others are told as bytes. */
static char *describe(const struct table *table, struct byron_bytes key)
{
    sqlite3_str *words = sqlite3_str_new(table->db);
    struct field bytes = {
        .kind = FIELD_BLOB, .data = key.data, .size = key.size};

    const struct declaration *declaration = NULL;
    const char *index;

    if (key.size >= KEY_ID_SIZE)
        declaration = declaration_of(table, id_of(key), &index);
    if (declaration) {
        struct byron_bytes rest = {(const uint8_t *)key.data + KEY_ID_SIZE,
                                   key.size - KEY_ID_SIZE};

        if (index)
            sqlite3_str_appendf(words, "%s: ", index);
        if (add_columns(words, declaration, rest))
            return sqlite3_str_finish(words);
        sqlite3_str_reset(words);
    }
    literal_text_add(words, &bytes);
    return sqlite3_str_finish(words);
}

static bool may_hold(const struct byron_table *file, uint32_t id)
{
    return file->smallest.size < KEY_ID_SIZE ||
           file->largest.size < KEY_ID_SIZE ||
           (id_of(file->smallest) <= id && id_of(file->largest) >= id);
}

static bool concerns(const struct byron_table *file, const struct table *table)
{
    bool is_concerned = may_hold(file, table->id);

    for (int i = 0; i < table->index_count && !is_concerned; i++)
        is_concerned = may_hold(file, table->indexes[i].id);
    return is_concerned;
}

static byron_status add_file(void *context, const struct byron_table *table)
{
    struct files *files = context;
    struct file *grown;
    struct file *file;

    if (!concerns(table, files->table))
        return BYRON_OK;
    grown = realloc(files->files, sizeof *grown * ((size_t)files->count + 1));
    if (!grown)
        return BYRON_NO_MEMORY;
    files->files = grown;
    file = &grown[files->count++];
    file->table = *table;
    file->smallest = describe(files->table, table->smallest);
    file->largest = describe(files->table, table->largest);
    return file->smallest && file->largest ? BYRON_OK : BYRON_NO_MEMORY;
}

static int start(void *state, struct connection *connection,
                 const char *const *arguments, char **message)
{
    struct files *files = state;
    struct lookup lookup;
    byron_status status;
    int rc = lookup_open_table(connection, arguments[0], &lookup, message);

    if (rc != SQLITE_OK)
        return rc;
    files->table = lookup.table;
    status = byron_list_tables(lookup.db, NULL, add_file, files);
    files->table = NULL;
    lookup_close(&lookup);
    return status_message(status, message);
}

static int next(void *state, bool *is_there, char **message)
{
    struct files *files = state;

    (void)message;
    *is_there = ++files->index <= files->count;
    return SQLITE_OK;
}

enum {
    COLUMN_LEVEL,
    COLUMN_RUN,
    COLUMN_FILE,
    COLUMN_BYTES,
    COLUMN_ENTRIES,
    COLUMN_TOMBSTONES,
    COLUMN_SMALLEST,
    COLUMN_LARGEST,
    COLUMN_HASH_INDEX,
    COLUMN_TABLE,
};

static void column(void *state, sqlite3_context *context, int number)
{
    const struct files *files = state;
    const struct file *file = &files->files[files->index - 1];
    const char *key =
        number == COLUMN_SMALLEST ? file->smallest : file->largest;
    uint64_t value = 0;

    if (number == COLUMN_SMALLEST || number == COLUMN_LARGEST) {
        sqlite3_result_text(context, key, -1, SQLITE_TRANSIENT);
        return;
    }
    if (number == COLUMN_FILE) {
        char *name =
            sqlite3_mprintf("S-%016llx", (sqlite3_int64)file->table.number);

        sqlite3_result_text(context, name, -1, sqlite3_free);
        return;
    }
    if (number == COLUMN_LEVEL && file->table.level < 0)
        return; /* NULL: in no level yet. */
    if (number == COLUMN_LEVEL)
        value = (uint64_t)file->table.level;
    else if (number == COLUMN_RUN)
        value = file->table.run;
    else if (number == COLUMN_BYTES)
        value = file->table.bytes;
    else if (number == COLUMN_ENTRIES)
        value = file->table.entries;
    else if (number == COLUMN_HASH_INDEX)
        value = file->table.has_hash_index;
    else
        value = file->table.tombstones;
    sqlite3_result_int64(context, (sqlite3_int64)value);
}

static void end(void *state)
{
    struct files *files = state;

    for (int i = 0; i < files->count; i++) {
        sqlite3_free(files->files[i].smallest);
        sqlite3_free(files->files[i].largest);
    }
    free(files->files);
}

int sstables_register(struct connection *connection)
{
    static const struct listing listing = {
        .name = "byron_sstables",
        .schema = "CREATE TABLE x(level INTEGER, run INTEGER, file TEXT, "
                  "bytes INTEGER, entries INTEGER, tombstones INTEGER, "
                  "smallest TEXT, largest TEXT, hash_index INTEGER, "
                  "\"table\" TEXT HIDDEN)",
        .argument = COLUMN_TABLE,
        .needs = "byron: byron_sstables needs a table's name: SELECT * FROM "
                 "byron_sstables('t')",
        .rows = 100,
        .size = sizeof(struct files),
        .start = start,
        .next = next,
        .column = column,
        .end = end,
    };

    return listing_register(connection, &listing);
}
