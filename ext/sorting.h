/*
 * sorting: the rows of a scan by the columns after the bound ones, where an
 * equality that was to be one value may be several.
 */
#ifndef BYRON_EXT_SORTING_H
#define BYRON_EXT_SORTING_H

#include "path.h"
#include "scan.h"

/*
 * Before scan_start. If the ranges may hold rows of several values of the
 * first bound columns of the path, makes of them one point for each row, in
 * the order of the columns behind those; all their keys are read for that.
 * SQLite's code, with the table's message.
 */
int sorting_apply(struct scan *scan, const struct path *path, int bound);

#endif
