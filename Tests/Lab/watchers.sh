# shellcheck shell=bash
# The shared tree and its watchers: a file system of its own, a supervisor in the place of systemd, Gatehouse's own commands.

tree=/shared/lab

# A file system of its own: the watchers see what happens in it, and nothing of the rest of this machine.
mount_shared() {
    truncate -s 4G "$LAB_ROOT/shared.img"
    mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=1,nodiscard "$LAB_ROOT/shared.img"
    mount -o loop,noatime "$LAB_ROOT/shared.img" "$LAB_ROOT/shared"
    rmdir "$LAB_ROOT/shared/lost+found"
    chmod 1777 "$LAB_ROOT/shared"
}

unmount_shared() {
    if mountpoint -q "$LAB_ROOT/shared"; then umount --lazy "$LAB_ROOT/shared"; fi
    # Once nothing holds the file system any more, which is a moment after its last process has ended.
    wait_for 10 no_loop_device || true
}

no_loop_device() { [ -z "$(losetup --associated "$LAB_ROOT/shared.img" 2>/dev/null)" ]; }

start_supervisor() {
    (cd / && exec setsid /usr/bin/python3 -B "$repository/Tests/Lab/supervisor.py" "$LAB_ROOT" "${hosts[@]}") \
        </dev/null >>"$LAB_ROOT/supervisor.log" 2>&1 &
    disown
    wait_for 10 test -e "$LAB_ROOT/supervisor.pid" || fail "the supervisor did not start; see $LAB_ROOT/supervisor.log"
}

# Process ids of this lab's supervisor and of what it runs.
supervisor_processes() {
    local process words
    for process in $(processes_of 'python3*'); do
        words=$(tr '\0' '\n' <"/proc/$process/cmdline" 2>/dev/null) || continue
        if grep -qxF "$repository/Tests/Lab/supervisor.py" <<<"$words" && grep -qxF -- "$LAB_ROOT" <<<"$words"; then
            echo "$process"
        fi
    done
    for process in $(processes_of gatehouse-watch); do
        if tr '\0' '\n' <"/proc/$process/environ" 2>/dev/null | grep -qxF "GATEHOUSE_LAB=$LAB_ROOT"; then
            echo "$process"
        fi
    done
}

no_supervisor_processes() { [ -z "$(supervisor_processes)" ]; }

stop_supervisor() {
    local pids
    pids=$(supervisor_processes)
    # shellcheck disable=SC2086
    if [ -n "$pids" ]; then
        kill -TERM $pids 2>/dev/null || true
        wait_for 6 no_supervisor_processes || kill -KILL $(supervisor_processes) 2>/dev/null || true
    fi
    wait_for 3 no_supervisor_processes || fail "the supervisor stays: $(supervisor_processes)"
}

# The tree, and a watcher on each host: LAB_WATCH=0 leaves the watchers out.
make_tree() {
    "$GATEHOUSE" tree add "$tree" --group lab
    if [ "${LAB_WATCH:-1}" != 0 ]; then
        "$GATEHOUSE" watch install --all --gateway "$network.1:$GATEWAY_PORT" --only-mount-namespace
    fi
}
