#include "version/version_edit.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/integer.h"
#include "base/try.h"

/* What a field holds. A reader skips an unknown tag with the high bit. */
enum edit_tag {
    TAG_ADD = 1,
    TAG_REMOVE = 2,
    TAG_DROP = 3,
    TAG_FORGET_DROPS = 4,
    TAG_WAL_FLOOR = 5,
    TAG_LAST_SEQUENCE = 6,
    TAG_NEXT_NUMBER = 7,
    TAG_TIP = 8,
    TAG_ADD_MORE = 9, /* An ADD with what timed entries and ranges need. */
};
#define TAG_IGNORABLE 0x80
/* Of the table that the field before adds: how many entries are superseded. */
#define TAG_SUPERSEDED (TAG_IGNORABLE | 1)

void version_edit_deinit(struct version_edit *edit)
{
    for (size_t i = 0; i < edit->add_count; i++)
        table_facts_deinit(&edit->adds[i].facts);
    for (size_t i = 0; i < edit->drop_count; i++) {
        buf_deinit(&edit->drops[i].lower);
        buf_deinit(&edit->drops[i].upper);
    }
    alloc_free(edit->adds);
    alloc_free(edit->removes);
    alloc_free(edit->drops);
    memset(edit, 0, sizeof *edit);
}

/* Room for one more of item_size; NULL if there is no memory. */
static void *grow(void *items, size_t count, size_t *capacity, size_t item_size)
{
    size_t larger = *capacity ? 2 * *capacity : 4;

    if (count < *capacity)
        return items;
    items = alloc_resize(items, larger * item_size);
    if (items)
        *capacity = larger;
    else
        (void)error_no_memory();
    return items;
}

byron_status version_edit_add(struct version_edit *edit, uint32_t level,
                              uint64_t run, uint64_t number, uint64_t created_s,
                              struct table_facts *facts)
{
    struct edit_add *adds = grow(edit->adds, edit->add_count,
                                 &edit->add_capacity, sizeof *edit->adds);
    struct edit_add add = {level, run, number, created_s, *facts, NULL};

    memset(facts, 0, sizeof *facts);
    if (!adds) {
        table_facts_deinit(&add.facts);
        return BYRON_NO_MEMORY;
    }
    edit->adds = adds;
    edit->adds[edit->add_count++] = add;
    return BYRON_OK;
}

byron_status version_edit_remove(struct version_edit *edit, uint64_t number)
{
    uint64_t *removes = grow(edit->removes, edit->remove_count,
                             &edit->remove_capacity, sizeof *edit->removes);

    if (!removes)
        return BYRON_NO_MEMORY;
    edit->removes = removes;
    edit->removes[edit->remove_count++] = number;
    return BYRON_OK;
}

byron_status version_edit_drop(struct version_edit *edit, uint64_t wal,
                               struct slice lower, struct slice upper)
{
    byron_status status;
    struct drop_range drop = {.wal = wal};
    struct drop_range *drops;

    TRY(buf_add(&drop.lower, lower.data, lower.size));
    TRY(buf_add(&drop.upper, upper.data, upper.size));
    drops = grow(edit->drops, edit->drop_count, &edit->drop_capacity,
                 sizeof *edit->drops);
    if (drops) {
        edit->drops = drops;
        edit->drops[edit->drop_count++] = drop;
        return BYRON_OK;
    }
    status = BYRON_NO_MEMORY;
out:
    buf_deinit(&drop.lower);
    buf_deinit(&drop.upper);
    return status;
}

/* --- Bytes --- */

static enum edit_tag add_tag(const struct edit_add *add)
{
    return add->facts.timed + add->facts.ranges > 0 ? TAG_ADD_MORE : TAG_ADD;
}

