"""Run Command, from the call to the script's last word."""

from __future__ import annotations

import time
from datetime import timedelta, timezone

import pytest
from awslab.commands.model import Invocation
from botocore.exceptions import ClientError

OPEN = ("Pending", "InProgress", "Cancelling", "Delayed")


def send(ssm, instance_ids, *lines, **changes):
    parameters = changes.pop("Parameters", {}) | {"commands": list(lines)}
    named = {"InstanceIds": instance_ids} if instance_ids else {}
    return ssm.send_command(
        DocumentName="AWS-RunShellScript", Parameters=parameters, **named, **changes
    )["Command"]


def result(ssm, command, instance_id, limit=10.0):
    """The invocation once it has ended."""
    deadline = time.monotonic() + limit
    while True:
        try:
            found = ssm.get_command_invocation(CommandId=command["CommandId"], InstanceId=instance_id)
            if found["Status"] not in OPEN:
                return found
        except ssm.exceptions.InvocationDoesNotExist:
            pass
        assert time.monotonic() < deadline, "the command does not end"
        time.sleep(0.03)


def wait_for(condition, limit=10.0):
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.03)


def run(lab, ssm, *lines, **changes):
    command = send(ssm, [lab.ids["communal1"]], *lines, **changes)
    return result(ssm, command, lab.ids["communal1"])


def error_of(call, *arguments, **named):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    return caught.value.response["Error"]["Code"]


def test_a_script_runs_and_its_output_comes_back(lab, ssm):
    found = run(lab, ssm, "echo one", "echo two >&2")
    assert (found["Status"], found["StatusDetails"], found["ResponseCode"]) == ("Success", "Success", 0)
    assert (found["StandardOutputContent"], found["StandardErrorContent"]) == ("one\n", "two\n")
    assert found["ExecutionStartDateTime"] and found["ExecutionEndDateTime"]


def test_it_goes_from_pending_over_in_progress_to_its_end(lab, ssm):
    lab.set(timing={"pickup": 0.3})
    command = send(ssm, [lab.ids["communal1"]], "sleep 0.4")
    assert command["Status"] == "Pending" and command["TargetCount"] == 1
    seen = []
    while not seen or seen[-1] in OPEN:
        listed = ssm.list_command_invocations(CommandId=command["CommandId"])["CommandInvocations"]
        if listed and listed[0]["Status"] not in seen:
            seen.append(listed[0]["Status"])
        time.sleep(0.02)
    assert seen == ["Pending", "InProgress", "Success"]
    (listed,) = ssm.list_commands(CommandId=command["CommandId"])["Commands"]
    assert (listed["Status"], listed["TargetCount"], listed["CompletedCount"]) == ("Success", 1, 1)


def test_at_first_the_invocation_does_not_exist(lab, ssm):
    lab.set(timing={"visible": 0.5})
    command = send(ssm, [lab.ids["communal1"]], "true")
    named = {"CommandId": command["CommandId"], "InstanceId": lab.ids["communal1"]}
    assert error_of(ssm.get_command_invocation, **named) == "InvocationDoesNotExist"
    assert result(ssm, command, lab.ids["communal1"])["Status"] == "Success"


def test_the_script_is_run_as_the_agent_runs_it(lab, ssm):
    found = run(
        lab, ssm, 'echo "$0"; umask; pwd', 'readlink /proc/self/fd/0', 'stat -c %a "$0"; echo "[${HOME-unset}]"'
    )
    path, mask, directory, stdin, mode, home = found["StandardOutputContent"].splitlines()
    folder = f"/document/orchestration/{found['CommandId']}/awsrunShellScript/0.awsrunShellScript"
    assert path.endswith(f"{folder}/_script.sh")
    assert (mask, directory, stdin, mode, home) == ("0022", "/usr/bin", "/dev/null", "700", "[unset]")
    found = run(lab, ssm, "env | sort")
    names = dict(line.split("=", 1) for line in found["StandardOutputContent"].splitlines())
    assert names["AWS_SSM_INSTANCE_ID"] == lab.ids["communal1"]
    assert names["SSM_COMMAND_ID"] == found["CommandId"]
    assert names["AWS_SSM_REGION_NAME"] == "eu-central-1"


def test_other_interpreters_and_directories(lab, ssm, tmp_path):
    found = run(lab, ssm, "#!/usr/bin/env python3", "import os", "print(os.getcwd())",
                Parameters={"workingDirectory": [str(tmp_path)]})
    assert found["StandardOutputContent"] == f"{tmp_path}\n"


