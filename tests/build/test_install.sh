#!/bin/sh
# make install into an empty folder; then programs are built from what is
# there, and the shell loads the extension by its name.
set -u
cd "$(dirname "$0")/../.." || exit 1
mode=${MODE:-release}
case $mode in
release | debug) ;;
*)
    echo 'install: 0 passed, 0 failed, 1 skipped (what ships has no sanitizer)'
    exit 0
    ;;
esac
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
passed=0
failed=0
skipped=

check() {
    what=$1
    shift
    if "$@" >"$root/out" 2>&1; then
        passed=$((passed + 1))
    else
        echo "FAILED $what"
        cat "$root/out"
        failed=$((failed + 1))
    fi
}

installed() {
    make -s MODE="$mode" DESTDIR="$root" PREFIX=/opt/byron LIBDIR=/opt/byron/lib \
        install
}

loads_by_name() {
    LD_LIBRARY_PATH=$root/opt/byron/lib sqlite3 \
        -cmd '.load byron' :memory: 'SELECT byron_version()' >"$root/version" &&
        grep -qx "$version" "$root/version"
}

export PKG_CONFIG_PATH="$root/opt/byron/lib/pkgconfig"
export PKG_CONFIG_SYSROOT_DIR="$root"

builds_a_program() {
    cat >"$root/program.c" <<'C'
#include <byron.h>
#include <stdio.h>
int main(void)
{
    return puts(byron_status_words(BYRON_OK)) < 0;
}
C
    # shellcheck disable=SC2046 # Several words.
    cc -o "$root/program" "$root/program.c" $(pkg-config --cflags --libs byron) &&
        "$root/program"
}

# The header is as old as C99, and C++ takes it too.
builds_in() {
    compiler=$1
    language=$2
    cat >"$root/put.$language" <<'C'
#include <byron.h>
int main(void)
{
    struct byron_bytes none = {0, 0};
    struct byron_options options = byron_options();
    byron_db *db = 0;
    options.create = true;
    options.remove_at_close = true;
    return byron_open("store", &options, &db) != BYRON_OK ||
           byron_put(db, none, none, false) != BYRON_OK ||
           byron_close(db) != BYRON_OK;
}
C
    [ "$language" = cc ] ||
        sed -i 's/ = byron_options()/ = {0}/' "$root/put.$language"
    shift 2
    # shellcheck disable=SC2046 # Several words.
    "$compiler" "$@" -Wall -Wextra -Werror -pedantic -o "$root/put" \
        "$root/put.$language" $(pkg-config --cflags --libs byron) &&
        (cd "$root" && ./put)
}

version=$(sed -n 's/^#define BYRON_VERSION "\(.*\)"/\1/p' engine/byron.h)
check 'make install' installed
check '.load byron' loads_by_name
check 'a program with pkg-config' builds_a_program
check 'a program in C99' builds_in cc c -std=c99
if command -v c++ >/dev/null; then
    check 'a program in C++' builds_in c++ cc -std=c++11
else
    skipped=', 1 skipped (no C++ compiler)'
fi
echo "install: $passed passed, $failed failed$skipped"
[ $failed = 0 ] && [ $passed != 0 ]
