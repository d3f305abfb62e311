#include "sstable/table_hash.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/try.h"

#define CHUNK_DISK_SIZE   (HASH_CHUNK_SIZE + BLOCK_TRAILER_SIZE)
#define HANDLES_PER_CHUNK (HASH_CHUNK_SIZE / BLOCK_HANDLE_SIZE)
#define INDEX_BITS_MOST   31u
#define OFFSET_BITS       44u /* Of a hint. */

/* --- opening --- */

static uint64_t count_handle_chunks(uint64_t blocks)
{
    return (blocks + HANDLES_PER_CHUNK - 1) / HANDLES_PER_CHUNK;
}

static uint64_t lines_size(const struct hash_shape *shape)
{
    return (uint64_t)shape->lines * HASH_LINE_SIZE +
           (uint64_t)hash_chunk_count(shape) * BLOCK_TRAILER_SIZE;
}

const char *table_hash_flaw(const struct table_section *section,
                            const struct table_properties *properties)
{
    const struct hash_shape *shape = &properties->hash_shape;
    uint64_t blocks = properties->block_count;

    if (shape->lines == 0 || shape->block_bits > HASH_PLACE_MOST ||
        shape->place_bits > HASH_PLACE_MOST - shape->block_bits ||
        shape->place_bits + shape->place_shift > INDEX_BITS_MOST)
        return "the hash index has an unknown shape";
    if (blocks == 0 || blocks > UINT64_C(1) << shape->block_bits ||
        properties->hash_keys > (uint64_t)shape->lines * HASH_LINE_SLOTS)
        return "the hash index is too small";
    if (section->size != lines_size(shape) + blocks * BLOCK_HANDLE_SIZE +
                             count_handle_chunks(blocks) * BLOCK_TRAILER_SIZE)
        return "the hash index has the wrong size";
    return NULL;
}

byron_status table_hash_open(struct table_hash *hash,
                             const struct table_source *source,
                             const struct table_section *section,
                             const struct table_properties *properties)
{
    byron_status status;
    uint64_t blocks = properties->block_count;

    hash->source = source;
    hash->lines_at = section->offset;
    hash->shape = properties->hash_shape;
    hash->handles_at = section->offset + lines_size(&hash->shape);
    hash->keys = properties->hash_keys;
    hash->block_count = blocks;
    hash->hints = alloc_lines(blocks * sizeof *hash->hints);
    if (!hash->hints)
        return error_no_memory();
    memset(hash->hints, 0, blocks * sizeof *hash->hints);
    TRY(kept_blocks_init(&hash->lines, hash_chunk_count(&hash->shape)));
    TRY(kept_blocks_init(&hash->handles, count_handle_chunks(blocks)));
out:
    return status;
}

void table_hash_close(struct table_hash *hash)
{
    kept_blocks_deinit(&hash->lines, hash->source);
    kept_blocks_deinit(&hash->handles, hash->source);
    alloc_free(hash->hints);
    hash->hints = NULL;
}

/* --- lines --- */

/* The slots that may be a key's, one line after the other. */
struct probe {
    const struct table_hash *hash;
    const uint8_t *lines;     /* Of the chunk. */
    struct cached_block *pin; /* Its; NULL: it is kept. */
    uint32_t chunk;
    uint32_t line; /* In the chunk. */
    uint32_t seen; /* Lines. */
    uint32_t wanted;
    uint32_t matches; /* Bits: slots of the line still to be looked at. */
};

static uint64_t chunk_offset(uint64_t first, uint64_t chunk)
{
    return first + chunk * CHUNK_DISK_SIZE;
}

static byron_status load_lines(const struct table_hash *hash, uint32_t chunk,
                               struct slice *lines, struct cached_block **pin)
{
    uint32_t size = hash_chunk_lines(&hash->shape, chunk) * HASH_LINE_SIZE;
    struct block_handle handle = {chunk_offset(hash->lines_at, chunk),
                                  size + BLOCK_TRAILER_SIZE, size};

    return kept_blocks_load(&hash->lines, chunk, hash->source, &handle,
                            BLOCK_HASH_LINES, lines, pin);
}

static inline void match_line(struct probe *probe)
{
    probe->matches =
        hash_line_matches(probe->lines + (size_t)probe->line * HASH_LINE_SIZE,
                          hash_mask(&probe->hash->shape), probe->wanted);
}

