"""Asks moto for instances behind the endpoint's back: no signature, no fault and no count."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from werkzeug.test import Client

_IMAGE = "ami-0123456789abcdef0"
_TYPE = "m7i.large"
_VERSION = "2016-11-15"


class Launcher:
    """Speaks EC2's query protocol to moto itself, which goes by the credential scope alone."""

    def __init__(self, moto: Callable[..., Any], region: str) -> None:
        self._client = Client(moto)
        self._scope = (
            f"AWS4-HMAC-SHA256 Credential=lab/20260101/{region}/ec2/aws4_request, "
            "SignedHeaders=host, Signature=0"
        )

    def ask(self, action: str, element: str, **parameters: str) -> str:
        """Calls an operation; the text of the first such element of the answer."""
        answer = self._client.post(
            "/", data={"Action": action, "Version": _VERSION, **parameters},
            headers={"Authorization": self._scope},
        )
        found = re.search(f"<{element}>([^<]*)</{element}>", answer.text)
        if answer.status_code != 200 or found is None:
            raise RuntimeError(f"{action}: {answer.text}")
        return found[1]

    def run_instance(self, name: str, address: str, subnet: str) -> str:
        """Runs an instance; an empty address is chosen by moto. Returns its id."""
        parameters = {
            "ImageId": _IMAGE, "InstanceType": _TYPE, "MinCount": "1", "MaxCount": "1", "SubnetId": subnet,
            "TagSpecification.1.ResourceType": "instance",
            "TagSpecification.1.Tag.1.Key": "Name", "TagSpecification.1.Tag.1.Value": name,
        }
        if address:
            parameters["PrivateIpAddress"] = address
        return self.ask("RunInstances", "instanceId", **parameters)
