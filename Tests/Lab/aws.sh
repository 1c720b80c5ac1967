# shellcheck shell=bash
# The AWS endpoint that the hosts are instances of: `awslab`. LAB_AWS=0 leaves it out.

wants_endpoint() { [ "$LAB_AWS" = 1 ]; }

# Starts it and returns at once; wait with `wait_for_endpoint`.
start_endpoint() {
    local host arguments=()
    [ -x "$repository/.venv/bin/python" ] || fail "no .venv; 'make setup' makes it"
    if port_answers 127.0.0.1 "$LAB_AWS_PORT"; then
        fail "port $LAB_AWS_PORT is taken; set LAB_AWS_PORT to a free one"
    fi
    for host in "${hosts[@]}"; do arguments+=(--host "$host=$(host_address "$host")"); done
    (cd / && exec setsid env LAB_NUMBER="$LAB_NUMBER" PYTHONPATH="$repository/Tests/Lab/aws" \
        "$repository/.venv/bin/python" -B -m awslab --lab "$LAB_ROOT" \
        --exec "$repository/Tests/Lab/lab-exec" --port "$LAB_AWS_PORT" --network "$network.0/24" \
        "${arguments[@]}") </dev/null >>"$LAB_ROOT/aws.log" 2>&1 &
    disown
}

wait_for_endpoint() {
    wait_for 30 test -e "$LAB_ROOT/aws.env" || fail "the AWS endpoint does not answer; see $LAB_ROOT/aws.log"
}

# The id of a host's instance.
instance_of() { awk -v name="$1" '$1 == name { print $2 }' "$LAB_ROOT/instances"; }

# Gives what is started from here on the endpoint's address and credentials.
use_endpoint() {
    if [ -e "$LAB_ROOT/aws.env" ]; then
        # shellcheck disable=SC1091
        . "$LAB_ROOT/aws.env"
    fi
}

# Process ids of this lab's endpoint: Python, run with our folder.
endpoint_processes() {
    local process words
    for process in $(processes_of 'python3*'); do
        words=$(tr '\0' '\n' <"/proc/$process/cmdline" 2>/dev/null) || continue
        if grep -qxF awslab <<<"$words" && grep -qxF -- "$LAB_ROOT" <<<"$words"; then echo "$process"; fi
    done
}

no_endpoint() { [ -z "$(endpoint_processes)" ]; }

stop_endpoint() {
    local pids
    pids=$(endpoint_processes)
    # shellcheck disable=SC2086
    if [ -n "$pids" ]; then
        kill -TERM $pids 2>/dev/null || true
        wait_for 5 no_endpoint || kill -KILL $pids 2>/dev/null || true
    fi
    wait_for 3 no_endpoint || fail "the AWS endpoint stays: $(endpoint_processes)"
    rm -f "$LAB_ROOT/aws.env" "$LAB_ROOT/instances"
}
