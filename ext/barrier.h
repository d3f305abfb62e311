/*
 * barrier: makes what the host database has committed durable, from any
 * thread, without SQLite and without opening the database file.
 *
 * POSIX drops every lock of a process on a file when any descriptor of that
 * file is closed, so the database file itself must never be opened here. Its
 * log and journal bear no locks.
 */
#ifndef BYRON_EXT_BARRIER_H
#define BYRON_EXT_BARRIER_H

#include "byron.h"

/* Syncs `<database>-wal` and `<database>-journal` where present, and their
 * directory. context: the database's path; NULL: there is nothing to sync. */
byron_status barrier_sync(void *context);

#endif
