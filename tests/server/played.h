/*
 * played: a connection of byrond's transport, fed with bytes, in one thread.
 *
 * It serves "/t.T/Echo" (each message goes back, gzip where it can) and
 * "/t.T/One" (the same for one message).
 */
#ifndef BYROND_TESTS_PLAYED_H
#define BYROND_TESTS_PLAYED_H

#include "http/connection.h"
#include "net/bytes.h"

/* Feeds the bytes, then the end of the stream; what came back is added to out,
   which may be NULL. Returns how the connection ended. At most 64 KiB. */
enum connection_end played_run(struct byron_bytes bytes, struct bytes *out);

/* Feeds the bytes and is gone: nobody reads what comes back. */
enum connection_end played_leave(struct byron_bytes bytes);

/* What a client says first. */
void played_preface(struct bytes *out);
void played_frame(struct bytes *out, uint8_t type, uint8_t flags, uint32_t id,
                  struct byron_bytes payload);
/* HEADERS of a gRPC request, with one header more unless name is NULL. */
void played_request(struct bytes *out, uint32_t id, const char *path,
                    const char *name, const char *value);
/* DATA with one message, and the end of the request. */
void played_message(struct bytes *out, uint32_t id, const char *text,
                    bool is_last);
/* Whether the bytes hold the text. */
bool played_has(const struct bytes *bytes, const char *text);

#endif
