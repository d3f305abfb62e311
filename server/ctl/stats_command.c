/* stats. */
#include <string.h>

#include "byron/v1/byron.pb-c.h"
#include "ctl/commands.h"

/* Whether it is asked for: by the beginning of its name, or as all are. */
static bool is_wanted(const struct options *options,
                      const Byron__V1__Figure *figure)
{
    for (int i = 0; i < options->count; i++)
        if (strncmp(figure->name, options->arguments[i],
                    strlen(options->arguments[i])) == 0)
            return true;
    /* Of the times it is enough to see how many, unless they are asked for. */
    return options->count == 0 &&
           (options->is_json ||
            (figure->value != 0 && !strstr(figure->name, "_bucket")));
}

static void print_json(const Byron__V1__Figure *figure)
{
    fputs("{\"name\":", stdout);
    text_print_json(stdout, NOTATION_TEXT, bytes_of_text(figure->name));
    if (*figure->labels) {
        fputs(",\"labels\":", stdout);
        text_print_json(stdout, NOTATION_TEXT, bytes_of_text(figure->labels));
    }
    printf(",\"value\":%.15g}\n", figure->value);
}

/* 12.3 MiB, where the name says that it is of bytes; else the number. */
static void print_amount(const Byron__V1__Figure *figure, char *out,
                         size_t room)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = figure->value;
    size_t unit = 0;

    if (!strstr(figure->name, "_bytes")) {
        snprintf(out, room, "%.15g", value);
        return;
    }
    while (value >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1024;
        unit++;
    }
    snprintf(out, room, "%.*f %s", unit > 0 ? 1 : 0, value, units[unit]);
}

static void print_line(const Byron__V1__Figure *figure, int width)
{
    char name[256];
    char amount[64];

    snprintf(name, sizeof name, *figure->labels ? "%s{%s}" : "%s%s",
             figure->name, figure->labels);
    print_amount(figure, amount, sizeof amount);
    printf("%-*s  %s\n", width, name, amount);
}

/* As wide as the longest. */
static int width_of(const struct options *options,
                    const Byron__V1__StatsResponse *response)
{
    size_t width = 0;

    for (size_t i = 0; i < response->n_figures; i++) {
        const Byron__V1__Figure *figure = response->figures[i];
        size_t size = strlen(figure->name) + strlen(figure->labels) +
                      (*figure->labels ? 2 : 0);
        if (is_wanted(options, figure) && size > width)
            width = size;
    }
    return width < 200 ? (int)width : 200;
}

enum exit_code command_stats(struct link *link)
{
    const struct options *options = link->options;
    Byron__V1__StatsRequest request = BYRON__V1__STATS_REQUEST__INIT;
    const Byron__V1__StatsResponse *response;
    ProtobufCMessage *message;
    enum exit_code code =
        link_call(link, "Stats", &request.base,
                  &byron__v1__stats_response__descriptor, &message);
    size_t printed = 0;
    int width;

    if (code != EXIT_DONE)
        return code;
    response = (const Byron__V1__StatsResponse *)message;
    width = width_of(options, response);
    for (size_t i = 0; i < response->n_figures; i++) {
        const Byron__V1__Figure *figure = response->figures[i];
        if (!is_wanted(options, figure))
            continue;
        printed++;
        if (options->is_json)
            print_json(figure);
        else
            print_line(figure, width);
    }
    link_free(message);
    if (printed == 0 && options->count > 0)
        return report_error(
            EXIT_ABSENT, "NOT_FOUND",
            "stats: no figure has a name that begins with %.100s "
            "(byronctl stats --json prints all)",
            options->arguments[0]);
    return command_flush(stdout, "standard output");
}