static byron_status encode_add(const struct edit_add *add, struct buf *body)
{
    byron_status status;
    const struct table_facts *facts = &add->facts;

    TRY(buf_add_varint(body, add->level));
    TRY(buf_add_varint(body, add->run));
    TRY(buf_add_varint(body, add->number));
    TRY(buf_add_varint(body, add->created_s));
    TRY(buf_add_u64(body, facts->uid));
    TRY(buf_add_u64(body, facts->file_hash));
    TRY(buf_add_varint(body, facts->size));
    TRY(buf_add_varint(body, facts->entries));
    TRY(buf_add_varint(body, facts->tombstones));
    TRY(buf_add_varint(body, facts->raw_bytes));
    TRY(buf_add_varint(body, facts->min_sequence));
    TRY(buf_add_varint(body, facts->max_sequence));
    TRY(buf_add_sized(body, buf_slice(&facts->smallest)));
    TRY(buf_add_sized(body, buf_slice(&facts->largest)));
    if (add_tag(add) == TAG_ADD_MORE) {
        TRY(buf_add_varint(body, facts->timed));
        TRY(buf_add_varint(body, facts->earliest_ms));
        TRY(buf_add_varint(body, facts->latest_ms));
        TRY(buf_add_varint(body, facts->ranges));
        TRY(buf_add_varint(body, facts->hidden));
        TRY(buf_add_u8(body, facts->is_open));
    }
out:
    return status;
}

/* Moves body behind out as the field of that tag. */
static byron_status end_field(unsigned tag, struct buf *body, struct buf *out)
{
    byron_status status;

    TRY(buf_add_u8(out, (uint8_t)tag));
    TRY(buf_add_sized(out, buf_slice(body)));
    buf_clear(body);
out:
    return status;
}

static byron_status encode_superseded(const struct edit_add *add,
                                      struct buf *body, struct buf *out)
{
    byron_status status = BYRON_OK;

    if (add->facts.superseded == 0)
        return BYRON_OK;
    TRY(buf_add_varint(body, add->facts.superseded));
    TRY(end_field(TAG_SUPERSEDED, body, out));
out:
    return status;
}

static byron_status encode_drop(const struct drop_range *drop, struct buf *body)
{
    byron_status status;

    TRY(buf_add_varint(body, drop->wal));
    TRY(buf_add_sized(body, buf_slice(&drop->lower)));
    TRY(buf_add_sized(body, buf_slice(&drop->upper)));
out:
    return status;
}

/* A field that is there only where value is not 0. */
static byron_status encode_number(enum edit_tag tag, uint64_t value,
                                  struct buf *body, struct buf *out)
{
    byron_status status = BYRON_OK;

    if (value == 0)
        return BYRON_OK;
    TRY(buf_add_varint(body, value));
    TRY(end_field(tag, body, out));
out:
    return status;
}

static byron_status encode_numbers(const struct version_edit *edit,
                                   struct buf *body, struct buf *out)
{
    byron_status status;

    TRY(encode_number(TAG_FORGET_DROPS, edit->forget_drops, body, out));
    TRY(encode_number(TAG_WAL_FLOOR, edit->wal_floor, body, out));
    TRY(encode_number(TAG_LAST_SEQUENCE, edit->last_sequence, body, out));
    TRY(encode_number(TAG_NEXT_NUMBER, edit->next_number, body, out));
    if (edit->has_tip) {
        TRY(buf_add_varint(body, edit->tip));
        TRY(buf_add_varint(body, edit->alias));
        TRY(end_field(TAG_TIP, body, out));
    }
out:
    return status;
}

static uint64_t count_fields(const struct version_edit *edit)
{
    uint64_t superseded = 0;

    for (size_t i = 0; i < edit->add_count; i++)
        superseded += edit->adds[i].facts.superseded > 0;
    return edit->add_count + superseded + edit->remove_count +
           edit->drop_count + (edit->forget_drops != 0) +
           (edit->wal_floor != 0) + (edit->last_sequence != 0) +
           (edit->next_number != 0) + edit->has_tip;
}

byron_status version_edit_encode(const struct version_edit *edit,
                                 struct buf *out)
{
    byron_status status;
    struct buf body = {0};

