/*
 * progress: one line on a terminal that tells how far it is.
 */
#ifndef BYROND_CTL_PROGRESS_H
#define BYROND_CTL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    const char *what; /* "loaded" */
    uint64_t total;   /* Of done; 0: not known. */
    uint64_t begun_us;
    uint64_t shown_us;
    bool is_on;
    bool is_shown;
};

/* On standard error, if that is a terminal and is_wanted. */
void progress_begin(struct progress *progress, const char *what, uint64_t total,
                    bool is_wanted);
/* Draws again, ten times a second at most. done: of total. */
void progress_set(struct progress *progress, uint64_t done, uint64_t rows);
/* Takes the line away. */
void progress_end(struct progress *progress);
/* "12,345": of a number. */
#define PROGRESS_NUMBER_SIZE 32
const char *progress_number(uint64_t number, char out[PROGRESS_NUMBER_SIZE]);
/* The line, without moving anything. */
void progress_line(const struct progress *progress, uint64_t done,
                   uint64_t rows, uint64_t now_us, char *out, size_t room);

#endif
