#!/bin/sh
# Byron in Python's sqlite3 module.
set -u
cd "$(dirname "$0")/../.." || exit 1
if [ "${MODE:-release}" != release ]; then
    echo 'python: 0 passed, 0 failed, 1 skipped (python has no sanitizer)'
    exit 0
fi
for python in python3 /usr/bin/python3; do
    if $python -c "import sqlite3
sqlite3.connect(':memory:').enable_load_extension(True)" 2>/dev/null; then
        exec $python tests/bindings/python.py "$PWD/byron.so"
    fi
done
echo 'skipped: no python here may load extensions'
echo 'python: 0 passed, 0 failed, 1 skipped'
