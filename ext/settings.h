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
/* What options state of one setting, if anything; text, of the others. */
char *settings_change(const char *text, int index,
                      const struct byron_options *options);
/* BYRON_MISUSE where no store can be opened with what text states. */
BYRON_MUST_CHECK byron_status settings_check(const char *text);
/* The name of one, from 0; NULL after the last. */
const char *settings_name(int index);
int settings_find(const char *name); /* -1: there is none. */
/* Its value in derived options, as a person would write it. */
void settings_print(const struct byron_options *derived, int index,
                    char out[32]);
/* Sets the options that text states; unknown words are left alone. */
void settings_apply(const char *text, struct byron_options *out);

#endif
