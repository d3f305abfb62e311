#!/bin/sh
# Every file of the corpora through its decoder, without a fuzzer. The first run
# of `make fuzz` begins with the same files.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=build/${MODE:-release}
passed=0
failed=0

for folder in tests/fuzz/corpus/*; do
    name=$(basename "$folder")
    [ "$name" = http ] && continue # The server's: tests/server.
    files=$(echo "$folder"/*)
    [ "$name" = table ] && files="$files $(echo tests/golden/table-*.bin)"
    # shellcheck disable=SC2086 # File names without spaces.
    if "$build/tests/fuzz/fuzz_$name" $files; then
        passed=$((passed + 1))
    else
        echo "FAILED $name"
        failed=$((failed + 1))
    fi
done
for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    name=${name#fuzz_}
    [ "$name" = main ] || [ "$name" = http ] || [ -d "tests/fuzz/corpus/$name" ] && continue
    echo "FAILED $name: it has no corpus"
    failed=$((failed + 1))
done
echo "corpus: $passed passed, $failed failed"
[ $failed = 0 ] && [ $passed != 0 ]
