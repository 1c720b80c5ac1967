"""SendCommand: what it accepts, and whom it reaches."""

from __future__ import annotations

import json
import re
from typing import Any

from awslab.commands.model import Command
from awslab.credentials import ACCOUNT
from awslab.errors import APIError
from awslab.machines import Machine, Machines
from awslab.validation import at_most, number, violation

INSTANCE_LIMIT = 50
PARAMETER_LIMIT = 64 * 1024
_PARAMETERS = {"commands", "workingDirectory", "executionTimeout"}
_DOCUMENTS = {"AWS-RunShellScript"}
_CONCURRENCY = re.compile(r"([1-9][0-9]*|[1-9][0-9]?%|100%)")
_ERRORS = re.compile(r"([1-9][0-9]*|0|[1-9][0-9]?%|0%|100%)")


def read_command(request: dict[str, Any], now: float) -> Command:
    """The command that a request describes; raises `APIError`."""
    document = request.get("DocumentName", "").rpartition("document/")[2]
    if document not in _DOCUMENTS:
        raise APIError("InvalidDocument", f"Document {document} does not exist in your account.")
    instance_ids, targets = request.get("InstanceIds") or [], request.get("Targets") or []
    at_most(instance_ids, "instanceIds", INSTANCE_LIMIT)
    at_most(targets, "targets", 5)
    for target in targets:
        at_most(target.get("Values") or [], "targets.1.member.values", INSTANCE_LIMIT)
    if bool(instance_ids) == bool(targets):
        raise APIError("ValidationException", "Specify either InstanceIds or Targets.")
    comment = request.get("Comment", "")
    at_most(comment, "comment", 100)
    concurrency, errors = request.get("MaxConcurrency", "50"), request.get("MaxErrors", "0")
    if not _CONCURRENCY.fullmatch(concurrency) or len(concurrency) > 7:
        raise _no_match("maxConcurrency", _CONCURRENCY, concurrency)
    if not _ERRORS.fullmatch(errors) or len(errors) > 7:
        raise _no_match("maxErrors", _ERRORS, errors)
    return Command(
        document=document,
        parameters=_read_parameters(request.get("Parameters") or {}),
        comment=comment,
        timeout=number(request, "TimeoutSeconds", 3600, 30, 2_592_000),
        maximum_concurrency=concurrency,
        maximum_errors=errors,
        instance_ids=instance_ids,
        targets=targets,
        requested=now,
    )


def _no_match(name: str, pattern: re.Pattern[str], value: str) -> APIError:
    return violation(name, f"satisfy regular expression pattern: ^{pattern.pattern}$", value)


def _read_parameters(parameters: dict[str, Any]) -> dict[str, list[str]]:
    if unknown := set(parameters) - _PARAMETERS:
        raise APIError(
            "InvalidParameters",
            f"document AWS-RunShellScript does not support parameters {', '.join(sorted(unknown))}.",
        )
    if not parameters.get("commands"):
        raise APIError("InvalidParameters", "Parameter commands is required by document AWS-RunShellScript.")
    for name, values in parameters.items():
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise APIError("SerializationException", f"{name} is no list of strings")
    if len(json.dumps(parameters, ensure_ascii=False).encode()) > PARAMETER_LIMIT:
        raise APIError("MaxDocumentSizeExceeded", "The size limit of a document is 64 KB.")
    return parameters


def choose_machines(command: Command, machines: Machines) -> list[Machine]:
    """The instances that a command reaches; raises `APIError` when one of those named is none."""
    managed = {machine.id: machine for machine in machines.managed()}
    if command.instance_ids:
        wrong = [name for name in command.instance_ids if name not in managed]
        if wrong:
            raise APIError(
                "InvalidInstanceId",
                f"Instances [[{', '.join(wrong)}]] not in a valid state for account {ACCOUNT}",
            )
        return [managed[name] for name in dict.fromkeys(command.instance_ids)]
    chosen = list(managed.values())
    for target in command.targets:
        chosen = [machine for machine in chosen if _matches(machine, target)]
    return chosen


def _matches(machine: Machine, target: dict[str, object]) -> bool:
    key, values = str(target.get("Key", "")), target.get("Values") or []
    assert isinstance(values, list)
    if key == "InstanceIds":
        return machine.id in values
    if key.startswith("tag:"):
        return machine.tags.get(key[4:]) in values
    if key == "tag-key":
        return any(value in machine.tags for value in values)
    raise APIError("InvalidTarget", f"The target {key} is not valid.")
