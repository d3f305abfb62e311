#include "differ/mark.h"

#include <string.h>

#include <sqlite3.h>

#define MARK "/*byron:"

static char *create_sql(const char *sql, const char *mark)
{
    const char *end = strstr(mark, "*/");
    const char *name = strstr(end, "TABLE") + strlen("TABLE");
    const char *open = strchr(name, '(');
    const char *close = strrchr(sql, ')');

    mark += strlen("/*byron");
    mark += strspn(mark, " ");
    return sqlite3_mprintf("CREATE VIRTUAL TABLE%.*s USING byron(%.*s%s%.*s)",
                           (int)(open - name), name, (int)(close - open - 1),
                           open + 1, mark < end ? ", " : "", (int)(end - mark),
                           mark);
}

/* Behind what stands in parentheses; all of it where there are none. */
static const char *skip_group(const char *sql)
{
    int depth = 0;

    sql += strspn(sql, " ");
    if (*sql != '(')
        return sql + strlen(sql);
    for (; *sql; sql++) {
        depth += (*sql == '(') - (*sql == ')');
        if (depth == 0)
            return sql + 1;
    }
    return sql;
}

char *mark_byron_sql(const char *sql)
{
    sqlite3_str *out;
    const char *mark = strstr(sql, "/*byron");

    if (mark && strncmp(mark, MARK, strlen(MARK)) != 0 && strstr(mark, "*/"))
        return create_sql(sql, mark);
    out = sqlite3_str_new(NULL);
    while ((mark = strstr(sql, MARK)) && strstr(mark, "*/")) {
        const char *end = strstr(mark, "*/");

        sqlite3_str_append(out, sql, (int)(mark - sql));
        mark += strlen(MARK);
        sqlite3_str_append(out, mark, (int)(end - mark));
        sql = skip_group(end + 2);
    }
    sqlite3_str_appendall(out, sql);
    sqlite3_str_appendall(out, " "); /* Never a NULL. */
    return sqlite3_str_finish(out);
}
