#!/bin/sh
# Power cuts, failures and interruptions of the calls that the extension and its
# host make on files, a few of each kind; `make torture` does more.
set -u
cd "$(dirname "$0")/../.." || exit 1
torture=build/${MODE:-release}/tests/torture/torture
extension=$PWD/build/${MODE:-release}/byron.so
passed=0
failed=0
skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

play() {
    "$@" extension="$extension" >"$log" 2>&1
    runs=$(sed -n 's/^torture: \([0-9]*\) passed, 0 failed$/\1/p' "$log")
    if [ "$runs" ]; then
        grep -E 'images|faults' "$log"
        passed=$((passed + runs))
    else
        echo "FAILED $*"
        cat "$log"
        failed=$((failed + 1))
    fi
}

# Usage: torment PROGRAM
torment() {
    play "$1" mode=fault steps=80 seeds=2
    play "$1" mode=disturb steps=25
    for journal in wal delete truncate persist; do
        play "$1" journal=$journal steps=0 share=2 # The creation alone.
    done
    play "$1" journal=wal steps=25 share=8 seeds=2
    play "$1" steps=25 share=8
}

if [ "${MODE:-}" = tsan ]; then
    echo 'skipped: torture (its calls pass the sanitizer by)'
    skipped=1
else
    torment "$torture"
fi
if [ -x "$torture-newest" ]; then
    play "$torture-newest" steps=25 share=8
else
    echo 'skipped: torture on the newest SQLite (make newest)'
    skipped=$((skipped + 1))
fi
echo "torture: $passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
