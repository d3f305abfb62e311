/*
 * history: which states of a subject may be found after a crash.
 *
 * Each database is in the state after one of its commits: after a kill the
 * newest that was acknowledged or was on its way, after a power cut none
 * before the newest that PRAGMA synchronous promised to keep. With a rollback
 * journal a transaction over two databases is there in both or in neither; in
 * WAL mode SQLite promises that for each database by itself.
 *
 * Two things may part the tables of one database in a power cut. At NORMAL, in
 * WAL mode, commits on byron tables alone may be lost and later ones on
 * ordinary tables alone not. And one on tables with commit=own alone, which
 * counts by itself, may outlast earlier ones on ordinary tables alone.
 */
#ifndef BYRON_TESTS_TORTURE_HISTORY_H
#define BYRON_TESTS_TORTURE_HISTORY_H

#include "torture/storage.h"
#include "torture/subject.h"

/* How far a record has come. */
struct history {
    size_t done;  /* Newest state that was acknowledged, */
    size_t begun; /* and that was asked for: done, or one on its way. */
    /* And that no power cut undoes. */
    size_t safe_ordinary[SUBJECT_DATABASES];
    size_t safe_byron[SUBJECT_DATABASES];
    size_t copies_done; /* Likewise, of the copies. */
    size_t copies_begun;
};

struct history_span {
    size_t low;
    size_t high;
};

/* What may be found. */
struct history_bounds {
    bool is_cut; /* The power, not a process, now or before. */
    struct history_span ordinary[SUBJECT_DATABASES];
    struct history_span byron[SUBJECT_DATABASES];
    size_t extra;   /* A commit on top of the highest; 0: none. */
    bool has_extra; /* It may not be missing. */
};

/* The states that the tables of one database are in. */
struct history_place {
    size_t ordinary;
    size_t byron;
};

/* Goes past a mark of the record. */
void history_advance(struct history *history, const struct subject *subject,
                     const struct storage_call *mark);
void history_bounds(const struct history *history, bool is_cut,
                    struct history_bounds *out);
/* The places of what was found, for each database; else the program ends. */
void history_find(const struct subject *subject,
                  const struct history_bounds *bounds,
                  const struct subject_state *found,
                  struct history_place out[SUBJECT_DATABASES]);

#endif
