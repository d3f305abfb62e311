#!/bin/sh
# byron_dump through the shell and back: one file's tables in another, equal.
set -u
cd "$(dirname "$0")/../.." || exit 1
case ${MODE:-release} in
release | debug) ;;
*)
    echo 'shell_dump: 0 passed, 0 failed, 1 skipped (the shell has no sanitizer)'
    exit 0
    ;;
esac
extension=$PWD/build/${MODE:-release}/byron.so
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

shell() {
    sqlite3 -bail -cmd ".load $extension" "$@"
}

shell old.db <<'SQL'
CREATE VIRTUAL TABLE t USING byron(a, b TEXT COLLATE NOCASE, c DEFAULT 7,
                                   PRIMARY KEY(a, b DESC), INDEX by_c(c));
INSERT INTO t VALUES
    (1, 'it''s', 1.1), (2.5, 'x' || char(13, 10) || 'y', x'00ff'),
    ('k', char(0) || 'nul', 9e999), (x'', 'line
.quit
two', -9e999), (-9223372036854775808, char(27, 7, 127), 1e-320),
    ('', printf('%s; -- no comment', 'z'), 5);
UPDATE t SET c = NULL WHERE a = 1;
CREATE VIRTUAL TABLE r USING byron(v);
INSERT INTO r(rowid, v) VALUES (-7, 'minus'), (1000000007, 'far');
INSERT INTO r(r, arg) VALUES ('add-index', 'by_v(v)');
SQL
for table in t r; do
    shell old.db "SELECT sql FROM byron_dump('$table')"
done >dump.sql
shell new.db <dump.sql
for file in old new; do
    shell $file.db "SELECT typeof(a), quote(a), hex(b), typeof(c), quote(c), hex(c)
        FROM t; SELECT rowid, v FROM r; SELECT name, indexes FROM byron_tables;
        SELECT byron_check('t'), byron_check('r')" >$file.txt 2>&1
done
if [ "$(wc -l <old.txt)" = 11 ] && cmp -s old.txt new.txt; then
    echo 'shell_dump: 1 passed, 0 failed'
else
    diff old.txt new.txt
    echo 'shell_dump: 0 passed, 1 failed'
    exit 1
fi
