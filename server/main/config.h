/*
 * config: a file of lines "name = value".
 *
 * An empty line, and one that begins with "#", says nothing; space around a
 * name or a value neither. Knows no names.
 */
#ifndef BYROND_MAIN_CONFIG_H
#define BYROND_MAIN_CONFIG_H

#include "byron.h"

struct config_taker {
    void *context;
    /* Takes a value, which lasts as long as the text of the file. Else words
       (of size) say why not. */
    byron_status (*set)(void *context, const char *name, const char *value,
                        char *words, size_t size);
};

/* Each line in turn, until one is not taken; words then begin with the file and
   the line's number. out: the text of the file, to be freed; NULL: it cannot be
   read. */
BYRON_MUST_CHECK byron_status config_read(const char *path,
                                          const struct config_taker *taker,
                                          char **out, char *words, size_t size);

#endif
