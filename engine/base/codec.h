/*
 * codec: block compression behind one pair of functions.
 *
 * Codecs that the build did not find are unknown here: their blocks answer
 * BYRON_NEWER_FORMAT with a sentence that names the codec.
 */
#ifndef BYRON_BASE_CODEC_H
#define BYRON_BASE_CODEC_H

#include "base/buf.h"

enum codec { CODEC_NONE = 0, CODEC_LZ4 = 1, CODEC_ZSTD = 2 };

bool codec_is_built_in(enum codec codec);
const char *codec_name(enum codec codec); /* "none", "lz4", "zstd" */
/*
 * Compresses raw into out (cleared first). *shrank is false, and out is
 * empty, where the result is not smaller by an eighth at least.
 */
BYRON_MUST_CHECK byron_status codec_compress(enum codec codec, struct slice raw,
                                             struct buf *out, bool *shrank);
/* Fills exactly raw_size bytes at raw, or answers BYRON_CORRUPT. Path and
 * offset are the caller's to add: no words are recorded. */
BYRON_MUST_CHECK byron_status codec_decompress(enum codec codec,
                                               struct slice packed,
                                               uint8_t *raw, size_t raw_size);

#endif
