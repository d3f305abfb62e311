#include "ctl/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "grpc/tally.h"

#define BAR      24
#define EVERY_US 100000

const char *progress_number(uint64_t number, char out[PROGRESS_NUMBER_SIZE])
{
    char digits[24];
    int size =
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    char *to = out;

    for (int i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}

void progress_line(const struct progress *progress, uint64_t done,
                   uint64_t rows, uint64_t now_us, char *out, size_t room)
{
    char bar[BAR + 1];
    char count[PROGRESS_NUMBER_SIZE];
    char rate[PROGRESS_NUMBER_SIZE];
    uint64_t us = now_us - progress->begun_us;
    double part =
        progress->total > 0 ? (double)done / (double)progress->total : 0;
    int filled;

    progress_number(rows, count);
    progress_number(us > 0 ? (uint64_t)((double)rows * 1e6 / (double)us) : 0,
                    rate);
    if (part > 1)
        part = 1;
    filled = (int)(part * BAR);
    memset(bar, ' ', BAR);
    memset(bar, '=', (size_t)filled);
    bar[BAR] = '\0';
    if (progress->total == 0)
        snprintf(out, room, "%s %s rows, %s/s", progress->what, count, rate);
    else if (part > 0 && part < 1)
        snprintf(out, room, "%s [%s] %3d%%  %s rows, %s/s, %.0f s to go",
                 progress->what, bar, (int)(part * 100), count, rate,
                 (double)us / 1e6 * (1 - part) / part);
    else
        snprintf(out, room, "%s [%s] %3d%%  %s rows, %s/s", progress->what, bar,
                 (int)(part * 100), count, rate);
}

void progress_begin(struct progress *progress, const char *what, uint64_t total,
                    bool is_wanted)
{
    memset(progress, 0, sizeof *progress);
    progress->what = what;
    progress->total = total;
    progress->begun_us = tally_now_us();
    progress->is_on = is_wanted && isatty(STDERR_FILENO);
}

void progress_set(struct progress *progress, uint64_t done, uint64_t rows)
{
    uint64_t now_us;
    char line[160];

    if (!progress->is_on)
        return;
    now_us = tally_now_us();
    if (progress->is_shown && now_us - progress->shown_us < EVERY_US)
        return;
    progress_line(progress, done, rows, now_us, line, sizeof line);
    /* Back, the line, and what is left of the last one away. */
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
    progress->is_shown = true;
    progress->shown_us = now_us;
}

void progress_end(struct progress *progress)
{
    if (progress->is_shown)
        fputs("\r\033[K", stderr);
    progress->is_shown = false;
}
