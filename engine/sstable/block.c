#include "sstable/block.h"

#include "entry/timed.h"

/* Sizes of the areas of a body, in their order. */
struct areas {
    uint64_t prefix; /* Padded to 8. */
    uint64_t heads;
    uint64_t sequences;
    uint64_t suffix_offsets;
    uint64_t value_offsets;
    uint64_t metas;
    uint64_t suffixes;
    uint64_t values;
};

struct header {
    uint32_t count;
    uint32_t prefix_size;
    uint32_t suffixes; /* Width 0: the stride, else the total. */
    uint32_t values;
    uint8_t sequence_width;
    uint8_t suffix_width;
    uint8_t value_width;
    uint8_t meta_width;
    uint8_t meta;
    uint64_t base_sequence;
};

static void header_decode(const uint8_t *from, struct header *out)
{
    out->count = load_u32(from);
    out->prefix_size = load_u32(from + 4);
    out->suffixes = load_u32(from + 8);
    out->values = load_u32(from + 12);
    out->sequence_width = from[16];
    out->suffix_width = from[17];
    out->value_width = from[18];
    out->meta_width = from[19];
    out->meta = from[20];
    out->base_sequence = load_u64(from + 24);
}

/* Terms may have 64 bits: only areas_fit may add up those of a header that
 * nobody has looked at. */
static void areas_of(const struct header *header, struct areas *out)
{
    uint64_t count = header->count;

    out->prefix = ((uint64_t)header->prefix_size + 7) & ~UINT64_C(7);
    out->heads = count * BLOCK_HEAD_SIZE;
    out->sequences = count * header->sequence_width;
    out->suffix_offsets =
        header->suffix_width ? (count + 1) * header->suffix_width : 0;
    out->value_offsets =
        header->value_width ? (count + 1) * header->value_width : 0;
    out->metas = count * header->meta_width;
    out->suffixes =
        header->suffix_width ? header->suffixes : count * header->suffixes;
    out->values = header->value_width ? header->values : count * header->values;
}

static uint64_t sum_of(const struct areas *areas)
{
    return areas->prefix + areas->heads + areas->sequences +
           areas->suffix_offsets + areas->value_offsets + areas->metas +
           areas->suffixes + areas->values;
}

/* Whether the areas are the whole body. No more heads than it has room for:
 * then no term has more than 2^61, and the sum does not overflow. */
static bool areas_fit(const struct header *header, const struct areas *areas,
                      size_t body_size)
{
    size_t size = body_size - BLOCK_HEADER_SIZE;

    return header->count <= size / BLOCK_HEAD_SIZE && sum_of(areas) == size;
}

static void view(struct slice body, const struct header *header,
                 const struct areas *areas, struct block *out)
{
    const uint8_t *at = body.data + BLOCK_HEADER_SIZE;

    out->count = header->count;
    out->prefix_size = header->prefix_size;
    out->base_sequence = header->base_sequence;
    out->sequence_width = header->sequence_width;
    out->meta_width = header->meta_width;
    out->meta = header->meta;
    out->suffixes.width = header->suffix_width;
    out->suffixes.stride = header->suffixes;
    out->values.width = header->value_width;
    out->values.stride = header->values;
    out->prefix = at;
    out->heads = at += areas->prefix;
    out->sequences = at += areas->heads;
    out->suffixes.offsets = at += areas->sequences;
    out->values.offsets = at += areas->suffix_offsets;
    out->metas = at += areas->value_offsets;
    out->suffixes.bytes = at += areas->metas;
    out->values.bytes = at + areas->suffixes;
}

void block_view(struct slice body, struct block *out)
{
    struct header header;
    struct areas areas;

    header_decode(body.data, &header);
    areas_of(&header, &areas);
    view(body, &header, &areas, out);
}

static bool widths_are_known(const struct header *header)
{
    unsigned sequence = header->sequence_width;
    return (sequence <= 2 || sequence == 4 || sequence == 8) &&
           (header->suffix_width == 0 || header->suffix_width == 2 ||
            header->suffix_width == 4) &&
           (header->value_width == 0 || header->value_width == 2 ||
            header->value_width == 4) &&
           header->meta_width <= 1;
}

