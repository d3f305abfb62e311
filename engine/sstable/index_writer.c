#include "sstable/index_writer.h"

#include <assert.h>

#include "base/integer.h"
#include "base/try.h"

void index_writer_deinit(struct index_writer *writer)
{
    block_writer_deinit(&writer->leaf);
    buf_deinit(&writer->leaves);
    buf_deinit(&writer->body);
}

static byron_status add_value(struct block_writer *block,
                              struct slice separator, uint64_t sequence,
                              const struct index_value *value)
{
    uint8_t bytes[INDEX_VALUE_SIZE];
    struct entry entry = {.key = separator,
                          .value = slice_of(bytes, sizeof bytes),
                          .sequence = sequence,
                          .kind = ENTRY_PUT};

    index_value_encode(value, bytes);
    return block_writer_add(block, &entry, false);
}

/* Moves the leaf being filled to the finished ones. */
static byron_status finish_leaf(struct index_writer *writer)
{
    byron_status status;
    struct slice separator = block_writer_last_key(&writer->leaf);
    uint64_t sequence = block_writer_last_sequence(&writer->leaf);

    TRY(buf_add_u64(&writer->leaves, writer->leaf_ordinal));
    TRY(buf_add_u64(&writer->leaves, sequence));
    TRY(buf_add_sized(&writer->leaves, separator));
    buf_clear(&writer->body);
    TRY(block_writer_finish(&writer->leaf, &writer->body));
    TRY(buf_add_sized(&writer->leaves, buf_slice(&writer->body)));
    writer->leaf_count++;
out:
    return status;
}

byron_status index_writer_add(struct index_writer *writer,
                              struct slice separator, uint64_t sequence,
                              const struct index_value *value)
{
    byron_status status;

    if (writer->leaf.count &&
        block_writer_size_with(&writer->leaf, separator, INDEX_VALUE_SIZE) >
            INDEX_BLOCK_SIZE)
        TRY(finish_leaf(writer));
    if (writer->leaf.count == 0)
        writer->leaf_ordinal = value->ordinal;
    TRY(add_value(&writer->leaf, separator, sequence, value));
out:
    return status;
}

size_t index_writer_size(const struct index_writer *writer)
{
    return writer->leaves.size + block_writer_size(&writer->leaf);
}

/* Seals the finished leaf at the start of rest and lists it in top. */
static byron_status write_leaf(struct slice *rest, struct block_output *output,
                               enum codec codec, struct block_writer *top)
{
    byron_status status;
    struct index_value value = {0};
    struct slice separator = {NULL, 0}, body = {NULL, 0};
    uint64_t sequence = 0;
    bool is_whole = read_u64(rest, &value.ordinal) &&
                    read_u64(rest, &sequence) && read_sized(rest, &separator) &&
                    read_sized(rest, &body);

    assert(is_whole); /* Our own bytes. */
    (void)is_whole;
    TRY(block_output_seal(output, BLOCK_INDEX, codec, body, &value.block));
    TRY(add_value(top, separator, sequence, &value));
out:
    return status;
}

byron_status index_writer_finish(struct index_writer *writer,
                                 struct block_output *output, enum codec codec,
                                 struct block_handle *top, uint32_t *levels)
{
    byron_status status;
    struct block_writer upper = {0};
    struct slice rest;

    assert(writer->leaf.count);
    if (writer->leaf_count)
        TRY(finish_leaf(writer));
    rest = buf_slice(&writer->leaves);
    while (rest.size)
        TRY(write_leaf(&rest, output, codec, &upper));
    *levels = writer->leaf_count ? 2 : 1;
    buf_clear(&writer->body);
    TRY(block_writer_finish(writer->leaf_count ? &upper : &writer->leaf,
                            &writer->body));
    TRY(block_output_seal(output, BLOCK_INDEX, codec, buf_slice(&writer->body),
                          top));
out:
    block_writer_deinit(&upper);
    return status;
}

byron_status index_separator(struct slice last, struct slice next,
                             struct buf *out)
{
    byron_status status;
    size_t shared = slice_shared(last, next);

    assert(slice_compare(last, next) < 0);
    buf_clear(out);
    if (shared + 1 >= last.size) {
        TRY(buf_add(out, last.data, last.size));
    } else if (shared + 1 < next.size) {
        /* A proper prefix of next sorts before it, and its last byte is
         * already above last's. */
        TRY(buf_add(out, next.data, shared + 1));
    } else if (last.data[shared] + 1 < next.data[shared]) {
        TRY(buf_add(out, last.data, shared + 1));
        out->data[shared]++;
    } else {
        TRY(buf_add(out, last.data, last.size));
    }
out:
    return status;
}
