#!/bin/sh
# Shows byron at work on real input: Debian's catalogue of packages.
# Usage: sql/demo.sh       (after make; `make demo` does both)
#
# Leaves demo.db and demo.db-byron in the checkout's root, to look at.
set -u
cd "$(dirname "$0")/.." || exit 1
database=demo.db
scratch=$(mktemp -d)
batch=1000
trap 'rm -rf "$scratch"' EXIT
[ -t 1 ] && bold=$(printf '\033[1m') && dim=$(printf '\033[2m') &&
    plain=$(printf '\033[0m')
begun=$(date +%s.%N)

title() {
    printf '\n%s%s%s\n' "${bold:-}" "$1" "${plain:-}"
}

fail() {
    echo "demo: $1" >&2
    exit 1
}

seconds_since() {
    echo "$1 $(date +%s.%N)" | awk '{printf "%.1f", $2 - $1}'
}

megabytes() {
    find "$@" -type f -printf '%s\n' | awk '{s += $1} END {printf "%.1f", s / 1e6}'
}

# $1 database, the rest: SQL. One value comes back.
ask() {
    sqlite3 -cmd '.load ./byron' "$@" || fail "query failed: $*"
}

# Shows a statement and what it answers.
show() {
    echo "$1" | sed "s/^ */   ${dim:-}...> /; 1s/   ${dim:-}\.\.\.>/${dim:-}sqlite>/
        s/^/  /; s/\$/${plain:-}/"
    sqlite3 -cmd '.load ./byron' -cmd '.mode box' "$database" "$1" |
        sed 's/^/  /'
}

# --- Input -----------------------------------------------------------------

catalogue() {
    apt-cache dumpavail >"$scratch/catalogue" 2>/dev/null
    if [ "$(grep -c '^Package:' "$scratch/catalogue")" -lt 1000 ] &&
        [ "$(id -u)" = 0 ]; then
        echo 'Fetching the catalogue of packages (apt-get update).'
        apt-get -qq update >"$scratch/log" 2>&1 || cat "$scratch/log" >&2
        apt-cache dumpavail >"$scratch/catalogue"
    fi
    [ "$(grep -c '^Package:' "$scratch/catalogue")" -ge 1000 ] ||
        fail 'no catalogue of packages; as root: apt-get update'
}

# $1 database, $2 and $3 what turns a table into a byron table.
create_tables() {
    sqlite3 -cmd '.load ./byron' "$1" >/dev/null <<SQL || fail 'cannot create'
PRAGMA journal_mode = WAL;
$2 packages $3 (
    package TEXT PRIMARY KEY, version TEXT, section TEXT, size_kb INTEGER,
    maintainer TEXT, summary TEXT, record TEXT) $4;
$2 depends $3 (
    package TEXT, needs TEXT, kind TEXT, PRIMARY KEY(package, needs)) $4;
CREATE TABLE import_log(number INTEGER PRIMARY KEY, packages INT, pairs INT);
SQL
}

import() {
    stdbuf -oL sqlite3 -bail -cmd '.load ./byron' -cmd 'PRAGMA synchronous=1' \
        "$1" <"$2" >"$scratch/acknowledged" 2>"$scratch/errors"
}

acknowledged() {
    # Whole lines only: the last may be half written.
    grep -c '^committed|.*|[0-9]*$' "$scratch/acknowledged"
}

# --- Acts ------------------------------------------------------------------

import_and_kill() {
    title '1. Import, and kill -9 in the middle of it'
    total=$(grep -c '^COMMIT' "$scratch/all.sql")
    : >"$scratch/acknowledged"
    stdbuf -oL sqlite3 -bail -cmd '.load ./byron' \
        -cmd 'PRAGMA synchronous=1' "$database" <"$scratch/all.sql" \
        >"$scratch/acknowledged" 2>"$scratch/errors" &
    importer=$!
    while kill -0 $importer 2>/dev/null &&
        [ "$(acknowledged)" -lt $((total / 2)) ]; do
        sleep 0.01
    done
    kill -9 $importer 2>/dev/null || fail "$(cat "$scratch/errors")"
    wait $importer 2>/dev/null
    told=$(grep '^committed|.*|[0-9]*$' "$scratch/acknowledged" | tail -n 1)
    echo "  $(acknowledged) of $total transactions were acknowledged when" \
        "SIGKILL came; the last said: $told"
}

reopen_and_check() {
    title '2. Reopen: every committed row is there, and no half transaction'
    start=$(date +%s.%N)
    stored=$(ask "$database" 'SELECT count(*) FROM packages')
    took=$(seconds_since "$start")
    logged=$(ask "$database" 'SELECT max(packages) FROM import_log')
    pairs=$(ask "$database" 'SELECT count(*) FROM depends')
    logged_pairs=$(ask "$database" 'SELECT sum(pairs) FROM import_log')
    promised=$(echo "$told" | cut -d '|' -f 2)
    echo "  acknowledged                 $promised packages"
    echo "  in the byron tables          $stored packages, $pairs dependencies"
    echo "  says the ordinary table      $logged packages," \
        "$logged_pairs dependencies"
    echo "  reopened and counted in      $took s"
    [ "$stored" -ge "$promised" ] || fail 'acknowledged rows are missing'
    if [ "$stored" != "$logged" ] || [ "$pairs" != "$logged_pairs" ]; then
        fail 'byron and ordinary tables disagree'
    fi
    head -n "$stored" "$scratch/names" >"$scratch/expected"
    ask "$database" 'SELECT package FROM packages' | LC_ALL=C sort \
        >"$scratch/found"
    LC_ALL=C sort "$scratch/expected" | cmp -s - "$scratch/found" ||
        fail 'the stored packages are not the first of the catalogue'
    echo "  name by name                 the first $stored of the catalogue"
}

