#include "sstable/sstable_format.h"

#include "base/hash.h"
#include "base/integer.h"
#include "base/try.h"

/* "BYRONTBL" and "BYRONEND" as bytes. */
#define HEADER_MAGIC UINT64_C(0x4c42544e4f525942)
#define FOOTER_MAGIC UINT64_C(0x444e454e4f525942)

#define HEADER_SUM_AT 56
#define FOOTER_SUM_AT 112

void block_handle_encode(const struct block_handle *handle,
                         uint8_t to[BLOCK_HANDLE_SIZE])
{
    store_u64(to, handle->offset);
    store_u32(to + 8, handle->disk_size);
    store_u32(to + 12, handle->raw_size);
}

void block_handle_decode(const uint8_t *from, struct block_handle *out)
{
    out->offset = load_u64(from);
    out->disk_size = load_u32(from + 8);
    out->raw_size = load_u32(from + 12);
}

void index_value_encode(const struct index_value *value,
                        uint8_t to[INDEX_VALUE_SIZE])
{
    block_handle_encode(&value->block, to);
    store_u64(to + BLOCK_HANDLE_SIZE, value->ordinal);
}

void index_value_decode(const uint8_t *from, struct index_value *out)
{
    block_handle_decode(from, &out->block);
    out->ordinal = load_u64(from + BLOCK_HANDLE_SIZE);
}

void table_header_encode(const struct table_header *header,
                         uint8_t to[TABLE_HEADER_SIZE])
{
    memset(to, 0, TABLE_HEADER_SIZE);
    store_u64(to, HEADER_MAGIC);
    store_u32(to + 8, TABLE_FORMAT);
    store_u32(to + 12, TABLE_HEADER_SIZE);
    store_u64(to + 16, header->uid);
    store_u64(to + 24, header->number);
    store_u64(to + HEADER_SUM_AT,
              hash_bytes(slice_of(to, HEADER_SUM_AT), header->uid));
}

const char *table_header_decode(const uint8_t *from, struct table_header *out,
                                bool *is_newer)
{
    *is_newer = false;
    if (load_u64(from) != HEADER_MAGIC)
        return "not a table: header magic is wrong";
    out->uid = load_u64(from + 16);
    out->number = load_u64(from + 24);
    if (load_u64(from + HEADER_SUM_AT) !=
        hash_bytes(slice_of(from, HEADER_SUM_AT), out->uid))
        return "checksum of the table header is wrong";
    if (load_u32(from + 8) != TABLE_FORMAT) {
        *is_newer = true;
        return "table format is newer than this library";
    }
    return NULL;
}

static void section_encode(const struct table_section *section, uint8_t *to)
{
    store_u64(to, section->offset);
    store_u32(to + 8, section->size);
}

static void section_decode(const uint8_t *from, struct table_section *out)
{
    out->offset = load_u64(from);
    out->size = load_u32(from + 8);
}

void table_footer_encode(const struct table_footer *footer,
                         uint8_t to[TABLE_FOOTER_SIZE])
{
    memset(to, 0, TABLE_FOOTER_SIZE);
    section_encode(&footer->index, to);
    section_encode(&footer->filter, to + 12);
    section_encode(&footer->properties, to + 24);
    section_encode(&footer->hash_index, to + 36);
    section_encode(&footer->ranges, to + 48);
    store_u32(to + 60, TABLE_FORMAT);
    store_u64(to + 64, footer->data_end);
    store_u64(to + 72, footer->file_size);
    store_u64(to + 80, footer->uid);
    store_u32(to + 88, footer->features);
    store_u32(to + 92, footer->extras);
    store_u32(to + 96, footer->index_levels);
    store_u64(
        to + FOOTER_SUM_AT,
        hash_bytes(slice_of(to, FOOTER_SUM_AT),
                   footer->uid ^ (footer->file_size - TABLE_FOOTER_SIZE)));
    store_u64(to + 120, FOOTER_MAGIC);
}

/* Whether the section lies between the data and the footer. */
static bool section_fits(const struct table_section *section,
                         const struct table_footer *footer)
{
    uint64_t end = footer->file_size - TABLE_FOOTER_SIZE;
    return section->offset >= footer->data_end && section->offset <= end &&
           section->size <= end - section->offset;
}

static bool footer_is_sound(const struct table_footer *footer)
{
    return footer->file_size >= TABLE_HEADER_SIZE + TABLE_FOOTER_SIZE &&
           footer->data_end >= TABLE_HEADER_SIZE &&
           footer->data_end <= footer->file_size - TABLE_FOOTER_SIZE &&
           footer->index_levels >= 1 && footer->index_levels <= 2 &&
           section_fits(&footer->index, footer) &&
           section_fits(&footer->properties, footer) &&
           (!(footer->features & TABLE_HAS_RANGES) ||
            section_fits(&footer->ranges, footer)) &&
           (!(footer->extras & TABLE_HAS_HASH_INDEX) ||
            section_fits(&footer->hash_index, footer)) &&
           (footer->filter.size == 0 || section_fits(&footer->filter, footer));
}