    TRY(buf_add_varint(out, count_fields(edit)));
    for (size_t i = 0; i < edit->remove_count; i++) {
        TRY(buf_add_varint(&body, edit->removes[i]));
        TRY(end_field(TAG_REMOVE, &body, out));
    }
    for (size_t i = 0; i < edit->add_count; i++) {
        TRY(encode_add(&edit->adds[i], &body));
        TRY(end_field(add_tag(&edit->adds[i]), &body, out));
        TRY(encode_superseded(&edit->adds[i], &body, out));
    }
    for (size_t i = 0; i < edit->drop_count; i++) {
        TRY(encode_drop(&edit->drops[i], &body));
        TRY(end_field(TAG_DROP, &body, out));
    }
    TRY(encode_numbers(edit, &body, out));
out:
    buf_deinit(&body);
    return status;
}

/* Where bytes come from, for the words of an error. */
struct source {
    const char *path;
    uint64_t offset;
};

static byron_status malformed(const struct source *source, const char *what)
{
    return error_corrupt(source->path, source->offset,
                         "malformed %s in an edit", what);
}

static bool is_sane(const struct edit_add *add, struct slice smallest,
                    struct slice largest)
{
    const struct table_facts *facts = &add->facts;

    return add->number != 0 && facts->entries != 0 &&
           facts->tombstones <= facts->entries &&
           facts->timed <= facts->entries - facts->tombstones &&
           facts->earliest_ms <= facts->latest_ms &&
           (!facts->is_open || slice_compare(smallest, largest) < 0) &&
           facts->min_sequence <= facts->max_sequence &&
           smallest.size <= BYRON_MAX_KEY && largest.size <= BYRON_MAX_KEY &&
           slice_compare(smallest, largest) <= 0;
}

static bool read_more(struct slice *body, struct table_facts *facts)
{
    uint8_t is_open;

    if (!read_varint(body, &facts->timed) ||
        !read_varint(body, &facts->earliest_ms) ||
        !read_varint(body, &facts->latest_ms) ||
        !read_varint(body, &facts->ranges) ||
        !read_varint(body, &facts->hidden) || !read_u8(body, &is_open))
        return false;
    facts->is_open = is_open != 0;
    return is_open <= (facts->ranges > 0) && facts->timed + facts->ranges > 0;
}

static byron_status decode_add(enum edit_tag tag, struct slice body,
                               const struct source *source,
                               struct version_edit *edit)
{
    byron_status status;
    struct edit_add add = {0};
    struct table_facts *facts = &add.facts;
    struct slice smallest;
    struct slice largest;
    uint64_t level;

    if (!(read_varint(&body, &level) && read_varint(&body, &add.run) &&
          read_varint(&body, &add.number) &&
          read_varint(&body, &add.created_s) && read_u64(&body, &facts->uid) &&
          read_u64(&body, &facts->file_hash) &&
          read_varint(&body, &facts->size) &&
          read_varint(&body, &facts->entries) &&
          read_varint(&body, &facts->tombstones) &&
          read_varint(&body, &facts->raw_bytes) &&
          read_varint(&body, &facts->min_sequence) &&
          read_varint(&body, &facts->max_sequence) &&
          read_sized(&body, &smallest) && read_sized(&body, &largest)) ||
        (tag == TAG_ADD_MORE && !read_more(&body, facts)) || body.size != 0 ||
        level >= BYRON_LEVELS || !is_sane(&add, smallest, largest))
        return malformed(source, "table");
    TRY(buf_add(&facts->smallest, smallest.data, smallest.size));
    TRY(buf_add(&facts->largest, largest.data, largest.size));
    TRY(version_edit_add(edit, (uint32_t)level, add.run, add.number,
                         add.created_s, facts));
out:
    table_facts_deinit(facts);
    return status;
}

static byron_status decode_drop(struct slice body, const struct source *source,
                                struct version_edit *edit)
{
    uint64_t wal;
    struct slice lower;
    struct slice upper;

