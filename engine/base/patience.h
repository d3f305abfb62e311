/*
 * patience: how a call that takes long hears that it shall end.
 */
#ifndef BYRON_BASE_PATIENCE_H
#define BYRON_BASE_PATIENCE_H

#include "base/error.h"

/* BYRON_INTERRUPTED where the caller has had enough. NULL goes on. */
BYRON_MUST_CHECK byron_status
patience_ask(const struct byron_patience *patience);

#endif
