/*
 * bench_sql: byron's tables against ordinary ones, and against a table that
 * keeps nothing, through SQL.
 */
#include "bench/settings.h"

int main(int argc, char **argv)
{
    struct contest contest = {
        .level = "sql",
        .peers = {&sql_byron, &sql_byron_own, &sql_without_rowid, &sql_rowid,
                  &sql_floor},
        .peer_count = 5,
    };

    return settings_main(&contest, argc, argv);
}
