# shellcheck shell=bash disable=SC2034
# Names, numbers and paths of the lab; sourced by `lab` and `lab-exec`.
#
# LAB_NUMBER (0–9, default 0) allows a second lab beside the first: its own bridge, addresses, port and folder.
# GATEWAY_PORT moves the door when the usual port is busy. GATEHOUSE_BIN is where the programs lie.
# The hosts are instances of an AWS endpoint on LAB_AWS_PORT and the port after it; LAB_AWS=0 leaves that out.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
LAB_NUMBER=${LAB_NUMBER:-0}
suffix=${LAB_NUMBER#0}
LAB_ROOT=$repository/.build/lab$suffix

bridge=gh-lab$LAB_NUMBER
network=10.$((77 + LAB_NUMBER)).0
namespace_prefix=gh-lab$suffix-

GATEWAY_HOST=127.0.0.1
GATEWAY_PORT=${GATEWAY_PORT:-$((2222 + LAB_NUMBER))}
LAB_AWS=${LAB_AWS:-1}
LAB_AWS_PORT=${LAB_AWS_PORT:-$((5200 + 10 * LAB_NUMBER))}
GATEHOUSE_BIN=${GATEHOUSE_BIN:-$repository/.build/release}
configuration=$LAB_ROOT/gatehouse.conf
state=$LAB_ROOT/state
session_user=63022
tunnel_user=63023

hosts=(communal1 communal2)
people=(alice bob carol ada)

host_address() { echo "$network.1${1#communal}"; }
namespace_of() { echo "$namespace_prefix$1"; }
link_of() { echo "$bridge-${1#communal}"; }

say() { echo "lab: $*"; }
fail() {
    echo "lab: $*" >&2
    exit 1
}

# Runs the command again and again until it succeeds, for at most the given number of seconds.
wait_for() {
    local seconds=$1 deadline
    shift
    deadline=$((SECONDS + seconds))
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.05
    done
}

port_answers() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }
