/*
 * sql_extension: byron in every connection of SQLite, and whether it is the
 * extension that asks for something, or the statement of a client.
 *
 * The extension runs statements of its own inside those of clients, and the
 * authorizer is asked of both. It calls SQLite through a table of functions, as
 * all extensions do: it is given one whose prepare and step say who they are.
 */
#ifndef BYROND_SERVICE_SQL_EXTENSION_H
#define BYROND_SERVICE_SQL_EXTENSION_H

#include "byron.h"

/* Every connection from here on finds byron in it. */
BYRON_MUST_CHECK byron_status sql_extension_register(void);
/* On this thread, what SQLite does just now it does for the extension. */
bool sql_extension_is_asking(void);

#endif
