#include "bench/settings.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/report.h"

struct word {
    const char *name; /* With its '='. */
    uint64_t *number;
    const char **text;
    bool *flag;
};

static bool set(const struct word *words, size_t count, const char *argument)
{
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(words[i].name);

        if (strncmp(argument, words[i].name, size) != 0)
            continue;
        argument += size;
        if (words[i].text)
            *words[i].text = argument;
        else if (words[i].flag)
            *words[i].flag = *argument == '1';
        else
            *words[i].number = strtoull(argument, NULL, 10);
        return true;
    }
    return false;
}

/* Keeps the peers that are in a list of names. */
static void choose_peers(struct contest *contest, const char *names)
{
    size_t kept = 0;

    for (size_t i = 0; i < contest->peer_count; i++) {
        const char *name = contest->peers[i]->name;
        const char *found = strstr(names, name);
        size_t size = strlen(name);

        if (found && (found[size] == '\0' || found[size] == ','))
            contest->peers[kept++] = contest->peers[i];
    }
    contest->peer_count = kept;
}

/*
 * A process that removes a folder and the memory groups once every other one
 * that has this pipe is gone, however they went.
 */
static pid_t hire_cleaner(const char *folder, const struct squeeze *squeeze,
                          int life[2])
{
    pid_t pid;
    char word, command[128];

    if (pipe(life) != 0)
        return -1;
    pid = fork();
    if (pid != 0)
        return pid;
    setsid(); /* The signals of a terminal are not for it. */
    close(life[1]);
    while (read(life[0], &word, 1) > 0)
        continue;
    squeeze_remove_all(squeeze);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    _exit(system(command) != 0);
}

int settings_main(struct contest *contest, int argc, char **argv)
{
    const char *peers = NULL, *figures = NULL;
    uint64_t memory_mb = 256;
    const struct word words[] = {
        {"rows=", &contest->rows, NULL, NULL},
        {"memory=", &memory_mb, NULL, NULL},
        {"rounds=", &contest->rounds, NULL, NULL},
        {"parts=", &contest->parts, NULL, NULL},
        {"reads=", &contest->reads, NULL, NULL},
        {"limit=", &contest->limit, NULL, NULL},
        {"write_limit=", &contest->write_limit, NULL, NULL},
        {"load_limit=", &contest->load_limit, NULL, NULL},
        {"squeeze=", &contest->squeeze_mb, NULL, NULL},
        {"began=", &contest->began, NULL, NULL},
        {"compressed=", NULL, NULL, &contest->is_compressed},
        {"mmap=", NULL, NULL, &contest->is_mapped},
        {"cold=", NULL, NULL, &contest->is_cold},
        {"only=", NULL, &contest->only, NULL},
        {"label=", NULL, &contest->label, NULL},
        {"hash_index=", NULL, &contest->hash_index, NULL},
        {"peers=", NULL, &peers, NULL},
        {"figures=", NULL, &figures, NULL},
    };
    char folder[] = "/var/tmp/byron-bench-XXXXXX";
    int life[2], status = 0;
    pid_t cleaner;

    contest->rows = 1000000;
    contest->rounds = 1;
    contest->parts = 5;
    contest->label = "run";
    contest->began = (uint64_t)time(NULL);
    for (int i = 1; i < argc; i++) {
        if (!set(words, sizeof words / sizeof *words, argv[i])) {
            fprintf(stderr,
                    "usage: %s [rows=N] [memory=MB] [rounds=N] [parts=N] "
                    "[compressed=1] [cold=1]\n    [only=NAME,NAME] "
                    "[peers=NAME,NAME] [label=WORD] [figures=FILE] "
                    "[hash_index=on|off|auto]\n    [reads=N] [limit=SECONDS] "
                    "[write_limit=SECONDS]\n    [load_limit=SECONDS] "
                    "[squeeze=MB] [mmap=1] [began=SECONDS]\n",
                    argv[0]);
            return 2;
        }
    }
    contest->memory = memory_mb << 20;
    if (peers)
        choose_peers(contest, peers);
    if (contest->peer_count == 0 || contest->rows < 1000 ||
        contest->parts == 0 || contest->rounds == 0 ||
        (figures && !(contest->figures = fopen(figures, "a"))) ||
        !(contest->folder = mkdtemp(folder)))
        return 2;
    squeeze_find(contest->squeeze_mb << 20, strrchr(folder, '/') + 1,
                 &contest->squeeze);
    if ((cleaner = hire_cleaner(folder, &contest->squeeze, life)) < 0)
        return 2;
    ticks_calibrate();
    report_begin(contest);
    contest_run(contest);
    if (contest->figures)
        fclose(contest->figures);
    close(life[1]);
    waitpid(cleaner, &status, 0);
    return status != 0;
}