static inline byron_status begin_probe(struct probe *probe,
                                       const struct table_hash *hash,
                                       uint64_t key_hash)
{
    byron_status status = BYRON_OK;
    const struct hash_shape *shape = &hash->shape;
    uint32_t line = hash_line_of(shape, key_hash);
    struct slice lines = kept_blocks_at(&hash->lines, line / HASH_CHUNK_LINES);

    probe->hash = hash;
    probe->pin = NULL;
    probe->chunk = line / HASH_CHUNK_LINES;
    probe->line = line % HASH_CHUNK_LINES;
    probe->seen = 1;
    probe->wanted = hash_fingerprint(shape, key_hash);
    if (!lines.data)
        TRY(load_lines(hash, probe->chunk, &lines, &probe->pin));
    probe->lines = lines.data;
    match_line(probe);
out:
    return status;
}

/* To the first line from this one on with a match; false: there is none. Apart:
 * most lines have one, or are not full. */
__attribute__((noinline)) static bool find_line(struct probe *probe)
{
    uint32_t count = hash_chunk_lines(&probe->hash->shape, probe->chunk);

    while (!probe->matches) {
        const uint8_t *line =
            probe->lines + (size_t)probe->line * HASH_LINE_SIZE;
        if (!hash_line_is_full(line) || probe->seen == count)
            return false;
        probe->line = probe->line + 1 < count ? probe->line + 1 : 0;
        probe->seen++;
        match_line(probe);
    }
    return true;
}

/* The next slot that may be the key's; 0: there is none. */
static inline uint32_t next_slot(struct probe *probe)
{
    uint32_t slot;

    if (!probe->matches && !find_line(probe))
        return 0;
    slot = (uint32_t)__builtin_ctz(probe->matches);
    probe->matches &= probe->matches - 1;
    return load_u32(probe->lines + (size_t)probe->line * HASH_LINE_SIZE +
                    (size_t)slot * 4);
}

static byron_status slot_is_wrong(const struct probe *probe)
{
    return table_source_corrupt(
        probe->hash->source, chunk_offset(probe->hash->lines_at, probe->chunk),
        "a slot of the hash index leads nowhere");
}

/* The line that a search begins with; NULL where it is not kept. */
static const uint8_t *first_line(const struct table_hash *hash,
                                 uint64_t key_hash)
{
    uint32_t line = hash_line_of(&hash->shape, key_hash);
    struct slice lines = kept_blocks_at(&hash->lines, line / HASH_CHUNK_LINES);

    if (!lines.data)
        return NULL;
    return lines.data + (size_t)(line % HASH_CHUNK_LINES) * HASH_LINE_SIZE;
}

void table_hash_prefetch(const struct table_hash *hash, uint64_t key_hash)
{
    const uint8_t *line = first_line(hash, key_hash);

    if (line)
        __builtin_prefetch(line);
}

/* --- data blocks --- */

byron_status table_hash_handle(const struct table_hash *hash, uint64_t number,
                               struct block_handle *out)
{
    byron_status status;
    uint64_t chunk = number / HANDLES_PER_CHUNK;
    uint64_t left = hash->block_count - chunk * HANDLES_PER_CHUNK;
    uint32_t size =
        (uint32_t)(left < HANDLES_PER_CHUNK ? left : HANDLES_PER_CHUNK) *
        BLOCK_HANDLE_SIZE;
    struct block_handle handle = {chunk_offset(hash->handles_at, chunk),
                                  size + BLOCK_TRAILER_SIZE, size};
    struct cached_block *pin;
    struct slice handles;

    TRY(kept_blocks_load(&hash->handles, chunk, hash->source, &handle,
                         BLOCK_HANDLES, &handles, &pin));
    block_handle_decode(
        handles.data + number % HANDLES_PER_CHUNK * BLOCK_HANDLE_SIZE, out);
    cached_block_unpin(pin);
out:
    return status;
}

/* Number, as far as it fits; else the largest that does. */
static uint64_t clamp(uint64_t number, unsigned bits)
{
    uint64_t most = (UINT64_C(1) << bits) - 1;

    return number < most ? number : most;
}

/* slot is NULL for a mapped block. */
static void remember(struct block_hint *hint, uint64_t offset,
                     struct cached_block *slot, struct slice body,
                     const struct block *block)
{
    uint64_t count = block->count;
    uint64_t values = (uint64_t)(block->values.bytes - body.data);
    uint64_t suffixes = (uint64_t)(block->suffixes.bytes - body.data);
    uint64_t sequences = (uint64_t)(block->sequences - body.data);

    if (!slot)
        offset = body.size;
    else if (!slot->shard || offset >> OFFSET_BITS)
        return; /* It passes; or is too far. */
    atomic_store_explicit(&hint->where,
                          offset | clamp(sequences, 16) << OFFSET_BITS |
                              (uint64_t)block->sequence_width
                                  << (OFFSET_BITS + 16),
                          memory_order_relaxed);
    atomic_store_explicit(&hint->shape,
                          clamp(values, 20) |
                              clamp((body.size - values) / count, 20) << 20 |
                              clamp(suffixes, 16) << 40 |
                              clamp((values - suffixes) / count, 8) << 56,
                          memory_order_relaxed);
    atomic_store_explicit(&hint->bytes, body.data, memory_order_release);
    if (slot)
        atomic_store_explicit(&hint->slot, slot, memory_order_release);
}

static uint64_t bits_from(uint64_t word, unsigned from, unsigned bits)
{
    return word >> from & ((UINT64_C(1) << bits) - 1);
}

/* Of the block in the file; of a mapped one its size. */
static uint64_t hint_offset(const struct block_hint *hint)
{
    return bits_from(atomic_load_explicit(&hint->where, memory_order_relaxed),
                     0, OFFSET_BITS);
}

/* Asks memory at once for all that a look at entry index touches: otherwise
 * each part would wait for what says where it is. Of the heads it is known only
 * that a header and a short prefix come before them. */
static inline void prefetch_entry(const struct block_hint *hint,
                                  const uint8_t *bytes, uint32_t index)
{
    uint64_t where = atomic_load_explicit(&hint->where, memory_order_relaxed);
    uint64_t shape = atomic_load_explicit(&hint->shape, memory_order_relaxed);
    const uint8_t *value =
        bytes + bits_from(shape, 0, 20) + bits_from(shape, 20, 20) * index;

    __builtin_prefetch(bytes);
    __builtin_prefetch(bytes + BLOCK_HEADER_SIZE + BLOCK_HEAD_SIZE +
                       (size_t)index * BLOCK_HEAD_SIZE);
    __builtin_prefetch(bytes + bits_from(shape, 40, 16) +
                       bits_from(shape, 56, 8) * index);
    __builtin_prefetch(bytes + bits_from(where, OFFSET_BITS, 16) +
                       bits_from(where, OFFSET_BITS + 16, 4) * index);
    __builtin_prefetch(value);
    __builtin_prefetch(value + 63);
}

/* The hint of the block that a search is likely to go to, and the index of its
 * entry there; NULL where the first line does not tell. */
static const struct block_hint *likely_hint(const struct table_hash *hash,
                                            uint64_t key_hash, uint32_t *index)
{
    const struct hash_shape *shape = &hash->shape;
    const uint8_t *line = first_line(hash, key_hash);
    uint32_t matches;
    uint32_t slot;

    if (!line)
        return NULL;
    matches = hash_line_matches(line, hash_mask(shape),
                                hash_fingerprint(shape, key_hash));
    if (!matches)
        return NULL;
    slot = load_u32(line + (size_t)__builtin_ctz(matches) * 4);
    if (hash_slot_block(shape, slot) >= hash->block_count)
        return NULL;
    *index = hash_slot_index(shape, slot);
    return &hash->hints[hash_slot_block(shape, slot)];
}

void table_hash_prefetch_hint(const struct table_hash *hash, uint64_t key_hash)
{
    uint32_t index;
    const struct block_hint *hint = likely_hint(hash, key_hash, &index);

    if (hint)
        __builtin_prefetch(hint);
}

void table_hash_prefetch_entry(const struct table_hash *hash, uint64_t key_hash)
{
    uint32_t index;
    const struct block_hint *hint = likely_hint(hash, key_hash, &index);
    const uint8_t *bytes =
        hint ? atomic_load_explicit(&hint->bytes, memory_order_acquire) : NULL;

    if (!bytes)
        return;
    __builtin_prefetch(atomic_load_explicit(&hint->slot, memory_order_relaxed));
    prefetch_entry(hint, bytes, index);
}

/* Views data block number where it is mapped, or pins it where the hint says it
 * is in the cache. False: it is neither, or it has changed. */
static bool load_known(const struct table_hash *hash, uint32_t number,
                       struct entry_place *place)
{
    const struct block_hint *hint = &hash->hints[number];
    struct cached_block *slot =
        atomic_load_explicit(&hint->slot, memory_order_acquire);
    const uint8_t *bytes =
        atomic_load_explicit(&hint->bytes, memory_order_acquire);

    if (!bytes)
        return false;
    prefetch_entry(hint, bytes, place->at);
    if (table_map_has(hash->source->map, bytes))
        return block_view_again(slice_of(bytes, hint_offset(hint)),
                                &place->block);
    if (!slot)
        return false;
    __builtin_prefetch(slot);
    if (!table_source_pin_again(hash->source, slot, hint_offset(hint),
                                BLOCK_DATA))
        return false;
    place->pin = slot;
    block_view(cached_block_bytes(slot), &place->block);
    return true;
}

/* Loads data block number, of which entry place->at is of interest. */
static byron_status load_block(const struct table_hash *hash, uint32_t number,
                               struct entry_place *place)
{
    byron_status status;
    const struct table_source *source = hash->source;
    struct block_handle handle;
    struct slice body;

