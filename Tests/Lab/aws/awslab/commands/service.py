"""The operations of Run Command."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from awslab.clock import Clock, iso_time
from awslab.commands.agent import PLATFORM_NAME, PLATFORM_VERSION, VERSION
from awslab.commands.dispatcher import Dispatcher
from awslab.commands.model import OPEN_STATES, Command, Invocation
from awslab.commands.output import ERROR_LIMIT, OUTPUT_LIMIT, cut, plugin_output
from awslab.commands.sending import choose_machines, read_command
from awslab.errors import APIError
from awslab.faults import Faults
from awslab.machines import Machine, Machines
from awslab.validation import at_most, page

_PLUGIN = "aws:runShellScript"


class RunCommandService:
    """Keeps the commands, and answers for them; requests and answers are AWS's JSON."""

    def __init__(self, machines: Machines, dispatcher: Dispatcher, faults: Faults, clock: Clock) -> None:
        self._machines = machines
        self._dispatcher = dispatcher
        self._faults = faults
        self._clock = clock
        self._commands: dict[str, Command] = {}
        self.operations = {
            "SendCommand": self.send_command,
            "ListCommands": self.list_commands,
            "ListCommandInvocations": self.list_command_invocations,
            "GetCommandInvocation": self.get_command_invocation,
            "CancelCommand": self.cancel_command,
            "DescribeInstanceInformation": self.describe_instance_information,
            "GetConnectionStatus": self.get_connection_status,
        }

    def send_command(self, request: dict[str, Any]) -> dict[str, Any]:
        """Takes a command on; it is Pending then, and how many tags reach is not known yet."""
        command = read_command(request, self._clock.now())
        for machine in choose_machines(command, self._machines):
            command.invocations[machine.id] = Invocation(command, machine.id, machine.name)
        self._commands[command.id] = command
        answer = _command_json(command) | {
            "Status": "Pending", "StatusDetails": "Pending", "CompletedCount": 0, "ErrorCount": 0,
            "DeliveryTimedOutCount": 0, "TargetCount": len(set(command.instance_ids)),
        }
        self._dispatcher.start(command)
        return {"Command": answer}

    def list_commands(self, request: dict[str, Any]) -> dict[str, Any]:
        """Newest first."""
        instance_id = request.get("InstanceId")
        commands = [
            command
            for command in _filtered(self._chosen(request), request)
            if instance_id in (None, *command.invocations)
        ]
        return _paged("Commands", [_command_json(command) for command in commands], request)

    def list_command_invocations(self, request: dict[str, Any]) -> dict[str, Any]:
        """Newest first; with Details a short text of the output too."""
        instance_id = request.get("InstanceId")
        invocations = [
            invocation
            for command in _filtered(self._chosen(request), request)
            for invocation in command.invocations.values()
            if instance_id in (None, invocation.instance_id) and self._is_visible(command)
        ]
        part, token = page(invocations, request)
        details = bool(request.get("Details"))
        answer: dict[str, Any] = {"CommandInvocations": [_invocation_json(item, details) for item in part]}
        return answer | ({"NextToken": token} if token else {})

    def get_command_invocation(self, request: dict[str, Any]) -> dict[str, Any]:
        """All about a command on one instance, once the service has got round to it."""
        command = self._commands.get(request.get("CommandId", ""))
        invocation = command.invocations.get(request.get("InstanceId", "")) if command else None
        if command is None or invocation is None or not self._is_visible(command):
            raise APIError("InvocationDoesNotExist", "")
        if request.get("PluginName", _PLUGIN) not in (_PLUGIN, "runShellScript"):
            raise APIError("InvalidPluginName", "")
        status, details = invocation.show()
        ended = status not in OPEN_STATES
        started = invocation.started
        elapsed = f"PT{max(0.0, invocation.ended - started):.3f}S" if ended and started else ""
        return {
            "CommandId": command.id,
            "InstanceId": invocation.instance_id,
            "Comment": command.comment,
            "DocumentName": command.document,
            "DocumentVersion": "$DEFAULT",
            "PluginName": _PLUGIN,
            "ResponseCode": invocation.exit_status if ended else -1,
            "ExecutionStartDateTime": iso_time(started),
            "ExecutionElapsedTime": elapsed,
            "ExecutionEndDateTime": iso_time(invocation.ended) if ended and started else "",
            "Status": status,
            "StatusDetails": details,
            "StandardOutputContent": cut(invocation.output, OUTPUT_LIMIT) if ended else "",
            "StandardOutputUrl": "",
            "StandardErrorContent": cut(invocation.errors, ERROR_LIMIT) if ended else "",
            "StandardErrorUrl": "",
            "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False},
        }

    def cancel_command(self, request: dict[str, Any]) -> dict[str, Any]:
        """Asks: what has not begun will not, what runs is killed."""
        command = self._command(request)
        wanted = request.get("InstanceIds") or list(command.invocations)
        at_most(wanted, "instanceIds", 50)
        if unknown := set(wanted) - set(command.invocations):
            raise APIError("InvalidInstanceId", f"not targets of this command: {', '.join(sorted(unknown))}")
        command.is_cancelled = command.is_cancelled or not request.get("InstanceIds")
        for instance_id in wanted:
            invocation = command.invocations[instance_id]
            if invocation.status == "InProgress":
                invocation.move("Cancelling")
            invocation.cancelled.set()
        return {}

    def describe_instance_information(self, request: dict[str, Any]) -> dict[str, Any]:
        """The instances whose agents have presented themselves."""
        old, new = request.get("InstanceInformationFilterList") or [], request.get("Filters") or []
        if old and new:
            raise APIError("ValidationException", "Use either Filters or InstanceInformationFilterList.")
        filters = [(item["key"], item["valueSet"]) for item in old]
        filters += [(item["Key"], item["Values"]) for item in new]
        found = [machine for machine in self._machines.managed() if _fits(machine, filters)]
        entries = [self._information_json(machine) for machine in found]
        return _paged("InstanceInformationList", entries, request, low=5)

    def get_connection_status(self, request: dict[str, Any]) -> dict[str, Any]:
        """Whether a session could begin."""
        machine = self._machines.get(request["Target"])
        is_connected = machine is not None and machine.answers
        return {"Target": request["Target"], "Status": "connected" if is_connected else "notconnected"}

    def _command(self, request: dict[str, Any]) -> Command:
        command = self._commands.get(request.get("CommandId", ""))
        if command is None:
            raise APIError("InvalidCommandId", "")
        return command

    def _chosen(self, request: dict[str, Any]) -> list[Command]:
        if request.get("CommandId"):
            return [self._command(request)]
        return list(reversed(list(self._commands.values())))

    def _is_visible(self, command: Command) -> bool:
        return self._clock.now() - command.requested >= self._faults.timing.visible

    def _information_json(self, machine: Machine) -> dict[str, Any]:
        silence = 0 if machine.answers else 600
        return {
            "InstanceId": machine.id,
            "PingStatus": _ping_status(machine),
            "LastPingDateTime": self._clock.now() - silence,
            "AgentVersion": VERSION,
            "IsLatestVersion": True,
            "PlatformType": "Linux",
            "PlatformName": PLATFORM_NAME,
            "PlatformVersion": PLATFORM_VERSION,
            "ResourceType": "EC2Instance",
            "IPAddress": machine.address,
            "ComputerName": machine.name,
        }


