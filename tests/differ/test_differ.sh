#!/bin/sh
# Random SQL on byron tables and on ordinary ones, some seconds of it, after
# the scripts that once differed; `make differ` does more.
set -u
cd "$(dirname "$0")/../.." || exit 1
mode=${MODE:-release}
differ=build/$mode/tests/differ/differ
extension=$PWD/build/$mode/byron.so
passed=0
failed=0
skipped=0
# In memory, if that can be.
TMPDIR=$(mktemp -d -p /dev/shm byron-differ-XXXXXX 2>/dev/null || mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 1' HUP INT TERM
log=$TMPDIR/log

play() {
    "$@" extension="$extension" >"$log" 2>&1
    grep -v '^differ: ' "$log"
    totals=$(sed -n 's/^differ: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' \
        "$log")
    # shellcheck disable=SC2086 # Two numbers.
    set -- ${totals:-0 1}
    passed=$((passed + $1))
    failed=$((failed + $2))
}

play_both() {
    play "$1" tests/differ/found/*.sql
    play "$1" seeds=1000000 seconds=8
}

play_both "$differ"
if [ -x "$differ-newest" ]; then
    play_both "$differ-newest"
else
    echo 'skipped: random SQL on the newest SQLite (make newest)'
    skipped=1
fi
echo "differ: $passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ] && [ $passed != 0 ]
