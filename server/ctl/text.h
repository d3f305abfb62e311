/*
 * text: keys and values as people and other programs write them.
 *
 * A notation says how bytes are written, a format how rows are. hex and base64
 * are the same in every format. text is: in CSV as it is, in quotes if need be;
 * in TSV with \\ \t \n \r \xNN; in JSON a string, or {"base64": "..."} where it
 * is no UTF-8.
 */
#ifndef BYROND_CTL_TEXT_H
#define BYROND_CTL_TEXT_H

#include <stdio.h>

#include "net/bytes.h"

enum notation {
    NOTATION_TEXT,
    NOTATION_HEX,
    NOTATION_BASE64,
};

enum format {
    FORMAT_PLAIN, /* For people; of range and load: TSV. */
    FORMAT_TSV,
    FORMAT_CSV,
    FORMAT_JSON, /* One object a line. */
};

/* Appends the bytes that text stands for, text as it is. Returns NULL, or what
   is wrong. */
const char *text_decode(enum notation notation, struct byron_bytes text,
                        struct bytes *out);
/* The same of a field of TSV. */
const char *text_decode_tsv(enum notation notation, struct byron_bytes text,
                            struct bytes *out);
/* Ends the program if there is no memory. */
void text_add(struct bytes *out, const void *data, size_t size);
bool text_is_utf8(struct byron_bytes bytes);

/* As it is; escaped: as in TSV, for terminals, which obey some bytes. */
void text_print(FILE *out, enum notation notation, struct byron_bytes bytes,
                bool is_escaped);
void text_print_csv(FILE *out, enum notation notation,
                    struct byron_bytes bytes);
void text_print_json(FILE *out, enum notation notation,
                     struct byron_bytes bytes);
/* A row of keys and values in one of the formats. has_value: or the key alone.
 */
void text_print_row(FILE *out, enum format format, enum notation notation,
                    struct byron_bytes key, const struct byron_bytes *value);

#endif
