#!/bin/sh
# Every script of sql/ runs in the shell without an error and prints something.
set -u
cd "$(dirname "$0")/../.." || exit 1
passed=0
failed=0
case ${MODE:-release} in
release | debug) ;;
*)
    echo 'examples: 0 passed, 0 failed, 1 skipped (the shell has no sanitizer)'
    exit 0
    ;;
esac
out=$(mktemp)
trap 'rm -f "$out"' EXIT
for script in sql/*.sql; do
    if timeout 60 sqlite3 -bail <"$script" >"$out" 2>&1 && [ -s "$out" ] &&
        ! grep -qE '(^| )[Ee]rror( |:)' "$out"; then
        passed=$((passed + 1))
    else
        echo "FAILED $script"
        cat "$out"
        failed=$((failed + 1))
    fi
done
echo "examples: $passed passed, $failed failed"
[ $failed = 0 ] && [ $passed != 0 ]
