/*
 * index_definition: the words of an index -> its columns, and back.
 *
 *   INDEX name(column [COLLATE c] [ASC|DESC], ...)
 *   UNIQUE [[INDEX] name](...) [ON CONFLICT word]
 *
 * As clauses of a table's declaration, as UNIQUE on a column, and alone: then
 * INDEX may be left out. Pure, as declaration is.
 */
#ifndef BYRON_EXT_INDEX_DEFINITION_H
#define BYRON_EXT_INDEX_DEFINITION_H

#include "declaration.h"

#define INDEX_MOST_COLUMNS 64

struct parser;

/*
 * Parses what stands alone, for a table that is declared. On failure *message
 * is a sentence (malloc'd, the caller's to free). Where out has no name, it is
 * NULL: index_definition_name makes one.
 */
BYRON_MUST_CHECK byron_status
index_definition_parse(const char *text, struct declaration *table,
                       struct index_definition *out, char **message);
void index_definition_deinit(struct index_definition *definition);
/* Words that parse to the same (malloc'd); NULL if out of memory. */
char *index_definition_text(const struct index_definition *definition,
                            const struct declaration *table);
/* unique_column_column..., and number where that is above 1 (malloc'd). */
char *index_definition_name(const struct index_definition *definition,
                            const struct declaration *table, int number);

/* For the parser of declarations: a clause, UNIQUE on a column, the end. */
BYRON_MUST_CHECK byron_status index_clause_parse(struct parser *parser);
BYRON_MUST_CHECK byron_status index_of_column_parse(struct parser *parser,
                                                    int column);
BYRON_MUST_CHECK byron_status index_definitions_finish(struct parser *parser);

#endif
