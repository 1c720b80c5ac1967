# shellcheck shell=bash
# The communal hosts: one network namespace each on a common bridge, and inside it a machine of its own.

start_network() {
    ip link add "$bridge" type bridge
    ip link set "$bridge" alias "$LAB_ROOT"
    ip address add "$network.1/24" dev "$bridge"
    ip link set "$bridge" up
    mkdir -p "$LAB_ROOT/shared" "$LAB_ROOT/home" "$LAB_ROOT/hosts"
    chmod 755 "$LAB_ROOT/home"
}

# Starts a host and returns at once; wait with `wait_for_host`.
start_host() {
    local name=$1 namespace directory
    namespace=$(namespace_of "$name")
    directory=$LAB_ROOT/hosts/$name
    mkdir -p "$directory/overlay"

    ip netns add "$namespace"
    ip link add "$(link_of "$name")" type veth peer name eth0 netns "$namespace"
    ip link set "$(link_of "$name")" master "$bridge" up
    ip -n "$namespace" address add "$(host_address "$name")/24" dev eth0
    ip -n "$namespace" link set eth0 up
    ip -n "$namespace" link set lo up
    ip -n "$namespace" route add default via "$network.1"

    # The mounts live and die with the host's own mount namespace: this machine never sees them.
    setsid nsenter --net="/run/netns/$namespace" \
        unshare --mount --uts --ipc --pid --fork --kill-child --propagation private \
        bash "$repository/Tests/Lab/host/boot" "$name" "$(host_address "$name")" "$LAB_ROOT" "$repository" \
        </dev/null >"$directory/boot.log" 2>&1 &
    disown
}

wait_for_host() {
    local name=$1
    wait_for 20 port_answers "$(host_address "$name")" 22 && return
    cat "$LAB_ROOT/hosts/$name/boot.log" >&2
    fail "$name did not come up"
}

# Without our bridge its address is some other machine's.
host_is_up() { [ "$(network_owner)" = "$LAB_ROOT" ] && port_answers "$(host_address "$1")" 22; }

# As a cloud's user data would: root trusts what `gatehouse host bootstrap` prints.
give_user_data() {
    local name=$1
    "$repository/Tests/Lab/lab-exec" "$name" sh -c \
        'umask 077; mkdir -p ~root/.ssh; cat >~root/.ssh/authorized_keys' <"$LAB_ROOT/hosts/$name/user-data"
}

namespaces() { ip netns list | awk -v prefix="$namespace_prefix" 'index($1, prefix "communal") == 1 { print $1 }'; }

links() {
    ip -oneline link show | awk -F': ' -v bridge="$bridge" '
        { sub(/@.*/, "", $2) }
        $2 == bridge || index($2, bridge "-") == 1 { print $2 }'
}

# Whose lab holds our bridge's name; empty when there is none.
network_owner() {
    local alias=/sys/class/net/$bridge/ifalias
    if [ -e "$alias" ]; then cat "$alias"; fi
}

stop_host() {
    local namespace=$1 pids
    # Killing a host's init ends all its processes, and with the last one its mounts.
    pids=$(ip netns pids "$namespace")
    # shellcheck disable=SC2086
    if [ -n "$pids" ]; then kill -KILL $pids 2>/dev/null || true; fi
    wait_for 5 namespace_is_empty "$namespace" || fail "processes stay in $namespace"
    ip netns delete "$namespace"
}

stop_hosts() {
    local namespace link
    for namespace in $(namespaces); do stop_host "$namespace"; done
    for link in $(links); do
        ip link delete "$link" 2>/dev/null || true
    done
    # The first namespace made this mount; without one it serves nothing.
    if mountpoint -q /run/netns && [ -z "$(ls -A /run/netns)" ]; then
        umount /run/netns && rmdir /run/netns || true
    fi
}

namespace_is_empty() { [ -z "$(ip netns pids "$1")" ]; }