const char *table_footer_decode(const uint8_t *from, struct table_footer *out,
                                bool *is_newer)
{
    *is_newer = false;
    if (load_u64(from + 120) != FOOTER_MAGIC)
        return "table footer is missing: magic is wrong";
    section_decode(from, &out->index);
    section_decode(from + 12, &out->filter);
    section_decode(from + 24, &out->properties);
    section_decode(from + 36, &out->hash_index);
    section_decode(from + 48, &out->ranges);
    out->data_end = load_u64(from + 64);
    out->file_size = load_u64(from + 72);
    out->uid = load_u64(from + 80);
    out->index_levels = load_u32(from + 96);
    if (load_u64(from + FOOTER_SUM_AT) !=
        hash_bytes(slice_of(from, FOOTER_SUM_AT),
                   out->uid ^ (out->file_size - TABLE_FOOTER_SIZE)))
        return "checksum of the table footer is wrong";
    out->features = load_u32(from + 88);
    out->extras = load_u32(from + 92);
    if (load_u32(from + 60) != TABLE_FORMAT ||
        (out->features & ~(uint32_t)(TABLE_HAS_TIMED | TABLE_HAS_RANGES)) !=
            0) {
        *is_newer = true;
        return "table format is newer than this library";
    }
    return footer_is_sound(out) ? NULL : "table footer contradicts itself";
}

byron_status table_properties_encode(const struct table_properties *properties,
                                     struct buf *out)
{
    byron_status status;

    TRY(buf_add_u64(out, properties->entries));
    TRY(buf_add_u64(out, properties->tombstones));
    TRY(buf_add_u64(out, properties->raw_bytes));
    TRY(buf_add_u64(out, properties->min_sequence));
    TRY(buf_add_u64(out, properties->max_sequence));
    TRY(buf_add_u64(out, properties->block_count));
    TRY(buf_add_u64(out, properties->value_count));
    TRY(buf_add_u64(out, properties->tombstone_run));
    TRY(buf_add_u32(out, properties->filter_lines));
    TRY(buf_add_u32(out, properties->filter_probes));
    TRY(buf_add_sized(out, properties->smallest));
    TRY(buf_add_sized(out, properties->largest));
    if (properties->timed > 0) {
        TRY(buf_add_u64(out, properties->timed));
        TRY(buf_add_u64(out, properties->earliest_ms));
        TRY(buf_add_u64(out, properties->latest_ms));
    }
    if (properties->ranges > 0) {
        TRY(buf_add_u64(out, properties->ranges));
        TRY(buf_add_u8(out, properties->is_open));
    }
    if (properties->hash_shape.lines > 0) {
        TRY(buf_add_u64(out, properties->hash_keys));
        TRY(buf_add_u32(out, properties->hash_shape.lines));
        TRY(buf_add_u8(out, (uint8_t)properties->hash_shape.block_bits));
        TRY(buf_add_u8(out, (uint8_t)properties->hash_shape.place_bits));
        TRY(buf_add_u8(out, (uint8_t)properties->hash_shape.place_shift));
    }
out:
    return status;
}

static bool read_hash_shape(struct slice *bytes, struct table_properties *out)
{
    struct hash_shape *shape = &out->hash_shape;
    uint8_t block_bits = 0;
    uint8_t place_bits = 0;
    uint8_t place_shift = 0;
    bool is_sound = read_u64(bytes, &out->hash_keys) &&
                    read_u32(bytes, &shape->lines) &&
                    read_u8(bytes, &block_bits) &&
                    read_u8(bytes, &place_bits) && read_u8(bytes, &place_shift);

    shape->block_bits = block_bits;
    shape->place_bits = place_bits;
    shape->place_shift = place_shift;
    return is_sound;
}

bool table_properties_decode(struct slice bytes,
                             const struct table_footer *footer,
                             struct table_properties *out)
{
    bool is_sound;
    uint8_t is_open = 0;

    memset(out, 0, sizeof *out);
    is_sound =
        read_u64(&bytes, &out->entries) && read_u64(&bytes, &out->tombstones) &&
        read_u64(&bytes, &out->raw_bytes) &&
        read_u64(&bytes, &out->min_sequence) &&
        read_u64(&bytes, &out->max_sequence) &&
        read_u64(&bytes, &out->block_count) &&
        read_u64(&bytes, &out->value_count) &&
        read_u64(&bytes, &out->tombstone_run) &&
        read_u32(&bytes, &out->filter_lines) &&
        read_u32(&bytes, &out->filter_probes) &&
        read_sized(&bytes, &out->smallest) && read_sized(&bytes, &out->largest);
    /* What the features do not name belongs to later versions. */
    if (is_sound && (footer->features & TABLE_HAS_TIMED))
        is_sound = read_u64(&bytes, &out->timed) &&
                   read_u64(&bytes, &out->earliest_ms) &&
                   read_u64(&bytes, &out->latest_ms);
    if (is_sound && (footer->features & TABLE_HAS_RANGES))
        is_sound = read_u64(&bytes, &out->ranges) && read_u8(&bytes, &is_open);
    out->is_open = is_open != 0;
    if (is_sound && (footer->extras & TABLE_HAS_HASH_INDEX))
        is_sound = read_hash_shape(&bytes, out);
    return is_sound;
}
