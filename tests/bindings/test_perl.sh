#!/bin/sh
# Byron in Perl's DBD::SQLite.
set -u
cd "$(dirname "$0")/../.." || exit 1
if [ "${MODE:-release}" != release ]; then
    echo 'perl: 0 passed, 0 failed, 1 skipped (perl has no sanitizer)'
    exit 0
fi
if ! perl -MDBD::SQLite -e 1 2>/dev/null; then
    echo 'skipped: libdbd-sqlite3-perl is not here'
    echo 'perl: 0 passed, 0 failed, 1 skipped'
    exit 0
fi
exec perl tests/bindings/perl.pl "$PWD/byron.so"
