/*
 * create_text: the words of CREATE VIRTUAL TABLE, for what SQLite swallows
 * before xCreate gets its arguments. Pure.
 */
#ifndef BYRON_EXT_CREATE_TEXT_H
#define BYRON_EXT_CREATE_TEXT_H

#include <stdbool.h>

/* Is there a comma with nothing before or behind it, as in (a,)? */
bool create_text_has_gap(const char *sql);

#endif
