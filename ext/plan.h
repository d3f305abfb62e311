/*
 * plan: constraints -> a range of keys. Written to idxStr by xBestIndex, read
 * back by xFilter.
 */
#ifndef BYRON_EXT_PLAN_H
#define BYRON_EXT_PLAN_H

#include "vtab.h"

int plan_best_index(sqlite3_vtab *base, sqlite3_index_info *info);

#endif
