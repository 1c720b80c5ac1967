"""The lab's hosts as instances."""

from __future__ import annotations

from conftest import HOSTS
from test_run_command import error_of, result


def test_the_hosts_are_running_instances_with_their_addresses(lab, ec2):
    answer = ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])
    instances = [i for reservation in answer["Reservations"] for i in reservation["Instances"]]
    found = {
        tag["Value"]: i["PrivateIpAddress"] for i in instances for tag in i["Tags"] if tag["Key"] == "Name"
    }
    assert found == HOSTS


def test_ssm_knows_the_hosts(lab, ssm):
    entries = ssm.describe_instance_information()["InstanceInformationList"]
    assert {(e["ComputerName"], e["IPAddress"], e["PingStatus"]) for e in entries} == {
        (name, address, "Online") for name, address in HOSTS.items()
    }
    wanted = [{"Key": "tag:Name", "Values": ["communal2"]}]
    entries = ssm.describe_instance_information(Filters=wanted)["InstanceInformationList"]
    assert [e["InstanceId"] for e in entries] == [lab.ids["communal2"]]
    old = [{"key": "InstanceIds", "valueSet": [lab.ids["communal1"]]}]
    entries = ssm.describe_instance_information(InstanceInformationFilterList=old)["InstanceInformationList"]
    assert [e["ComputerName"] for e in entries] == ["communal1"]


def test_what_nobody_answers_for_is_an_unknown_operation(lab, ssm, ec2):
    assert error_of(ssm.list_nodes) == "UnknownOperationException"
    assert error_of(ec2.describe_trunk_interface_associations) == "InvalidAction"


def test_an_instance_may_be_a_host_that_another_one_is_too(lab, ec2, ssm):
    lab.set(twins={"twin": "communal1"})
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "twin"}]}]
    made = ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, TagSpecifications=tags)
    twin = made["Instances"][0]["InstanceId"]
    try:
        sent = ssm.send_command(
            InstanceIds=[twin], DocumentName="AWS-RunShellScript", Parameters={"commands": ["echo hello"]}
        )["Command"]
        assert result(ssm, sent, twin)["StandardOutputContent"] == "hello\n"
    finally:
        ec2.terminate_instances(InstanceIds=[twin])
