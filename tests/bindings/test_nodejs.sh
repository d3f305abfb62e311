#!/bin/sh
# Byron in Node.js through better-sqlite3, which bundles its own SQLite.
set -u
cd "$(dirname "$0")/../.." || exit 1
if [ "${MODE:-release}" != release ]; then
    echo 'nodejs: 0 passed, 0 failed, 1 skipped (node has no sanitizer)'
    exit 0
fi
if ! tests/better-sqlite3 "$PWD/build/node"; then
    echo 'skipped: better-sqlite3 cannot be had here'
    echo 'nodejs: 0 passed, 0 failed, 1 skipped'
    exit 0
fi
export NODE_PATH="$PWD/build/node/node_modules"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
node tests/bindings/node.js "$PWD/byron.so" "$folder"
