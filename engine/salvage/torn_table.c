#include "salvage/torn_table.h"

#include "base/alloc.h"
#include "base/try.h"
#include "entry/timed.h"
#include "salvage/block_scan.h"
#include "sstable/range_block.h"

/* Where a uid may be learned. */
enum { UID_HEADER, UID_FOOTER, UID_MANIFEST, UID_COUNT };

struct identity {
    uint64_t uids[UID_COUNT];
    size_t count;
    bool has_footer;
    struct table_footer footer;
};

static byron_status add_place(struct torn_table *table, uint64_t offset,
                              uint32_t disk_size)
{
    if (table->place_count == table->place_capacity) {
        size_t capacity =
            table->place_capacity ? 2 * table->place_capacity : 64;
        struct block_place *places =
            alloc_resize(table->places, capacity * sizeof *places);
        if (!places)
            return error_no_memory();
        table->places = places;
        table->place_capacity = capacity;
    }
    table->places[table->place_count++] =
        (struct block_place){offset, disk_size};
    return BYRON_OK;
}

/* --- Whose blocks they are ------------------------------------------------ */

static void add_uid(struct identity *identity, uint64_t uid)
{
    for (size_t i = 0; i < identity->count; i++)
        if (identity->uids[i] == uid)
            return;
    identity->uids[identity->count++] = uid;
}

/* The header's uid counts even where its checksum is wrong: the blocks prove
 * it. */
static byron_status read_header(struct torn_table *table,
                                struct identity *identity)
{
    byron_status status;
    uint8_t bytes[TABLE_HEADER_SIZE];
    struct table_header header;
    bool is_newer;
    const char *flaw;

    if (table->size < sizeof bytes)
        return table_source_corrupt(&table->source, 0,
                                    "the file is shorter than a header");
    TRY(file_pool_read(table->source.pool, table->source.number, 0, bytes,
                       sizeof bytes));
    flaw = table_header_decode(bytes, &header, &is_newer);
    add_uid(identity, load_u64(bytes + 16));
    if (is_newer)
        status =
            file_pool_newer(table->source.pool, table->source.number, flaw);
    else if (flaw)
        status = table_source_corrupt(&table->source, 0, flaw);
    else if (header.number != table->source.number)
        status = table_source_corrupt(&table->source, 0,
                                      "by its header this is another table");
out:
    return status;
}

static byron_status read_footer(struct torn_table *table,
                                struct identity *identity)
{
    byron_status status;
    uint8_t bytes[TABLE_FOOTER_SIZE];
    bool is_newer;
    const char *flaw = "the file is shorter than a footer";
    uint64_t at = table->size;

    if (table->size >= sizeof bytes) {
        at -= sizeof bytes;
        TRY(file_pool_read(table->source.pool, table->source.number, at, bytes,
                           sizeof bytes));
        add_uid(identity, load_u64(bytes + 80));
        flaw = table_footer_decode(bytes, &identity->footer, &is_newer);
        if (flaw && is_newer)
            return file_pool_newer(table->source.pool, table->source.number,
                                   flaw);
    }
    if (!flaw && identity->footer.file_size != table->size)
        flaw = "the file has another size than its footer says";
    if (flaw)
        return table_source_corrupt(&table->source, at, flaw);
    identity->has_footer = true;
    status = BYRON_OK;
out:
    return status;
}

/* --- By the index --------------------------------------------------------- */

static byron_status copy_key(const struct block *block, uint32_t at,
                             struct buf *out)
{
    byron_status status;

    buf_clear(out);
    TRY(buf_reserve(out, block_key_room(block)));
    if (block->prefix_size)
        memcpy(out->data, block->prefix, block->prefix_size);
    out->size = block_key_after_prefix(block, at, out->data);
out:
    return status;
}

struct index_walk {
    struct torn_table *table;
    const struct table_footer *footer;
    struct buf disk, room, leaf_disk, leaf_room;
    struct buf separator; /* Of the block before. */
    bool has_separator;
    uint64_t end; /* Of the block before. */
};

static byron_status read_index_block(struct index_walk *walk,
                                     const struct block_handle *handle,
                                     struct buf *disk, struct buf *room,
                                     struct block *out)
{
    byron_status status;
    struct slice body;

