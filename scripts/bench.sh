#!/bin/bash
# Runs the benchmarks and prints their tables: the journal at three sizes, and a real server under
# load. About ten minutes, most of them for building; 2 GB of files at most, which are removed.
#
#   scripts/bench.sh                     both, in target/
#   scripts/bench.sh --dir DIRECTORY     on the file system of this directory
#   scripts/bench.sh --quick             smaller and shorter, to see that they run
#   scripts/bench.sh --json              a line of JSON for each figure
set -euo pipefail
cd "$(dirname "$0")/.."

journal=() throughput=() common=()
while (($#)); do
    case $1 in
        --dir) common+=(--dir "$(realpath "${2:?--dir needs a directory}")"); shift ;;
        --json) common+=(--json) ;;
        --quick) journal+=(--sizes 2000,20000) throughput+=(--senders 1,10 --seconds 1) ;;
        -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
        *) echo "bench.sh: unknown argument $1; see --help" >&2; exit 2 ;;
    esac
    shift
done

cargo bench --locked --no-run
# Bounded, whatever hangs.
timeout 1800 cargo bench --quiet --locked --bench journal -- "${journal[@]}" "${common[@]}"
timeout 600 cargo bench --quiet --locked --bench throughput -- "${throughput[@]}" "${common[@]}"
