/*
 * literal_text: a value as SQL text that reads as the same value.
 */
#ifndef BYRON_EXT_LITERAL_TEXT_H
#define BYRON_EXT_LITERAL_TEXT_H

#include "field.h"
#include "vtab.h"

void literal_text_add(sqlite3_str *to, const struct field *field);
/* A name in double quotes. */
void literal_text_add_name(sqlite3_str *to, const char *name);

#endif