    TRY(table_source_read(&walk->table->source, handle, BLOCK_INDEX, disk, room,
                          &body));
    block_view(body, out);
out:
    return status;
}

/* One block of the data, if its keys can be wanted. */
static byron_status take_handle(struct index_walk *walk,
                                const struct block *index, uint32_t at)
{
    byron_status status;
    struct torn_table *table = walk->table;
    const struct wreck *wreck = table->wreck;
    struct index_value value;
    bool is_wanted =
        !walk->has_separator || !wreck->upper.data ||
        slice_compare(buf_slice(&walk->separator), wreck->upper) < 0;

    index_value_decode(block_value(index, at).data, &value);
    TRY(table_source_check_handle(&table->source, &value.block));
    if (value.block.offset < walk->end ||
        value.block.disk_size > walk->footer->data_end - value.block.offset) {
        status = table_source_corrupt(&table->source, value.block.offset,
                                      "the index is out of order");
        goto out;
    }
    walk->end = value.block.offset + value.block.disk_size;
    TRY(copy_key(index, at, &walk->separator));
    walk->has_separator = true;
    if (is_wanted &&
        (!wreck->lower.data ||
         slice_compare(buf_slice(&walk->separator), wreck->lower) >= 0))
        TRY(add_place(table, value.block.offset, value.block.disk_size));
out:
    return status;
}

static byron_status take_leaf(struct index_walk *walk,
                              const struct block *index)
{
    byron_status status = BYRON_OK;

    for (uint32_t i = 0; i < index->count; i++)
        TRY(take_handle(walk, index, i));
out:
    return status;
}

static byron_status take_lower(struct index_walk *walk, const struct block *top)
{
    byron_status status = BYRON_OK;

    for (uint32_t i = 0; i < top->count; i++) {
        struct index_value value;
        struct block leaf;

        index_value_decode(block_value(top, i).data, &value);
        status = read_index_block(walk, &value.block, &walk->leaf_disk,
                                  &walk->leaf_room, &leaf);
        if (status == BYRON_OK)
            status = take_leaf(walk, &leaf);
        if (status != BYRON_OK)
            break;
    }
    return status;
}

/* All of the index, or damage: then the scan finds what it would have told. */
static byron_status walk_index(struct torn_table *table,
                               const struct table_footer *footer)
{
    byron_status status;
    struct index_walk walk = {
        .table = table, .footer = footer, .end = TABLE_HEADER_SIZE};
    struct block_handle handle = {footer->index.offset, footer->index.size, 0};
    struct block top;

    TRY(read_index_block(&walk, &handle, &walk.disk, &walk.room, &top));
    if (footer->index_levels == 1)
        TRY(take_leaf(&walk, &top));
    else
        TRY(take_lower(&walk, &top));
out:
    buf_deinit(&walk.disk);
    buf_deinit(&walk.room);
    buf_deinit(&walk.leaf_disk);
    buf_deinit(&walk.leaf_room);
    buf_deinit(&walk.separator);
    return status;
}

/* --- Range deletes -------------------------------------------------------- */

static byron_status read_ranges(struct torn_table *table,
                                const struct block_handle *handle)
{
    byron_status status;
    struct slice body;
    const char *flaw;

    range_list_deinit(&table->ranges);
    table->ranges = (struct range_list){0};
    TRY(table_source_read(&table->source, handle, BLOCK_RANGES,
                          &table->ranges_disk, &table->ranges_room, &body));
    TRY(range_block_decode(body, &table->ranges, &flaw));
    if (flaw)
        status = table_source_corrupt(&table->source, handle->offset, flaw);
out:
    return status;
}

/* --- By the checksums ------------------------------------------------------
 */

static byron_status take_block(struct torn_table *table,
                               const struct block_handle *handle,
                               enum block_kind kind)
{
    if (kind == BLOCK_DATA)
        return add_place(table, handle->offset, handle->disk_size);
    if (kind == BLOCK_RANGES)
        return wreck_take(table->wreck, read_ranges(table, handle),
                          handle->disk_size);
    return BYRON_OK;
}

