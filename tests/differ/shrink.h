/*
 * shrink: makes a script that differs as short as it can.
 */
#ifndef BYRON_TESTS_SHRINK_H
#define BYRON_TESTS_SHRINK_H

#include "differ/sides.h"

/* Changes script and result to the shortest found that differs alike. */
void shrink(struct script *script, const struct sides_settings *settings,
            struct sides_result *result);

#endif