    place->pin = NULL;
    if (load_known(hash, number, place))
        return BYRON_OK;
    TRY(table_hash_handle(hash, number, &handle));
    TRY(table_source_lend(source, &handle, BLOCK_DATA, &body, &place->pin));
    TRY(table_source_view(source, handle.offset, body, &place->block));
    remember(&hash->hints[number], handle.offset, place->pin, body,
             &place->block);
    return BYRON_OK;
out:
    cached_block_unpin(place->pin);
    return status;
}

/* --- search --- */

struct search {
    const struct table_hash *hash;
    struct slice key;
    uint64_t sequence;
    struct entry_place *place;
    bool is_unsure;
    bool is_settled; /* Otherwise the next slot is asked. */
};

/* Down the versions of the key, of which place is one, to that which is old
 * enough. */
static byron_status step_to_version(struct search *search)
{
    struct entry_place *place = search->place;
    const struct block *block = &place->block;

    while (block_sequence(block, place->at) > search->sequence) {
        if (++place->at == block->count) {
            /* The next block may begin with older ones. */
            search->is_unsure = true;
            break;
        }
        if (block_find(block, search->key, place->at, place->at + 1) !=
            place->at)
            return BYRON_NOT_FOUND;
    }
    return BYRON_OK;
}

/* Looks for the key among the entries that a slot of block number may mean. */
static byron_status look(struct search *search, uint32_t number)
{
    struct entry_place *place = search->place;
    const struct block *block = &place->block;
    uint32_t shift = search->hash->shape.place_shift;
    uint32_t from = place->at;
    uint32_t to = block->count;

    if (to - from > UINT32_C(1) << shift)
        to = from + (UINT32_C(1) << shift);
    place->at = block_find(block, search->key, from, to);
    search->is_settled = place->at < to;
    if (!search->is_settled)
        return BYRON_NOT_FOUND;
    /* The slot of another key may mean the same entries: then the versions of
     * this one may begin before them. */
    if (shift > 0 && place->at == from)
        search->is_unsure =
            from == 0 ? number > 0
                      : block_find(block, search->key, from - 1, from) < from;
    return step_to_version(search);
}

/* Where one slot leads: if that settles the search, as table_hash_find. */
static byron_status follow(struct search *search, const struct probe *probe,
                           uint32_t slot)
{
    byron_status status;
    const struct table_hash *hash = search->hash;
    struct entry_place *place = search->place;
    uint32_t number = hash_slot_block(&hash->shape, slot);

    place->at = hash_slot_index(&hash->shape, slot);
    if (number >= hash->block_count)
        return slot_is_wrong(probe);
    TRY(load_block(hash, number, place));
    status = place->at < place->block.count ? look(search, number)
                                            : slot_is_wrong(probe);
    if (status != BYRON_OK || search->is_unsure)
        cached_block_unpin(place->pin);
out:
    return status;
}

byron_status table_hash_find(const struct table_hash *hash, struct slice key,
                             uint64_t key_hash, uint64_t sequence,
                             struct entry_place *out, bool *is_unsure)
{
    byron_status status;
    struct probe probe;
    struct search search = {hash, key, sequence, out, false, false};
    uint32_t slot;

    TRY(begin_probe(&probe, hash, key_hash));
    status = BYRON_NOT_FOUND;
    while (status == BYRON_NOT_FOUND && !search.is_settled &&
           (slot = next_slot(&probe)) != 0)
        status = follow(&search, &probe, slot);
    cached_block_unpin(probe.pin);
out:
    *is_unsure = search.is_unsure;
    return status;
}

/* --- verifying --- */

byron_status table_hash_leads_to(const struct table_hash *hash,
                                 uint64_t key_hash, uint64_t number,
                                 uint32_t index, bool *out)
{
    byron_status status;
    struct probe probe;
    uint32_t wanted =
        hash_slot(&hash->shape, key_hash, (uint32_t)number, index);
    uint32_t slot;

    TRY(begin_probe(&probe, hash, key_hash));
    do
        slot = next_slot(&probe);
    while (slot != 0 && slot != wanted);
    *out = slot == wanted;
    cached_block_unpin(probe.pin);
out:
    return status;
}

byron_status table_hash_count(const struct table_hash *hash, uint64_t *out)
{
    byron_status status = BYRON_OK;
    struct slice lines;
    struct cached_block *pin;

    *out = 0;
    for (uint32_t i = 0; i < hash_chunk_count(&hash->shape); i++) {
        TRY(load_lines(hash, i, &lines, &pin));
        for (size_t at = 0; at < lines.size; at += 4)
            *out += load_u32(lines.data + at) != 0;
        cached_block_unpin(pin);
    }
out:
    return status;
}
