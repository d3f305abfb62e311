/*
 * torn_log: the records of one log file that can be read, past damage.
 *
 * Whole records behind bad bytes count where one of them says that the bad
 * bytes were durable (docs/log-format.md, "Torn tail or damage"); else the log
 * ends there, as it does for the product. A header whose checksum is wrong is
 * believed as far as records prove it.
 */
#ifndef BYRON_SALVAGE_TORN_LOG_H
#define BYRON_SALVAGE_TORN_LOG_H

#include "log/log_reader.h"
#include "salvage/wreck.h"

struct torn_log;

/* BYRON_NOT_FOUND: its creation never finished. Damage of the header is told;
 * if none of it can be used, *out is NULL. */
BYRON_MUST_CHECK byron_status torn_log_open(struct wreck *wreck,
                                            enum file_kind kind,
                                            uint64_t number,
                                            struct torn_log **out);
void torn_log_close(struct torn_log *log); /* NULL is fine. */
/* number is that of the name where the header cannot be believed. */
const struct log_header *torn_log_header(const struct torn_log *log);
bool torn_log_has_header(const struct torn_log *log);
const char *torn_log_path(const struct torn_log *log); /* For words. */
/* Where the next log says that this one ends: nothing from there on counts. */
void torn_log_set_end(struct torn_log *log, uint64_t end);
/* The next whole record; damage before it is told. */
BYRON_MUST_CHECK byron_status torn_log_next(struct torn_log *log,
                                            struct log_record *record,
                                            bool *found);
/* The record at an offset that torn_log_next told. */
BYRON_MUST_CHECK byron_status torn_log_read(struct torn_log *log,
                                            uint64_t offset,
                                            struct log_record *record);

#endif
