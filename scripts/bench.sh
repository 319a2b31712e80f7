#!/bin/bash
# Runs the benchmarks and prints their tables: Conclave beside other servers under every kind of load,
# the journal at three sizes, and how fast messages are acknowledged. ngIRCd and InspIRCd are measured
# where they are installed (apt-get install ngircd inspircd; they need not run). About half an hour, some
# of it for building; 2 GB of files at most, which are removed.
#
#   scripts/bench.sh                     everything, in target/
#   scripts/bench.sh --dir DIRECTORY     on the file system of this directory
#   scripts/bench.sh --quick             smaller and shorter, to see that they run
#   scripts/bench.sh --json              a line of JSON for each figure
#   scripts/bench.sh --json-file FILE    the lines of the load there, and the table
#   scripts/bench.sh --rounds N          each load so many times, and the medians (3)
#   scripts/bench.sh --ergo FILE         with Ergo, whose program this is
#   scripts/bench.sh --realtime          the loads before all other programs (chrt; as root)
#   scripts/bench.sh --only load|journal|throughput
set -euo pipefail
cd "$(dirname "$0")/.."

journal=() throughput=() load=() common=() rounds=3 only= first=()
while (($#)); do
    case $1 in
        --dir) common+=(--dir "$(realpath "${2:?--dir needs a directory}")"); shift ;;
        --json) common+=(--json) ;;
        --json-file) load+=(--json-file "$(realpath "${2:?--json-file needs a file}")"); shift ;;
        --rounds) rounds=${2:?--rounds needs a number}; shift ;;
        --ergo) load+=(--ergo "$(realpath "${2:?--ergo needs a program}")"); shift ;;
        --realtime) first=(chrt -r 5) ;;
        --only) only=${2:?--only needs a name}; shift ;;
        --quick) journal+=(--sizes 2000,20000) throughput+=(--senders 1,10 --seconds 1) load+=(--quick) rounds=1 ;;
        -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
        *) echo "bench.sh: unknown argument $1; see --help" >&2; exit 2 ;;
    esac
    shift
done
case $only in '' | load | journal | throughput) ;; *) echo "bench.sh: --only $only is not known" >&2; exit 2 ;; esac

wanted() {
    [[ -z $only || $only == "$1" ]]
}

# The program as it is shipped: what the benchmarks build beside themselves has what only tests need.
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
shipped=$(mktemp "$(realpath "$target")/bench-conclave.XXXXXX")
trap 'rm -f "$shipped"' EXIT
cargo build --release --locked
cp "$target/release/conclave" "$shipped"
cargo bench --locked --no-run

# Bounded, whatever hangs: each load has a deadline of its own beside.
if wanted load; then
    timeout 7200 "${first[@]}" cargo bench --quiet --locked --bench load -- table --conclave "$shipped" --repeat "$rounds" "${load[@]}" "${common[@]}"
fi
if wanted journal; then
    timeout 1800 cargo bench --quiet --locked --bench journal -- "${journal[@]}" "${common[@]}"
fi
if wanted throughput; then
    timeout 600 cargo bench --quiet --locked --bench throughput -- "${throughput[@]}" "${common[@]}"
fi
