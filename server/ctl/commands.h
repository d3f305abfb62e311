/*
 * commands: what byronctl can do, each with a connection that is open.
 */
#ifndef BYROND_CTL_COMMANDS_H
#define BYROND_CTL_COMMANDS_H

#include "ctl/link.h"

enum exit_code command_get(struct link *link);
enum exit_code command_put(struct link *link);
enum exit_code command_delete(struct link *link);
enum exit_code command_range(struct link *link);
enum exit_code command_load(struct link *link);
enum exit_code command_query(struct link *link);
enum exit_code command_stats(struct link *link);

/* What several of them need: text of the command line as bytes, into out, which
   is for protobuf. NULL: no text, and nothing. Reports what is wrong. */
enum exit_code command_bytes(const struct options *options, const char *text,
                             struct bytes *out);
ProtobufCBinaryData command_binary(const struct bytes *bytes);
/* Standard output, or the file, could be written; reports why not. But
   EXIT_STOPPED: Ctrl-C came while who reads it did not, and nothing is
   reported. */
enum exit_code command_flush(FILE *out, const char *name);

#endif
