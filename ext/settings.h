/*
 * settings: the engine's options as the store's row keeps them, in words:
 * "memory=268435456 threads=0". Pure.
 *
 * Options belong to the store, not to one table: the first table that states
 * one decides it for all, and what is stated stays when that table goes.
 */
#ifndef BYRON_EXT_SETTINGS_H
#define BYRON_EXT_SETTINGS_H

#include "byron.h"

/* What text states, else what options state; malloc'd, NULL without memory. */
char *settings_merge(const char *text, const struct byron_options *options);
/* Sets the options that text states; unknown words are left alone. */
void settings_apply(const char *text, struct byron_options *out);

#endif
