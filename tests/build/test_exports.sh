#!/bin/sh
# The extension shows its two entry points and nothing else; the library shows
# the names of byron.h and nothing else, and needs no SQLite.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=build/${MODE:-release}
passed=0
failed=0

check() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        echo "FAILED $1: expected '$2', found '$3'"
        failed=$((failed + 1))
    fi
}

# Names that the sanitizers and coverage add are not ours to count.
ours() {
    awk '{print $NF}' | grep -vE '^(_|__.*|.*(asan|ubsan|tsan|gcov).*)$' | sort |
        tr '\n' ' '
}

check 'the extension exports' 'sqlite3_byron_init sqlite3_extension_init ' \
    "$(nm -D --defined-only "$build/byron.so" | ours)"
check 'the extension uses SQLite only through its table of functions' '' \
    "$(nm -D --undefined-only "$build/byron.so" | ours | tr ' ' '\n' |
        grep '^sqlite3')"
check 'the library exports names of byron.h only' '' \
    "$(nm -g --defined-only "$build/libbyron.a" | grep ' [A-Z] ' | ours |
        tr ' ' '\n' | grep -v '^byron_' | tr -d '\n')"
check 'the library knows no SQLite' '' \
    "$(nm -u "$build/libbyron.a" | ours | tr ' ' '\n' | grep '^sqlite3')"
# Some are a line of C in the header itself.
inline=$(grep -hA1 'static inline' engine/byron*.h | grep -oE '\bbyron_[a-z_]+\(')
missing=
names=$(grep -ohE '\bbyron_[a-z_]+\(' engine/byron*.h | sort -u)
for name in $names; do
    echo "$inline" | grep -qxF "$name" && continue
    name=${name%(}
    nm -g --defined-only "$build/libbyron.a" | grep -qw "$name" ||
        missing="$missing $name"
done
check 'every function of byron.h is in the library' '' "$missing"
echo "exports: $passed passed, $failed failed"
[ $failed = 0 ] && [ $passed != 0 ]