@pytest.mark.parametrize(
    ("script", "status", "details", "code", "errors"),
    [
        ("exit 3", "Failed", "Failed", 3, "failed to run commands: exit status 3"),
        ("echo why >&2; exit 1", "Failed", "Failed", 1, "why\nfailed to run commands: exit status 1"),
        ("false; true", "Success", "Success", 0, ""),
        ("exit 168", "Success", "Success", 168, ""),
        ("exit 137", "TimedOut", "ExecutionTimedOut", 137, "failed to run commands: exit status 137"),
        ("kill -9 $$", "TimedOut", "ExecutionTimedOut", 137, "failed to run commands: exit status 137"),
        ("kill -15 $$", "Failed", "Failed", 143, "failed to run commands: exit status 143"),
    ],
)
def test_exit_statuses(lab, ssm, script, status, details, code, errors):
    found = run(lab, ssm, script)
    assert (found["Status"], found["StatusDetails"], found["ResponseCode"]) == (status, details, code)
    # The shell itself remarks on a script that is killed.
    remark = {"kill -9 $$": "Killed\n", "kill -15 $$": "Terminated\n"}.get(script, "")
    assert found["StandardErrorContent"] == remark + errors


def test_exit_194_reboots_and_runs_the_script_again(lab, ssm, tmp_path):
    found = run(lab, ssm, f"echo run; [ -e {tmp_path}/once ] || {{ touch {tmp_path}/once; exit 194; }}")
    assert (found["Status"], found["StandardOutputContent"]) == ("Success", "run\nrun\n")


def test_long_output_is_cut(lab, ssm):
    found = run(lab, ssm, "head -c 24000 /dev/zero | tr '\\0' a; head -c 9000 /dev/zero | tr '\\0' e >&2")
    assert found["StandardOutputContent"] == "a" * 24_000
    assert len(found["StandardErrorContent"]) == 8_000
    found = run(lab, ssm, "head -c 24001 /dev/zero | tr '\\0' a")
    suffix = "--output truncated--"
    assert found["StandardOutputContent"] == "a" * (24_000 - len(suffix)) + suffix
    listed = ssm.list_command_invocations(CommandId=found["CommandId"], Details=True)["CommandInvocations"]
    short = listed[0]["CommandPlugins"][0]["Output"]
    assert len(short) == 2_500 and short.endswith("\n---Output truncated---")


def test_the_lists_show_both_streams_together(lab, ssm):
    found = run(lab, ssm, "echo out; echo err >&2; exit 4")
    listed = ssm.list_command_invocations(CommandId=found["CommandId"], Details=True)["CommandInvocations"]
    plugin = listed[0]["CommandPlugins"][0]
    assert plugin["ResponseCode"] == 4
    assert plugin["Output"] == "out\n\n----------ERROR-------\nerr\nfailed to run commands: exit status 4"


def test_a_script_that_takes_too_long_is_killed(lab, ssm, tmp_path):
    lab.set(timing={"execution_limit": 0.3})
    found = run(lab, ssm, "echo begun", f"(sleep 0.8; touch {tmp_path}/late) & sleep 5")
    assert (found["StatusDetails"], found["ResponseCode"]) == ("ExecutionTimedOut", 137)
    assert found["StandardOutputContent"] == "begun\n"
    time.sleep(0.8)
    assert not (tmp_path / "late").exists()


def test_two_hosts_by_id(lab, ssm):
    ids = list(lab.ids.values())
    command = send(ssm, ids, "echo $AWS_SSM_INSTANCE_ID")
    assert [result(ssm, command, i)["StandardOutputContent"].strip() for i in ids] == ids


def test_targets_by_tag(lab, ssm):
    command = send(ssm, [], "true", Targets=[{"Key": "tag:Name", "Values": ["communal2", "other"]}])
    assert command["TargetCount"] == 0
    result(ssm, command, lab.ids["communal2"])
    listed = ssm.list_command_invocations(CommandId=command["CommandId"])["CommandInvocations"]
    assert [entry["InstanceId"] for entry in listed] == [lab.ids["communal2"]]
    none = send(ssm, [], "true", Targets=[{"Key": "tag:Name", "Values": ["nobody"]}])
    (listed,) = ssm.list_commands(CommandId=none["CommandId"])["Commands"]
    assert listed["StatusDetails"] == "NoInstancesInTag"


def test_what_send_command_refuses(lab, ssm):
    ids = [lab.ids["communal1"]]
    assert error_of(send, ssm, ["i-0123456789abcdef0"], "true") == "InvalidInstanceId"
    assert error_of(send, ssm, [f"i-{n:017x}" for n in range(51)], "true") == "ValidationException"
    assert error_of(send, ssm, [], "true") == "ValidationException"
    assert error_of(send, ssm, ids, "true", Comment="x" * 101) == "ValidationException"
    assert error_of(send, ssm, ids, "true", MaxErrors="many") == "ValidationException"
    assert error_of(send, ssm, ids, "true", MaxConcurrency="0") == "ValidationException"
    assert error_of(send, ssm, ids, "true", Parameters={"command": ["true"]}) == "InvalidParameters"
    assert error_of(send, ssm, ids) == "InvalidParameters"
    assert error_of(send, ssm, ids, "x" * 66_000) == "MaxDocumentSizeExceeded"
    assert error_of(ssm.send_command, DocumentName="AWS-Nothing", InstanceIds=ids) == "InvalidDocument"


def test_a_large_script_within_the_limit(lab, ssm):
    assert run(lab, ssm, "# " + "x" * 65_000, "echo ran")["StandardOutputContent"] == "ran\n"


