#!/bin/sh
# Kills writers and checks what they leave, a few rounds of each kind; `make
# kills` does more.
set -u
cd "$(dirname "$0")/../.." || exit 1
killer=build/${MODE:-release}/tests/kill/killer
extension=$PWD/build/${MODE:-release}/byron.so
passed=0
failed=0
skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

play() {
    "$@" extension="$extension" >"$log" 2>&1
    grep -v '^kills:' "$log"
    rounds=$(sed -n 's/^kills: \([0-9]*\) passed, 0 failed$/\1/p' "$log")
    if [ "$rounds" ]; then
        passed=$((passed + rounds))
    else
        failed=$((failed + 1))
    fi
}

play "$killer" rounds=40
play "$killer" rounds=10 journal=delete
if [ -x "$killer-newest" ]; then
    play "$killer-newest" rounds=10
else
    echo 'skipped: kills on the newest SQLite (make newest)'
    skipped=1
fi
echo "kills: $passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ] && [ $passed != 0 ]
