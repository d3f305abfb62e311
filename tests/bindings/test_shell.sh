#!/bin/sh
# Byron in the sqlite3 shell.
set -u
cd "$(dirname "$0")/../.." || exit 1
mode=${MODE:-release}
case $mode in
release | debug) ;;
*)
    echo 'shell: 0 passed, 0 failed, 1 skipped (the shell has no sanitizer)'
    exit 0
    ;;
esac
extension=$PWD/build/$mode/byron.so
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
passed=0
failed=0

# Each call is a process of its own.
shell() {
    timeout 60 sqlite3 -batch -bail -cmd ".load $extension" test.db "$@" 2>&1
}

expect() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        printf 'FAILED %s: expected\n%s\nfound\n%s\n' "$1" "$2" "$3"
        failed=$((failed + 1))
    fi
}

shell "CREATE VIRTUAL TABLE value USING byron(id INTEGER PRIMARY KEY, v);
    INSERT INTO value(v) VALUES (NULL), (1), (-1.5), (''), ('it''s'), (x'00ff')"
expect 'values come back as they were' "NULL 1 -1.5 '' 'it''s' X'00FF' " \
    "$(shell 'SELECT quote(v) FROM value ORDER BY id' | tr '\n' ' ')"

shell 'CREATE VIRTUAL TABLE kv USING byron; CREATE TABLE log(what)'
shell "BEGIN; INSERT INTO kv VALUES ('k', 1); INSERT INTO log VALUES ('k')"
expect 'who leaves in a transaction leaves nothing' '0|0' \
    "$(shell 'SELECT (SELECT count(*) FROM kv), (SELECT count(*) FROM log)')"

words=$(shell "INSERT INTO kv VALUES ('k', 1);
    INSERT INTO kv VALUES ('k', 2); INSERT INTO kv VALUES ('l', 3)")
expect 'a failure ends the shell with a code' 19 $?
expect 'a failure is told in its words' yes \
    "$(echo "$words" | grep -q 'UNIQUE constraint failed: kv.key' && echo yes)"
expect 'and leaves what was before' 'k|1' "$(shell 'SELECT * FROM kv')"

printf 'l,2\nm,"three, ""four"""\n' >rows.csv
shell '.mode csv' '.import rows.csv kv'
expect 'rows are imported and exported' "$(printf 'k,1\r\n'; printf \
    'l,2\r\nm,"three, ""four"""\r\n')" "$(shell '.mode csv' 'SELECT * FROM kv')"

expect 'the shell shows the declaration' \
    'CREATE VIRTUAL TABLE kv USING byron' \
    "$(shell '.schema kv' | sed 's/;*$//; s,/\*.*,,')"
expect 'the shell lists the table' yes \
    "$(shell .tables | grep -qw value && echo yes)"
cp "$extension" byron-v0.2_linux.so
expect 'a file of another name loads' 1 "$(sqlite3 -cmd \
    '.load ./byron-v0.2_linux' :memory: 'SELECT byron_version() IS NOT NULL' 2>&1)"
expect 'all of it is sound' ok "$(shell "SELECT byron_check('kv')")"
echo "shell: $passed passed, $failed failed"
[ $failed = 0 ] && [ $passed != 0 ]
