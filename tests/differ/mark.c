#include "differ/mark.h"

#include <string.h>

#include <sqlite3.h>

#define MARK  "/*byron:"
#define PLAIN "/*plain*/"
#define END   "/*end*/"

/* Without what is of the ordinary side alone. */
static void add_columns(sqlite3_str *out, const char *columns, size_t size)
{
    const char *end = columns + size, *plain, *after;

    while ((plain = strstr(columns, PLAIN)) && plain < end &&
           (after = strstr(plain, END))) {
        sqlite3_str_append(out, columns, (int)(plain - columns));
        columns = after + strlen(END);
    }
    sqlite3_str_append(out, columns, (int)(end - columns));
}

static char *create_sql(const char *sql, const char *mark)
{
    const char *end = strstr(mark, "*/");
    const char *name = strstr(end, "TABLE") + strlen("TABLE");
    const char *open = strchr(name, '(');
    const char *close = strrchr(sql, ')');
    sqlite3_str *out = sqlite3_str_new(NULL);

    mark += strlen("/*byron");
    mark += strspn(mark, " ");
    sqlite3_str_appendf(out, "CREATE VIRTUAL TABLE%.*s USING byron(",
                        (int)(open - name), name);
    add_columns(out, open + 1, (size_t)(close - open - 1));
    sqlite3_str_appendf(out, "%s%.*s)", mark < end ? ", " : "",
                        (int)(end - mark), mark);
    return sqlite3_str_finish(out);
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
