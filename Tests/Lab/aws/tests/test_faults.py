"""What a test can have go wrong."""

from __future__ import annotations

import time
import urllib.error

import pytest
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError
from test_run_command import error_of, result, run, send, wait_for


def test_calls_that_come_too_fast_are_throttled(lab, ssm, ec2):
    lab.set(rate={"ssm.ListCommands": 2, "ec2.DescribeInstances": 1})
    ssm.list_commands()
    ssm.list_commands()
    assert error_of(ssm.list_commands) == "ThrottlingException"
    ec2.describe_instances()
    assert error_of(ec2.describe_instances) == "RequestLimitExceeded"
    time.sleep(1.05)
    ssm.list_commands()
    state = lab.set()
    assert (state["calls"]["ssm.ListCommands"], state["throttled"]["ssm.ListCommands"]) == (4, 1)
    lab.set(rate={"ssm.ListCommands": None})
    for _ in range(5):
        ssm.list_commands()


def test_the_next_calls_fail(lab, ssm, ec2):
    lab.set(fail={
        "ssm.ListCommands": {"count": 2},
        "ec2.RunInstances": {"code": "InsufficientInstanceCapacity", "message": "none left", "status": 500},
    })
    assert [error_of(ssm.list_commands) for _ in range(2)] == ["InternalServerError"] * 2
    ssm.list_commands()
    named = {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 1}
    assert error_of(ec2.run_instances, **named) == "InsufficientInstanceCapacity"


def test_a_call_that_is_done_and_never_answered(lab, ssm):
    before = len(ssm.list_commands()["Commands"])
    lab.set(fail={"ssm.SendCommand": {"hang_up": True, "done": True}})
    with pytest.raises((ConnectionError, HTTPClientError)):
        send(ssm, [lab.ids["communal1"]], "true")
    lab.set(fail={"ssm.SendCommand": {"hang_up": True}})
    with pytest.raises((ConnectionError, HTTPClientError)):
        send(ssm, [lab.ids["communal1"]], "true")
    assert len(ssm.list_commands()["Commands"]) == before + 1


def test_an_agent_that_is_off_runs_the_command_when_it_is_back(lab, ssm):
    lab.set(agent={"communal1": "off"})
    named = {"Filters": [{"Key": "InstanceIds", "Values": [lab.ids["communal1"]]}]}
    (entry,) = ssm.describe_instance_information(**named)["InstanceInformationList"]
    assert entry["PingStatus"] == "ConnectionLost"
    assert ssm.get_connection_status(Target=lab.ids["communal1"])["Status"] == "notconnected"
    command = send(ssm, list(lab.ids.values()), "echo here")
    assert result(ssm, command, lab.ids["communal2"])["Status"] == "Success"
    found = ssm.get_command_invocation(CommandId=command["CommandId"], InstanceId=lab.ids["communal1"])
    assert (found["Status"], found["ResponseCode"]) == ("Pending", -1)
    lab.set(agent={"communal1": "on"})
    assert result(ssm, command, lab.ids["communal1"])["StandardOutputContent"] == "here\n"
    assert ssm.get_connection_status(Target=lab.ids["communal1"])["Status"] == "connected"


def test_an_agent_that_stays_off_means_a_delivery_that_times_out(lab, ssm):
    lab.set(agent={"communal1": "off"}, timing={"delivery_limit": 0.3})
    found = run(lab, ssm, "true")
    assert (found["StatusDetails"], found["ResponseCode"]) == ("DeliveryTimedOut", -1)
    (listed,) = ssm.list_commands(CommandId=found["CommandId"])["Commands"]
    assert (listed["Status"], listed["DeliveryTimedOutCount"], listed["ErrorCount"]) == ("TimedOut", 1, 0)


def test_an_instance_without_agent_is_unknown_to_ssm(lab, ssm):
    lab.set(agent={"communal1": "absent"})
    entries = ssm.describe_instance_information()["InstanceInformationList"]
    assert [entry["ComputerName"] for entry in entries] == ["communal2"]
    assert error_of(send, ssm, [lab.ids["communal1"]], "true") == "InvalidInstanceId"


def test_a_command_gets_lost_on_its_way(lab, ssm, tmp_path):
    lab.set(lose={"communal1": {"count": 1}}, timing={"delivery_limit": 0.3})
    found = run(lab, ssm, f"touch {tmp_path}/ran")
    assert found["StatusDetails"] == "DeliveryTimedOut" and not (tmp_path / "ran").exists()
    assert run(lab, ssm, "true")["Status"] == "Success"


def test_the_last_word_of_the_agent_gets_lost(lab, ssm, tmp_path):
    lab.set(lose={"*": {"at": "reply"}}, timing={"execution_limit": 0.4})
    found = run(lab, ssm, f"touch {tmp_path}/ran")
    assert found["StatusDetails"] == "ExecutionTimedOut" and (tmp_path / "ran").exists()
    assert found["ResponseCode"] == -1