def _filtered(commands: list[Command], request: dict[str, Any]) -> list[Command]:
    """Those that fit all filters; names of filters and their members begin with a small letter, unlike others."""
    for entry in request.get("Filters") or []:
        key, value = entry["key"], entry["value"]
        if key in ("InvokedAfter", "InvokedBefore"):
            try:
                moment = datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()
            except ValueError:
                raise APIError("ValidationException", f"The filter value {value} is not a date.") from None
            later = key == "InvokedAfter"
            commands = [command for command in commands if (command.requested > moment) == later]
        elif key == "DocumentName":
            commands = [command for command in commands if command.document == value]
        elif key == "Status":
            commands = [command for command in commands if command.state()[0] == value]
        else:
            raise APIError("InvalidFilterKey", f"The filter {key} is not valid.")
    return commands


def _ping_status(machine: Machine) -> str:
    return "Online" if machine.answers else "ConnectionLost"


def _fits(machine: Machine, filters: list[tuple[str, list[str]]]) -> bool:
    for key, values in filters:
        known = {
            "InstanceIds": machine.id, "PingStatus": _ping_status(machine), "PlatformTypes": "Linux",
            "AgentVersion": VERSION, "ResourceType": "EC2Instance",
        }
        if key == "tag-key":
            if not set(values) & set(machine.tags):
                return False
        elif key.startswith("tag:"):
            if machine.tags.get(key[4:]) not in values:
                return False
        elif key not in known:
            raise APIError("InvalidFilterKey", f"The filter {key} is not valid.")
        elif known[key] not in values:
            return False
    return True


def _paged(name: str, entries: list[Any], request: dict[str, Any], low: int = 1) -> dict[str, Any]:
    part, token = page(entries, request, low)
    return {name: part} | ({"NextToken": token} if token else {})


def _command_json(command: Command) -> dict[str, Any]:
    status, details = command.state()
    parts = list(command.invocations.values())
    return {
        "CommandId": command.id,
        "DocumentName": command.document,
        "DocumentVersion": "$DEFAULT",
        "Comment": command.comment,
        "ExpiresAfter": command.requested + command.timeout + command.execution_timeout,
        "Parameters": command.parameters,
        "InstanceIds": command.instance_ids,
        "Targets": command.targets,
        "RequestedDateTime": command.requested,
        "Status": status,
        "StatusDetails": details,
        "OutputS3BucketName": "",
        "MaxConcurrency": command.maximum_concurrency,
        "MaxErrors": command.maximum_errors,
        "TargetCount": len(parts),
        "CompletedCount": sum(not part.is_open for part in parts),
        "ErrorCount": sum(part.counts_as_error for part in parts),
        "DeliveryTimedOutCount": sum(part.details == "DeliveryTimedOut" for part in parts),
        "ServiceRole": "",
        "TimeoutSeconds": command.timeout,
    }


def _invocation_json(invocation: Invocation, with_details: bool) -> dict[str, Any]:
    command = invocation.command
    status, details = invocation.show()
    plugin = {
        "Name": _PLUGIN,
        "Status": status,
        "StatusDetails": details,
        "ResponseCode": invocation.exit_status,
        "ResponseStartDateTime": invocation.started or command.requested,
        "Output": plugin_output(invocation.output, invocation.errors),
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "OutputS3Region": "",
    }
    if invocation.ended:
        plugin["ResponseFinishDateTime"] = invocation.ended
    return {
        "CommandId": command.id,
        "InstanceId": invocation.instance_id,
        "InstanceName": invocation.name,
        "Comment": command.comment,
        "DocumentName": command.document,
        "DocumentVersion": "$DEFAULT",
        "RequestedDateTime": command.requested,
        "Status": status,
        "StatusDetails": details,
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "CommandPlugins": [plugin] if with_details else [],
        "ServiceRole": "",
    }
