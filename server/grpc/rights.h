/*
 * rights: what somebody may do, and where: everywhere, to keys of a prefix or a
 * range, to a table of the database.
 *
 * Built once, then shared and never changed. Knows neither who has them, nor
 * what keys and tables are.
 */
#ifndef BYROND_GRPC_RIGHTS_H
#define BYROND_GRPC_RIGHTS_H

#include "byron.h"

/* Each has those before it. */
enum right {
    RIGHT_NONE,
    RIGHT_READ,
    RIGHT_WRITE,
    RIGHT_ADMIN, /* To change what there is to read and write. */
};

enum rights_space {
    RIGHTS_KEYS,
    RIGHTS_TABLES,
};

struct rights; /* Where one is asked for, NULL is every right everywhere. */

BYRON_MUST_CHECK byron_status rights_new(struct rights **out);
/* From any thread. NULL is fine. */
struct rights *rights_ref(struct rights *rights);
void rights_unref(struct rights *rights);
/* Before it is shared. place: "prefix=BYTES", "range=START..END" (either may be
   empty), "table=NAME"; a byte may be written as %XX. Empty: everywhere, and an
   administrator is one there alone. MISUSE: it is none of these. */
BYRON_MUST_CHECK byron_status rights_add(struct rights *rights,
                                         enum right right,
                                         struct byron_bytes place);

/* The right that counts everywhere, */
enum right rights_everywhere(const struct rights *rights);
/* and the most that there is at some place of the space. */
enum right rights_somewhere(const struct rights *rights,
                            enum rights_space space);
/* Every key from start to before end; an empty end: to the last. */
bool rights_on_keys(const struct rights *rights, enum right right,
                    struct byron_bytes start, struct byron_bytes end);
bool rights_on_key(const struct rights *rights, enum right right,
                   struct byron_bytes key);
/* Whatever the case of ASCII's letters. */
bool rights_on_table(const struct rights *rights, enum right right,
                     const char *table);
/* The same number for the same keys to write; 0: every one. */
uint64_t rights_scope(const struct rights *rights);

#define RIGHTS_WORDS_SIZE 256

/* What is missing. first, last: keys or names; last is left out if it has no
   data. */
void rights_words(char words[RIGHTS_WORDS_SIZE], enum right right,
                  const char *of_what, struct byron_bytes first,
                  struct byron_bytes last);

#endif
