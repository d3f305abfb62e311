/*
 * overlap: which tables of a run touch a stretch of keys. Pure.
 */
#ifndef BYRON_COMPACTION_OVERLAP_H
#define BYRON_COMPACTION_OVERLAP_H

#include "version/version.h"

/* From first to last, both included. Lent by the tables it was taken from. */
struct key_span {
    struct slice first;
    struct slice last;
};

/* Neighbouring tables of one run. */
struct stretch {
    size_t first;
    size_t count;
    uint64_t bytes;
    uint64_t entries;
    bool has_corrupt; /* One of them is damaged: no job may touch it. */
};

bool table_is_corrupt(const struct table_meta *table);
/*
 * What a job with table would rid the store of, about: its tombstones, its
 * entries that expire at or before, and the older entries that its range
 * deletes hide, if no reader asks for less than oldest_point. Not 0 where
 * there are any.
 */
uint64_t table_garbage(const struct table_meta *table, uint64_t expired_ms,
                       uint64_t oldest_point);
struct key_span key_span_of(const struct table_meta *table);
/* Widens span, so that table lies inside. */
void key_span_cover(struct key_span *span, const struct table_meta *table);

/* Of run: the tables from first on, count of them. */
struct stretch stretch_of(const struct run *run, size_t first, size_t count);
/* Of run (NULL: no tables): the tables that share a key with span, perhaps. */
struct stretch stretch_touching(const struct run *run, struct key_span span);

/* A manifest may say anything: the picker needs one run a level, below 0. */
BYRON_MUST_CHECK byron_status check_is_leveled(const struct version *version);
/* The run of a level below 0, which has one at most; NULL if it is empty. */
const struct run *level_run(const struct version *version, uint32_t level);
/* Whether any table of level touches span. */
bool level_touches(const struct version *version, uint32_t level,
                   struct key_span span);

#endif
