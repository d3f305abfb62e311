/*
 * json: one row of a file of JSON lines: {"key": ..., "value": ...}.
 *
 * A string, or {"base64": "..."}. Nothing else of JSON.
 */
#ifndef BYROND_CTL_JSON_H
#define BYROND_CTL_JSON_H

#include "ctl/text.h"

/* Appends key and value as bytes. Returns NULL, or what is wrong. */
const char *json_read_row(struct byron_bytes line, enum notation notation,
                          struct bytes *key, struct bytes *value);
/* Whether text is a number as JSON has it; *out_is_whole: without a fraction
   and an exponent. */
bool json_is_number(const char *text, bool *out_is_whole);
/* Appends what a string, in its quotes, means; the whole of text. NULL, or what
   is wrong. */
const char *json_read_string(struct byron_bytes text, struct bytes *out);

#endif