def test_what_lists_refuse(lab, ssm):
    unknown = "00000000-0000-0000-0000-000000000000"
    assert error_of(ssm.list_command_invocations, CommandId=unknown) == "InvalidCommandId"
    assert error_of(ssm.cancel_command, CommandId=unknown) == "InvalidCommandId"
    assert error_of(ssm.describe_instance_information, MaxResults=51) == "ValidationException"
    assert error_of(ssm.describe_instance_information, NextToken="x") == "InvalidNextToken"


def test_lists_come_in_pages(lab, ssm):
    for _ in range(3):
        send(ssm, list(lab.ids.values()), "true", Comment="pages")
    pages = ssm.get_paginator("list_commands").paginate(PaginationConfig={"PageSize": 1, "MaxItems": 3})
    assert [len(page["Commands"]) for page in pages] == [1, 1, 1]


def test_an_end_is_final_whatever_comes_after_it(lab, ssm):
    found = run(lab, ssm, "true")
    (command,) = ssm.list_commands(CommandId=found["CommandId"])["Commands"]
    ssm.cancel_command(CommandId=command["CommandId"])
    assert result(ssm, command, lab.ids["communal1"])["Status"] == "Success"

    invocation = Invocation(None, "i-1", "one")
    assert invocation.move("InProgress") and invocation.end(1.0, "Success", None, 0, "out")
    assert not invocation.move("InProgress") and not invocation.end(2.0, "Failed", None, 1, "other")
    assert (invocation.status, invocation.output, invocation.ended) == ("Success", "out", 1.0)


def test_a_command_is_cancelled_where_it_runs(lab, ssm, tmp_path):
    ids = [lab.ids["communal1"]]
    command = send(ssm, ids, f"touch {tmp_path}/begun; sleep 2; touch {tmp_path}/done")
    wait_for((tmp_path / "begun").exists)
    ssm.cancel_command(CommandId=command["CommandId"])
    found = result(ssm, command, ids[0])
    assert (found["Status"], found["StatusDetails"]) == ("Cancelled", "Cancelled")
    (listed,) = ssm.list_commands(CommandId=command["CommandId"])["Commands"]
    assert listed["Status"] == "Cancelled"
    assert not (tmp_path / "done").exists()


def test_a_command_is_cancelled_before_it_begins(lab, ssm, tmp_path):
    lab.set(agent={"communal1": "off"})
    ids = [lab.ids["communal1"]]
    command = send(ssm, ids, f"touch {tmp_path}/begun")
    time.sleep(0.1)
    ssm.cancel_command(CommandId=command["CommandId"], InstanceIds=ids)
    assert result(ssm, command, ids[0])["Status"] == "Cancelled"
    lab.set(agent={"communal1": "on"})
    time.sleep(0.2)
    assert not (tmp_path / "begun").exists()


def test_one_at_a_time(lab, ssm, tmp_path):
    command = send(
        ssm, list(lab.ids.values()), f"mkdir {tmp_path}/alone && sleep 0.2 && rmdir {tmp_path}/alone",
        MaxConcurrency="1",
    )
    assert [result(ssm, command, i)["Status"] for i in lab.ids.values()] == ["Success", "Success"]


def test_after_too_many_errors_the_rest_is_not_begun(lab, ssm):
    command = send(ssm, list(lab.ids.values()), "exit 1", MaxConcurrency="1", MaxErrors="0")
    first, second = (result(ssm, command, i) for i in lab.ids.values())
    assert (first["Status"], second["StatusDetails"]) == ("Failed", "Terminated")
    command = send(ssm, list(lab.ids.values()), "exit 1", MaxConcurrency="1", MaxErrors="100%")
    assert [result(ssm, command, i)["Status"] for i in lab.ids.values()] == ["Failed", "Failed"]
    (listed,) = ssm.list_commands(CommandId=command["CommandId"])["Commands"]
    assert (listed["StatusDetails"], listed["ErrorCount"]) == ("Incomplete", 2)


def test_lists_of_all_commands_are_filtered(lab, ssm):
    old = send(ssm, [lab.ids["communal1"]], "echo old")
    moment = old["RequestedDateTime"].astimezone(timezone.utc) + timedelta(seconds=1)
    # Filters have whole seconds, and mean "later than".
    wait_for(lambda: time.time() > int(moment.timestamp()) + 0.05)
    new = send(ssm, [lab.ids["communal1"], lab.ids["communal2"]], "echo new", Comment="mine")
    result(ssm, new, lab.ids["communal1"])
    later = {"key": "InvokedAfter", "value": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
    found = ssm.list_command_invocations(Filters=[later], Details=True)["CommandInvocations"]
    assert [(entry["CommandId"], entry["Comment"]) for entry in found] == [(new["CommandId"], "mine")] * 2
    named = [{"key": "DocumentName", "value": "AWS-Other"}]
    assert ssm.list_command_invocations(Filters=named)["CommandInvocations"] == []
    soon = [{"key": "InvokedAfter", "value": "soon"}]
    assert error_of(ssm.list_command_invocations, Filters=soon) == "ValidationException"
