#!/bin/sh
# Byron in Tcl.
set -u
cd "$(dirname "$0")/../.." || exit 1
if [ "${MODE:-release}" != release ]; then
    echo 'tcl: 0 passed, 0 failed, 1 skipped (tclsh has no sanitizer)'
    exit 0
fi
if ! echo 'package require sqlite3; sqlite3 db :memory:; db enable_load_extension 1' |
    tclsh >/dev/null 2>&1; then
    echo 'skipped: libsqlite3-tcl is not here'
    echo 'tcl: 0 passed, 0 failed, 1 skipped'
    exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
tclsh tests/bindings/tcl.tcl "$PWD/byron.so" "$folder"
