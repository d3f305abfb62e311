#!/bin/sh
# A soak of seconds; `make soak` is an hour. A store so small is written anew in
# the second or two that a reader holds it: more than twice of it may be there.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=build/${MODE:-release}
# What was freed shall not count as grown memory.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=4
export ASAN_OPTIONS
"$build/tests/soak/soak" extension="$PWD/$build/byron.so" seconds=10 \
    interval=5 docs=60000 most=4
