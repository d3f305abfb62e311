#!/bin/sh
# A soak of seconds; `make soak` is an hour.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=build/${MODE:-release}
# What was freed shall not count as grown memory.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=4
export ASAN_OPTIONS
"$build/tests/soak/soak" extension="$PWD/$build/byron.so" seconds=10 \
    interval=5 docs=60000