bool block_view_again(struct slice body, struct block *out)
{
    struct header header;
    struct areas areas;

    if (body.size < BLOCK_HEADER_SIZE)
        return false;
    header_decode(body.data, &header);
    areas_of(&header, &areas);
    if (header.count == 0 || !widths_are_known(&header) ||
        !areas_fit(&header, &areas, body.size) ||
        block_used_of(header.meta) > BLOCK_HEAD_SIZE)
        return false;
    view(body, &header, &areas, out);
    return true;
}

/* --- search --- */

/* Index of the first of count heads that is not below head. Branch-free: a
 * binary search guesses wrong every other time. */
static uint32_t lower_bound(const uint8_t *heads, uint32_t count, uint64_t head)
{
    const uint8_t *at = heads;

    while (count > 1) {
        uint32_t half = count / 2;
        const uint8_t *middle = at + (size_t)half * BLOCK_HEAD_SIZE;
        at = load_u64(middle - BLOCK_HEAD_SIZE) < head ? middle : at;
        count -= half;
    }
    if (load_u64(at) < head)
        at += BLOCK_HEAD_SIZE;
    return (uint32_t)((size_t)(at - heads) / BLOCK_HEAD_SIZE);
}

/* Order of entry index against a key of the same prefix and head. */
static int compare_rest(const struct block *block, uint32_t index,
                        struct slice key)
{
    size_t rest = key.size - block->prefix_size;
    unsigned key_used = rest < BLOCK_HEAD_SIZE ? (unsigned)rest : 8u;
    unsigned used = block_head_used(block, index);

    /* Equal heads of unequal length differ by zero bytes at the end. */
    if (used != key_used)
        return used < key_used ? -1 : 1;
    if (rest <= BLOCK_HEAD_SIZE)
        return block_piece(&block->suffixes, index).size != 0;
    return slice_compare(
        block_piece(&block->suffixes, index),
        slice_of(key.data + block->prefix_size + BLOCK_HEAD_SIZE,
                 rest - BLOCK_HEAD_SIZE));
}

/* Goes on where heads tie: low is the first entry of key's head. */
static uint32_t seek_among_ties(const struct block *block, struct slice key,
                                uint64_t sequence, uint32_t low, bool *has_key)
{
    uint64_t head = block_head(block, low);
    uint32_t high = low + 1;

    if (high < block->count && block_head(block, high) == head)
        high = head == UINT64_MAX
                   ? block->count
                   : low + lower_bound(block->heads +
                                           (size_t)low * BLOCK_HEAD_SIZE,
                                       block->count - low, head + 1);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_rest(block, middle, key);
        if (order < 0 ||
            (order == 0 && block_sequence(block, middle) > sequence)) {
            low = middle + 1;
        } else {
            high = middle;
            *has_key = order == 0;
        }
    }
    return low;
}

uint32_t block_seek(const struct block *block, struct slice key,
                    uint64_t sequence, bool *has_key)
{
    *has_key = false;
    if (block->prefix_size) {
        struct slice prefix = slice_of(block->prefix, block->prefix_size);
        struct slice start = key;
        if (start.size > prefix.size)
            start.size = prefix.size;
        int order = slice_compare(start, prefix);
        if (order != 0)
            return order < 0 ? 0 : block->count;
    }
    uint64_t head = slice_head(key, block->prefix_size);
    uint32_t low = lower_bound(block->heads, block->count, head);
    if (low == block->count || block_head(block, low) != head)
        return low;
    return seek_among_ties(block, key, sequence, low, has_key);
}

uint32_t block_find(const struct block *block, struct slice key, uint32_t from,
                    uint32_t to)
{
    uint64_t head;

    if (key.size < block->prefix_size ||
        (block->prefix_size &&
         memcmp(key.data, block->prefix, block->prefix_size) != 0))
        return to;
    head = slice_head(key, block->prefix_size);
    for (; from < to; from++)
        if (block_head(block, from) == head &&
            compare_rest(block, from, key) == 0)
            break;
    return from;
}

/* --- validation --- */

static uint32_t piece_offset(const struct block_pieces *pieces, uint32_t index)
{
    return pieces->width == 2 ? load_u16(pieces->offsets + (size_t)index * 2)
                              : load_u32(pieces->offsets + (size_t)index * 4);
}

