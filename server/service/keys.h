/*
 * keys: which keys are the clients', and which are the server's own.
 *
 * A store keeps what the server has to remember together with what it is about:
 * at the end of all keys, behind 16 bytes of 255 (docs/decisions/0040).
 */
#ifndef BYROND_SERVICE_KEYS_H
#define BYROND_SERVICE_KEYS_H

#include <protobuf-c/protobuf-c.h>

#include "net/bytes.h"

extern const char keys_words[]; /* What is wrong with a key that is none. */

/* 1 byte to 1 MiB, before those of the server. */
bool keys_is_key(struct byron_bytes key);
/* The first that is the server's; lent for ever. */
struct byron_bytes keys_end(void);
/* The end of a client's range, where that is before keys_end. */
struct byron_bytes keys_clip(struct byron_bytes end);

/* Of what a key of the server's tells; in upper case, where the 8 bytes of a
   scope follow. */
enum keys_kind {
    KEYS_REQUEST = 'i', /* A Write's id -> what it was; expires. */
    KEYS_LOAD = 'l', /* A Load's id -> how many batches are there; expires. */
    KEYS_SYNC = 's', /* Deleted, to have a commit that is synced. */
};
#define KEYS_MAX_ID  64
#define KEYS_OWN_MAX (16 + 1 + 8 + KEYS_MAX_ID)

/* scope: whose id it is; 0: of those who may write everything. Requires: id has
   at most KEYS_MAX_ID bytes. Lends room. */
struct byron_bytes keys_own(enum keys_kind kind, uint64_t scope,
                            struct byron_bytes id, uint8_t room[KEYS_OWN_MAX]);

static inline struct byron_bytes keys_of(ProtobufCBinaryData data)
{
    struct byron_bytes bytes = {data.data, data.len};
    return bytes;
}

#endif
