/*
 * parser: where a declaration's parsing stands; shared by declaration,
 * column_parser, index_definition and option.
 */
#ifndef BYRON_EXT_PARSER_H
#define BYRON_EXT_PARSER_H

#include "declaration.h"
#include "tokenizer.h"

struct parser {
    const char *next;   /* Text not yet cut. */
    struct token token; /* The one looked at. */
    struct declaration *table;
    bool has_key;          /* A PRIMARY KEY was seen, */
    bool is_key_of_column; /* and it was part of a column. */
    const char *clause;    /* Of the table, seen: no column may follow. */
    char *constraint_name; /* Owned; of the constraint at hand. May be NULL. */
    unsigned options_seen; /* One bit each. */
    const char *form;      /* Of an index by itself: told after its errors. */
    char **message;
};

static inline void parser_step(struct parser *parser)
{
    token_next(&parser->next, &parser->token);
}
/* Steps past word if it is there. */
static inline bool parser_take_word(struct parser *parser, const char *word)
{
    bool is_there = token_is_word(&parser->token, word);

    if (is_there)
        parser_step(parser);
    return is_there;
}
static inline bool parser_take_mark(struct parser *parser, char mark)
{
    bool is_there = token_is_mark(&parser->token, mark);

    if (is_there)
        parser_step(parser);
    return is_there;
}

/* Sets the message; always BYRON_MISUSE (or BYRON_NO_MEMORY). */
byron_status parser_fail(struct parser *parser, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A syntax error at the token looked at. */
byron_status parser_fail_here(struct parser *parser);
/* The name looked at (malloc'd), and past it. */
BYRON_MUST_CHECK byron_status parser_take_name(struct parser *parser,
                                               char **out);

/* [CONSTRAINT name], kept as constraint_name. */
BYRON_MUST_CHECK byron_status parser_take_constraint(struct parser *parser);
/* column_parser: one column, or one table constraint. */
BYRON_MUST_CHECK byron_status column_parse(struct parser *parser);
BYRON_MUST_CHECK byron_status constraint_parse(struct parser *parser);
/* name [COLLATE c] [ASC|DESC] */
BYRON_MUST_CHECK byron_status key_column_parse(struct parser *parser,
                                               struct key_column *out);
/* [ON CONFLICT word] */
BYRON_MUST_CHECK byron_status conflict_parse(struct parser *parser,
                                             enum conflict *out);
/* DEFAULT's value, at the token after the word. */
BYRON_MUST_CHECK byron_status literal_parse(struct parser *parser,
                                            struct literal *out);
/* Turns a text or number into what the column's affinity makes of it. */
BYRON_MUST_CHECK byron_status literal_convert(struct literal *literal,
                                              enum affinity affinity);
/* option: name = value. */
BYRON_MUST_CHECK byron_status option_parse(struct parser *parser);
/* What an option could not know before all columns were there. */
BYRON_MUST_CHECK byron_status option_finish(struct parser *parser);

#endif