@pytest.mark.parametrize("when", [{"after_seconds": 0.2}, {"after_bytes": 5}])
def test_a_script_is_killed_half_way(lab, ssm, tmp_path, when):
    lab.set(kill={"communal1": when})
    found = run(lab, ssm, "echo begun", "sleep 2", f"touch {tmp_path}/ended")
    assert (found["Status"], found["ResponseCode"]) == ("TimedOut", 137)
    assert found["StandardOutputContent"] == "begun\n" and not (tmp_path / "ended").exists()
    assert run(lab, ssm, "echo begun")["Status"] == "Success"


def test_an_older_state_may_show_again_after_the_end(lab, ssm):
    lab.set(timing={"stale_replies": 2})
    command = send(ssm, [lab.ids["communal1"]], "echo once")
    assert result(ssm, command, lab.ids["communal1"])["Status"] == "Success"
    named = {"CommandId": command["CommandId"], "InstanceId": lab.ids["communal1"]}
    seen = [ssm.get_command_invocation(**named)["Status"] for _ in range(4)]
    assert seen == ["InProgress", "InProgress", "Success", "Success"]


def test_a_stopped_instance_gets_its_command_when_it_runs_again(lab, ssm, ec2):
    instance = lab.ids["communal1"]
    ec2.stop_instances(InstanceIds=[instance])
    try:
        command = send(ssm, [instance], "echo up")
        time.sleep(0.2)
        listed = ssm.list_command_invocations(CommandId=command["CommandId"])["CommandInvocations"]
        assert listed[0]["Status"] == "Pending"
    finally:
        ec2.start_instances(InstanceIds=[instance])
    assert result(ssm, command, instance)["StandardOutputContent"] == "up\n"


def test_stopping_an_instance_ends_its_script_without_a_word(lab, ssm, ec2, tmp_path):
    instance = lab.ids["communal1"]
    lab.set(timing={"execution_limit": 1.5})
    command = send(ssm, [instance], f"touch {tmp_path}/begun; sleep 1; touch {tmp_path}/ended")
    wait_for((tmp_path / "begun").exists)
    ec2.stop_instances(InstanceIds=[instance])
    try:
        assert result(ssm, command, instance)["StatusDetails"] == "ExecutionTimedOut"
        assert not (tmp_path / "ended").exists()
    finally:
        ec2.start_instances(InstanceIds=[instance])


def test_a_replaced_instance_is_the_same_host_with_another_id(lab, ssm, ec2):
    lab.set(simulate={"names": ["spare"], "output": "pretended"})
    (old,) = [i for i, m in lab.set()["instances"].items() if m["name"] == "spare"]
    ec2.terminate_instances(InstanceIds=[old])
    assert error_of(send, ssm, [old], "true") == "InvalidInstanceId"
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "spare"}]}]
    new = ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1, TagSpecifications=tags)
    instance = new["Instances"][0]["InstanceId"]
    command = send(ssm, [instance], "true")
    assert result(ssm, command, instance)["StandardOutputContent"] == "pretended"
    ec2.terminate_instances(InstanceIds=[instance])


def test_many_simulated_hosts(lab, ssm, ec2):
    names = [f"sim{number}" for number in range(60)]
    lab.set(simulate={"names": names, "output": "ok\n"})
    wanted = [{"Key": "tag:Name", "Values": names[:50]}]
    pages = ssm.get_paginator("describe_instance_information").paginate()
    entries = [entry for page in pages for entry in page["InstanceInformationList"]]
    ids = [entry["InstanceId"] for entry in entries if entry["ComputerName"] in names]
    assert len(ids) == 60
    command = send(ssm, [], "true", Targets=wanted)
    wait_for(lambda: ssm.list_commands(CommandId=command["CommandId"])["Commands"][0]["Status"] == "Success")
    ec2.terminate_instances(InstanceIds=ids)


def test_a_setting_that_is_wrong_changes_nothing(lab):
    for wrong in (
        {"nonsense": 1}, {"fail": {"ssm.ListCommands": {"often": 1}}}, {"lose": {"*": {"at": "noon"}}},
        {"agent": {"communal1": "asleep"}}, {"timing": {"tea": 5}}, {"rate": {"a": "x"}},
    ):
        with pytest.raises(urllib.error.HTTPError) as caught:
            lab.set(**wrong)
        assert caught.value.code == 400
    assert lab.set()["fail"] == {}


def test_the_lab_forgets_its_faults(lab, ssm):
    lab.set(fail={"ssm.ListCommands": {"count": 9}}, skew=4000, agent={"communal1": "off"})
    with pytest.raises(ClientError):
        ssm.list_commands()
    lab.set(reset=True)
    ssm.list_commands()
    assert lab.set()["instances"][lab.ids["communal1"]]["agent"] == "on"


def test_output_is_cut_sooner(lab, ssm):
    lab.set(output={"communal1": 30})
    found = run(lab, ssm, "printf %050d 1")
    assert found["StandardOutputContent"] == "0" * 10 + "--output truncated--"
