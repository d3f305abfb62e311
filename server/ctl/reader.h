/*
 * reader: rows of keys and values out of a file of TSV, CSV or JSON lines.
 */
#ifndef BYROND_CTL_READER_H
#define BYROND_CTL_READER_H

#include "ctl/text.h"

struct reader {
    FILE *file;
    enum format format;
    enum notation notation;
    uint64_t line; /* Where the last row begins, from 1. */
    uint64_t next_line;
    const char *wrong;  /* What is wrong with it. */
    struct bytes text;  /* The line, or a field of CSV, */
    struct bytes first; /* and the one before. */
};

enum reader_found {
    READER_ROW,
    READER_END, /* Or file has an error. */
    READER_WRONG,
};

/* Borrows the file until deinit. */
void reader_init(struct reader *reader, FILE *file, enum format format,
                 enum notation notation);
void reader_deinit(struct reader *reader);
/* Appends to key and value. */
enum reader_found reader_next(struct reader *reader, struct bytes *key,
                              struct bytes *value);
/* What a file of this name should have; FORMAT_PLAIN: no idea. */
enum format reader_format_of(const char *name);

#endif
