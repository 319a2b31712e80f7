#!/bin/bash
# Makes what a server and its users need: the certificate authority, the server's certificate, the
# revocation list, and a key and a certificate for each NAME (or NAME/DEVICE). What is there already
# is kept: running it again overwrites nothing.
#
#   scripts/gen-certs.sh [--dir DIR] [--network NAME] [--host NAME_OR_IP]... [NAME[/DEVICE]...]
#
# Without --dir the certificates lie in certs/ beside this script's directory. The program is
# $CONCLAVE, or one built in target/, or the one in PATH, or else it is built by cargo.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dir=$root/certs
init=()
names=()

usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p;}' "${BASH_SOURCE[0]}"; }
wrong() { echo "gen-certs.sh: $1; see --help" >&2; exit 2; }

while [ $# -gt 0 ]; do
    case $1 in
        --dir | --host | --network)
            [ $# -ge 2 ] || wrong "$1 needs a value"
            if [ "$1" = --dir ]; then dir=$2; else init+=("$1" "$2"); fi
            shift 2
            ;;
        --dir=*) dir=${1#*=}; shift ;;
        --host=* | --network=*) init+=("$1"); shift ;;
        -h | --help) usage; exit 0 ;;
        --) shift; names+=("$@"); break ;;
        -*) wrong "unknown option $1" ;;
        *) names+=("$1"); shift ;;
    esac
done
[ -n "$dir" ] || wrong "--dir needs a value"

target=${CARGO_TARGET_DIR:-$root/target}
if [ -n "${CONCLAVE:-}" ]; then
    conclave() { "$CONCLAVE" "$@"; }
elif [ -x "$target/release/conclave" ]; then
    conclave() { "$target/release/conclave" "$@"; }
elif [ -x "$target/debug/conclave" ]; then
    conclave() { "$target/debug/conclave" "$@"; }
elif command -v conclave >/dev/null; then
    conclave() { command conclave "$@"; }
elif command -v cargo >/dev/null; then
    conclave() { cargo run --quiet --locked --manifest-path "$root/Cargo.toml" -- "$@"; }
else
    echo "gen-certs.sh: there is no conclave here and no cargo to build it; see README.md" >&2
    exit 1
fi

# An empty array is unset for the bash of macOS.
conclave cert init --dir "$dir" ${init[@]+"${init[@]}"}

for name in ${names[@]+"${names[@]}"}; do
    account=${name%%/*}
    device=()
    file=$account
    # The device main is the one that needs no label.
    if [ "$name" != "$account" ] && [ "${name#*/}" != main ]; then
        device=(--device "${name#*/}")
        file=$account+${name#*/}
    fi
    if [ -e "$dir/$file.pem" ]; then
        echo "kept         $dir/$file.pem"
    else
        conclave cert issue --dir "$dir" ${device[@]+"${device[@]}"} -- "$account"
    fi
done
