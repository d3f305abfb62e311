/*
 * order: whether a path's walk meets ORDER BY, GROUP BY or DISTINCT, and in
 * which direction.
 */
#ifndef BYRON_EXT_ORDER_H
#define BYRON_EXT_ORDER_H

#include "choice.h"

/* After the constraints are chosen. */
void order_choose(struct choice *choice);

#endif
