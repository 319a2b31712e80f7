#!/bin/bash
# From a fresh clone to the first message: builds, makes certificates for you and a friend, starts
# a server on this machine and opens the chat. Without a terminal it shows a short conversation
# between the two instead, and cleans up after itself.
#
#   scripts/quickstart.sh              certificates go to certs/, and are used again next time;
#                                      rooms and messages go to conclave-data/
#   scripts/quickstart.sh --dir DIR    another directory for certificates; messages go to DIR/conclave-data
#   scripts/quickstart.sh --demo       the conversation, also with a terminal
set -euo pipefail
here=$PWD
cd "$(dirname "$0")/.."

fail() {
    echo "quickstart.sh: $*" >&2
    exit 1
}

demo=no certs= data=none
[[ -t 0 && -t 1 ]] || demo=yes
while (($#)); do
    case $1 in
        --dir) certs=${2:?--dir needs a directory}; [[ $certs == /* ]] || certs=$here/$certs; shift 2 ;;
        --demo) demo=yes; shift ;;
        -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
        *) echo "quickstart.sh: unknown argument $1; see --help" >&2; exit 2 ;;
    esac
done

command -v cargo >/dev/null || fail 'cargo is missing: install Rust from https://rustup.rs'
command -v cc >/dev/null || fail 'a C compiler is missing; on Debian: apt-get install gcc libc6-dev'

tmp=$(mktemp -d)
server='' clients=()
clean_up() {
    local status=$?
    trap - EXIT
    for pid in "${clients[@]}"; do kill "$pid" 2>/dev/null || true; done
    [[ -z $server ]] || kill "$server" 2>/dev/null || true
    wait
    [[ $status == 0 || ! -s $tmp/server.log || $status == 130 ]] || sed 's/^/server: /' "$tmp/server.log" >&2
    rm -rf "$tmp"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# --- build ---------------------------------------------------------------------------------------

echo 'Building; the first time this takes some minutes.' >&2
cargo build --locked --release
conclave=$(realpath "${CARGO_TARGET_DIR:-target}")/release/conclave

# --- certificates --------------------------------------------------------------------------------

if [[ $demo == yes ]]; then
    certs=${certs:-$tmp/certs}
elif [[ -n $certs ]]; then
    data=$certs/conclave-data
else
    certs=$PWD/certs data=$PWD/conclave-data
fi

# A name that may be a nick: letters, digits, _ and -, a letter first. Others become alice.
me=$(id -un | tr '[:upper:]' '[:lower:]' | tr -cd 'a-z0-9_-' | sed 's/^[0-9_-]*//' | cut -c1-32)
[[ -n $me && $me != root ]] || me=alice
friend=bob
[[ $me != bob ]] || friend=alice

# Runs `conclave cert`, and shows what it says only where that is of interest.
cert() { "$conclave" cert "$@" --dir "$certs" >"$tmp/cert.log" 2>&1; }
need() { cert "$@" || { cat "$tmp/cert.log" >&2; fail "no certificate: conclave cert $*"; }; }

[[ -e $certs/ca.pem ]] || need init
if [[ ! -e $certs/$me.pem ]] && ! cert issue "$me"; then
    # A name that is reserved, or that another certificate holds in other letters.
    me=alice friend=bob
fi
for name in "$me" "$friend"; do [[ -e $certs/$name.pem ]] || need issue "$name"; done
echo "Certificates for $me and $friend are in $certs." >&2

# --- the server ----------------------------------------------------------------------------------

# Starts the server on a port, with a data directory, and waits for its line `listening on ADDR:PORT`.
start_server() {
    local line
    rm -f "$tmp/listening"
    mkfifo "$tmp/listening"
    "$conclave" serve --certs "$certs" --data "$2" --admin "$me" --listen "127.0.0.1:$1" \
        >"$tmp/listening" 2>"$tmp/server.log" &
    server=$!
    exec {listening}<"$tmp/listening"
    if IFS= read -r -t 20 -u "$listening" line && [[ $line == 'listening on '* ]]; then
        address=${line#listening on }
        return 0
    fi
    kill "$server" 2>/dev/null || true
    server=''
    return 1
}

if [[ $demo == yes ]]; then
    start_server 0 none || fail 'the server does not start'
else
    # The usual port, or a free one where it is taken. A second server at the same time keeps nothing.
    start_server 6697 "$data" || start_server 0 "$data" || start_server 0 none || fail 'the server does not start'
fi

# --- the chat ------------------------------------------------------------------------------------

if [[ $demo == no ]]; then
    echo "
The server listens on $address as long as this chat is open.
In another terminal, $friend joins with:

    $conclave chat --certs $certs --as $friend --server $address

Type to talk in #lobby; /help lists the commands, /quit leaves.
"
    "$conclave" chat --certs "$certs" --as "$me" --server "$address"
    exit 0
fi

# A client whose input and output this script holds.
declare -A to from
start_client() {
    local name=$1 in out
    mkfifo "$tmp/$name.in" "$tmp/$name.out"
    "$conclave" chat --plain --certs "$certs" --as "$name" --server "$address" \
        <"$tmp/$name.in" >"$tmp/$name.out" 2>"$tmp/$name.err" &
    clients+=($!)
    exec {in}>"$tmp/$name.in" {out}<"$tmp/$name.out"
    to[$name]=$in from[$name]=$out
}

# Prints what a client shows, until the text comes.
expect() {
    local name=$1 text=$2 line
    while IFS= read -r -t 20 -u "${from[$name]}" line; do
        printf '%10s | %s\n' "$name" "$line"
        [[ $line != *"$text"* ]] || return 0
    done
    sed "s/^/$name: /" "$tmp/$name.err" >&2
    fail "$name did not see: $text"
}

# A client types a line, and each of those named sees what it becomes.
say() {
    local name=$1 typed=$2 seen=$3 other
    shift 3
    printf '%s\n' "$typed" >&"${to[$name]}"
    for other in "$@"; do expect "$other" "$seen"; done
}

echo "A server on $address, and two people with a certificate each:"
start_client "$me"
expect "$me" "here: @$me"
start_client "$friend"
expect "$friend" 'here: '
expect "$me" "$friend joined"
say "$me" "Hello $friend, is anybody listening?" "<$me> Hello $friend" "$me" "$friend"
say "$friend" 'Only who holds a certificate of this network.' "<$friend> Only who" "$friend" "$me"
say "$friend" "/msg $me and this only you can see" 'and this only you' "$friend" "$me"
say "$me" '/me waves' "* $me waves" "$me" "$friend"
for name in "$me" "$friend"; do
    echo /quit >&"${to[$name]}"
    while IFS= read -r -t 20 -u "${from[$name]}" line; do printf '%10s | %s\n' "$name" "$line"; done
done
for pid in "${clients[@]}"; do wait "$pid" || fail "a client ended with exit code $?"; done
clients=()
kill "$server"
wait "$server" || fail "the server ended with exit code $?"
server=''
echo 'That was the whole way. With a terminal, scripts/quickstart.sh opens the chat.'
