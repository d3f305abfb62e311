#include "db/orphans.h"

#include "base/alloc.h"
#include "db/db_state.h"
#include "sstable/file_pool.h"

byron_status db_add_orphan(struct byron_db *db, enum file_kind kind,
                           uint64_t number, uint64_t wal)
{
    if (db->orphan_count == db->orphan_capacity) {
        size_t capacity = db->orphan_capacity ? 2 * db->orphan_capacity : 16;
        struct orphan *orphans =
            alloc_resize(db->orphans, capacity * sizeof *orphans);
        if (!orphans)
            return error_no_memory();
        db->orphans = orphans;
        db->orphan_capacity = capacity;
    }
    db->orphans[db->orphan_count++] = (struct orphan){kind, number, wal};
    return BYRON_OK;
}

void db_remove_file(struct byron_db *db, enum file_kind kind, uint64_t number)
{
    struct byron_error first = *error_last();
    char name[OS_NAME_MAX];
    if (kind == FILE_TABLE)
        file_pool_forget(db->pool, number);
    file_name_format(kind, number, name);
    /* What cannot be removed now is an orphan of the next open. */
    (void)db->os->file_remove(db->dir, name);
    (void)error_restore(&first);
}

/* Recovery needs it no more. */
static bool is_over(const struct byron_db *db, const struct orphan *orphan)
{
    return orphan->wal == 0 || orphan->wal < db->state.wal_floor;
}

bool db_collect(struct byron_db *db)
{
    bool did_some = false;
    uint64_t dead[16];
    size_t count;
    while ((count = table_env_bury(&db->env, dead, 16)) > 0) {
        did_some = true;
        for (size_t i = 0; i < count; i++)
            db_remove_file(db, FILE_TABLE, dead[i]);
    }
    /* Before the manifest knows their numbers as used, orphans must stay, or
     * the numbers could be given out again after the next crash. */
    if (!db->has_appended)
        return did_some;
    size_t kept = 0;
    for (size_t i = 0; i < db->orphan_count; i++)
        if (is_over(db, &db->orphans[i]))
            db_remove_file(db, db->orphans[i].kind, db->orphans[i].number);
        else
            db->orphans[kept++] = db->orphans[i];
    did_some = did_some || kept < db->orphan_count;
    db->orphan_count = kept;
    return did_some;
}

/*
 * What a killed load left may be what fills the disk. Of tables that were there
 * when the store was opened nothing will ever speak, if the manifest that was
 * read is what the disk has. The file of the highest number stays, so that no
 * number is given out again after the next crash.
 */
static void make_space(struct byron_db *db)
{
    size_t kept = 0;
    for (size_t i = 0; i < db->orphan_count; i++) {
        const struct orphan *orphan = &db->orphans[i];
        if (orphan->kind == FILE_TABLE && orphan->wal == 0 &&
            orphan->number + 1 < db->number_at_open)
            db_remove_file(db, FILE_TABLE, orphan->number);
        else
            db->orphans[kept++] = *orphan;
    }
    db->orphan_count = kept;
}

byron_status db_release_orphans(struct byron_db *db, bool *did_some)
{
    if (db->has_appended)
        return BYRON_OK;
    struct version_edit edit = {0};
    byron_status status = BYRON_OK;
    for (size_t i = 0; i < db->orphan_count && !*did_some; i++)
        *did_some = is_over(db, &db->orphans[i]);
    if (*did_some)
        status = db_install(db, &edit, 0);
    if (status == BYRON_FULL && manifest_is_safe(db->manifest))
        make_space(db);
    version_edit_deinit(&edit);
    return status;
}