/* Bytes before the footer, or up to the end, that belong to no block. */
static void tell_gap(struct torn_table *table, uint64_t from, uint64_t to)
{
    byron_status status;

    if (to <= from)
        return;
    status = table_source_corrupt(&table->source, from,
                                  "no block with a right checksum is here");
    if (status == BYRON_CORRUPT)
        wreck_tell(table->wreck, to - from);
}

/* *found: blocks, of any kind. */
static byron_status scan_blocks(struct torn_table *table, uint64_t end,
                                size_t *found_count)
{
    byron_status status = BYRON_OK;
    struct block_scan scan;
    struct block_handle handle;
    enum block_kind kind;
    bool found = true;

    table->place_count = 0;
    *found_count = 0;
    block_scan_init(&scan, &table->source, TABLE_HEADER_SIZE, end);
    for (;;) {
        uint64_t at = scan.at;

        TRY(patience_ask(table->wreck->patience));
        TRY(block_scan_next(&scan, &handle, &kind, &found));
        if (!found && *found_count == 0)
            break;
        tell_gap(table, at, found ? handle.offset : end);
        if (!found)
            break;
        ++*found_count;
        TRY(take_block(table, &handle, kind));
    }
out:
    block_scan_deinit(&scan);
    return status;
}

/* With each uid that it may be, until one proves right. */
static byron_status scan_all(struct torn_table *table,
                             const struct identity *identity)
{
    byron_status status = BYRON_OK;
    uint64_t end = table->size;
    size_t found = 0;

    if (identity->has_footer)
        end -= TABLE_FOOTER_SIZE;
    for (size_t i = 0; i < identity->count && found == 0; i++) {
        table->source.uid = identity->uids[i];
        TRY(scan_blocks(table, end, &found));
    }
    if (found == 0 && end > TABLE_HEADER_SIZE)
        tell_gap(table, TABLE_HEADER_SIZE, end);
out:
    return status;
}

/* --- Opening ---------------------------------------------------------------
 */

static byron_status map_blocks(struct torn_table *table,
                               struct identity *identity)
{
    byron_status status = BYRON_OK;
    const struct table_footer *footer = &identity->footer;

    table->source.blocks_end = table->size;
    if (identity->has_footer) {
        table->source.blocks_end -= TABLE_FOOTER_SIZE;
        table->source.uid = footer->uid;
        status = walk_index(table, footer);
        table->is_indexed = status == BYRON_OK;
        TRY(wreck_take(table->wreck, status, 0));
    }
    if (!table->is_indexed)
        return scan_all(table, identity);
    if (footer->features & TABLE_HAS_RANGES) {
        struct block_handle handle = {footer->ranges.offset,
                                      footer->ranges.size, 0};
        TRY(wreck_take(table->wreck, read_ranges(table, &handle),
                       handle.disk_size));
    }
out:
    return status;
}

static byron_status open_parts(struct torn_table *table, uint64_t uid)
{
    byron_status status;
    struct identity identity = {0};

    status =
        file_pool_size(table->source.pool, table->source.number, &table->size);
    if (status != BYRON_OK)
        return wreck_take(table->wreck, status, 0);
    TRY(wreck_take(table->wreck, read_header(table, &identity), 0));
    TRY(wreck_take(table->wreck, read_footer(table, &identity), 0));
    if (uid != 0)
        add_uid(&identity, uid);
    TRY(map_blocks(table, &identity));
out:
    /* What the scan cannot read at all is gone as a whole. */
    return wreck_take(table->wreck, status, 0);
}

byron_status torn_table_open(struct wreck *wreck, uint64_t number, uint64_t uid,
                             struct torn_table **out)
{
    byron_status status;
    struct torn_table *table = alloc_zeroed(1, sizeof *table);

    if (!table)
        return error_no_memory();
    table->wreck = wreck;
    table->source.pool = wreck->pool;
    table->source.number = number;
    TRY(open_parts(table, uid));
    *out = table;
    table = NULL;
out:
    torn_table_close(table);
    return status;
}

