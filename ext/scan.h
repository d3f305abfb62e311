/*
 * scan: the rows of a table in some key ranges, at one state, in key order or
 * against it.
 *
 * Values that are large are read when they are asked for. If the transaction
 * that the scan reads from ends, it goes on from its place in what follows.
 */
#ifndef BYRON_EXT_SCAN_H
#define BYRON_EXT_SCAN_H

#include "fetch.h"
#include "hop.h"
#include "view.h"

#define SCAN_BATCH 64 /* Points of a list that are read at once. */
#define SCAN_READY 64 /* Rows of a range that are. */

struct scan {
    struct view view; /* First: its callback finds the scan. */
    struct table *table;
    struct key_ranges ranges; /* The caller fills them. */
    bool is_descending;
    int done;                     /* Segments begun. */
    bool is_at_row;               /* The next fields tell which. */
    bool is_copied;               /* It is in place_key and place_value. */
    const struct byron_pair *row; /* Lies ready. NULL: it is where rows is. */
    size_t row_left;              /* Rows that lie ready after it: */
    struct byron_pair *ready;     /* an owned array of SCAN_READY. */
    size_t wanted;                /* Rows to make ready next time, */
    unsigned pause;               /* once so many more were stepped to; */
    unsigned next_pause;          /* and so many if it is in vain. */
    byron_cursor *rows;           /* Of the range begun last; else a point. */
    struct byron_value value;     /* Of a point; data NULL: not read yet. */
    bool skips_values;            /* Nobody is likely to ask for values. */
    struct byron_value *batch;    /* Owned array; points read in advance, */
    bool has_point[SCAN_BATCH];   /* if they are there. */
    int batch_first;
    int batch_count;
    struct bytes place_key;
    struct bytes place_value;
    byron_status copy_status;
    bool may_run;        /* Ahead of rows that nobody looks at. */
    size_t unseen;       /* Rows in a row that nobody looked at. */
    uint64_t ahead;      /* Rows that it is ahead of the one it shows. */
    struct bytes group;  /* What the keys of one group begin with. */
    struct hop hop;      /* Over texts, of the range begun last. */
    struct fetch *fetch; /* Borrowed; has values of the view. May be NULL. */
};

void scan_init(struct scan *scan, struct table *table);
void scan_deinit(struct scan *scan);
/* Ends the scan; keeps no more than a little memory for the next one. */
void scan_reset(struct scan *scan);
/* Opens the state to read and finds the first row. SQLite's code, with the
 * table's message, as all below. */
int scan_start(struct scan *scan, bool is_descending);
/* Before scan_start: of ranges of texts that may read as a number, leaves out
 * those without any, and of one text makes that text's range. */
int scan_narrow(struct scan *scan);
/* Requires: at a row. */
int scan_next(struct scan *scan);
/* Back to the row it shows. */
int scan_return(struct scan *scan);
/* Over some rows; fewer if it ends. */
int scan_pass(struct scan *scan, int64_t count);
/* To a row whose key does not begin with as many bytes of this one's: the
 * first one at best. Requires: at a row. */
int scan_next_group(struct scan *scan, size_t size);
/* Opens the view anew, if it was closed since. */
int scan_open_view(struct scan *scan);
/* Lends until the scan moves. Requires: at a row. */
struct byron_bytes scan_key(const struct scan *scan);
int scan_value(struct scan *scan, struct byron_bytes *out);

/* To the next row if it lies ready; false: take scan_next. */
static inline bool scan_next_ready(struct scan *scan)
{
    if (scan->row_left == 0)
        return false;
    scan->row_left--;
    scan->row++;
    return true;
}

/* The row it shows is looked at: call before its key or value. */
static inline int scan_look(struct scan *scan)
{
    scan->unseen = 0;
    return scan->ahead == 0 ? SQLITE_OK : scan_return(scan);
}

#endif
