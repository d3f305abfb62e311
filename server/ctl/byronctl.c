/*
 * byronctl: byrond's client for the command line.
 */
#include <stdio.h>
#include <unistd.h>

#include "ctl/commands.h"

int main(int count, char **arguments)
{
    static enum exit_code (*const commands[COMMAND_COUNT])(struct link *) = {
        NULL,          command_get,  command_put,   command_delete,
        command_range, command_load, command_query, command_stats};
    struct options options;
    struct link link;
    enum exit_code code = options_parse(count, arguments, &options);

    if (code != EXIT_DONE)
        return (int)code;
    if (options.wants_help || options.wants_version) {
        fputs(options.wants_help ? options_help(options.command)
                                 : "byronctl " BYRON_VERSION "\n",
              stdout);
        return (int)command_flush(stdout, "standard output");
    }
    code = link_open(&options, &link);
    if (code == EXIT_DONE)
        code = commands[options.command](&link);
    link_close(&link);
    /* What could not be written waits for nobody. */
    if (code == EXIT_STOPPED)
        _exit((int)code);
    return (int)code;
}
