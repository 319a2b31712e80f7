#!/bin/bash
# Runs every test: format, lints, unit and integration tests, documents, and the policy for
# dependencies. On Debian, as root, it first installs what is missing.
#
#   scripts/test.sh                   everything
#   scripts/test.sh --without-peers   leave out the tests with other people's clients
set -euo pipefail
cd "$(dirname "$0")/.."

peers=yes
for argument in "$@"; do
    case $argument in
        --without-peers) peers=no ;;
        -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit 0 ;;
        *) echo "test.sh: unknown argument $argument; only --without-peers is known" >&2; exit 2 ;;
    esac
done

step='the beginning'
# A mark that all processes started here inherit, so that those left behind can be told from others.
export CONCLAVE_TEST_RUN="$$-$RANDOM$RANDOM"

left_behind() {
    local environ pid
    for environ in /proc/[0-9]*/environ; do
        pid=${environ#/proc/}
        pid=${pid%/environ}
        [[ $pid != "$$" && $pid != "$BASHPID" ]] || continue
        grep -qzsx "CONCLAVE_TEST_RUN=$CONCLAVE_TEST_RUN" "$environ" && echo "$pid" || true
    done
}

finish() {
    local status=$? pid
    for pid in $(left_behind); do
        # The subshell that asks is gone by now.
        [[ -d /proc/$pid ]] || continue
        echo "test.sh: left behind and ended: $pid ($(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null))" >&2
        kill "$pid" 2>/dev/null || true
        status=1
        step='processes left behind'
    done
    if [[ $status == 0 ]]; then
        echo "test.sh: all is well$([[ $peers == yes ]] || echo ' (without the tests with other clients)')"
    else
        echo "test.sh: FAILED: $step" >&2
    fi
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

run() {
    step="$*"
    echo "== $*"
    "$@"
}

missing() {
    local program
    for program in "$@"; do
        case $program in
            # WeeChat's remote control, a file and no program.
            weechat-plugins) [[ ! -e /etc/debian_version ]] || dpkg -s "$program" >/dev/null 2>&1 || echo "$program" ;;
            # Debian's python3 alone makes no environments.
            python3) python3 -c 'import ensurepip, venv' 2>/dev/null || echo "$program" ;;
            *) command -v "$program" >/dev/null || echo "$program" ;;
        esac
    done
}

# --- what the tests need -----------------------------------------------------------------------

step='what the tests need'
declare -A package=([cc]='gcc libc6-dev' [openssl]=openssl [irssi]=irssi [script]=bsdutils [socat]=socat
    [weechat-headless]=weechat-headless [weechat-plugins]=weechat-plugins [python3]='python3 python3-venv')
needed=(cc openssl)
[[ $peers == no ]] || needed+=(weechat-headless weechat-plugins irssi script socat python3)

lacking=$(missing "${needed[@]}")
if [[ -n $lacking && $(id -u) == 0 && -e /etc/debian_version ]]; then
    packages=()
    # Some programs take more than one package.
    for program in $lacking; do packages+=(${package[$program]}); done
    export DEBIAN_FRONTEND=noninteractive
    run apt-get update -qq
    run apt-get install -y -qq --no-install-recommends "${packages[@]}"
    lacking=$(missing "${needed[@]}")
fi
lacking="$lacking $(missing cargo rustfmt cargo-clippy)"
if [[ -n ${lacking// } ]]; then
    echo "test.sh: missing:" $lacking >&2
    echo "  Rust comes from https://rustup.rs; on Debian the others are: apt-get install gcc libc6-dev openssl weechat-headless weechat-plugins irssi socat python3-venv" >&2
    [[ $peers == no ]] || echo "  scripts/test.sh --without-peers needs neither weechat-headless, irssi, socat nor python3" >&2
    exit 1
fi
if [[ $peers == no ]]; then
    export CONCLAVE_TEST_WITHOUT_PEERS=1
    echo "test.sh: the tests with weechat-headless, irssi, socat and two IRC libraries are left out"
else
    # The IRC libraries live in an environment of their own.
    python=${CARGO_TARGET_DIR:-target}/libraries
    if ! cmp -s tests/clients/requirements.txt "$python/requirements.txt"; then
        rm -rf "$python"
        run python3 -m venv "$python"
        run "$python/bin/pip" install --quiet --disable-pip-version-check -r tests/clients/requirements.txt
        cp tests/clients/requirements.txt "$python/"
    fi
    export CONCLAVE_TEST_PYTHON=$PWD/$python/bin/python
    [[ $python != /* ]] || CONCLAVE_TEST_PYTHON=$python/bin/python
fi

# --- the tests ---------------------------------------------------------------------------------

run cargo fmt --check
run cargo clippy --locked --all-targets -- -D warnings
run cargo test --locked
RUSTDOCFLAGS='-D warnings' run cargo doc --locked --no-deps --document-private-items

step='ring is not in the dependency graph'
echo "== $step"
if cargo tree --locked --target all --edges all --prefix none --format '{p}' | grep -q '^ring v'; then
    cargo tree --locked --target all --edges all --invert ring >&2
    exit 1
fi

# The fuzz targets' bodies were tested above; here it is seen that the targets themselves build.
if command -v c++ >/dev/null; then
    run cargo check --manifest-path fuzz/Cargo.toml --target-dir target --config 'profile.dev.debug="line-tables-only"'
else
    echo "test.sh: no C++ compiler: the fuzz targets are not built"
fi

if command -v cargo-deny >/dev/null; then
    run cargo deny --offline check bans licenses sources
    if [[ -d ${CARGO_HOME:-$HOME/.cargo}/advisory-dbs ]]; then
        run cargo deny check --disable-fetch advisories
    else
        echo "test.sh: no advisory database here: known vulnerabilities are not looked up (cargo deny fetch)"
    fi
else
    echo "test.sh: cargo-deny is not installed: licenses and sources of dependencies are not checked"
fi
