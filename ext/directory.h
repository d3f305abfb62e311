/*
 * directory: where stores live, and whose they are while the transaction that
 * creates one has not been committed.
 *
 * A new store's directory holds the file CREATING, which names the database
 * whose CREATE VIRTUAL TABLE made it, until that is known to be committed. A
 * store with that file which its database does not know was left behind by a
 * rollback or a crash, and nothing else can have been.
 */
#ifndef BYRON_EXT_DIRECTORY_H
#define BYRON_EXT_DIRECTORY_H

#include "byron.h"

#include <sys/types.h>

struct directory_identity {
    dev_t device;
    ino_t inode;
};

/* path "": beside the database; else relative to the database's folder.
 * Malloc'd; NULL without memory. */
char *directory_path(const char *database, const char *path);
/* A fresh directory for a store that nobody else sees. Malloc'd, or NULL. */
char *directory_private(void);
bool directory_identify(const char *path, struct directory_identity *out);
bool directory_has_store(const char *path);
bool directory_is_writable(const char *path);
/* Does it belong to somebody else than this user, root and the database's
 * owner, in a folder that all may write to? Such a one could change the files
 * under our hands. *owner: who. */
bool directory_is_strangers(const char *path, const char *database,
                            uid_t *owner);
/* Has it nothing but what a store may consist of? A missing one, too. */
bool directory_is_free(const char *path);

/* Creates the directory if it is missing, with the permissions and the owner of
 * the database, and CREATING in it. False: errno. */
bool directory_claim(const char *path, const char *database);
/* Does CREATING say that database made the store? */
bool directory_is_claimed(const char *path, const char *database);
bool directory_has_claim(const char *path);
/* Removes CREATING: the store is its database's for good. */
void directory_settle(const char *path);
/* Removes the files of a store that never was one, CREATING last, and the
 * directory if nothing else is in it. */
void directory_remove(const char *path);

#endif