void torn_table_close(struct torn_table *table)
{
    if (!table)
        return;
    range_list_deinit(&table->ranges);
    alloc_free(table->places);
    buf_deinit(&table->disk);
    buf_deinit(&table->room);
    buf_deinit(&table->key_bytes);
    buf_deinit(&table->last_key);
    buf_deinit(&table->value_disk);
    buf_deinit(&table->value_room);
    buf_deinit(&table->ranges_disk);
    buf_deinit(&table->ranges_room);
    file_pool_forget(table->source.pool, table->source.number);
    alloc_free(table);
}

/* --- Reading ----------------------------------------------------------------
 */

/* Blocks of a file ascend; one that does not would spoil the order of all. */
static byron_status check_order(struct torn_table *table,
                                const struct block_place *place)
{
    byron_status status;

    TRY(copy_key(&table->block, 0, &table->key_bytes));
    if (table->has_last &&
        entry_compare(buf_slice(&table->last_key), table->last_sequence,
                      buf_slice(&table->key_bytes),
                      block_sequence(&table->block, 0)) >= 0)
        return table_source_corrupt(&table->source, place->offset,
                                    "a block is out of order");
    TRY(copy_key(&table->block, table->block.count - 1, &table->last_key));
    table->last_sequence =
        block_sequence(&table->block, table->block.count - 1);
    table->has_last = true;
out:
    return status;
}

static byron_status load_block(struct torn_table *table,
                               const struct block_place *place)
{
    byron_status status;
    struct block_handle handle = {place->offset, place->disk_size, 0};
    struct slice body;

    TRY(patience_ask(table->wreck->patience));
    TRY(table_source_read(&table->source, &handle, BLOCK_DATA, &table->disk,
                          &table->room, &body));
    block_view(body, &table->block);
    TRY(check_order(table, place));
    buf_clear(&table->key_bytes);
    TRY(buf_reserve(&table->key_bytes, block_key_room(&table->block)));
    if (table->block.prefix_size)
        memcpy(table->key_bytes.data, table->block.prefix,
               table->block.prefix_size);
    table->has_block = true;
    table->at = 0;
    if (table->wreck->lower.data) {
        bool has_key;
        table->at = block_seek(&table->block, table->wreck->lower, SEQUENCE_MAX,
                               &has_key);
    }
    if (!table->wreck->is_muted)
        table->wreck->counts.blocks++;
out:
    return status;
}

/* To a block with an entry left; has_block is false behind the last. */
static byron_status next_block(struct torn_table *table)
{
    byron_status status = BYRON_OK;

    while (!table->has_block || table->at >= table->block.count) {
        const struct block_place *place;

        table->has_block = false;
        if (table->next_place == table->place_count)
            break;
        place = &table->places[table->next_place++];
        status = load_block(table, place);
        if (wreck_is_damage(status) && !table->wreck->is_muted)
            table->wreck->counts.lost_blocks++;
        TRY(wreck_take(table->wreck, status, place->disk_size));
    }
out:
    return status;
}

byron_status torn_table_next(struct torn_table *table)
{
    byron_status status;

    table->valid = false;
    if (table->has_block)
        table->at++;
    TRY(next_block(table));
    if (!table->has_block)
        return BYRON_OK;
    table->key_bytes.size =
        block_key_after_prefix(&table->block, table->at, table->key_bytes.data);
    table->key = buf_slice(&table->key_bytes);
    table->sequence = block_sequence(&table->block, table->at);
    table->kind = block_kind(&table->block, table->at);
    table->valid = wreck_wants(table->wreck, table->key);
out:
    return status;
}

byron_status torn_table_value(struct torn_table *table, struct slice *out)
{
    byron_status status = BYRON_OK;
    struct block_handle handle;

    *out = block_value(&table->block, table->at);
    if (block_is_large(&table->block, table->at)) {
        block_handle_decode(out->data, &handle);
        TRY(table_source_read(&table->source, &handle, BLOCK_VALUE,
                              &table->value_disk, &table->value_room, out));
        if (table->kind == ENTRY_TIMED && out->size < TIMED_HEAD)
            status = table_source_corrupt(&table->source, handle.offset,
                                          "a value that expires is too short");
    }
out:
    return status;
}
