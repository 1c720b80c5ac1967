# shellcheck shell=bash
# The gateway: its settings, `gatehoused`, and the processes of its sessions.

GATEHOUSE=$GATEHOUSE_BIN/gatehouse
export GATEHOUSE_CONFIG=$configuration

require_programs() {
    local program
    for program in gatehouse gatehoused gatehouse-front gatehouse-session gatehouse-record gatehouse-pam gatehouse-watch; do
        [ -x "$GATEHOUSE_BIN/$program" ] || fail "no $GATEHOUSE_BIN/$program; 'make build' makes it"
    done
}

write_configuration() {
    cat >"$configuration" <<CONFIGURATION
# Settings of the lab's gateway, written by Tests/Lab/lab.
ListenAddress $GATEWAY_HOST:$GATEWAY_PORT
# Where the hosts' watchers deliver.
ListenAddress $network.1:$GATEWAY_PORT
StateDirectory $state
RuntimeDirectory $LAB_ROOT/run
SessionUser $session_user
TunnelUser $tunnel_user
AcceptEnv LANG LC_* COLORTERM GW_*
# Tests count connections to the hosts, and ask for a look at the accounts when they want one.
DriftCheckInterval 0
InventoryRefreshInterval 0
HealthCheckInterval 0
# Agents of the lab answer at once, or never.
AWSAgentTimeout 5s
# Instances of the lab start in a second or two, or never.
WakeTimeout 20s
# Whoever mistypes ten logins here is back soon.
FailureBlockTime 5s
CONFIGURATION
}

start_gateway() {
    # The threads of a daemon that was killed hold its sockets for a moment after its process has no program any more.
    wait_for 5 port_is_free || fail "port $GATEWAY_PORT is taken; set GATEWAY_PORT to a free one"
    # As installed: whom the program runs as cannot read it, so one session's process cannot look into another.
    chmod 711 "$GATEHOUSE_BIN/gatehouse-session" "$GATEHOUSE_BIN/gatehouse-record"
    # Its own session and no terminal: it outlives this script and whoever called it. With the capabilities of its unit only.
    (cd / && exec setsid setpriv --no-new-privs --bounding-set "-all$(capabilities_of_unit)" \
        "$GATEHOUSE_BIN/gatehoused" -f "$configuration") \
        </dev/null >>"$LAB_ROOT/gatehoused.log" 2>&1 &
    disown
    wait_for 10 gateway_answers || fail "gatehoused does not answer; see $LAB_ROOT/gatehoused.log"
}

# As setpriv(1) has them: ,+setuid,+setgid
capabilities_of_unit() {
    sed -n 's/^CapabilityBoundingSet=//p' "$repository/systemd/gatehoused.service" |
        tr ' ' '\n' | sed 's/^CAP_/,+/' | tr -d '\n' | tr '[:upper:]' '[:lower:]'
}

port_is_free() { ! port_answers "$GATEWAY_HOST" "$GATEWAY_PORT"; }

gateway_answers() { "$GATEHOUSE" config show && port_answers "$GATEWAY_HOST" "$GATEWAY_PORT"; }

# Process ids of this lab's daemon: the program, run with our settings.
daemon_processes() {
    local process
    for process in $(processes_of gatehoused); do
        if tr '\0' '\n' <"/proc/$process/cmdline" 2>/dev/null | grep -qxF -- "$configuration"; then
            echo "$process"
        fi
    done
}

# Process ids of this lab's sessions and recorders: the programs, holding a file of ours. They outlive the daemon.
session_processes() {
    local process
    for process in $(processes_of gatehouse-session) $(processes_of gatehouse-record); do
        if find "/proc/$process/fd" -lname "$LAB_ROOT/*" 2>/dev/null | grep -q .; then echo "$process"; fi
    done
}

# By the program itself, not by its name for ps: older kernels take that from a descriptor's number.
processes_of() {
    find /proc/[0-9]*/exe -maxdepth 0 '(' -lname "*/$1" -o -lname "*/$1 (deleted)" ')' 2>/dev/null |
        cut -d/ -f3
}

no_gateway_processes() { [ -z "$(daemon_processes)$(session_processes)" ]; }

stop_gateway() {
    local pids
    pids=$(daemon_processes)
    # shellcheck disable=SC2086
    if [ -n "$pids" ]; then
        kill -TERM $pids 2>/dev/null || true
        wait_for 3 no_daemon || kill -KILL $pids 2>/dev/null || true
    fi
    pids=$(session_processes)
    # shellcheck disable=SC2086
    if [ -n "$pids" ]; then
        kill -TERM $pids 2>/dev/null || true
        wait_for 2 no_gateway_processes || kill -KILL $pids 2>/dev/null || true
    fi
    wait_for 3 no_gateway_processes || fail "processes of the gateway stay: $(daemon_processes) $(session_processes)"
}

no_daemon() { [ -z "$(daemon_processes)" ]; }

daemon_is_settled() { no_daemon || timeout 5 "$GATEHOUSE" watch status; }
