/*
 * serve: listen, serve methods, and drain on a signal.
 */
#ifndef BYROND_MAIN_SERVE_H
#define BYROND_MAIN_SERVE_H

#include "main/flags.h"
#include "service/health.h"

/* From flags to the end; returns the program's exit code. Says on standard
   output where it listens, one line each, then "ready". */
int serve(const struct flags *flags, const struct method *methods,
          size_t method_count, struct health *health);
/* As serve, with settings of one's own. */
int serve_with(const struct flags *flags, struct server_settings *settings,
               const struct method *methods, size_t method_count,
               struct health *health);
/* The FileDescriptorSet of what byrond serves. */
struct byron_bytes serve_descriptors(void);

#endif
