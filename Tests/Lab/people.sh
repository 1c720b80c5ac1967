# shellcheck shell=bash
# The team: who is in the directory, made with Gatehouse's own commands, and what their SSH clients need.

make_keys() {
    local person
    mkdir -m 700 "$LAB_ROOT/keys"
    for person in "${people[@]}"; do
        ssh-keygen -q -t ed25519 -N '' -C "$person@lab" -f "$LAB_ROOT/keys/$person"
    done
}

make_directory() {
    local host words
    "$GATEHOUSE" group add lab
    "$GATEHOUSE" user add alice --full-name "Alice Adams" --group lab
    "$GATEHOUSE" user add bob --full-name "Bob Brown" --group lab
    "$GATEHOUSE" user add carol --full-name "Carol Clark"
    for person in alice bob carol; do
        "$GATEHOUSE" key add "$person" "$LAB_ROOT/keys/$person.pub"
    done

    "$GATEHOUSE" pool add communal
    for host in "${hosts[@]}"; do
        words=()
        if wants_endpoint; then words=(--instance "$(instance_of "$host")"); fi
        "$GATEHOUSE" host add "$host" --address "$(host_address "$host"):22" \
            --key "$LAB_ROOT/hosts/$host/ssh_host_ed25519_key.pub" "${words[@]}"
    done
    "$GATEHOUSE" pool join communal "${hosts[@]}"
    "$GATEHOUSE" grant add --group lab --pool communal --agent
}

apply_accounts() {
    local host job jobs=()
    for host in "${hosts[@]}"; do
        "$GATEHOUSE" account apply "$host" &
        jobs+=($!)
    done
    for job in "${jobs[@]}"; do wait "$job"; done
}

write_known_hosts() {
    local host gateway_key
    gateway_key=$(cut -d' ' -f1-2 "$state/ssh_host_ed25519_key.pub")
    echo "[$GATEWAY_HOST]:$GATEWAY_PORT $gateway_key" >"$LAB_ROOT/known_hosts"
    # For `ssh -J`, where the client sees the host's own key.
    for host in "${hosts[@]}"; do
        echo "$host,$(host_address "$host") $(cut -d' ' -f1-2 "$LAB_ROOT/hosts/$host/ssh_host_ed25519_key.pub")"
    done >>"$LAB_ROOT/known_hosts"
}

# One `Host` stanza: alias, login name, key owner.
ssh_stanza() {
    printf 'Host %s\n    User %s\n    IdentityFile %s\n\n' "$1" "$2" "$LAB_ROOT/keys/$3"
}

write_ssh_configuration() {
    local person target
    {
        echo "# Every door of the lab: alice's as gateway, communal1, communal2 and gate; anyone's as NAME-TARGET;"
        echo "# jump-HOST goes to the host itself, through the gateway, with ssh -J."
        ssh_stanza gateway alice alice
        for target in "${hosts[@]}" gate; do
            ssh_stanza "$target" "alice+$target" alice
        done
        for person in "${people[@]}"; do
            ssh_stanza "$person-gateway" "$person" "$person"
            for target in "${hosts[@]}" gate; do
                ssh_stanza "$person-$target" "$person+$target" "$person"
            done
        done
        for target in "${hosts[@]}"; do
            printf 'Host jump-%s\n    HostName %s\n    Port 22\n    ProxyJump gateway\n' "$target" "$target"
            printf '    User alice\n    IdentityFile %s\n\n' "$LAB_ROOT/keys/alice"
        done
        cat <<CONFIGURATION
Host *
    HostName $GATEWAY_HOST
    Port $GATEWAY_PORT
    IdentitiesOnly yes
    UserKnownHostsFile $LAB_ROOT/known_hosts
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    UpdateHostKeys no
    PreferredAuthentications publickey
    ControlPath none
    LogLevel ERROR
CONFIGURATION
    } >"$LAB_ROOT/ssh_config"
}

# The command with this lab's settings, for whoever does not pass the environment on.
write_command() {
    printf '#!/bin/sh\nexec %q --config %q "$@"\n' "$GATEHOUSE" "$configuration" >"$LAB_ROOT/gatehouse"
    chmod 755 "$LAB_ROOT/gatehouse"
}

write_environment() {
    local values=(
        "GATEHOUSE=$LAB_ROOT/gatehouse" "GATEHOUSE_CONFIG=$configuration"
        "GATEWAY_HOST=$GATEWAY_HOST" "GATEWAY_PORT=$GATEWAY_PORT"
        "SSH_CONFIG=$LAB_ROOT/ssh_config" "KNOWN_HOSTS=$LAB_ROOT/known_hosts"
        "ALICE_KEY=$LAB_ROOT/keys/alice" "BOB_KEY=$LAB_ROOT/keys/bob"
        "CAROL_KEY=$LAB_ROOT/keys/carol" "ADMIN_KEY=$LAB_ROOT/keys/ada"
        "HOST1=${hosts[0]}" "HOST2=${hosts[1]}"
        "HOST1_ADDRESS=$(host_address "${hosts[0]}")" "HOST2_ADDRESS=$(host_address "${hosts[1]}")"
        "SHARED=$LAB_ROOT/shared" "DIRECTORY_DB=$state/gatehouse.db"
        "LAB_EXEC=$repository/Tests/Lab/lab-exec" "LAB_NUMBER=$LAB_NUMBER" "LAB_ROOT=$LAB_ROOT"
    ) value
    {
        echo "# The lab that is up; source this. AWS_ENDPOINT_URL, credentials and region of its AWS endpoint are at the end."
        for value in "${values[@]}"; do
            printf 'export %s=%q\n' "${value%%=*}" "${value#*=}"
        done
        if [ -e "$LAB_ROOT/aws.env" ]; then cat "$LAB_ROOT/aws.env"; fi
    } >"$LAB_ROOT/env"
}

# Someone who came through sudo works with the lab as themselves.
hand_over_files() {
    [ -n "${SUDO_UID:-}" ] || return 0
    chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$LAB_ROOT/keys" "$LAB_ROOT/env" "$LAB_ROOT/ssh_config" \
        "$LAB_ROOT/known_hosts"
}
