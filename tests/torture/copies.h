/*
 * copies: backups of a subject's databases, and what VACUUM INTO makes of them.
 *
 * A backup has its name only if all of it is there, and is then the state that
 * it was made of, whatever becomes of the database. What VACUUM INTO makes has
 * no store: its byron tables are refused. SQLite does not sync it.
 */
#ifndef BYRON_TESTS_TORTURE_COPIES_H
#define BYRON_TESTS_TORTURE_COPIES_H

#include "torture/subject.h"

/* One more, of a database of the newest state; not beyond SUBJECT_COPIES_MAX.
 * Where it fails, words and code are the subject's. */
void copies_make(struct subject *subject);
/* Is it there under its name? is_done: it was acknowledged, and has to be. */
bool copies_find(const struct subject *subject, const struct subject_copy *copy,
                 bool is_done, bool is_cut);
/* is_done: it was acknowledged. is_cut: the power went since. The database is
 * closed. */
void copies_check(struct subject *subject, const struct subject_copy *copy,
                  bool is_done, bool is_cut);
/* Is anything of it there? */
bool copies_exist(const struct subject *subject,
                  const struct subject_copy *copy);
/* All of them, and what is known of them. */
void copies_remove(struct subject *subject);

#endif
