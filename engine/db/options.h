/*
 * options: what was asked for, checked, and what was not, derived.
 */
#ifndef BYRON_DB_OPTIONS_H
#define BYRON_DB_OPTIONS_H

#include "db/db.h"

BYRON_MUST_CHECK byron_status
db_derive_options(const struct byron_options *given, const char *path,
                  struct byron_options *out);

#endif
