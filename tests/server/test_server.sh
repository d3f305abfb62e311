#!/bin/sh
# byrond: unit tests, bytes that hurt, clients, and the official interop client.
# Covers: byrond.
# Builds the server by the way; what lacks its packages is skipped, and said.
# Usage: tests/server/test_server.sh           (run by tests/run; MODE=...)
# shellcheck disable=SC2317 # Functions are called by their names.
set -u
cd "$(dirname "$0")/../.." || exit 1
MODE=${MODE:-release}
build=build/$MODE
# What was freed shall not count as grown memory.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=4
export ASAN_OPTIONS
passed=0
failed=0
skipped=0
folder=$(mktemp -d)
words=$folder/words
trap 'rm -rf "$folder"' EXIT

skip() {
    echo "skipped: $1"
    skipped=$((skipped + 1))
}

finish() {
    echo "server: $passed passed, $failed failed, $skipped skipped"
    [ $failed = 0 ]
    exit
}

# Adds up what a program says; one that says nothing has failed.
add() {
    name=$1
    shift
    "$@" >"$words" 2>&1
    code=$?
    # shellcheck disable=SC2046 # Two numbers.
    set -- $(grep -oE '[0-9]+ passed, [0-9]+ failed' "$words" |
        tail -n 1 | tr -dc '0-9 ') 0 0
    passed=$((passed + $1))
    failed=$((failed + $2))
    if [ $code != 0 ] || [ "$1$2" = 00 ]; then
        cat "$words"
        [ "$2" = 0 ] && echo "FAILED $name as a whole (exit $code)" &&
            failed=$((failed + 1))
    fi
}

claim() {
    what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        echo "FAILED $what"
        failed=$((failed + 1))
    fi
}

# From a file, and by the command line before it.
byrond_reads_a_file() {
    printf 'store = %s/store\nthreads = 2\n' "$folder" >"$folder/config"
    "$build/byrond" --config "$folder/config" --threads=3 --print-config >"$words" &&
        grep -qx 'threads = 3' "$words" && grep -qx "store = $folder/store" "$words" &&
        "$build/byrond" --config="$words" --print-config | cmp -s - "$words" || return
    echo 'threads = many' >>"$folder/config"
    "$build/byrond" --config="$folder/config" 2>"$words"
    [ $? = 2 ] && grep -q 'config:3: threads: "many" is not a number from 1 to 64' "$words"
}

byrond_explains_itself() {
    "$build/byrond" --help | grep -q -- '--listen' &&
        "$build/byrond" --version | grep -q '^byrond [0-9]'
}

# The database is the store's history: what it has not committed is no commit.
byrond_leaves_databases_alone() {
    "$build/byrond" --store=x.db-byron/ 2>"$words"
    [ $? = 2 ] && grep -q 'SQLite' "$words"
}

# What is not secured does not leave the machine.
byrond_refuses_strangers() {
    "$build/byrond" --listen=0.0.0.0:0 2>"$words"
    [ $? = 2 ] && grep -q 'no TLS' "$words"
}

byrond_starts_and_ends() {
    "$build/byrond" --listen=127.0.0.1:0 --store="$folder/store" >"$words" &
    pid=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        grep -q '^ready$' "$words" && break
        sleep 0.2
    done
    kill "$pid"
    wait "$pid" && grep -qE '^listening 127.0.0.1:[0-9]+$' "$words"
}

if ! tests/packages server >"$words" 2>&1; then
    skip "the server: $(tail -n 1 "$words")"
    finish
fi
if ! tests/packages server-test >"$words" 2>&1; then
    skip "the server's tests: $(tail -n 1 "$words")"
    finish
fi
if ! make --no-print-directory -s MODE="$MODE" server server-tests >"$words" 2>&1
then
    cat "$words"
    echo 'FAILED to build the server'
    failed=1
    finish
fi
add 'unit tests' "$build/tests/server/unit"
claim 'the corpus of the fuzzer' "$build/tests/fuzz/fuzz_http" tests/fuzz/corpus/http/*
claim 'byrond explains itself' byrond_explains_itself
claim 'byrond reads a file' byrond_reads_a_file
claim 'byrond leaves databases alone' byrond_leaves_databases_alone
claim 'byrond refuses strangers' byrond_refuses_strangers
claim 'byrond starts and ends' byrond_starts_and_ends
add abuse python3 tests/server/abuse.py "$build/tests/server/interop_server"
# Debian's package is for Debian's Python.
if /usr/bin/python3 -c 'import grpc' 2>/dev/null; then
    add clients /usr/bin/python3 tests/server/clients.py \
        "$build/tests/server/interop_server"
    add store /usr/bin/python3 tests/server/store.py "$build/byrond"
    add queries /usr/bin/python3 tests/server/queries.py "$build/byrond"
    add secure /usr/bin/python3 tests/server/secure.py "$build/byrond"
    add rights /usr/bin/python3 tests/server/rights.py "$build/byrond"
    add ranges /usr/bin/python3 tests/server/ranges.py "$build/byrond"
    add metrics /usr/bin/python3 tests/server/metrics.py "$build/byrond"
    add ctl /usr/bin/python3 tests/server/ctl.py "$build/byrond" "$build/byronctl"
    add service /usr/bin/python3 tests/server/service.py "$build/byrond"
    add loads /usr/bin/python3 tests/server/loads.py "$build/byrond"
else
    skip "python3-grpcio, which is not there"
fi
NODE_PATH=$PWD/build/grpc-js/node_modules
export NODE_PATH
if tests/grpc-js build/grpc-js >"$words" 2>&1; then
    add node /usr/bin/python3 tests/server/peers.py "$build/byrond" \
        "$build/tests/server/interop_server" node tests/server/client.js
else
    skip "$(tail -n 1 "$words")"
fi
if ! tests/packages server-go >"$words" 2>&1; then
    skip "grpc-go: $(tail -n 1 "$words")"
elif tests/grpc-go "$folder" tests/server/client.go >"$words" 2>&1; then
    add go /usr/bin/python3 tests/server/peers.py "$build/byrond" \
        "$build/tests/server/interop_server" "$folder/client"
else
    cat "$words"
    claim 'the Go client is built' false
fi
if /usr/bin/python3 -c 'import grpc' 2>/dev/null; then
    add examples /usr/bin/python3 tests/server/examples.py "$build/byrond" "$NODE_PATH"
fi
add interop tests/server/interop.sh "$build/tests/server/interop_server"
finish