import_the_rest() {
    awk -v batch=$batch -v skip="$stored" -f sql/packages.awk \
        "$scratch/catalogue" >"$scratch/rest.sql"
    import "$database" "$scratch/rest.sql" || fail "$(cat "$scratch/errors")"
    stored=$(ask "$database" 'SELECT count(*) FROM packages')
    [ "$stored" = "$packages" ] || fail "only $stored packages after the import"
    echo "  the import went on to the end: $stored packages"
}

queries() {
    title '3. Questions'
    show "SELECT package, version, size_kb, summary FROM packages
          WHERE package = 'sqlite3';"
    show "SELECT package, size_kb FROM packages
          WHERE package >= 'libsqlite' AND package < 'libsqlitf' LIMIT 5;"
    show "SELECT needs, kind FROM depends WHERE package = 'sqlite3';"
    show "SELECT package FROM packages ORDER BY package DESC LIMIT 3;"
    title '4. A join with an ordinary table'
    ask "$database" "CREATE TABLE favourite(package TEXT, why TEXT);
        INSERT INTO favourite VALUES('sqlite3', 'the shell in this demo'),
        ('git', 'the history of this code'), ('gcc', 'its compiler')"
    show "SELECT f.package, f.why, p.version, count(*) AS needs
          FROM favourite f JOIN packages p USING (package)
          JOIN depends d USING (package) GROUP BY f.package;"
    title '5. A transaction that is rolled back'
    show "BEGIN;
          DELETE FROM packages WHERE package < 'm';
          SELECT count(*) AS inside_the_transaction FROM packages;
          ROLLBACK;
          SELECT count(*) AS after_the_rollback FROM packages;"
}

# The same rows once more, uninterrupted, in both kinds of table.
comparison() {
    title '6. The same rows in ordinary tables'
    create_tables "$scratch/plain.db" 'CREATE TABLE' '' 'WITHOUT ROWID'
    create_tables "$scratch/byron.db" 'CREATE VIRTUAL TABLE' 'USING byron' ''
    for side in byron plain; do
        start=$(date +%s.%N)
        import "$scratch/$side.db" "$scratch/all.sql" ||
            fail "$(cat "$scratch/errors")"
        eval "${side}_time=\$(seconds_since $start)"
    done
    ask "$scratch/byron.db" "SELECT byron_flush('packages')" >/dev/null
    sqlite3 "$scratch/plain.db" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
    byron_size=$(megabytes "$scratch/byron.db" "$scratch/byron.db-byron")
    plain_size=$(megabytes "$scratch/plain.db")
    # shellcheck disable=SC2154 # Set by the eval above.
    printf '  %-22s %8s   %8s\n' '' byron ordinary \
        'import, seconds' "$byron_time" "$plain_time" \
        'on the disk, MB' "$byron_size" "$plain_size"
    for table in packages depends; do
        for side in byron plain; do
            ask "$scratch/$side.db" "SELECT * FROM $table ORDER BY 1, 2" |
                md5sum >"$scratch/$side.sum"
        done
        cmp -s "$scratch/byron.sum" "$scratch/plain.sum" ||
            fail "$table differs between byron and ordinary tables"
    done
    echo '  row by row the answers are the same'
}

statistics() {
    title '7. Inside'
    show "SELECT name, value FROM byron_stats('packages')
          WHERE name IN ('levels', 'files', 'bytes', 'space_amplification',
          'memtable_entries', 'wal_bytes', 'disk_bytes', 'sequence');"
    show "SELECT byron_check('packages') AS byron_check;"
}

title "byron $(ask :memory: 'SELECT byron_version()') in SQLite $(
    sqlite3 --version | cut -d ' ' -f 1)"
catalogue
awk -v batch=$batch -f sql/packages.awk "$scratch/catalogue" >"$scratch/all.sql"
packages=$(grep -c '^INSERT INTO packages' "$scratch/all.sql")
sed -n "s/^INSERT INTO packages VALUES('\([^']*\)'.*/\1/p" "$scratch/all.sql" \
    >"$scratch/names"
echo "Debian's catalogue: $packages packages," \
    "$(megabytes "$scratch/catalogue") MB of text," \
    "$batch packages in a transaction"
rm -rf $database $database-wal $database-shm $database-byron
create_tables "$database" 'CREATE VIRTUAL TABLE' 'USING byron' ''
import_and_kill
reopen_and_check
import_the_rest
queries
comparison
statistics
title "Done in $(seconds_since "$begun") s. Look around yourself:"
echo "  sqlite3 -cmd '.load ./byron' $database"
