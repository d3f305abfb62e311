/*
 * backup: byron_backup('main', 'dir/copy.db'): the database file and its
 * stores, as one commit left them, while writers go on.
 */
#ifndef BYRON_EXT_BACKUP_H
#define BYRON_EXT_BACKUP_H

#include "connection.h"

int backup_register(struct connection *connection);

#endif