    if (!read_varint(&body, &wal) || !read_sized(&body, &lower) ||
        !read_sized(&body, &upper) || body.size != 0 ||
        lower.size > BYRON_MAX_KEY || upper.size > BYRON_MAX_KEY ||
        (upper.size > 0 && slice_compare(lower, upper) >= 0))
        return malformed(source, "dropped range");
    return version_edit_drop(edit, wal, lower, upper);
}

/* A field that stands at most once and is not 0. */
static byron_status decode_number(struct slice body,
                                  const struct source *source, uint64_t *out)
{
    uint64_t value;

    if (*out != 0 || !read_varint(&body, &value) || body.size != 0 ||
        value == 0)
        return malformed(source, "number");
    *out = value;
    return BYRON_OK;
}

static byron_status decode_tip(struct slice body, const struct source *source,
                               struct version_edit *edit)
{
    if (edit->has_tip || !read_varint(&body, &edit->tip) ||
        !read_varint(&body, &edit->alias) || body.size != 0)
        return malformed(source, "tip");
    edit->has_tip = true;
    return BYRON_OK;
}

static byron_status decode_remove(struct slice body,
                                  const struct source *source,
                                  struct version_edit *edit)
{
    byron_status status;
    uint64_t number = 0;

    TRY(decode_number(body, source, &number));
    TRY(version_edit_remove(edit, number));
out:
    return status;
}

/* Of the last table added. A reader that does not know the field passes over
 * it, so nothing but a guess at what a rewrite saves may hang on it. */
static byron_status decode_superseded(struct slice body,
                                      const struct source *source,
                                      struct version_edit *edit)
{
    struct table_facts *facts =
        edit->add_count > 0 ? &edit->adds[edit->add_count - 1].facts : NULL;
    uint64_t count;

    if (!facts || facts->superseded > 0 || !read_varint(&body, &count) ||
        body.size != 0 || count == 0 || count >= facts->entries)
        return malformed(source, "count of superseded entries");
    facts->superseded = count;
    return BYRON_OK;
}

static byron_status decode_field(uint8_t tag, struct slice body,
                                 const struct source *source,
                                 struct version_edit *edit)
{
    switch (tag) {
    case TAG_ADD:
    case TAG_ADD_MORE:
        return decode_add((enum edit_tag)tag, body, source, edit);
    case TAG_REMOVE:
        return decode_remove(body, source, edit);
    case TAG_DROP:
        return decode_drop(body, source, edit);
    case TAG_FORGET_DROPS:
        return decode_number(body, source, &edit->forget_drops);
    case TAG_WAL_FLOOR:
        return decode_number(body, source, &edit->wal_floor);
    case TAG_LAST_SEQUENCE:
        return decode_number(body, source, &edit->last_sequence);
    case TAG_NEXT_NUMBER:
        return decode_number(body, source, &edit->next_number);
    case TAG_TIP:
        return decode_tip(body, source, edit);
    case TAG_SUPERSEDED:
        return decode_superseded(body, source, edit);
    default:
        if (tag & TAG_IGNORABLE)
            return BYRON_OK;
        return error_set(BYRON_NEWER_FORMAT, source->path, source->offset, 0,
                         "unknown field %u in an edit", tag);
    }
}

byron_status version_edit_decode(struct slice bytes, const char *path,
                                 uint64_t offset, struct version_edit *edit)
{
    byron_status status = BYRON_OK;
    struct source source = {path, offset};
    uint64_t count;

    if (!read_varint(&bytes, &count))
        return malformed(&source, "count of fields");
    for (; count > 0; count--) {
        uint8_t tag;
        struct slice body;
        if (!read_u8(&bytes, &tag) || !read_sized(&bytes, &body))
            return malformed(&source, "field");
        TRY(decode_field(tag, body, &source, edit));
    }
    if (bytes.size != 0)
        return malformed(&source, "end");
out:
    return status;
}
