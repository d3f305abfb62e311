/*
 * mark: SQL of a script as the byron side says it.
 *
 *   CREATE [/]*byron more*[/] TABLE name(columns) WITHOUT ROWID
 *       becomes CREATE VIRTUAL TABLE name USING byron(columns, more).
 *       Of the columns it leaves out [/]*plain*[/] what stands here
 * [/]*end*[/].
 *   ... [/]*byron: this*[/](that) ...
 *       becomes ... this ...; the ordinary side sees (that).
 *   [/]*byron: this*[/] that
 *       becomes this.
 */
#ifndef BYRON_TESTS_MARK_H
#define BYRON_TESTS_MARK_H

/* The caller frees with sqlite3_free. */
char *mark_byron_sql(const char *sql);

#endif