/* Whether the offsets climb from 0 to total. */
static bool pieces_fit(const struct block_pieces *pieces, uint32_t count,
                       uint32_t total)
{
    uint32_t last = 0;

    if (pieces->width == 0)
        return true;
    if (piece_offset(pieces, 0) != 0)
        return false;
    for (uint32_t i = 1; i <= count; i++) {
        uint32_t offset = piece_offset(pieces, i);
        if (offset < last)
            return false;
        last = offset;
    }
    return last == total;
}

/* What one entry may be, whatever its neighbours are. */
static const char *entry_flaw(const struct block *block, uint32_t index)
{
    unsigned meta = block_meta(block, index);
    unsigned used = block_used_of(meta);
    unsigned kind = meta & BLOCK_META_KIND;
    size_t value_size = block_value(block, index).size;
    size_t suffix_size = block_piece(&block->suffixes, index).size;

    if (kind == 0 || (meta & 0x80u))
        return "an entry has an unknown kind";
    if (used > BLOCK_HEAD_SIZE)
        return "a head is too long";
    if (used < BLOCK_HEAD_SIZE) {
        uint64_t padding = used ? UINT64_MAX >> (8 * used) : UINT64_MAX;
        if (suffix_size || (block_head(block, index) & padding))
            return "a short key does not end in zeros";
    }
    if (kind == ENTRY_DELETE && (value_size || (meta & BLOCK_META_LARGE)))
        return "a tombstone has a value";
    if ((meta & BLOCK_META_LARGE) && value_size != 16)
        return "a value handle is malformed";
    if (kind == ENTRY_TIMED && value_size < TIMED_HEAD)
        return "a value that expires is too short";
    if (block->prefix_size + used + suffix_size > BYRON_MAX_KEY)
        return "a key is too long";
    if (block_sequence(block, index) < block->base_sequence)
        return "a sequence overflows";
    return NULL;
}

/* Whether entry index sorts after the one before it, of the same head. */
static bool tie_ascends(const struct block *block, uint32_t index)
{
    unsigned used = block_head_used(block, index);
    unsigned before = block_head_used(block, index - 1);
    int order = (used > before) - (used < before);

    if (order == 0)
        order = slice_compare(block_piece(&block->suffixes, index),
                              block_piece(&block->suffixes, index - 1));
    if (order == 0)
        return block_sequence(block, index) < block_sequence(block, index - 1);
    return order > 0;
}

/* Most blocks: values in place, whole heads, and no sum that overflows. Then
 * no entry can be wrong by itself. */
static bool has_plain_entries(const struct block *block)
{
    unsigned plain = ENTRY_PUT | (unsigned)BLOCK_HEAD_SIZE
                                     << BLOCK_META_USED_SHIFT;

    return block->meta_width == 0 && block->meta == plain &&
           block_key_room(block) <= BYRON_MAX_KEY &&
           block->sequence_width < 8 &&
           block->base_sequence <= UINT64_MAX - UINT32_MAX;
}

/* Whether each head is above the one before it: then no two keys tie. */
static bool heads_climb(const struct block *block)
{
    bool climb = true;

    for (uint32_t i = 1; i < block->count; i++)
        climb &= block_head(block, i) > block_head(block, i - 1);
    return climb;
}

static const char *entries_flaw(const struct block *block)
{
    uint64_t last = 0;

    if (has_plain_entries(block) && heads_climb(block))
        return NULL;
    for (uint32_t i = 0; i < block->count; i++) {
        uint64_t head = block_head(block, i);
        const char *flaw = entry_flaw(block, i);
        if (flaw)
            return flaw;
        if (head < last || (i && head == last && !tie_ascends(block, i)))
            return "keys are out of order";
        last = head;
    }
    return NULL;
}

const char *block_flaw(struct slice body)
{
    struct header header;
    struct areas areas;
    struct block block;

    if (body.size < BLOCK_HEADER_SIZE)
        return "a block is shorter than its header";
    header_decode(body.data, &header);
    if (header.count == 0)
        return "a block is empty";
    if (!widths_are_known(&header))
        return "a block has columns of unknown width";
    areas_of(&header, &areas);
    if (!areas_fit(&header, &areas, body.size))
        return "the areas of a block do not add up to its size";
    view(body, &header, &areas, &block);
    if (!pieces_fit(&block.suffixes, block.count, header.suffixes) ||
        !pieces_fit(&block.values, block.count, header.values))
        return "offsets of a block are out of range";
    return entries_flaw(&block);
}
