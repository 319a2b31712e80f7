#!/bin/bash
# Kills a real server under load, again and again, and sees that nothing acknowledged was lost and
# nothing doubled. It says its seed; the same seed says the same things and kills in the same places.
#
#   scripts/crash-test.sh              40 kills
#   scripts/crash-test.sh ROUNDS       so many
#   scripts/crash-test.sh ROUNDS SEED  from this seed
#   CARGO_FLAGS=--release scripts/crash-test.sh 200
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1:-} in
    -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
esac
for argument in "$@"; do
    [[ $argument =~ ^[0-9]+$ ]] || { echo "crash-test.sh: $argument is no number" >&2; exit 2; }
done
if [[ $# -gt 2 ]]; then
    echo "crash-test.sh: at most ROUNDS and SEED" >&2
    exit 2
fi

export CONCLAVE_CRASH_ROUNDS=${1:-40}
[[ -z ${2:-} ]] || export CONCLAVE_CRASH_SEED=$2
# shellcheck disable=SC2086 # several flags are several words
exec cargo test --locked ${CARGO_FLAGS:-} --test it crash::nothing_that_was_acknowledged -- --nocapture
